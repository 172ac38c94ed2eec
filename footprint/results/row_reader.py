"""Reads report rows back from a CSV: only where they are, since most of their cells are never asked for."""

from __future__ import annotations

import csv
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from footprint.errors import DataFileError
from footprint.results.report_columns import COLUMNS, SCHEMA

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


def read_rows(path: Path, *, kind: str | None, schema: str | None = None) -> tuple[list[Row], int]:
    """The complete rows of one kind, as text, and the number of torn rows that were left out.

    ``kind=None`` reads every kind, for listings that show the kind of each row; sums choose one kind.
    Without a schema the file may have any form of a report, full or short.

    Raises:
        DataFileError: no such file, not a text file, or not a CSV of this schema.
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
        return _rows_of(text, path, kind, schema)
    except csv.Error as error:
        raise DataFileError(f"{path}: not a CSV file: {error}") from None


def _rows_of(text: str, path: Path, kind: str | None, schema: str | None) -> tuple[list[Row], int]:
    """The rows of a CSV's text; they are only found here, since most of their cells are never asked for."""
    lines = iter(text.split("\n"))
    columns = _cells_of(_whole_row(next(lines), lines))
    if schema is None:
        schema = next((one for one, those in COLUMNS.items() if those == tuple(columns)), SCHEMA)
    if columns[-1] != "schema" or (schema in COLUMNS and tuple(columns) != COLUMNS[schema]):
        raise DataFileError(f"{path}: not a CSV of schema {schema}")
    index = {name: place for place, name in enumerate(columns)}
    commas, last = len(columns) - 1, f",{schema}"
    is_first, known = index.get("kind") == 0, "kind" in index
    rows, torn = [], 0
    for line in lines:
        if not line or line == "\r":
            continue
        found = _whole_row(line, lines)
        if _commas(found) != commas or not (found.endswith(last) or _cells_of(found)[-1] == schema):
            torn += 1
            continue
        row = Row(index, found)
        plain = is_first and not found.startswith('"')
        if kind is None or (found.startswith(f"{kind},") if plain else known and row["kind"] == kind):
            rows.append(row)
    return rows, torn


def _whole_row(line: str, lines: Iterator[str]) -> str:
    """A row without its end: the line, and those after it on which a quoted cell goes on."""
    if '"' in line:
        while line.count('"') % 2 and (more := next(lines, None)) is not None:
            line = f"{line}\n{more}"
    return line.removesuffix("\r")


def _commas(row: str) -> int:
    """Commas between cells: those outside quotes."""
    return sum(part.count(",") for part in row.split('"')[::2]) if '"' in row else row.count(",")
