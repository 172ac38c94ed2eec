"""The rows of a report CSV: one for the estimate, one for each segment's measurement."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from footprint.results.rows import append_rows, read_rows, report_row
from footprint.tracking.report.run_report import RunReport


def write_rows(report: RunReport, csv: Path, *, first_segment: bool) -> None:
    """Add the estimate's row (once a run) and the measurement's row (once a segment) to a report CSV.

    Raises:
        FootprintError: the file cannot take them.
    """
    append_rows(csv, _rows(report, first_segment=first_segment))


def write_missing_rows(report: RunReport, csv: Path, *, first_segment: bool) -> None:
    """As `write_rows`, leaving out what a process that was killed meanwhile has written already.

    Raises:
        FootprintError: the file cannot be read or cannot take them.
    """
    there: set[tuple[str, ...]] = set()
    if csv.exists():
        there = {_key(row) for row in read_rows(csv, kind=None)[0]}
    append_rows(csv, [row for row in _rows(report, first_segment=first_segment) if _key(row) not in there])


def _rows(report: RunReport, *, first_segment: bool) -> list[dict[str, Any]]:
    measurement = report.measurement
    rows: list[dict[str, Any]] = []
    common = {"run_id": measurement.run_id, "started_at": measurement.started_at}
    if report.totals.estimate and first_segment:
        rows.append(report_row(report.totals.estimate, kind="estimate", **common))
    rows.append(report_row(measurement.to_json(), kind="measurement", **common))
    return rows


def _key(row: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(str(row[name]) for name in ("kind", "run_id", "started_at"))
