"""Reading and appending to the report CSV, for reports and the command line.

The implementation is in `footprint.results` (`rows`, `row_reader`): the tracker, a lower layer, has rows too.
"""

from __future__ import annotations

from footprint.results.report_columns import (
    KINDS,
    REPORT_COLUMNS,
    SCHEMA,
    SCHEMAS,
    SHORT_COLUMNS,
    SHORT_SCHEMA,
)
from footprint.results.row_reader import read_rows
from footprint.results.rows import append_rows, csv_text, flatten, report_row

__all__ = [
    "KINDS",
    "REPORT_COLUMNS",
    "SCHEMA",
    "SCHEMAS",
    "SHORT_COLUMNS",
    "SHORT_SCHEMA",
    "append_rows",
    "csv_text",
    "flatten",
    "read_rows",
    "report_row",
]
