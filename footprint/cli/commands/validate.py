"""Compare predictions with published values, row by row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from footprint.cli.shared.formats import answer_options, show
from footprint.cli.shared.options import FILE, SHARE
from footprint.errors import LimitExceededError

if TYPE_CHECKING:
    from pathlib import Path

_EPILOG = """\b
Examples:
  footprint validate strubell
  footprint validate throughput --plot throughput.png
  footprint validate runs --format json
  footprint validate strubell --fail-under 1.0

\b
Datasets:
  strubell          Table 3 of Strubell et al. 2019: arithmetic, cell by cell
  strubell-blind    its hours, from config, recipe and hardware alone
  throughput        published step times; the layout is given
  throughput-found  the same; the layout is found
  anchored          the same; one measured row of each source is known
  what-ifs          published pairs that differ in one thing
  runs              whole published training runs
  mlperf-time       MLPerf v0.7, time to train
  power             MLPerf power logs and other measured watts
  patterson         energies of Patterson et al. 2021
  energy            kWh from config, chips and tokens alone
  board-energy      metered kWh of boards alone, from their hours
  goodput           published shares of time that made progress
  memory            published peaks of memory, and failures for want of it
  serving           measured tokens/s of requests; the engine is named
  serving-energy    J a token of the same rows
  serving-sources   tokens/s; the engine is named, its source left out
  serving-unnamed   their tokens/s; the engine is not named

Every prediction is made without the source that it is compared with. strubell
predicts nothing: it computes the cells from the hours and watts of its table.
"""


@click.command(epilog=_EPILOG)
@click.argument("name", metavar="DATASET")
@answer_options("validation")
@click.option("--plot", type=FILE, help="Draw published against predicted (.png, .svg, .pdf).")
@click.option(
    "--fail-under",
    type=SHARE,
    metavar="SHARE",
    help="Exit 3 if a smaller share of the rows is within a factor of 1.25.",
)
def command(
    name: str,
    format_: str | None,
    output: Path | None,
    overwrite: bool,
    plot: Path | None,
    fail_under: float | None,
) -> None:
    """Compare published with predicted values, row by row, for one DATASET."""
    from footprint.catalog.names import unknown
    from footprint.validation import datasets

    known = datasets()
    if name not in known:
        raise unknown("dataset", name, known, f"one of: {', '.join(known)}")
    report = known[name]()
    if plot is not None:
        from footprint.validation.plot import plot_validation

        plot_validation(report, plot, overwrite=overwrite)
    from footprint.reports.formats import Answer
    from footprint.validation.text import render

    answer = Answer(
        kind="validation",
        text=lambda: render(report),
        data=report.to_json,
        table=lambda: report.to_json()["rows"],
        schema=report.to_json()["schema"],
    )
    show(answer, format_, output, overwrite=overwrite)
    if fail_under is not None and report.within(1.25) < fail_under:
        raise LimitExceededError(
            f"{report.within(1.25):.1%} of the rows are within a factor of 1.25, below {fail_under:.1%}"
        )
