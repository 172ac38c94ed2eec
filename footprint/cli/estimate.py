"""Estimate what a training run will cost: hours, kWh, CO2e, USD, with intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from footprint.cli._options import FILE, HARDWARE, MODEL, write_output
from footprint.cli._scenario import SECTIONS, SectionedCommand, given_fields, one_of, scenario_options
from footprint.parsing import parse_limit

if TYPE_CHECKING:
    from pathlib import Path

    from footprint.results.estimate import Estimate

_EPILOG = """\b
Examples:
  footprint estimate --model bert-base --hw v100x8
  footprint estimate --model llama2-7b --hw h100:256 --tokens 2T --region FRA
  footprint estimate --model config.json --hw a100:8 --method lora \\
      --tokens 50M --seq-len 2048 --batch-size 64
  footprint estimate --model gpt2-xl --hw tpu-v3x32 --hours 168
  footprint estimate --model bert-base --hw v100:8 --explain
  footprint estimate --model bert-base --hw v100:8 --format json
  footprint estimate --model bert-base --hw v100:8 --fail-over "10 kgCO2e"

Numbers may be written 137e9, 300B, 1.5T, 79h, 3.3d, $10k.
Exit code: 0 done, 2 bad input, 3 over the limit of --fail-over.
"""


_FORMAT_OF = {".json": "json", ".csv": "csv", ".md": "markdown"}


@click.command(cls=SectionedCommand, epilog=_EPILOG)
@click.option("--model", type=MODEL, metavar="NAME|FILE", help="A built-in model, config.json or MODEL.toml.")
@click.option("--hw", type=HARDWARE, metavar="NAME:COUNT", help="Accelerators, such as v100:8 or v100x8.")
@scenario_options(*SECTIONS)
@click.option(
    "--format",
    "format_",
    type=one_of(["table", "json", "csv", "markdown"]),
    help="How the answer is printed (by the ending of -o, else a table).",
)
@click.option("-o", "--output", type=FILE, help="Write to a file; .csv appends.")
@click.option("--overwrite", is_flag=True, help="Replace an existing file.")
@click.option("--explain", is_flag=True, help="Show each formula with its numbers and sources.")
@click.option("--spread", is_flag=True, help="Show what each cause adds to the intervals.")
@click.option("--plot", type=FILE, help="Draw what moves the result (.png, .svg, .pdf).")
@click.option("--equivalents", is_flag=True, help="Add everyday equivalents, for scale only.")
@click.option("--name", help="A name for this estimate.")
@click.option("--save", type=FILE, help="Write the scenario to a TOML file.")
@click.option("--from", "from_", type=FILE, help="Read a scenario; options override it.")
@click.option("--force", is_flag=True, help="Accept values that look like slips.")
@click.option("--quiet", is_flag=True, help="No warnings.")
@click.option(
    "--fail-over",
    metavar="LIMIT",
    multiple=True,
    help="Exit 3 above a limit, '2 MWh', '10 kgCO2e', '$500', '3d'; several may be given.",
)
@click.option(
    "--fail-over-bound",
    type=one_of(["low", "mid", "high"]),
    help="Which end of the interval the limit holds (mid).",
)
def command(
    format_: str | None,
    output: Path | None,
    overwrite: bool,
    explain: bool,
    spread: bool,
    plot: Path | None,
    equivalents: bool,
    save: Path | None,
    from_: Path | None,
    quiet: bool,
    fail_over: tuple[str, ...],
    fail_over_bound: str | None,
    **options: Any,
) -> None:
    """Estimate hours, kWh, CO2e and USD of a training run.

    The answer is a median with its 90 % interval; what was assumed is listed with it.
    """
    from footprint.estimator import estimate
    from footprint.reports.scenario import read_scenario, save_scenario

    if output is not None and str(output) == "-":
        output = None
    if format_ is None:
        format_ = _FORMAT_OF.get(output.suffix.lower(), "table") if output is not None else "table"
    if fail_over_bound is not None and not fail_over:
        raise click.UsageError("--fail-over-bound says which end --fail-over holds: give --fail-over too")
    limits = [parse_limit(text, "--fail-over") for text in fail_over]
    _check_targets(output, format_, save, plot, overwrite=overwrite)
    request = read_scenario(from_, given_fields(options))
    result = estimate(request)
    if save is not None:
        save_scenario(request, save, overwrite=overwrite)
    if plot is not None:
        from footprint.reports.tornado import plot_tornado

        plot_tornado(result, plot, overwrite=overwrite)
    _print(
        result, format_, output, overwrite=overwrite, explain=explain, spread=spread, equivalents=equivalents
    )
    if not quiet:
        for warning in result.warnings:
            click.echo(f"footprint: warning: {warning}", err=True)
    if limits:
        from footprint.reports.gate import require_within

        require_within(result, limits, fail_over_bound or "mid")


def _check_targets(
    output: Path | None, format_: str, save: Path | None, plot: Path | None, *, overwrite: bool
) -> None:
    """FootprintError for a file that could not be written, before anything is."""
    if output is not None and output.suffix.lower() == ".csv" and format_ != "csv":
        raise click.UsageError(
            f"{output}: a .csv file holds report rows: leave out --format, or end it otherwise"
        )
    if output is not None and format_ == "csv" and overwrite:
        raise click.UsageError("-o FILE.csv appends rows and replaces nothing: leave out --overwrite")
    for path in (None if format_ == "csv" else output, save, plot):
        if path is not None:
            from footprint.reports.files import require_writable

            require_writable(path, overwrite=overwrite)


def _print(
    result: Estimate,
    format_: str,
    output: Path | None,
    *,
    overwrite: bool,
    explain: bool,
    spread: bool,
    equivalents: bool,
) -> None:
    """Write the estimate in its format; a CSV file is appended to."""
    if output is not None and format_ == "csv":
        from footprint.reports.csvfile import SCHEMA, append_rows

        append_rows(output, [_report_row(result)], schema=SCHEMA)
        click.echo(f"footprint: added a row to {output}", err=True)
        return
    if format_ == "json":
        import json

        record = result.to_json(with_spread=spread)
        if equivalents:
            from footprint.reports.equivalents import equivalents_of

            record["equivalents"] = equivalents_of(result.co2e_kg)
        text = json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False)
    elif format_ == "csv":
        from footprint.reports.csvfile import csv_text

        text = csv_text([_report_row(result)])
    else:
        from footprint.reports.estimate_text import render

        text = render(
            result, markdown=format_ == "markdown", explain=explain, spread=spread, equivalents=equivalents
        )
    write_output(text, output, overwrite=overwrite)


def _report_row(result: Estimate) -> dict[str, Any]:
    """The report row of an estimate, with an id of its own."""
    import secrets

    from footprint.reports.csvfile import report_row

    return report_row(
        result.to_json(),
        kind="estimate",
        run_id=f"estimate-{secrets.token_hex(6)}",
        started_at=result.created_at,
    )
