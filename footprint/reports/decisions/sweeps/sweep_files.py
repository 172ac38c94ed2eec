"""A sweep written part by part to CSV or Parquet, so that nothing that was computed is lost.

Beside the file stands ``NAME.sweep.json`` while the sweep runs: which sweep it is, how many parts are
written, and where they end. ``resume`` cuts a torn end off and goes on there.
"""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from footprint.catalog.version import versions
from footprint.decisions.streams import NUMBERS, Part, Stream
from footprint.errors import FootprintError
from footprint.reports.decisions.sweeps.sweep_reader import (
    Known,
    read_arrow_parts,
    read_csv_parts,
    read_table,
)
from footprint.reports.files import require_writable

ENDINGS = (".csv", ".parquet")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_PARTS = ".parts"
_ROWS_OF_A_GROUP = 50_000
"""Least number of rows in a row group of Parquet; a part of a sample is one row."""


def write_sweep(
    stream: Stream,
    path: Path,
    *,
    overwrite: bool = False,
    resume: bool = False,
    earlier: Callable[[Part], None] | None = None,
) -> Iterator[Part]:
    """Write the parts to a file, each whole; yields each one when it is written.

    With ``resume`` a file that the same sweep began is continued; the parts that it holds are not yielded,
    but read back and given to ``earlier``.

    Raises FootprintError for a file that exists, another ending, and a file that another sweep began.
    """
    if path.suffix.lower() not in ENDINGS:
        raise FootprintError(f"{path}: a sweep is written to {' or '.join(ENDINGS)}")
    sink = _Csv(path, stream) if path.suffix.lower() == ".csv" else _Parquet(path, stream)
    note = path.with_name(f"{path.name}.sweep.json")
    begun = _read(note) if resume else None
    if resume and begun is None and path.exists():
        raise FootprintError(f"{path} is complete, or no sweep began it: leave out --resume")
    if begun is None:
        require_writable(path, overwrite=overwrite)
    elif begun.get("sweep") != stream.digest:
        raise FootprintError(f"{path} was begun by another sweep, or by another version: choose another name")
    done = 0 if begun is None else int(begun["parts"])
    parts = stream.parts(done)  # a scheduler that does not answer raises here, before the file is touched
    if begun is None:
        sink.begin()
        _write(note, _state(stream, 0, sink.end()))  # also a kill in the first part
    else:
        sink.go_on(begun)
        stream.problems.update(begun.get("problems", {}))
        if earlier is not None:
            for part in sink.written(done, stream):
                earlier(part)
    try:
        for part in parts:
            sink.add(part, done)
            done += 1
            _write(note, _state(stream, done, sink.end()))
            yield part
        sink.finish(done)
        note.unlink(missing_ok=True)
    except OSError as error:
        raise FootprintError(f"cannot write {path}: {error.strerror or error}") from None
    finally:
        sink.close()


def _state(stream: Stream, parts: int, end: int) -> dict[str, Any]:
    return {"sweep": stream.digest, "parts": parts, "end": end, "problems": stream.problems}


def _read(note: Path) -> dict[str, Any] | None:
    from footprint.catalog.checks.limits import parse_json

    try:
        found = parse_json(note.read_text(encoding="utf-8"), note)
    except OSError:
        return None
    if not (
        isinstance(found, dict)
        and all(isinstance(found.get(name), int) and found[name] >= 0 for name in ("parts", "end"))
        and isinstance(problems := found.get("problems", {}), dict)
        and all(isinstance(count, int) for count in problems.values())
    ):
        raise FootprintError(f"{note} is not what a sweep writes: delete it and begin again")
    return found


def _write(note: Path, state: dict[str, Any]) -> None:
    part = note.with_name(f"{note.name}.new")
    part.write_text(json.dumps(state), encoding="utf-8")
    part.replace(note)


class _Csv:
    """One file; a part is one write."""

    def __init__(self, path: Path, stream: Stream) -> None:
        self._path = path
        self._cells = {name: [_cell(value) for value in values] for name, values in stream.axes.items()}
        self._file: io.FileIO | None = None

    def begin(self) -> None:
        self._file = io.FileIO(self._path, "wb")
        self._put(_encoded([[*self._cells, *NUMBERS, "feasible", *versions()]]))

    def go_on(self, begun: dict[str, Any]) -> None:
        if not self._path.is_file() or self._path.stat().st_size < begun["end"]:
            raise FootprintError(f"{self._path} is shorter than its sweep left it: begin again")
        os.truncate(self._path, begun["end"])
        self._file = io.FileIO(self._path, "ab")

    def written(self, _: int, stream: Stream) -> Iterator[Part]:
        return read_csv_parts(self._path, _known(stream))

    def end(self) -> int:
        return self._path.stat().st_size

    def add(self, part: Part, _: int) -> None:
        columns = [
            [cells[place] for place in part.axes[name].places.tolist()] for name, cells in self._cells.items()
        ]
        columns += [_texts(part.numbers[name]) for name in NUMBERS]
        columns.append(["true" if one else "false" for one in part.feasible])
        columns += [[version] * len(part) for version in versions().values()]
        self._put(_encoded(zip(*columns, strict=True)))

    def finish(self, _: int) -> None:
        self.close()

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def _put(self, data: bytes) -> None:
        assert self._file is not None  # noqa: S101 - it was begun
        view = memoryview(data)
        while view:
            view = view[self._file.write(view) or 0 :]


def _known(stream: Stream) -> Known:
    """The axes, with how a CSV and how a Parquet file hold their values."""
    return {
        name: (values, {key: at for at, one in enumerate(values) for key in (_cell(one), _axis([one])[0])})
        for name, values in stream.axes.items()
    }


def _texts(numbers: Any) -> list[str]:
    """Numbers to their last digit; nothing where there is none."""
    return ["" if number != number else repr(number) for number in numbers.tolist()]


def _cell(value: Any) -> str:
    """A value of an axis; a text that a spreadsheet would run gets an apostrophe."""
    text = (
        "" if value is None else ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    )
    return f"'{text}" if isinstance(value, str) and text.startswith(_FORMULA) else text


def _encoded(rows: Any) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


class _Parquet:
    """Each part is a file of Arrow in a folder beside the file; at the end they become one Parquet file."""

    def __init__(self, path: Path, stream: Stream) -> None:
        try:
            import pyarrow as pa
        except ImportError:
            raise FootprintError(
                f"{path}: Parquet needs the package pyarrow: pip install 'footprint-ml[parquet]'"
            ) from None
        self._path = path
        self._axes = {name: pa.array(_axis(values)) for name, values in stream.axes.items()}
        self._folder = path.with_name(f"{path.name}{_PARTS}")

    def begin(self) -> None:
        self._folder.mkdir(exist_ok=True)
        for old in self._folder.glob("*.arrow"):
            old.unlink()

    def go_on(self, begun: dict[str, Any]) -> None:
        missing = [n for n in range(begun["parts"]) if not self._part(n).is_file()]
        if missing:
            raise FootprintError(f"{self._part(missing[0])} is missing: begin again")

    def written(self, parts: int, stream: Stream) -> Iterator[Part]:
        return read_arrow_parts([self._part(number) for number in range(parts)], _known(stream))

    def end(self) -> int:
        return 0

    def add(self, part: Part, number: int) -> None:
        import numpy as np
        import pyarrow as pa

        columns = {name: one.take(pa.array(part.axes[name].places)) for name, one in self._axes.items()}
        columns |= {name: pa.array(part.numbers[name], mask=np.isnan(part.numbers[name])) for name in NUMBERS}
        columns["feasible"] = pa.array(part.feasible)
        columns |= {name: pa.repeat(version, len(part)) for name, version in versions().items()}
        table = pa.table(columns)
        fresh = self._part(number).with_suffix(".new")
        with pa.ipc.new_file(fresh, table.schema) as writer:
            writer.write_table(table)
        fresh.replace(self._part(number))

    def finish(self, parts: int) -> None:
        from pyarrow import parquet

        whole = self._path.with_name(f".{self._path.name}.new")
        tables = map(read_table, map(self._part, range(parts)))
        try:
            if parts:
                schema, repeated = read_table(self._part(0)).schema, [*self._axes, *versions()]
                with parquet.ParquetWriter(whole, schema, use_dictionary=repeated) as writer:
                    for group in _grouped(tables):
                        writer.write_table(group)
                whole.replace(self._path)
        finally:
            whole.unlink(missing_ok=True)
        for number in range(parts):
            self._part(number).unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            self._folder.rmdir()

    def close(self) -> None:
        """Nothing is open between two parts."""

    def _part(self, number: int) -> Path:
        return self._folder / f"{number:07}.arrow"


def _grouped(tables: Iterator[Any]) -> Iterator[Any]:
    """The rows of the tables in tables of at least `_ROWS_OF_A_GROUP`, except the last one."""
    import pyarrow as pa

    waiting: list[Any] = []
    rows = 0
    for table in tables:
        waiting.append(table)
        rows += len(table)
        if rows >= _ROWS_OF_A_GROUP:
            yield pa.concat_tables(waiting)
            waiting, rows = [], 0
    if waiting:
        yield pa.concat_tables(waiting)


def _axis(values: Sequence[Any]) -> list[Any]:
    """The values of an axis in one type: numbers where all are numbers, else text."""
    if all(
        value is None or (isinstance(value, int | float) and not isinstance(value, bool)) for value in values
    ):
        return [None if value is None else float(value) for value in values]
    return [None if value is None else _cell(value) for value in values]
