"""Jobs of Slurm that nobody tracked: what they used, by its accounting."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from footprint.cli._options import AMOUNT, COUNT, HARDWARE, PROVIDER, REGION, USD, WHOLE, write_output

if TYPE_CHECKING:
    from footprint.integrations.slurm import SlurmReport

_EPILOG = """\b
Examples:
  footprint slurm 123456 --region FRA
  footprint slurm jobs.txt --hw v100 --pue 1.2
  footprint slurm jobs.txt --hw volta=v100-sxm2-32gb --hw a100 --format json
  footprint slurm jobs.txt --hw v100 -o runs.csv

\b
A file for it, on the machine where sacct is (or with sacct --json):
  F=JobID,JobIDRaw,State,ElapsedRaw,AllocTRES,ConsumedEnergyRaw,NNodes
  F=$F,NodeList,Partition,Cluster,Submit,Start,End,JobName
  sacct -P --noconvert --duplicates --format=$F -j 123456 > jobs.txt
"""


@click.command(epilog=_EPILOG)
@click.argument("targets", nargs=-1, required=True, metavar="JOBID|FILE...")
@click.option(
    "--hw", type=HARDWARE, multiple=True, metavar="CHIP",
    help="What the GPUs are: CHIP, TYPE=CHIP, or CHIP:N (a node) where Slurm has none.",
)  # fmt: skip
@click.option("--accelerators-per-node", type=WHOLE, help="Accelerators in one server.")
@click.option(
    "--energy-plugin", type=click.Choice(["ipmi", "xcc", "pm_counters", "rapl", "gpu", "none"]),
    help="What reads energy (AcctGatherEnergyType).",
)  # fmt: skip
@click.option("--region", type=REGION, help="Where the electricity comes from.")
@click.option("--year", type=WHOLE, help="Year of grid, PUE and prices (newest).")
@click.option("--pue", type=COUNT, help="Power usage effectiveness of the site.")
@click.option("--grid-g-per-kwh", type=AMOUNT, help="Carbon intensity, instead of a region.")
@click.option("--provider", type=PROVIDER, help="Whose prices and PUE.")
@click.option(
    "--purchase", type=click.Choice(["on_demand", "spot", "reserved_1y", "reserved_3y"]),
    help="How the hours are bought (on_demand).",
)  # fmt: skip
@click.option("--usd-per-hour", type=USD, help="Price of one accelerator-hour.")
@click.option(
    "--format", "format_", type=click.Choice(["table", "json", "csv"]), help="How it is printed (table)."
)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="File; a .csv is appended to.")
@click.option("--overwrite", is_flag=True, help="Replace an existing file.")
@click.option("--quiet", is_flag=True, help="No notes on standard error.")
def command(
    targets: tuple[str, ...],
    format_: str | None,
    output: Path | None,
    overwrite: bool,
    quiet: bool,
    **options: Any,
) -> None:
    """Account for Slurm jobs, by number (asks sacct) or from a FILE with sacct's output.

    Each launch of a job gets an estimate: its time x its GPUs x their profile; and a measurement
    where Slurm read the energy of its nodes. Rows of steps are never added to their job's. Arrays,
    het jobs, and jobs that failed or were started again are counted launch by launch.
    """
    from footprint.integrations.slurm import report_jobs
    from footprint.integrations.slurm.page import notes_of

    given = {name: value for name, value in options.items() if value not in (None, ())}
    report = report_jobs(targets, **given)
    if format_ is None:
        suffix = output.suffix.lower() if output is not None else ""
        format_ = {".json": "json", ".csv": "csv"}.get(suffix, "table")
    _print(report, format_, output, overwrite=overwrite)
    if not quiet:
        for note in notes_of(report):
            click.echo(f"footprint: {note}", err=True)


def _print(report: SlurmReport, format_: str, output: Path | None, *, overwrite: bool) -> None:
    """Write the report in its format; a CSV file is appended to."""
    if format_ == "csv":
        from footprint.integrations.slurm.rows import add_rows, rows_of
        from footprint.reports.csvfile import csv_text

        rows = rows_of(report)
        if output is not None:
            added, known = add_rows(output, rows)
            click.echo(f"footprint: {added} rows added to {output}, {known} were there already", err=True)
            return
        text = csv_text(rows)
    elif format_ == "json":
        import json

        text = json.dumps(report.records(), indent=2, ensure_ascii=False, allow_nan=False)
    else:
        from footprint.integrations.slurm.page import report_text

        text = report_text(report)
    write_output(text, output, overwrite=overwrite)
