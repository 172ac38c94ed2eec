"""Check predictions against published tables, row by row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from footprint.cli._options import FILE
from footprint.errors import LimitExceededError

if TYPE_CHECKING:
    from pathlib import Path

    from footprint.validation import ValidationReport

_EPILOG = """\b
Examples:
  footprint validate strubell
  footprint validate strubell --format json
  footprint validate strubell --fail-under 1.0
  footprint validate throughput --plot throughput.png
"""


@click.command(epilog=_EPILOG)
@click.argument("name")
@click.option(
    "--format", "format_", type=click.Choice(["table", "json"]), default="table", help="How it is printed."
)
@click.option("--plot", type=FILE, help="Draw published against predicted (.png, .svg, .pdf).")
@click.option("--overwrite", is_flag=True, help="Replace an existing plot.")
@click.option(
    "--fail-under",
    type=click.FloatRange(0, 1),
    metavar="SHARE",
    help="Exit 3 if a smaller share of the rows is within a factor of 1.25.",
)
def command(name: str, format_: str, plot: Path | None, overwrite: bool, fail_under: float | None) -> None:
    """Published against predicted for the dataset NAME.

    strubell and strubell-blind, throughput and throughput-found, anchored, what-ifs, runs,
    mlperf-time, power, patterson, energy: each out of sample, with baselines beside it.
    """
    from footprint.catalog.names import unknown
    from footprint.validation import datasets

    known = datasets()
    if name not in known:
        raise unknown("dataset", name, known, f"one of: {', '.join(known)}")
    report = known[name]()
    if plot is not None:
        from footprint.validation.plot import plot_validation

        plot_validation(report, plot, overwrite=overwrite)
    if format_ == "json":
        import json

        click.echo(json.dumps(report.to_json(), indent=2, allow_nan=False))
    else:
        click.echo(_table(report))
    if fail_under is not None and report.within(1.25) < fail_under:
        raise LimitExceededError(
            f"{report.within(1.25):.1%} of the rows are within a factor of 1.25, below {fail_under:.1%}"
        )


def _table(report: ValidationReport) -> str:
    """The rows in 80 columns, then the scores."""
    rows = [
        (row.id, row.fold, f"{row.published:,.10g}", f"{row.predicted:,.7g}", row.unit) for row in report.rows
    ]
    heading = ("row", "", "published", "predicted", "unit")
    widths = [max(len(line[i]) for line in (heading, *rows)) for i in range(5)]
    lines = [
        f"{a:<{widths[0]}}  {b:<{widths[1]}}  {c:>{widths[2]}}  {d:>{widths[3]}}  {e}".rstrip()
        for a, b, c, d, e in (heading, *rows)
    ]
    lines += [
        "",
        f"rows {len(report.rows)}, median error {report.median_error:.2%}, "
        f"over folds {report.median_over_folds:.2%}",
        f"nine in ten within {report.ninety_percent_factor:.2f}x",
    ]
    lines += [f"within a factor of {f:g}: {report.within(f):.0%}" for f in (1.25, 1.5, 2.0)]
    band = report.coverage_band
    if report.coverage is not None and report.interval_score is not None and band is not None:
        lines.append(
            f"90 % intervals cover {report.coverage:.0%} (so many rows would show {band[0]:.0%} to "
            f"{band[1]:.0%}); interval score {report.interval_score:.3f}"
        )
    for name, scores in report.baselines.items():
        lines.append(f"baseline {name}: " + ", ".join(f"{key} {value:.3g}" for key, value in scores.items()))
    return "\n".join([*lines, *report.notes])
