"""CSV: rows of the report, which can be added to an existing file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from footprint.reports.csvfile import SCHEMAS, csv_text
from footprint.reports.formats import Answer

if TYPE_CHECKING:
    from pathlib import Path

KINDS = ("estimate", "inference", "jobs")
ENDING = ".csv"


def write(answer: Answer) -> str:
    """The rows under their heading."""
    assert answer.rows is not None  # noqa: S101 - the kinds above have rows
    rows = answer.rows()
    if answer.kind == "inference":  # these rows are no report: they have columns of their own
        return csv_text(rows, schema=rows[0]["schema"])
    return csv_text(rows, schema=SCHEMAS[answer.columns or "full"])


def append(answer: Answer, path: Path) -> str:
    """Add the rows to a file; returns a message about it."""
    assert answer.append is not None  # noqa: S101
    return answer.append(path)
