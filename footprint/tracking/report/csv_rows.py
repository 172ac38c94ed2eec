"""The rows of a report CSV: one for the estimate, one for each segment's measurement."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from footprint.results.report_columns import SCHEMAS
from footprint.results.rows import append_rows, report_row
from footprint.tracking.report.run_report import RunReport


def write_rows(report: RunReport, csv: Path, *, first_segment: bool, started_at: str = "") -> None:
    """Add the estimate's row (once a run) and the measurement's row (once a segment) to a report CSV.

    Those that are there already, by a process that was killed meanwhile, are left as they are.

    Raises:
        FootprintError: the file cannot take them.
    """
    append_rows(csv, report_rows(report, first_segment=first_segment, started_at=started_at), once=True)


def report_rows(report: RunReport, *, first_segment: bool, started_at: str = "") -> list[dict[str, Any]]:
    """The estimate's row and the measurement's row of a segment; ``started_at`` replaces its own start."""
    measurement = report.measurement
    rows: list[dict[str, Any]] = []
    common = {"run_id": measurement.run_id, "started_at": started_at or measurement.started_at}
    if report.totals.estimate and first_segment:
        rows.append(report_row(report.totals.estimate, kind="estimate", **common))
    rows.append(report_row(measurement.to_json(), kind="measurement", **common))
    return in_columns(rows, report.totals.given.get("columns"))


def in_columns(rows: list[dict[str, Any]], columns: str | None) -> list[dict[str, Any]]:
    """The rows, which name the schema of the columns if somebody chose some."""
    schema = SCHEMAS.get(str(columns))
    return rows if schema is None else [{**row, "schema": schema} for row in rows]
