"""What an interrupted sweep wrote, read back: its rows count in the summary of the sweep that goes on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from footprint.decisions.axes import AxisColumn
from footprint.decisions.streams import NUMBERS, Part
from footprint.errors import FootprintError

Known = Mapping[str, tuple[Sequence[Any], Mapping[Any, int]]]
"""The values of each axis, and the place of each value by the form that a file holds."""
ROWS_TOGETHER = 50_000
"""Rows of a CSV in memory at once."""


def read_csv_parts(path: Path, known: Known) -> Iterator[Part]:
    """The scenarios of a CSV that has whole rows only."""
    import csv

    with path.open(newline="", encoding="utf-8") as file:
        rows = csv.reader(file)
        head = next(rows, [])
        while some := list(islice(rows, ROWS_TOGETHER)):
            try:
                columns = dict(zip(head, zip(*some, strict=True), strict=True))
                numbers = {name: [float(text or "nan") for text in columns[name]] for name in NUMBERS}
                yield _part({**columns, **numbers}, known, [one == "true" for one in columns["feasible"]])
            except (ValueError, KeyError) as error:
                raise _not_its_own(path) from error


def read_arrow_parts(paths: Sequence[Path], known: Known) -> Iterator[Part]:
    """The scenarios of files that each hold one part."""
    for path in paths:
        try:
            columns = read_table(path).to_pydict()
            yield _part(columns, known, columns["feasible"])
        except (ValueError, KeyError, OSError) as error:
            raise _not_its_own(path) from error


def read_table(path: Path) -> Any:
    """The table of a part."""
    import pyarrow as pa

    with pa.OSFile(str(path)) as file, pa.ipc.open_file(file) as reader:
        return reader.read_all()


def _part(columns: Mapping[str, Any], known: Known, feasible: Sequence[bool]) -> Part:
    import numpy as np

    axes = {
        name: AxisColumn(values=values, places=np.array([places[one] for one in columns[name]]))
        for name, (values, places) in known.items()
    }
    # Arrow has null where there is no number
    numbers = {name: np.array(columns[name], float) for name in NUMBERS}
    return Part(axes=axes, numbers=numbers, feasible=np.array(feasible, bool))


def _not_its_own(path: Path) -> FootprintError:
    return FootprintError(f"{path} does not hold what its sweep wrote: begin again")
