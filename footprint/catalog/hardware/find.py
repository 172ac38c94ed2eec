"""Accelerators by name: their ids, other names, driver names, or the path of a profile.

A name that the index lacks is searched in the files outside the index: the user's files, and new
shipped files before their index is written. A shipped name takes precedence over a user's.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from footprint.catalog.build import built, checked
from footprint.catalog.files import hardware_folder, read_toml, shipped, user_folder
from footprint.catalog.folder import Names, ids, read_record, read_records
from footprint.catalog.names import normalise, unknown
from footprint.errors import DataFileError, UnknownNameError
from footprint.schema import Accelerator, NodeForm

if TYPE_CHECKING:
    from pathlib import Path

KIND = "accelerator"
LONGEST_NAME = 100
_FOLDER = "hardware_profiles"
_MAKERS = ("nvidia", "tesla", "geforce", "amd", "instinct", "google", "aws", "intel", "habana", "apple")


NAMES = Names({"aliases": ("id", "aliases"), "devices": ("nvml_names", "torch_names")}, dashes=False)
"""Names that people type (ids, aliases), and names that drivers give a device."""


def compact(name: str) -> str:
    """A name for comparison in this catalogue: lower case, without spaces, dashes and underscores."""
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
    chip, _, count = name.rpartition(":")
    if count.isdigit() and shipped_id(chip) is not None:
        raise UnknownNameError(KIND, name, (chip,), "a chip is named here without a count")
    raise unknown(KIND, name, known_names(), "footprint hardware list shows all; a .toml path works too")


def accelerator_ids() -> list[str]:
    """Ids of all accelerators, shipped and in the user's folder, sorted; from the file names."""
    return sorted({*ids(hardware_folder()), *ids(user_hardware_folder())})


def all_accelerators(problems: list[str] | None = None) -> list[Accelerator]:
    """Every accelerator, shipped and in the user's folder, by id.

    A broken file raises DataFileError; if ``problems`` is given, its message is added there instead.
    """
    found = {name: build_accelerator(raw, f"{name}.toml") for name, raw in read_records(hardware_folder())}
    own = user_hardware_folder()
    for name in sorted({*ids(own)} - {*found}):
        try:
            found[name] = _load(own / f"{name}.toml")
        except DataFileError as error:
            if problems is None:
                raise
            problems.append(str(error))
    return [found[key] for key in sorted(found)]


def is_path(name: str) -> bool:
    """Whether a name is the path of a profile."""
    return name.strip().lower().endswith(".toml")


def shipped_id(name: str) -> str | None:
    """Id of the shipped accelerator of this name, from the index; None if there is none."""
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
        words = words[1:]  # leave out the first word, so that "Tesla V100" becomes "v100"
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
    raw = read_record(shipped(_FOLDER), accelerator_id)
    return build_accelerator(raw, f"{accelerator_id}.toml")


def scanned_names() -> dict[str, Path]:
    """Name -> file of every profile outside the index: the user's and new shipped ones."""
    names: dict[str, Path] = {}
    for folder in (hardware_folder(), user_hardware_folder()):
        for name, accelerator_id in NAMES.unindexed(folder).items():
            names.setdefault(name, folder / f"{accelerator_id}.toml")
    return names


def build_accelerator(raw: Mapping[str, Any], origin: str) -> Accelerator:
    """The accelerator of a shipped profile's tables; DataFileError names ``origin`` and the field."""
    return built(Accelerator, "hardware profile", raw, origin, nodes=_nodes)


def _nodes(tables: Iterable[Mapping[str, Any]]) -> tuple[NodeForm, ...]:
    return tuple([NodeForm(**table) for table in tables])


@functools.cache
def _index() -> dict[str, str]:
    """Compact name -> id of the shipped accelerators; empty if there is no index."""
    return NAMES.indexed(shipped(_FOLDER))


def user_hardware_folder() -> Path:
    """Folder of the user's own profiles."""
    return user_folder() / _FOLDER


def _load(path: Path) -> Accelerator:
    """The accelerator of a file in one of the two folders; its id must be the file's name."""
    if path.parent == hardware_folder():
        accelerator = build_accelerator(read_record(path.parent, path.stem), path.name)
    else:
        accelerator = _from_user_file(path)
    if accelerator.id != path.stem:
        raise DataFileError(f"{path}: its id is {accelerator.id!r}; name the file {accelerator.id}.toml")
    return accelerator


def _from_user_file(path: Path) -> Accelerator:
    try:
        raw = read_toml(path)
    except ValueError:  # no valid path, for example because of a NUL
        raise DataFileError(f"{str(path)!r} is not a path") from None
    return checked(Accelerator, raw, str(path))
