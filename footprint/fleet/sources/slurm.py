"""Slurm's accounting, as `footprint slurm` reads it: the text of ``sacct -P`` or ``sacct --json``."""

from __future__ import annotations

from pathlib import Path

from footprint.fleet.columns import tidy_records
from footprint.fleet.settings import Read, Settings

FORM = "slurm"


def fits(path: Path, head: str) -> bool:
    """Whether it has a header of sacct, or is JSON with jobs."""
    first = head.lstrip()
    if first[:1] == "{":
        return '"jobs"' in head and '"footprint/' not in head and path.is_file()
    header = {cell.strip().lower() for cell in first.partition("\n")[0].split("|")}
    return bool(header & {"jobid", "jobidraw"}) and "state" in header


def read(path: Path, settings: Settings) -> Read:
    """An estimate for each launch that ended, and a measurement where Slurm read the energy."""
    from footprint.errors import DataFileError
    from footprint.integrations.slurm import report_jobs
    from footprint.integrations.slurm.page import notes_of
    from footprint.integrations.slurm.rows import rows_of

    report = report_jobs([str(path)], **settings.options)
    rows = rows_of(report)
    if not rows:
        raise DataFileError(f"{path}: no job of it ended")
    return Read(tidy_records(rows, path, settings.extra), 0, list(notes_of(report)))
