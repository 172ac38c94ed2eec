"""Archives of npm and wheels at pinned versions, checked by their digests and kept in a cache."""

from __future__ import annotations

import base64
import hashlib
import os
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import zipfile
from pathlib import Path
from typing import Any

PINNED = Path(__file__).with_name("pinned.toml")


def cache() -> Path:
    """The folder that keeps archives between builds, outside the repository."""
    given = os.environ.get("FOOTPRINT_SITE_CACHE")
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(given) if given else base / "footprint-site"


def npm_package(name: str) -> Path:
    """The archive of an npm package."""
    pinned = _pinned()["npm"][name]
    return _archive(
        f"{name}-{pinned['version']}.tgz",
        "sha512",
        pinned["sha512"],
        ["npm", "pack", "--silent", f"{name}@{pinned['version']}"],
    )


def wheel(name: str) -> Path:
    """The wheel of a package, in Python alone: compiled parts are left out."""
    pinned = _pinned()["wheel"][name]
    stem = f"{name.replace('-', '_').replace('.', '_')}-{pinned['version']}"
    platform = str(pinned.get("platform", "py3-none-any"))
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
    if "platform" in pinned:
        python, abi, systems = platform.split("-")
        for system in systems.split("."):
            command += ["--platform", system]
        command += ["--implementation", "cp", "--python-version", python[2:], "--abi", abi]
    command.append(f"{name}=={pinned['version']}")
    fetched = _archive(f"{stem}-{platform}.whl", "sha256", str(pinned["sha256"]), command)
    return fetched if "platform" not in pinned else _pure(fetched, cache() / f"{stem}-py3-none-any.whl")


def _pure(compiled: Path, pure: Path) -> Path:
    """A wheel without its compiled files, in whose place the package has one in Python."""
    with zipfile.ZipFile(compiled) as source, zipfile.ZipFile(pure, "w", zipfile.ZIP_DEFLATED) as target:
        for member in source.infolist():
            if Path(member.filename).suffix in (".py", ".typed", ".txt") or "METADATA" in member.filename:
                target.writestr(zipfile.ZipInfo(member.filename), source.read(member))
    return pure


def wheels() -> list[Path]:
    """Every pinned wheel."""
    return [wheel(name) for name in _pinned()["wheel"]]


def member(archive: Path, name: str) -> bytes:
    """The content of one file of an npm package."""
    with tarfile.open(archive) as opened:
        found = opened.extractfile(f"package/{name}")
        if found is None:
            raise SystemExit(f"{archive.name} has no file {name}")
        return found.read()


def _pinned() -> dict[str, dict[str, dict[str, Any]]]:
    return tomllib.loads(PINNED.read_text(encoding="utf-8"))


def _archive(file: str, method: str, digest: str, command: list[str]) -> Path:
    """The archive from the cache, else from the command; SystemExit if it is not the pinned one."""
    kept = cache() / file
    if not kept.is_file() or _digest(kept, method) != digest:
        kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=kept.parent) as folder:
            subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
            fetched = Path(folder) / file
            if not fetched.is_file():
                raise SystemExit(f"{command[0]} fetched no {file}")
            found = _digest(fetched, method)
            if found != digest:
                raise SystemExit(f"{file}: its {method} is {found}, not the pinned {digest}: not used")
            fetched.replace(kept)
    return kept


def _digest(path: Path, method: str) -> str:
    """As npm writes it (base64 of sha512), and as pip does (hexadecimal sha256)."""
    digest = hashlib.new(method, path.read_bytes()).digest()
    return base64.b64encode(digest).decode() if method == "sha512" else digest.hex()
