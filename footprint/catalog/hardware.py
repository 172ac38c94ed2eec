"""Accelerators by name: their ids, other names, driver names, or the path of a profile.

One chip costs one small index (``hardware_profiles/index.json``) and one TOML file. A name
that the index lacks is looked for in the files that it does not know: those in the user's own
folder, and new ones of ours before the index is written again. A shipped name wins over a user's.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from footprint.catalog.files import hardware_folder, read_toml, shipped, shipped_toml, user_folder
from footprint.catalog.folder import Names, ids
from footprint.catalog.names import normalise, unknown
from footprint.errors import DataFileError, FootprintError
from footprint.schema import Accelerator, Cite, NodeForm, Source

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

KIND = "accelerator"
LONGEST_NAME = 100
_FOLDER = "hardware_profiles"
_MAKERS = ("nvidia", "tesla", "geforce", "amd", "instinct", "google", "aws", "intel", "habana", "apple")


NAMES = Names({"aliases": ("id", "aliases"), "devices": ("nvml_names", "torch_names")}, dashes=False)
"""Ids and aliases, which people type, apart from what drivers call a device."""


def compact(name: str) -> str:
    """A name as this catalogue compares it: lower case, without blanks, dashes and underscores."""
    return NAMES.same(name)


def find_accelerator(name: str) -> Accelerator:
    """The accelerator of an id, an alias, an NVML or torch device name, or a profile's path.

    Raises
    ------
    UnknownNameError
        If no profile has this name; carries the nearest matches.
    DataFileError
        If the profile is missing or broken.
    """
    if is_path(name):
        from pathlib import Path

        return _from_user_file(Path(name.strip()))
    found = shipped_id(name)
    if found is not None:
        return load_shipped(found)
    path = scanned_names().get(compact(name))
    if path is not None:
        return _load(path)
    raise unknown(KIND, name, known_names(), "footprint hardware list shows all; a .toml path works too")


def accelerator_ids() -> list[str]:
    """Ids of all accelerators, shipped and in the user's folder, sorted; from the file names."""
    return sorted({*ids(hardware_folder()), *ids(user_hardware_folder())})


def all_accelerators(problems: list[str] | None = None) -> list[Accelerator]:
    """Every accelerator, shipped and in the user's folder, by id.

    A broken file is an error, or with ``problems`` a line in it.
    """
    seen: dict[str, Accelerator] = {}
    for path in _profile_paths():
        if path.stem not in seen:
            try:
                seen[path.stem] = _load(path)
            except DataFileError as error:
                if problems is None:
                    raise
                problems.append(str(error))
    return [seen[key] for key in sorted(seen)]


def is_path(name: str) -> bool:
    """Whether a name means a profile's file."""
    return name.strip().lower().endswith(".toml")


def shipped_id(name: str) -> str | None:
    """Id of the shipped accelerator of this name, from the index alone."""
    if len(name) > LONGEST_NAME:
        return None
    names = _index()
    words = normalise(name).split("-")
    while words:
        found = names.get("".join(words))
        if found is not None:
            return found
        if words[0] not in _MAKERS:
            return None
        words = words[1:]  # "Tesla V100" is found as "v100"
    return None


def known_names() -> list[str]:
    """Ids and aliases of the shipped accelerators and file names of the user's, for near matches."""
    return [*NAMES.suggested(shipped(_FOLDER)), *ids(user_hardware_folder())]


def shipped_ids() -> list[str]:
    """Ids of the shipped accelerators, sorted, from the index alone."""
    return sorted(set(_index().values()))


@functools.lru_cache(maxsize=256)
def load_shipped(accelerator_id: str) -> Accelerator:
    """The shipped accelerator of this id."""
    return build_accelerator(shipped_toml(f"{_FOLDER}/{accelerator_id}.toml"), f"{accelerator_id}.toml")


def scanned_names() -> dict[str, Path]:
    """Every name of the profiles that no index knows, the user's and new ones of ours -> their file."""
    names: dict[str, Path] = {}
    for folder in (hardware_folder(), user_hardware_folder()):
        for name, accelerator_id in NAMES.unindexed(folder).items():
            names.setdefault(name, folder / f"{accelerator_id}.toml")
    return names


def build_accelerator(raw: Mapping[str, Any], origin: str) -> Accelerator:
    """The accelerator of a profile's tables, built without type checks (shipped files).

    Raises
    ------
    DataFileError
        If a field is missing, unknown or out of range; names ``origin``.
    """
    try:
        fields = dict(raw)
        fields["nodes"] = tuple(NodeForm(**node) for node in fields.get("nodes", ()))
        fields["cite"] = {path: Cite(**entry) for path, entry in fields.get("cite", {}).items()}
        fields["sources"] = {key: Source(**entry) for key, entry in fields.get("sources", {}).items()}
        for name in ("aliases", "nvml_names", "torch_names"):
            fields[name] = tuple(fields.get(name, ()))
        return Accelerator(**fields)
    except FootprintError as error:
        raise DataFileError(f"{origin}: {error}") from None
    except (TypeError, ValueError, AttributeError) as error:
        raise DataFileError(f"{origin}: not a hardware profile: {error}") from None


def check_accelerator(raw: Mapping[str, Any], origin: str) -> Accelerator:
    """The accelerator of tables that a stranger wrote, every type and key checked first.

    Raises
    ------
    DataFileError
        One line that names each wrong field.
    """
    from pydantic import TypeAdapter, ValidationError

    try:
        # As JSON, because strict JSON mode takes lists for tuples and nothing else for anything else.
        import json

        return TypeAdapter(Accelerator).validate_json(json.dumps(raw, default=str), strict=True)
    except ValidationError as error:
        wrong = [f"{'.'.join(map(str, e['loc'])) or 'file'}: {e['msg']}" for e in error.errors()[:4]]
        more = f" (and {error.error_count() - 4} more)" if error.error_count() > 4 else ""
        raise DataFileError(f"{origin}: {'; '.join(wrong)}{more}") from None
    except FootprintError as error:
        raise DataFileError(f"{origin}: {error}") from None


@functools.cache
def _index() -> dict[str, str]:
    """Compact name -> id of a shipped accelerator; empty without an index, so that a checkout works."""
    return NAMES.indexed(shipped(_FOLDER))


def _profile_paths() -> Iterator[Path]:
    """Profiles, the shipped ones first."""
    for folder in (hardware_folder(), user_hardware_folder()):
        if folder.is_dir():
            yield from sorted(folder.glob("*.toml"))


def user_hardware_folder() -> Path:
    """Folder of the user's own profiles."""
    return user_folder() / _FOLDER


def _load(path: Path) -> Accelerator:
    """The accelerator of a file in one of the two folders; its id must be the file's name."""
    if path.parent == hardware_folder():
        accelerator = build_accelerator(read_toml(path), path.name)
    else:
        accelerator = _from_user_file(path)
    if accelerator.id != path.stem:
        raise DataFileError(f"{path}: its id is {accelerator.id!r}; name the file {accelerator.id}.toml")
    return accelerator


def _from_user_file(path: Path) -> Accelerator:
    try:
        raw = read_toml(path)
    except ValueError:  # a path that no file system takes, such as one with a NUL in it
        raise DataFileError(f"{str(path)!r} is not a path") from None
    return check_accelerator(raw, str(path))
