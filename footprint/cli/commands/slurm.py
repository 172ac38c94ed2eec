"""Report what untracked Slurm jobs used, from Slurm's accounting."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from footprint.cli.shared.formats import columns_option, format_option, require_csv, settled, show
from footprint.cli.shared.say import note
from footprint.cli.shared.scenario_options import field_option
from footprint.spelling import on_command_line

if TYPE_CHECKING:
    from footprint.integrations.slurm import SlurmReport
    from footprint.reports.formats import Answer

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
@field_option(
    "hw", multiple=True, metavar="CHIP",
    help="Type of the GPUs: CHIP, TYPE=CHIP, or CHIP:N (N per node) if Slurm lists none.",
)  # fmt: skip
@field_option("accelerators_per_node")
@click.option(
    "--energy-plugin", type=click.Choice(["ipmi", "xcc", "pm_counters", "rapl", "gpu", "none"]),
    help="Slurm's energy plugin (AcctGatherEnergyType).",
)  # fmt: skip
@field_option("region", help="Where the electricity comes from.")
@field_option("year", help="Year of grid, PUE and prices (newest).")
@field_option("pue")
@field_option("grid_g_per_kwh", help="Carbon intensity, instead of a region.")
@field_option("provider", help="Provider of prices and PUE.")
@field_option("purchase")
@field_option("usd_per_hour")
@format_option("jobs", "Output format (table).", default=None)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="File; a .csv is appended to.")
@click.option("--overwrite", is_flag=True, help="Replace an existing file.")
@columns_option()
@click.option("--quiet", is_flag=True, help="No notes on standard error.")
def command(
    targets: tuple[str, ...],
    format_: str | None,
    output: Path | None,
    overwrite: bool,
    columns: str | None,
    quiet: bool,
    **options: Any,
) -> None:
    """Account for Slurm jobs, by number (asks sacct) or from a FILE with sacct's output.

    Each launch of a job gets an estimate from its time, its GPUs and their profile. It also gets a
    measurement if Slurm read the energy of its nodes. Rows of steps are never added to the rows of
    their job. Arrays, het jobs, failed jobs and restarted jobs are counted launch by launch.
    """
    from footprint.integrations.slurm import report_jobs
    from footprint.integrations.slurm.page import notes_of

    format_, output = settled(format_, output, "jobs")
    require_csv(columns, format_)
    given = {name: value for name, value in options.items() if value not in (None, ())}
    report = report_jobs(targets, **given)
    show(_answer(report, columns), format_, output, overwrite=overwrite)
    if not quiet:
        for text in notes_of(report):
            note(text)


def _answer(report: SlurmReport, columns: str | None) -> Answer:
    """The answer for the jobs in every form."""
    from footprint.integrations.slurm.page import report_text
    from footprint.integrations.slurm.rows import add_rows, rows_of
    from footprint.reports.formats import Answer

    def append(path: Path) -> str:
        from footprint.results.report_columns import SCHEMAS

        added, known = add_rows(path, rows_of(report), SCHEMAS.get(columns or ""))
        return f"{added} rows added to {path}, {known} were there already"

    return Answer(
        kind="jobs",
        text=lambda: on_command_line(report_text(report)),
        data=report.records,
        rows=lambda: rows_of(report),
        append=append,
        columns=columns,
        subject=report,
    )
