"""Find a record's file by its id or one of its other names, without reading every file.

A folder holds one TOML a record, named after its id. ``index.json`` beside them maps every
other name to its id; it is generated (``python -m footprint.catalog.folder``), and a test
fails when it is stale. A name it lacks is looked for in the files themselves, so that a
record added by hand is found at once. Names are compared as `names.normalise` writes them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from footprint.catalog.files import read_text, read_toml, reference_folder
from footprint.catalog.names import normalise
from footprint.catalog.plain import plain_index
from footprint.errors import DataFileError

if TYPE_CHECKING:
    from pathlib import Path

INDEX = "index.json"


def ids(folder: Path | str) -> list[str]:
    """Ids of the records of a folder, from the file names alone; empty if there is no folder."""
    try:
        return sorted(name[:-5] for name in os.listdir(folder) if name.endswith(".toml"))
    except OSError:
        return []


def other_names(record: dict[str, Any]) -> Iterator[str]:
    """Normalised names of a raw record besides its id."""
    listed = record.get("aliases", ())
    if isinstance(listed, list):
        yield from (normalise(name) for name in listed if isinstance(name, str))


def scan(folder: Path | str) -> dict[str, str]:
    """Other name -> id, read from every file of a folder.

    Raises:
        DataFileError: a file is broken, its ``id`` is not its name, or two records share a name.
    """
    names: dict[str, str] = {}
    known = ids(folder)
    for record_id in known:
        path = f"{folder}/{record_id}.toml"
        record = read_toml(path)
        if record.get("id") != record_id:
            raise DataFileError(f"{path}: id is {record.get('id')!r}; it must be the file's name")
        for name in other_names(record):
            owner = name if name in known else names.get(name, record_id)
            if owner != record_id:
                raise DataFileError(f"{path}: the name {name!r} belongs to {owner} already")
            if name != record_id:
                names[name] = record_id
    return dict(sorted(names.items()))


def owner_of(folder: Path | str, name: str) -> str | None:
    """Id of the first record that lists a normalised name; files that cannot be read are passed over."""
    for record_id in ids(folder):
        try:
            if name in other_names(read_toml(f"{folder}/{record_id}.toml")):
                return record_id
        except DataFileError:
            continue  # a broken neighbour must not hide a good file; asked for by name, it is an error
    return None


def read_index(folder: Path | str) -> dict[str, str]:
    """Other name -> id from the generated index; empty if there is none that can be read."""
    try:
        sections = plain_index(read_text(f"{folder}/{INDEX}"))
    except DataFileError:
        return {}
    return sections[""] if sections else {}


def index_text(folder: Path | str) -> str:
    """The index of a folder as its file should hold it."""
    import json

    return json.dumps(scan(folder), indent=0, ensure_ascii=False) + "\n"


def find_id(folder: Path | str, name: str) -> str | None:
    """Id of the record that a name means, None if the folder holds no such name."""
    wanted = normalise(name)
    known = ids(folder)
    if wanted in known:
        return wanted
    found = read_index(folder).get(wanted)
    return found if found in known else owner_of(folder, wanted)


def all_names(folder: Path | str) -> list[str]:
    """Every name that a folder answers to, ids first (for near matches and completion)."""
    return ids(folder) + list(read_index(folder))


def main() -> None:
    """Write the index of the models."""
    folder = reference_folder() / "models"
    (folder / INDEX).write_text(index_text(folder), encoding="utf-8")


if __name__ == "__main__":
    main()
