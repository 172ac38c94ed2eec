"""Compare scenarios: which hardware, region or model, with ratios in which shared errors cancel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from footprint.cli.shared.axes import axis_options, given_axes
from footprint.cli.shared.formats import answer_options, show
from footprint.cli.shared.limits import limit_options, limits_of
from footprint.cli.shared.options import FILE
from footprint.cli.shared.own_facts import ignore_option, with_own_facts
from footprint.cli.shared.say import note
from footprint.cli.shared.scenario_options import SectionedCommand, field_option
from footprint.vocabulary import BY

if TYPE_CHECKING:
    from pathlib import Path

    from footprint.decisions.scenario_table import ScenarioTable
    from footprint.reports.formats import Answer

_EPILOG = """\b
Examples:
  footprint compare --model bert-base --hw v100:8,a100:8,h100:8
  footprint compare --model bert-base,bert-large --hw v100:8,h100:8 \\
      --region FRA,POL --by co2e
  footprint compare --model llama2-7b --hw h100:64..512x2 --tokens 1T
  footprint compare --model llama3.1-8b --method lora --tokens 10M --hw auto

Lists are a,b,c; ranges are 8..64+8 (steps) and 8..64x2 (factors). The rows are
the product of all lists, the last one fastest. At most 200; sweep takes more.
FILES are scenarios (TOML, or JSON of estimate), whose fields may be lists, too.
Exit code: 0 done, 2 bad input, 3 a row is over the limit or does not fit.
"""


@click.command(cls=SectionedCommand, epilog=_EPILOG)
@click.argument("files", nargs=-1, type=FILE)
@axis_options
@click.option("--baseline", type=int, default=1, help="Row that the others are divided by (the first).")
@click.option(
    "--by",
    type=click.Choice(list(BY), case_sensitive=False),
    default="cost",
    help="What matters most (cost).",
)
@click.option("--max-hours", type=float, help="With --hw auto: leave out clusters that need more hours.")
@field_option("force")
@ignore_option
@answer_options("comparison")
@click.option("--plot", type=FILE, help="Draw the rows with their intervals (.png, .svg, .pdf).")
@click.option("--save", type=FILE, help="Write the lists to a TOML file, for compare and sweep.")
@click.option("--quiet", is_flag=True, help="No warnings.")
@limit_options("Exit 3 where a row is above a limit or does not fit: '2 MWh', '$500', '3d'.", bound=False)
def command(
    files: tuple[Path, ...],
    baseline: int,
    by: str,
    max_hours: float | None,
    force: bool,
    ignore_defaults: bool,
    format_: str | None,
    output: Path | None,
    overwrite: bool,
    plot: Path | None,
    save: Path | None,
    quiet: bool,
    fail_over: tuple[str, ...],
    **options: Any,
) -> None:
    """Compare scenarios side by side, each with its 90 % interval.

    In the ratio of two scenarios the errors that they share cancel.
    """
    from footprint.decisions import compare

    if save is not None and files:
        raise click.UsageError("--save writes the lists of the options: leave out the files, which are saved")
    limits = limits_of(fail_over)
    axes, fixed, scenarios = given_axes(options, files)
    if force:
        fixed["force"] = True
    # A scenario file is a whole: it takes none of the user's facts.
    fixed = with_own_facts(fixed, ignore=ignore_defaults or bool(files), quiet=quiet, axes=axes)
    table = compare(axes, scenarios=scenarios, baseline=baseline, by=by, max_hours=max_hours, **fixed)
    if save is not None:
        from footprint.reports.scenario import save_grid

        fixed = {name: value for name, value in fixed.items() if name not in table.axes}
        save_grid(table.axes, fixed, save, overwrite=overwrite)
    if plot is not None:
        table.plot(plot, overwrite=overwrite)
    show(_answer(table, overwrite), format_, output, overwrite=overwrite)
    for warning in () if quiet else table.warnings:
        note(f"warning: {warning}")
    if limits:
        from footprint.reports.gate import require_rows_within

        require_rows_within(table, limits)


def _answer(table: ScenarioTable, overwrite: bool) -> Answer:
    from footprint.decisions.scenario_table import SCHEMA
    from footprint.reports.decisions.comparison_text import render, render_markdown, rows_of
    from footprint.reports.formats import Answer
    from footprint.results.rows import csv_text

    def append(path: Path) -> str:
        from footprint.reports.files import write_new

        write_new(path, csv_text(rows_of(table), schema=SCHEMA), overwrite=overwrite)
        return f"wrote {len(table.rows)} rows to {path}"

    return Answer(
        kind="comparison",
        text=lambda: render(table),
        data=table.to_json,
        markdown=lambda: render_markdown(table),
        rows=lambda: rows_of(table),
        append=append,
        schema=SCHEMA,
        subject=table,
        warnings=tuple(table.warnings),
    )
