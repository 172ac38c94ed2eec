"""Add up runs from report CSVs, journals, estimates, codecarbon, Slurm and power logs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from footprint.catalog.version import headed
from footprint.cli.shared.formats import answer_options, settled, show
from footprint.cli.shared.scenario_options import field_option
from footprint.vocabulary import KINDS

if TYPE_CHECKING:
    from footprint.reports.formats import Answer
    from footprint.results.fleet import FleetReport

_EPILOG = """\b
Examples:
  footprint report runs.csv footprint-runs
  footprint report runs.csv --by project --by month
  footprint report emissions.csv --by place --format markdown
  footprint report jobs.txt --hw v100 --region FRA --kind measurement
  footprint report runs.csv -o report.html
"""


@click.command(epilog=_EPILOG)
@click.argument("inputs", nargs=-1, required=True, metavar="INPUTS...", type=click.Path(path_type=Path))
@click.option(
    "--by", multiple=True, metavar="COLUMN",
    help="project, model, hardware, place, month, status, or any column (repeat for several).",
)  # fmt: skip
@click.option(
    "--kind", type=click.Choice(KINDS, case_sensitive=False),
    help="Only rows of this kind.",
)  # fmt: skip
@click.option("--rows", is_flag=True, help="The runs themselves, each once, as rows of the report CSV.")
@field_option("hw", multiple=True, metavar="CHIP", help="Slurm's GPUs: CHIP, TYPE=CHIP or CHIP:N.")
@field_option("region", help="Place of Slurm jobs and of power logs.")
@field_option("year", help="Year of the grid, PUE and prices of these (newest).")
@field_option("pue", help="PUE of Slurm jobs.")
@field_option("grid_g_per_kwh", help="Carbon intensity, instead of a region.")
@click.option("--scheduler", metavar="ADDRESS", help="Dask scheduler for Parquet in parts (tcp://host:port).")
@answer_options("report")
def command(
    inputs: tuple[Path, ...],
    by: tuple[str, ...],
    kind: str | None,
    rows: bool,
    scheduler: str | None,
    format_: str | None,
    output: Path | None,
    overwrite: bool,
    **options: Any,
) -> None:
    """Add up the runs of some files and folders.

    Each run counts once, also where it is in several inputs. Estimates, measurements and published
    values stay apart, and so do boundaries. Intervals of sums add the ends.
    """
    from footprint.fleet import report
    from footprint.reports.files import require_writable

    if (path := settled(format_, output, "report")[1]) is not None:
        require_writable(path, overwrite=overwrite)  # before what may take minutes
    found = report(*inputs, by=by, kind=kind, scheduler=scheduler, **options)
    if rows and found.runs is None:
        raise click.UsageError("--rows: a folder of Parquet in parts is added up part by part")
    show(_answer(found, rows=rows), format_, output, overwrite=overwrite)


def _answer(found: FleetReport, *, rows: bool) -> Answer:
    """The answer in every form: the sums, or the runs behind them."""
    from footprint.reports.formats import Answer
    from footprint.reports.texts.fleet_text import markdown, render

    if rows:
        records = found.row_records
        return Answer(
            kind="report",
            text=lambda: render(found),
            data=lambda: {**headed("footprint/fleet-rows/1"), "rows": records()},
            rows=records,
            row_parts=found.row_parts,
            frame=found.report_rows,
            subject=found,
        )
    return Answer(
        kind="report",
        text=lambda: render(found),
        data=found.to_json,
        markdown=lambda: markdown(found),
        table=found.rows,
        frame=lambda: found.to_frame().reset_index(),
        schema=found.schema,
        subject=found,
    )
