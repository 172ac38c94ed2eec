"""Jobs that nobody tracked, from Slurm's accounts (sacct)."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from footprint.cli._options import HARDWARE, PROVIDER, REGION

_EPILOG = """\b
Examples:
  footprint slurm 123456 --region FRA
  footprint slurm job.txt --hw a100 --csv runs.csv
  sacct -j 123456 --json | footprint slurm - --hw h100

Energy is Slurm's own where the site measures it (ConsumedEnergyRaw, joules, whole
nodes), else modelled from the hours and the hardware; the output says which.
"""


@click.command(epilog=_EPILOG)
@click.argument("job")
@click.option("--hw", type=HARDWARE, help="Which GPUs, where Slurm's type is not a catalogue name.")
@click.option("--region", type=REGION, help="Where the electricity comes from.")
@click.option("--provider", type=PROVIDER, help="Whose prices and PUE.")
@click.option("--pue", type=float, help="Power usage effectiveness of the site.")
@click.option("--grid-g-per-kwh", type=float, help="Carbon intensity, instead of a region.")
@click.option("--csv", type=click.Path(path_type=Path), help="Report CSV that takes the rows.")
@click.option(
    "--format", "format_", type=click.Choice(["table", "json"]), default="table", help="How it is printed."
)
def command(job: str, hw: str | None, csv: Path | None, format_: str, **given: Any) -> None:
    """Measure JOB, a job number, a file with sacct's output, or - for standard input."""
    from footprint.catalog.files import read_text
    from footprint.reports.run_text import run_text
    from footprint.tracking.merge import runs_of
    from footprint.tracking.report import report_on, write_rows
    from footprint.tracking.slurm import as_journals, ask_sacct, read_jobs

    if job == "-":
        text = sys.stdin.read()
    elif Path(job).is_file():
        text = read_text(Path(job))
    else:
        text = ask_sacct(job)
    journals = as_journals(read_jobs(text, job), {k: v for k, v in given.items() if v is not None}, hw)
    reports = [report_on(run_id, processes) for run_id, processes in runs_of(journals).items()]
    if csv is not None:
        for report in reports:
            write_rows(report, csv, first_segment=True)
    if format_ == "json":
        records = [report.measurement.to_json() for report in reports]
        click.echo(json.dumps(records, indent=2, ensure_ascii=False, allow_nan=False))
        return
    click.echo("\n\n".join(run_text(report.measurement, None) for report in reports))
