"""Reads report rows back from a CSV: only where they are, since most of their cells are never asked for."""

from __future__ import annotations

import csv
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from footprint.errors import DataFileError
from footprint.results.report_columns import COLUMNS, KEYS, newest_of

LARGEST_BYTES = 256 * 1024 * 1024
"""Of a report CSV that is read whole: some hundred thousand rows."""


class Row(Mapping[str, str]):
    """One row of a CSV: its cells by the name of their column, taken apart when one is asked for."""

    __slots__ = ("_cells", "_index", "_text")

    def __init__(self, index: Mapping[str, int], text: str) -> None:
        self._index, self._text = index, text
        self._cells: list[str] | None = None

    def __getitem__(self, name: str) -> str:
        if self._cells is None:
            self._cells = _cells_of(self._text)
        return self._cells[self._index[name]]

    def __iter__(self) -> Iterator[str]:
        return iter(self._index)

    def __len__(self) -> int:
        return len(self._index)

    def __repr__(self) -> str:
        return repr(dict(self))


def _cells_of(line: str) -> list[str]:
    return next(csv.reader(line.splitlines(keepends=True)), []) if '"' in line else line.split(",")


def read_rows(path: Path, *, kind: str | None) -> tuple[list[Row], int]:
    """The complete rows of one kind, as text, and the number of torn rows that were left out.

    ``kind=None`` reads every kind, for listings that show the kind of each row; sums choose one kind.
    The file has any form of a report, full or short, of this version or of an older one.

    Raises:
        DataFileError: no such file, not a text file, not a CSV of report rows, or one of a later schema.
    """
    try:
        about = path.stat()
        if not stat.S_ISREG(about.st_mode) or about.st_size > LARGEST_BYTES:
            raise DataFileError(f"{path}: not a file of report rows of at most {LARGEST_BYTES >> 20} MiB")
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise DataFileError(f"{path}: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise DataFileError(f"{path}: not a text file (UTF-8)") from None
    try:
        return _rows_of(text, path, kind)
    except csv.Error as error:
        raise DataFileError(f"{path}: not a CSV file: {error}") from None


def _rows_of(text: str, path: Path, kind: str | None) -> tuple[list[Row], int]:
    """The rows of a CSV's text; they are only found here, since most of their cells are never asked for."""
    lines = iter(text.split("\n"))
    columns = _cells_of(_whole_row(next(lines), lines))
    if columns[-1] != "schema" or not set(KEYS) <= set(columns):
        raise DataFileError(f"{path}: not a CSV of report rows ({', '.join(COLUMNS)})")
    index = {name: place for place, name in enumerate(columns)}
    commas, is_first = len(columns) - 1, index["kind"] == 0
    rows, torn = [], 0
    for line in lines:
        if not line or line == "\r":
            continue
        found = _whole_row(line, lines)
        schema = found.rpartition(",")[2].strip('"')
        if _commas(found) != commas or schema not in COLUMNS:
            refuse_later(schema, path)
            torn += 1
            continue
        row = Row(index, found)
        plain = is_first and not found.startswith('"')
        if kind is None or (found.startswith(f"{kind},") if plain else row["kind"] == kind):
            rows.append(row)
    return rows, torn


def refuse_later(schema: str, path: object) -> None:
    """Raise DataFileError if the last cell of a row names a later schema than those that are read."""
    newest = newest_of(schema)
    if newest is not None and schema not in COLUMNS:
        raise DataFileError(
            f"{path}: rows of schema {schema}, which a later version wrote (this one reads {newest} and "
            "older): install that version"
        )


def _whole_row(line: str, lines: Iterator[str]) -> str:
    """A row without its end: the line, and those after it on which a quoted cell goes on."""
    if '"' in line:
        while line.count('"') % 2 and (more := next(lines, None)) is not None:
            line = f"{line}\n{more}"
    return line.removesuffix("\r")


def _commas(row: str) -> int:
    """Commas between cells: those outside quotes."""
    return sum(part.count(",") for part in row.split('"')[::2]) if '"' in row else row.count(",")
