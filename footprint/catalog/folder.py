"""Folders of records with one TOML file each: fast reading, and finding a record by any of its names.

``index.json`` holds every file of a folder as one line of JSON with the file's checksum, and maps every
name to the id of its record. Parsing TOML takes thirty times as long as reading the index. The index is
generated (``python -m footprint.catalog``), and a test fails if it is stale. A line is used only if its
checksum matches the file. So a changed or added record is read from its file.
"""

from __future__ import annotations

import functools
import math
import os
from binascii import crc32
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from footprint.catalog.files import read_text, read_toml, shipped
from footprint.catalog.names import normalise
from footprint.errors import DataFileError

if TYPE_CHECKING:
    from pathlib import Path

INDEX = "index.json"


def ids(folder: Path | str) -> list[str]:
    """Ids of the records of a folder, from the file names; empty if there is no folder."""
    try:
        return sorted(name[:-5] for name in os.listdir(folder) if name.endswith(".toml"))
    except OSError:
        return []


def read_record(folder: Path | str, record_id: str) -> dict[str, Any]:
    """The tables of a record: from the index if its line is current, else from the file.

    Raises:
        DataFileError: the file is missing or broken.
    """
    return _read(folder, record_id, 0)[0]


def read_records(folder: Path | str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Id and tables of every record of a folder, sorted by id, as `read_record` reads them."""
    at = 0  # the index is sorted by id, so the search for an id starts after the previous one
    for record_id in ids(folder):
        tables, at = _read(folder, record_id, at)
        yield record_id, tables


def indexed(folder: Path | str, file: str, text: str) -> dict[str, Any] | None:
    """The entry of a file with this text in the index of a folder; None if it is missing or stale."""
    return _line(folder, _head(file, text))[0]


def _read(folder: Path | str, record_id: str, start: int) -> tuple[dict[str, Any], int]:
    path = f"{folder}/{record_id}.toml"
    text = read_text(path)
    tables, end = _line(folder, _head(f"{record_id}.toml", text), start)
    if tables is None:
        from footprint.catalog.checks.limits import parse_toml

        return parse_toml(text, path), end
    return tables, end


def index_text(
    folder: Path | str,
    names: Mapping[str, Mapping[str, str]] | None = None,
    others: Mapping[str, Mapping[str, Any]] | None = None,
) -> str:
    """The text of a folder's index.

    ``names`` maps section -> name -> id; ``others`` holds the entries of files that are no records.
    """
    import json

    lines = [f'"names": [0, {json.dumps(names or {})}]']
    files = {f"{record_id}.toml": read_toml(f"{folder}/{record_id}.toml") for record_id in ids(folder)}
    for file, tables in {**files, **(others or {})}.items():
        head = _head(file, read_text(f"{folder}/{file}")).lstrip()
        lines.append(f"{head} {json.dumps(tables, allow_nan=False)}]")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _head(file: str, text: str) -> str:
    """The beginning of the index line of a file with this text."""
    return f'\n"{file}": [{crc32(text.encode())},'


def _line(folder: Path | str, head: str, start: int = 0) -> tuple[dict[str, Any] | None, int]:
    """The tables of the index line that begins with ``head``, and its end; None if there is no such line."""
    index = _index_of(folder)
    at = index.find(head, start)
    if at < 0:
        return None, start
    try:
        end = index.index("\n", at + 1)
        text = index[at + len(head) : index.rindex("]", at, end)]
        if str(folder).startswith(shipped("")):
            return _read_json(text), end  # ours, and read at every start
        from footprint.catalog.checks.limits import parse_json

        found = parse_json(text, folder)
    except (ValueError, DataFileError):
        return None, start
    return (found, end) if isinstance(found, dict) else (None, start)


def _read_json(text: str) -> dict[str, Any]:
    """The object of a line of ours, by the scanner of `json`, whose import takes longer than the reading."""
    try:
        from _json import make_scanner
    except ImportError:  # a Python without it
        from json import loads

        return dict(loads(text))
    try:
        found, end = make_scanner(_PLAIN)(text, len(text) - len(text.lstrip()))
    except StopIteration:
        raise ValueError("no JSON") from None
    if text[end:].strip():
        raise ValueError("more than one object")
    return dict(found)


class _Plain:
    """What `json` does by default."""

    strict = True
    object_hook = object_pairs_hook = None
    parse_float, parse_int = float, int
    parse_constant = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}.__getitem__


_PLAIN: Any = _Plain


def _index_of(folder: Path | str) -> str:
    """Text of a folder's index; empty if there is none that can be read."""
    path = f"{folder}/{INDEX}"
    try:
        now = os.stat(path)
        return _read_once(path, now.st_mtime_ns, now.st_size)
    except (OSError, DataFileError):
        return ""


@functools.lru_cache(maxsize=32)
def _read_once(path: str, _changed_ns: int, _size: int) -> str:
    return read_text(path)


class Names:
    """The names of one kind of record: the fields that hold them, and the rule by which they are compared.

    ``sections`` maps a section of the index to fields of a record; near matches come from its first
    section. Names are normalised by `normalise` before they are compared, with or without dashes.
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

    def index(self, folder: Path | str) -> dict[str, dict[str, str]]:
        """Section -> name -> id from the generated index; empty if there is none that can be read."""
        sections = _line(folder, '\n"names": [0,')[0] or {}
        return {section: names for section, names in sections.items() if isinstance(names, dict)}

    def indexed(self, folder: Path | str) -> dict[str, str]:
        """Compared name -> id of every record in the index."""
        found: dict[str, str] = {}
        for names in self.index(folder).values():
            # `same` is not called, for speed: the index holds normalised names.
            found.update(names if self.dashes else {n.replace("-", ""): names[n] for n in names})
        return found

    def unindexed(self, folder: Path | str) -> dict[str, str]:
        """Compared name -> id of the records that the index lacks; reads their files."""
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
                # A broken file must not hide a valid one; reading the broken file by its id is an error.
                found.setdefault(self.same(record_id), record_id)
        return found

    def find(self, folder: Path | str, name: str) -> str | None:
        """Id of the record that a name means, None if the folder holds no such name."""
        wanted = self.same(name)
        found = self.indexed(folder).get(wanted)
        if isinstance(found, str) and os.path.isfile(f"{folder}/{found}.toml"):
            return found
        file_name = normalise(name)
        return file_name if file_name in ids(folder) else self.unindexed(folder).get(wanted)

    def suggested(self, folder: Path | str) -> list[str]:
        """Names for near matches and completion: those of the first section, and every id."""
        first = next(iter(self.sections))
        return [*self.index(folder).get(first, ()), *ids(folder)]
