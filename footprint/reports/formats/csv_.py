"""CSV: rows of the report, which can be added to an existing file, or the rows of a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from footprint.reports.formats import OF_ROWS, Answer
from footprint.results.report_columns import SCHEMAS
from footprint.results.rows import csv_text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KINDS = OF_ROWS
ENDING = ".csv"


def write(answer: Answer) -> str:
    """The rows under their heading."""
    if answer.rows is not None:
        return csv_text(answer.rows(), schema=answer.schema or SCHEMAS[answer.columns or "full"])
    assert answer.table is not None  # noqa: S101 - the kinds above have rows
    rows = [{name: _cell(value) for name, value in row.items()} for row in answer.table()]
    return csv_text(rows, schema=answer.schema or "") if rows else ""


def write_parts(answer: Answer) -> Iterator[str]:
    """The text of `write` in parts: the heading, then some rows at a time."""
    assert answer.row_parts is not None  # noqa: S101
    schema = answer.schema or SCHEMAS[answer.columns or "full"]
    yield csv_text([], schema=schema)
    for rows in answer.row_parts():
        yield csv_text(rows, schema=schema).partition("\n")[2]


def append(answer: Answer, path: Path) -> str:
    """Add the rows to a file; returns a message about it."""
    assert answer.append is not None  # noqa: S101
    return answer.append(path)


def _cell(value: Any) -> Any:
    return " ".join(map(str, value)) if isinstance(value, list | tuple) else value
