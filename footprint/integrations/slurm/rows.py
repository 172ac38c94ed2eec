"""Report rows of Slurm jobs; reading a file twice does not write the rows of a launch twice."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from footprint.integrations.slurm import SlurmReport
from footprint.integrations.slurm.jobs import utc
from footprint.results.row_reader import read_rows
from footprint.results.rows import append_rows, report_row


def rows_of(report: SlurmReport) -> list[dict[str, Any]]:
    """The report rows of every launch that ended, one per estimate and per measurement.

    A running job has no row, because a row cannot be changed later.
    """
    rows = []
    for one in report.estimated:
        if one.status == "running":
            continue
        job = one.job
        for run_id, part in one.parts():
            record = {**part.to_json(), "status": one.status}
            rows.append(report_row(record, kind="estimate", run_id=run_id, started_at=utc(job.start_s)))
        if one.measurement is not None:
            record = one.measurement.to_json()
            rows.append(
                report_row(record, kind="measurement", run_id=job.run_id, started_at=utc(job.start_s))
            )
    return rows


def add_rows(path: Path, rows: Sequence[dict[str, Any]], schema: str | None = None) -> tuple[int, int]:
    """Append the rows that the CSV lacks; returns the numbers of added rows and of existing rows.

    Raises FootprintError as `append_rows` does.
    """
    known: set[tuple[str, ...]] = set()
    if path.is_file() and path.stat().st_size:
        found, _ = read_rows(path, kind=None)
        known = {(row["kind"], row["run_id"], row["started_at"]) for row in found}
    new = [row for row in rows if (row["kind"], row["run_id"], row["started_at"]) not in known]
    append_rows(path, new, schema=schema)
    return len(new), len(rows) - len(new)
