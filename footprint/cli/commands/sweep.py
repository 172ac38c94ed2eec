"""Estimate any number of scenarios, write them to CSV or Parquet, and show the best."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from footprint.cli.shared.axes import axis_options, given_axes
from footprint.cli.shared.formats import format_option, show
from footprint.cli.shared.limits import limit_options, limits_of
from footprint.cli.shared.options import FILE
from footprint.cli.shared.own_facts import ignore_option, with_own_facts
from footprint.cli.shared.say import note
from footprint.cli.shared.scenario_options import SectionedCommand, field_option
from footprint.vocabulary import BY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from footprint.decisions.streams import Part, Stream
    from footprint.reports.decisions.sweeps.sweep_text import Summary

_EPILOG = """\b
Examples:
  footprint sweep --model llama2-7b --tokens 1T --hw h100:8..512x2 \\
      --batch-size 256..2048x2 --region FRA,POL
  footprint sweep --model bert-base,bert-large --hw v100:8,a100:8,h100:8 \\
      -o sweep.csv --plot best.png --fail-over '2 tCO2e'
  footprint sweep --model llama2-7b --hw h100:8..4096+8 --mfu 0.2..0.6+0.01 \\
      --sample 100 --seed 1 --by co2e
  footprint sweep grid.toml -o sweep.parquet --scheduler tcp://10.0.0.1:8786

A file may hold the scenario: TOML with the fields, a list or a range for each
that varies. Lists are a,b,c; ranges are 8..64+8 (steps) and 8..64x2 (factors).
Exit code: 0 done, 2 bad input, 3 over a limit of --fail-over, 130 interrupted:
--resume goes on.
"""


@click.command(cls=SectionedCommand, epilog=_EPILOG)
@click.argument("file", required=False, type=FILE)
@axis_options
@click.option("--grid", is_flag=True, help="Estimate every combination (the default).")
@click.option("--sample", type=int, help="Estimate only so many scenarios, chosen at random.")
@click.option("--seed", type=int, default=0, help="Seed of the sample (0).")
@click.option(
    "--by",
    type=click.Choice(list(BY), case_sensitive=False),
    default="cost",
    help="What the best scenarios need least of (cost).",
)
@click.option("--top", type=click.IntRange(0, 1000), default=10, help="How many of the best are shown (10).")
@field_option("force")
@ignore_option
@format_option("sweep", "Format of the best scenarios.")
@click.option("-o", "--output", type=FILE, help="Write every scenario to a .csv or .parquet file.")
@click.option("--overwrite", is_flag=True, help="Replace an existing file.")
@click.option("--resume", is_flag=True, help="Go on with the file of a sweep that was interrupted.")
@click.option("--scheduler", metavar="tcp://HOST:PORT", help="Compute on the workers of this Dask scheduler.")
@click.option("--plot", type=FILE, help="Draw the best and the Pareto front (.png, .svg, .pdf).")
@click.option("--save", type=FILE, help="Write the lists to a TOML file, for compare and sweep.")
@click.option("--quiet", is_flag=True, help="No warnings and no progress bar.")
@limit_options("Exit 3 where a scenario is above a limit or does not fit: '2 MWh', '$500', '3d'.")
def command(
    file: Path | None,
    grid: bool,
    sample: int | None,
    seed: int,
    by: str,
    top: int,
    force: bool,
    ignore_defaults: bool,
    format_: str,
    output: Path | None,
    overwrite: bool,
    resume: bool,
    scheduler: str | None,
    plot: Path | None,
    save: Path | None,
    quiet: bool,
    fail_over: tuple[str, ...],
    fail_over_bound: str | None,
    **options: Any,
) -> None:
    """Estimate every combination of lists and ranges of values.

    Prints the feasible scenarios that need least of a quantity (--by), and the Pareto front of hours, CO2e
    and USD; -o writes all of them.
    """
    from footprint.decisions.axes import spelt_once
    from footprint.decisions.fronts import Front, Least, said_of
    from footprint.decisions.streams import Stream
    from footprint.reports.decisions.sweeps.sweep_text import MOST_SHOWN, Summary
    from footprint.reports.files import require_writable
    from footprint.reports.gate import SweepGate
    from footprint.reports.scenario import save_grid

    if grid and sample is not None:
        raise click.UsageError("--grid and --sample contradict: give one")
    if resume and output is None:
        raise click.UsageError("--resume goes on with a file: give -o too")
    limits = limits_of(fail_over, fail_over_bound)
    given, fixed, _ = given_axes(options, [] if file is None else [file])
    axes, left_out = spelt_once(given)
    if force:
        fixed["force"] = True
    fixed = with_own_facts(fixed, ignore=ignore_defaults or file is not None, quiet=quiet, axes=axes)
    require_writable(plot, save, overwrite=overwrite)
    if save is not None:
        save_grid(axes, fixed, save, overwrite=overwrite)
    gate = SweepGate(limits, fail_over_bound or "mid")
    stream = Stream(axes, fixed, sample=sample, seed=seed, scheduler=scheduler)
    least, front, feasible, seen = Least(BY[by], top), Front(), 0, 0

    def take(part: Part) -> None:
        nonlocal feasible
        least.add(part)
        front.add(part)
        gate.add(part)
        feasible += int(part.feasible.sum())

    parts = _written(stream, output, overwrite, resume, take)
    for part in parts if quiet else _with_progress(parts, len(stream)):
        take(part)
        seen += len(part)
    summary = Summary(
        axes=stream.axes, by=BY[by], scenarios=len(stream), seen=seen, feasible=feasible,
        best=tuple(least.found), pareto=tuple(front.found), problems=stream.problems,
        warnings=said_of((*least.found, *front.found[:MOST_SHOWN]), stream.fixed),
    )  # fmt: skip
    _show(summary, format_, quiet=quiet)
    if left_out and not quiet:
        said = (
            "1 value is a spelling of another and is"
            if left_out == 1
            else f"{left_out} values are spellings of others and are"
        )
        note(f"warning: {said} left out")
    if plot is not None:
        from footprint.reports.decisions.sweeps.sweep_plot import plot_sweep

        plot_sweep(summary, plot, overwrite=overwrite)
    if output is not None:
        note(f"wrote {len(stream):,} scenarios to {output}")
    if limits:
        gate.require()


def _show(summary: Summary, format_: str, *, quiet: bool) -> None:
    from footprint.reports.decisions.sweeps.sweep_text import SCHEMA
    from footprint.reports.formats import Answer

    answer = Answer(
        kind="sweep", text=summary.text, data=summary.to_json, markdown=summary.markdown,
        table=summary.rows, schema=SCHEMA, subject=summary, warnings=summary.warnings,
    )  # fmt: skip
    show(answer, format_)
    for warning in () if quiet else summary.warnings:
        note(f"warning: {warning}")


def _written(
    stream: Stream, output: Path | None, overwrite: bool, resume: bool, earlier: Callable[[Part], None]
) -> Iterator[Part]:
    if output is None:
        return stream.parts()
    from footprint.reports.decisions.sweeps.sweep_files import write_sweep

    return write_sweep(stream, output, overwrite=overwrite, resume=resume, earlier=earlier)


def _with_progress(parts: Iterator[Part], scenarios: int) -> Iterator[Part]:
    """The parts, with a bar on standard error where that is a terminal and the sweep is long."""
    import sys

    if scenarios < 10_000 or not sys.stderr.isatty():
        yield from parts
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("scenarios", total=scenarios)
        for part in parts:
            progress.advance(task, len(part))
            yield part
