"""Find a record's file by any of its names, without reading every file.

A folder holds one TOML a record, named after its id: accelerators, models. ``index.json`` beside
them maps every name to its id, a section for each kind of name. It is generated
(``python -m footprint.catalog.folder``), and a test fails when it is stale. Records that it does
not know, the user's own and new ones of ours, are looked for in their own files, so that a record
added by hand is found at once.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from footprint.catalog.files import read_text, read_toml
from footprint.catalog.names import normalise
from footprint.catalog.plain import plain_index
from footprint.errors import DataFileError, FootprintError

if TYPE_CHECKING:
    from pathlib import Path

INDEX = "index.json"


def ids(folder: Path | str) -> list[str]:
    """Ids of the records of a folder, from the file names alone; empty if there is no folder."""
    try:
        return sorted(name[:-5] for name in os.listdir(folder) if name.endswith(".toml"))
    except OSError:
        return []


class Names:
    """How the records of one kind are named: which fields hold names, and when two names are the same.

    ``sections`` maps a section of the index to fields of a record; its first section is what near
    matches are chosen from. Names are compared as `normalise` writes them, with or without dashes.
    """

    __slots__ = ("dashes", "sections")

    def __init__(self, sections: Mapping[str, tuple[str, ...]], *, dashes: bool) -> None:
        self.sections = sections
        self.dashes = dashes

    def same(self, name: str) -> str:
        """A name in the form in which it is compared."""
        return normalise(name) if self.dashes else normalise(name).replace("-", "")

    def of(self, record: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        """Section and normalised name of every name of a raw record."""
        for section, fields in self.sections.items():
            for field in fields:
                listed = record.get(field, ())
                for name in (listed,) if isinstance(listed, str) else listed:
                    if isinstance(name, str):
                        yield section, normalise(name)

    def scan(self, folder: Path | str) -> dict[str, dict[str, str]]:
        """Section -> name -> id, read from every file of a folder.

        Raises:
            DataFileError: a file is broken, its ``id`` is not its name, or two records share a name.
        """
        found: dict[str, dict[str, str]] = {section: {} for section in self.sections}
        owners: dict[str, str] = {}
        for record_id in ids(folder):
            path = f"{folder}/{record_id}.toml"
            record = read_toml(path)
            if record.get("id") != record_id:
                raise DataFileError(f"{path}: id is {record.get('id')!r}; it must be the file's name")
            for section, name in self.of(record):
                owner = owners.setdefault(self.same(name), record_id)
                if owner != record_id:
                    raise DataFileError(f"{path}: the name {name!r} belongs to {owner} already")
                found[section][name] = record_id
        return {section: dict(sorted(names.items())) for section, names in found.items()}

    def index_text(self, folder: Path | str) -> str:
        """The index of a folder as its file should hold it."""
        import json

        return json.dumps(self.scan(folder), indent=0, ensure_ascii=False) + "\n"

    def index(self, folder: Path | str) -> dict[str, dict[str, str]]:
        """Section -> name -> id from the generated index; empty if there is none that can be read."""
        try:
            return plain_index(read_text(f"{folder}/{INDEX}")) or {}
        except DataFileError:
            return {}

    def indexed(self, folder: Path | str) -> dict[str, str]:
        """Name as compared -> id, of every record that the index knows."""
        found: dict[str, str] = {}
        for names in self.index(folder).values():
            # As `same` would, but the index holds normalised names: this is read at every start.
            found.update(names if self.dashes else {n.replace("-", ""): names[n] for n in names})
        return found

    def unindexed(self, folder: Path | str) -> dict[str, str]:
        """Name as compared -> id, of the records that the index does not know; reads their files."""
        known = set(self.indexed(folder).values())
        found: dict[str, str] = {}
        for record_id in ids(folder):
            if record_id in known:
                continue
            try:
                record = read_toml(f"{folder}/{record_id}.toml")
                for _, name in self.of(record):
                    found.setdefault(self.same(name), record_id)
            except (DataFileError, TypeError):
                # a broken neighbour must not hide a good file; asked for by its file's name, it is an error
                found.setdefault(self.same(record_id), record_id)
        return found

    def find(self, folder: Path | str, name: str) -> str | None:
        """Id of the record that a name means, None if the folder holds no such name."""
        wanted = self.same(name)
        found = self.indexed(folder).get(wanted)
        if found is not None and os.path.isfile(f"{folder}/{found}.toml"):
            return found
        file_name = normalise(name)
        return file_name if file_name in ids(folder) else self.unindexed(folder).get(wanted)

    def suggested(self, folder: Path | str) -> list[str]:
        """Names to choose near matches from, and for completion: the first section's, and every id."""
        first = next(iter(self.sections))
        return [*self.index(folder).get(first, ()), *ids(folder)]


def main() -> int:
    """Write the indices of accelerators and models; exit code 0, or 2 when a file is broken."""
    import sys

    from footprint.catalog import hardware, models
    from footprint.catalog.files import hardware_folder

    kinds = ((hardware.NAMES, hardware_folder()), (models.NAMES, models.models_folder()))
    try:
        for names, folder in kinds:
            (folder / INDEX).write_text(names.index_text(folder), encoding="utf-8")
    except FootprintError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
