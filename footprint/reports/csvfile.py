"""The report CSV: where reports and the command line append to it and read it.

The work is done in `footprint.results.rows`, below the tracker, which writes rows too.
"""

from __future__ import annotations

from footprint.results.rows import (
    KINDS,
    REPORT_COLUMNS,
    SCHEMA,
    append_rows,
    csv_text,
    flatten,
    read_rows,
    report_row,
)

__all__ = [
    "KINDS",
    "REPORT_COLUMNS",
    "SCHEMA",
    "append_rows",
    "csv_text",
    "flatten",
    "read_rows",
    "report_row",
]
