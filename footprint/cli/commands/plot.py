"""Draw an estimate, a comparison, a plan, runs or a run: PNG, SVG or PDF for a paper."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from footprint.cli.shared.journals import folders_option
from footprint.cli.shared.options import FILE
from footprint.cli.shared.say import note

if TYPE_CHECKING:
    from collections.abc import Mapping

    from footprint.reports.plots.kinds import Given

_KINDS = ("amounts", "causes", "batches", "curves", "groups", "power", "predicted")
_EPILOG = """\b
Examples:
  footprint estimate --model bert-base --hw v100:8 --spread -o moved.json
  footprint plot moved.json -o causes.pdf
  footprint plot moved.json bert.json -o both.svg
  footprint plot last -o power.png
  footprint plot runs.csv footprint-runs --by month -o months.pdf
  footprint plot runs.csv --kind groups --width page -o runs.pdf

\b
An input is one of
  JSON of estimate, compare, project, plan, inference, or of a run
  what footprint report reads: CSV, Parquet, journals, power logs, ...
  a recorded run: its id, its name, or 'last'
A column is 3.4 inches wide, a page 7; letters have 7 points in both.
"""


@click.command(epilog=_EPILOG)
@click.argument("inputs", nargs=-1, required=True, metavar="INPUTS...")
@click.option(
    "--kind", type=click.Choice(_KINDS, case_sensitive=False),
    help="What to draw (what suits the inputs best).",
)  # fmt: skip
@click.option(
    "--by", multiple=True, metavar="COLUMN",
    help="Groups of runs: project (default), model, hardware, place, month, ...",
)  # fmt: skip
@click.option(
    "--width", type=click.Choice(["column", "page"], case_sensitive=False), default="column",
    help="Width in the paper: of a column or of the page (column).",
)  # fmt: skip
@folders_option()
@click.option("-o", "--output", type=FILE, required=True, help="The picture: .png, .svg or .pdf.")
@click.option("--overwrite", is_flag=True, help="Replace an existing file.")
@click.option("--quiet", is_flag=True, help="No warnings, and no list of the other kinds.")
def command(
    inputs: tuple[str, ...],
    kind: str | None,
    by: tuple[str, ...],
    width: str,
    folders: tuple[Path, ...],
    output: Path,
    overwrite: bool,
    quiet: bool,
) -> None:
    """Draw INPUTS as a picture for a paper.

    Intervals of 90 % are drawn, units stand on the axes, and colours are safe for the colour-blind.
    """
    from footprint.reports.plots.canvas import require_picture
    from footprint.reports.plots.kinds import kinds_of, plot

    require_picture(output, overwrite=overwrite)
    given = _given(inputs, by, folders)
    drawn = plot(given, output, kind, width=width, overwrite=overwrite)
    if quiet:
        return
    for warning in () if given.fleet is None else given.fleet.warnings:
        note(f"warning: {warning}")
    others = [name for name in kinds_of(given) if name != drawn]
    beside = f"; --kind can also be {', '.join(others)}" if others else ""
    note(f"wrote {output} ({drawn}){beside}")


def _given(inputs: tuple[str, ...], by: tuple[str, ...], folders: tuple[Path, ...]) -> Given:
    """The records, the run, or the report of the inputs."""
    from footprint.reports.plots.kinds import Given

    if len(inputs) == 1 and not by and _is_a_name(inputs[0]):
        return _of_run(inputs[0], folders)
    found = [_record(Path(name)) for name in inputs]
    if found and not by and all(one is not None for one in found):
        from footprint.reports.exports.shared.reader import Reader

        pairs = zip(found, inputs, strict=True)
        return Given(readers=tuple(Reader(one, name) for one, name in pairs if one is not None))
    from footprint.fleet import report

    fleet = report(*inputs, by=by or ("project",))
    return Given(fleet=fleet, series=fleet.series)


def _is_a_name(text: str) -> bool:
    """Whether it names a recorded run and no file."""
    path = Path(text)
    return not (path.exists() or "/" in text or path.suffix)


def _record(path: Path) -> Mapping[str, Any] | None:
    """The JSON of an answer that can be drawn as it is; None for what a report reads."""
    from footprint.catalog.checks.limits import parse_json
    from footprint.catalog.files import read_text
    from footprint.reports.plots.plotted_json import SCHEMAS

    if path.suffix.lower() != ".json" or not path.is_file():
        return None
    found = parse_json(read_text(path), path)
    return found if isinstance(found, dict) and found.get("schema") in SCHEMAS else None


def _of_run(name: str, folders: tuple[Path, ...]) -> Given:
    from footprint.cli.shared.journals import open_runs
    from footprint.fleet.sources.journals import series_of
    from footprint.reports.exports.shared.reader import Reader
    from footprint.reports.plots.kinds import Given

    found = open_runs(folders).report(name)
    series = series_of(found)
    quantities = () if found.comparison is None else found.comparison.quantities
    return Given(
        readers=(Reader(found.measurement.to_json(), name),),
        series=() if series is None else (series,),
        compared=tuple(quantities),
        name=found.measurement.name or name,
        predicted_w=next((one.predicted for one in quantities if one.name == "it_power_w"), None),
    )
