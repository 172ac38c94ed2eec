"""CSV: rows of the report, which can be added to an existing file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from footprint.reports.formats import Answer
from footprint.results.report_columns import SCHEMAS
from footprint.results.rows import csv_text

if TYPE_CHECKING:
    from pathlib import Path

KINDS = ("estimate", "jobs", "comparison", "plan")
ENDING = ".csv"


def write(answer: Answer) -> str:
    """The rows under their heading."""
    assert answer.rows is not None  # noqa: S101 - the kinds above have rows
    return csv_text(answer.rows(), schema=answer.schema or SCHEMAS[answer.columns or "full"])


def append(answer: Answer, path: Path) -> str:
    """Add the rows to a file; returns a message about it."""
    assert answer.append is not None  # noqa: S101
    return answer.append(path)
