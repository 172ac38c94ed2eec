"""Report rows: their columns, their conversion from records, and appending them to a CSV.

Many writers share a report CSV, and any of them may crash. So a write is either complete or has no
effect, and what existing rows hold never changes. The last column, ``schema``, also marks the end of a row:
readers leave out a row whose last cell is not the schema, because it was cut short. A file of the first
schema gets today's columns when a row is added (`footprint.results.widening`).
"""

from __future__ import annotations

import csv
import io
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from footprint.errors import DataFileError, FootprintError
from footprint.plain_text import in_line
from footprint.results.lock import file_lock
from footprint.results.misfit import MISFIT_WORDS
from footprint.results.report_columns import (
    COLUMNS,
    FIRST_SCHEMA,
    FORCED,
    FORMULAS,
    SCHEMA,
    SHORT_SCHEMA,
    joined,
    short_cells,
)
from footprint.results.widening import widen
from footprint.vocabulary import ENDS, KINDS

LOCK_TIMEOUT_S = 60.0

_UNITS = (
    "_flop_per_s", "_byte_per_s", "_g_per_kwh", "_usd_per_h", "_kwh", "_kg", "_usd", "_flop", "_gib",
    "_w", "_h", "_s", "_l",
)  # fmt: skip
_NOT_IN_ROWS = ("schema", "meters", "phases", "faults", "published", "scenario", "memory")


def _unit_of(name: str) -> str:
    """The unit suffix of a name, or an empty text."""
    return next((unit for unit in _UNITS if name.endswith(unit)), "")


def flatten(record: Mapping[str, Any]) -> dict[str, Any]:
    """Flat cells of a nested record, in its order: ``energy_kwh`` becomes ``energy_kwh_low``, ...

    The name of a part follows the name of its parent, and the unit stays at the end
    (``energy_components_kwh`` with ``cpu`` inside gives ``energy_components_cpu_kwh_mid``). A list
    becomes its length, ``..._count``. The causes of a spread are left out.
    """
    cells: dict[str, Any] = {}
    for key, value in record.items():
        _flatten_into(cells, str(key), value)
    return cells


def _flatten_into(cells: dict[str, Any], name: str, value: Any) -> None:
    if isinstance(value, Mapping):
        if "mid" in value and set(value) <= {*ENDS, "spread"}:
            for end in ENDS:
                cells[f"{name}_{end}"] = value.get(end)
            return
        unit = _unit_of(name)
        stem = name.removesuffix(unit)
        for key, part in value.items():
            own = bool(_unit_of(f"_{key}"))
            _flatten_into(cells, f"{name}_{key}" if own or not unit else f"{stem}_{key}{unit}", part)
    elif isinstance(value, list | tuple):
        cells[f"{name}_count"] = len(value)
    else:
        cells[name] = value


def report_row(record: Mapping[str, Any], *, kind: str, run_id: str, started_at: str) -> dict[str, Any]:
    """The report row of an estimate's or a measurement's JSON record.

    Raises:
        FootprintError: a kind that is none of `KINDS`.
    """
    if kind not in KINDS:
        raise FootprintError(f"kind of a report row: {kind!r}; write one of {', '.join(KINDS)}")
    cells = flatten({key: value for key, value in record.items() if key not in _NOT_IN_ROWS})
    for meter in record.get("meters") or ():
        cells[f"meters_{meter['component']}"] = meter["how"]
    warnings = record.get("warnings") or ()
    cells["warnings"] = joined(warnings)
    if kind == "estimate" and any(MISFIT_WORDS in one for one in warnings):
        cells["status"] = FORCED
    return {**cells, "kind": kind, "run_id": run_id, "started_at": started_at}


def append_rows(
    path: Path, rows: Sequence[Mapping[str, Any]], *, schema: str | None = None, once: bool = False
) -> None:
    """Add rows to a CSV in one durable write under a lock; the file is created with its header if new.

    Rows of a report have the columns of their ``schema``: the one given here, else the one that the rows
    name, else that of the file, else the full one. Rows of any other schema have the names
    of their cells as columns, in order, with ``schema`` last. With ``once``, a row whose first three cells
    (kind, run, start) are in the file already is left out. Text that a spreadsheet would run as a
    formula gets an apostrophe in front. After a failed write the file has its old length.

    Raises:
        FootprintError: the folder is missing or read-only, the disk is full, the file holds
            another schema or other columns, or a row has a column the schema does not know.
    """
    if not rows:
        return
    schema = schema or rows[0].get("schema") or _schema_in(path) or SCHEMA
    schema = SCHEMA if schema == FIRST_SCHEMA else schema
    columns = _columns_for(rows, schema)
    lines = [_encode(columns, [_cells(row, columns, schema)]) for row in rows]
    header = _encode(columns, [dict(zip(columns, columns, strict=True))])
    target = Path(os.path.realpath(path))
    if not target.parent.is_dir():
        raise FootprintError(f"{path}: the folder {target.parent} does not exist; make it first")
    if target.exists() and not target.is_file():
        raise FootprintError(f"{path}: not a regular file, so no rows can be appended to it")
    try:
        with file_lock(target, LOCK_TIMEOUT_S):
            if schema == SCHEMA and target.exists():
                widen(target, header, schema)
            if once and target.exists():
                there = _keys_in(target, lines)
                lines = [line for line in lines if _key(line) not in there]
            if lines:
                _append_locked(target, header, b"".join(lines), schema)
    except TimeoutError:
        raise FootprintError(
            f"{path}: another process held {target.name}.lock for {LOCK_TIMEOUT_S:.0f} s; try again"
        ) from None
    except OSError as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise FootprintError(f"{path}: cannot write: {reason}; nothing was added") from None


def _key(line: bytes) -> bytes:
    """The first three cells of a row as they are written; those of our rows need no quotes."""
    return b",".join(line.split(b",", 3)[:3])


def _keys_in(target: Path, lines: Sequence[bytes]) -> set[bytes]:
    """The keys of these rows that the file has already, in whole rows."""
    wanted = {_key(line) for line in lines}
    end = lines[0].rpartition(b",")[2].rstrip(b"\n")
    with target.open("rb") as file:
        return {key for line in file if (key := _key(line)) in wanted and line.rstrip().endswith(end)}


def csv_text(rows: Sequence[Mapping[str, Any]], *, schema: str = SCHEMA) -> str:
    """The rows as the text of a whole CSV, header first."""
    columns = _columns_for(rows, schema)
    header = dict(zip(columns, columns, strict=True))
    return _encode(columns, [header, *(_cells(row, columns, schema) for row in rows)]).decode()


def _schema_in(path: Path) -> str | None:
    """The schema of the report rows that a file has, by its header."""
    if not path.is_file():  # to open a pipe would wait for its writer
        return None
    try:
        with path.open("rb") as file:
            header = file.readline(65536).decode("utf-8-sig", "replace").strip().split(",")
    except OSError:
        return None
    return next((schema for schema, columns in COLUMNS.items() if header == list(columns)), None)


def _columns_for(rows: Sequence[Mapping[str, Any]], schema: str) -> tuple[str, ...]:
    if schema in COLUMNS:
        return COLUMNS[schema]
    names = dict.fromkeys(name for row in rows for name in row)
    names.pop("schema", None)
    return (*names, "schema")


def _cells(row: Mapping[str, Any], columns: Sequence[str], schema: str) -> dict[str, str]:
    known = set(columns)
    cells = {}
    row = short_cells(row) if schema == SHORT_SCHEMA else row
    for name, value in row.items():
        if name == "schema":
            continue
        column = name
        if name not in known and f"{name}_mid" in known:
            column = f"{name}_mid"  # the quantity is one number without an interval
        if column not in known:
            if value is None:
                continue
            raise FootprintError(f"column {name!r} is not one of schema {schema}")
        if value is None and column != name:
            continue
        cells[column] = cell_text(name, value)
    cells["schema"] = schema
    return cells


def cell_text(name: str, value: Any) -> str:
    """A value as CSV text: numbers unrounded, None empty, text on one line and never a formula."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise FootprintError(f"column {name!r}: {value} is not a number that can be reported")
        return repr(value)
    text = in_line(" ".join(str(value).replace("\0", " ").split()))
    return f"'{text}" if text[:1] in FORMULAS else text


def _encode(columns: Sequence[str], rows: Sequence[Mapping[str, str]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([row.get(column, "") for column in columns] for row in rows)
    return text.getvalue().encode("utf-8")


def _append_locked(target: Path, header: bytes, body: bytes, schema: str) -> None:
    """Write once at the end of the file and sync it; restore the old length if either fails."""
    new = not target.exists()
    binary = getattr(os, "O_BINARY", 0)  # without it, Windows writes line ends as two bytes
    file = os.open(target, os.O_RDWR | os.O_CREAT | os.O_APPEND | binary, 0o666)
    try:
        old_length = os.fstat(file).st_size
        data = _mended_start(target, file, old_length, header, schema) + body
        try:
            if os.write(file, data) != len(data):
                raise OSError(28, "no space left on device")
            os.fsync(file)
        except BaseException:
            os.ftruncate(file, old_length)
            if new:
                target.unlink(missing_ok=True)
            raise
    finally:
        os.close(file)


def _read_at(file: int, count: int, offset: int) -> bytes:
    """Up to ``count`` bytes from an offset; the file is in append mode, so its position does not matter."""
    os.lseek(file, offset, os.SEEK_SET)
    return os.read(file, count)


def _mended_start(target: Path, file: int, length: int, header: bytes, schema: str) -> bytes:
    """Bytes to write before the new rows: the header, the rest of a torn header, or the end of a torn row."""
    head = _read_at(file, len(header) + 65536, 0)
    head = head.removeprefix(b"\xef\xbb\xbf")
    if header.startswith(head):  # new, empty, or torn inside its header
        return header[len(head) :]
    first, _, rest = head.partition(b"\n")
    if first.rstrip(b"\r") + b"\n" != header:
        raise DataFileError(
            f"{target}: its columns are not those of schema {schema}, so nothing was added; "
            "write to another file" + (", or leave out `columns=`" if _schema_in(target) else "")
        )
    row, newline, _ = rest.partition(b"\n")
    found = row.rstrip(b"\r").rpartition(b",")[2].decode("utf-8", "replace")
    if newline and found.startswith("footprint/") and found != schema:
        raise DataFileError(f"{target}: holds rows of schema {found}, not {schema}; write to another file")
    if _read_at(file, 1, length - 1) == b"\n":
        return b""
    return _end_of_torn_row(file, length)


def _end_of_torn_row(file: int, length: int) -> bytes:
    """Bytes that end a torn row, so that the next row starts on a new line.

    No cell contains a line break, so an odd number of quotes on the last line means that a quoted cell
    is still open. A torn character is completed, because many programs cannot read a file with one
    invalid byte.
    """
    tail = _read_at(file, 65536, max(0, length - 65536)).rpartition(b"\n")[2]
    return _rest_of_character(tail) + (b'"' if tail.count(b'"') % 2 else b"") + b"\n"


def _rest_of_character(tail: bytes) -> bytes:
    """Continuation bytes that complete a torn last UTF-8 character to some valid character."""
    for back in range(1, min(3, len(tail)) + 1):
        byte = tail[-back]
        if byte & 0xC0 == 0x80:
            continue
        missing = (byte >= 0xC0) + (byte >= 0xE0) + (byte >= 0xF0) - (back - 1)
        if missing <= 0:
            return b""
        # 0x80 would be an overlong form after a bare 0xE0 or 0xF0
        first = {0xE0: b"\xa0", 0xF0: b"\x90"}.get(byte, b"\x80") if back == 1 else b"\x80"
        return first + b"\x80" * (missing - 1)
    return b""
