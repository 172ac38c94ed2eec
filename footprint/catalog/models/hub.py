"""Models of the Hugging Face cache on this machine: ``org/name`` without the network.

The cache's layout is that of huggingface_hub: ``models--org--name/refs/main`` names a commit, and
``snapshots/COMMIT/config.json`` is the file, mostly a link into ``blobs``.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from footprint.catalog.files import read_text
from footprint.catalog.models.read import CONFIG_NAME, read_config
from footprint.errors import DataFileError
from footprint.records import replace
from footprint.schema import ModelConfig

_PART = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,95}"
_COMMIT = re.compile(r"[0-9a-f]{7,64}")
_ID = re.compile(f"{_PART}/{_PART}")


def is_hub_id(name: str) -> bool:
    """Whether a name has the form of a repository of the Hub: ``org/name``."""
    return _ID.fullmatch(name) is not None and ".." not in name and "--" not in name


def hub_cache() -> Path:
    """The cache's folder, by the variables that huggingface_hub reads."""
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        if given := os.environ.get(name):
            return Path(given).expanduser()
    home = os.environ.get("HF_HOME")
    if not home:
        cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
        home = f"{cache}/huggingface"
    return Path(home).expanduser() / "hub"


def cached_model(hub_id: str) -> ModelConfig | None:
    """The model whose config.json is in the cache; None where the cache has nothing of this repository.

    Raises:
        DataFileError: the cache's entry is incomplete, leads out of the cache, or holds no model config.
    """
    try:
        cache = hub_cache().resolve()
        folder = cache / f"models--{hub_id.replace('/', '--')}"
        if not folder.is_dir():
            return None
        path = folder / "snapshots" / _commit(folder, cache, hub_id) / CONFIG_NAME
        if not path.exists():
            raise _incomplete(hub_id, folder, f"no {CONFIG_NAME} of its commit")
        _require_inside(path, cache, hub_id)
        model = read_config(path)
    except (OSError, RuntimeError, ValueError) as error:
        raise DataFileError(f"{hub_id}: the Hugging Face cache cannot be read: {error}") from None
    return replace(model, id=hub_id, name=hub_id)


def download_hint(hub_id: str) -> str:
    """How to get the config of a repository, which is never looked up on the network."""
    return f"only the local cache of the Hub is read; fill it with: hf download {hub_id} {CONFIG_NAME}"


def _commit(folder: Path, cache: Path, hub_id: str) -> str:
    """The commit of the main branch."""
    path = folder / "refs" / "main"
    if not path.is_file():
        raise _incomplete(hub_id, folder, "no refs/main")
    _require_inside(path, cache, hub_id)
    commit = read_text(path).strip()
    if _COMMIT.fullmatch(commit) is None:
        raise _incomplete(hub_id, folder, "no commit in refs/main")
    return commit


def _require_inside(path: Path, cache: Path, hub_id: str) -> None:
    if not path.resolve().is_relative_to(cache):
        raise DataFileError(
            f"{hub_id}: {path.relative_to(cache)} is a link out of the Hugging Face cache, which is not "
            "followed: give the path of the config.json itself"
        )


def _incomplete(hub_id: str, folder: Path, what: str) -> DataFileError:
    return DataFileError(
        f"{hub_id}: its entry in the Hugging Face cache has {what} ({folder}): {download_hint(hub_id)}"
    )
