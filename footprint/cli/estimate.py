"""Estimate what a training run will cost: hours, kWh, CO2e, USD, with intervals."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from footprint.cli._options import (
    BANDWIDTH,
    COUNT,
    DURATION_H,
    FILE,
    HARDWARE,
    MODEL,
    PROVIDER,
    REGION,
    USD,
    WHOLE,
    write_output,
)
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

# Options that are fields of the scenario, by the section of the help page they stand in.
_SECTIONS: dict[str, list[tuple[str, Any, str]]] = {
    "workload": [
        ("--tokens", COUNT, "Training tokens; encoder-decoders count source and target."),
        ("--samples", COUNT, "Training sequences or images."),
        ("--steps", COUNT, "Optimiser steps."),
        ("--epochs", COUNT, "Passes over the data (multiplies --tokens or --samples)."),
        ("--batch-size", WHOLE, "Sequences or samples of one global step."),
        ("--seq-len", WHOLE, "Tokens a sequence (source, for encoder-decoders)."),
        ("--tgt-seq-len", WHOLE, "Target tokens a sequence (encoder-decoders)."),
        ("--image-size", WHOLE, "Pixels a side."),
    ],
    "method": [
        ("--method", click.Choice(["pretrain", "finetune", "lora", "qlora"]), "What is trained."),
        ("--lora-rank", WHOLE, "Rank of the adapters (16)."),
        ("--lora-targets", str, "Adapted projections, comma-separated."),
        ("--frozen", str, "Frozen parts, comma-separated."),
    ],
    "execution": [
        ("--precision", click.Choice(["fp32", "tf32", "fp16", "bf16", "fp8"]), "Arithmetic of the matmuls."),
        ("--tp", WHOLE, "Tensor-parallel size."),
        ("--pp", WHOLE, "Pipeline-parallel size."),
        ("--dp", WHOLE, "Data-parallel size."),
        ("--cp", WHOLE, "Context-parallel size."),
        ("--ep", WHOLE, "Expert-parallel size."),
        ("--micro-batch", WHOLE, "Sequences of one micro-batch on one replica."),
        ("--recompute", click.Choice(["none", "selective", "full"]), "Activation recomputation."),
        ("--attention", click.Choice(["flash", "eager"]), "Attention kernel."),
        ("--optimizer", str, "Optimiser (adam)."),
        ("--stack", click.Choice(["tuned", "native"]), "A vendor's tuned software, or PyTorch's own."),
    ],
    "cluster": [
        ("--accelerators-per-node", WHOLE, "Accelerators in one server."),
        ("--cooling", click.Choice(["air", "water", "immersion"]), "Cooling of the servers."),
        ("--network", BANDWIDTH, "Network of one node, one direction: 400Gb/s, 50GB/s."),
    ],
    "known already": [
        (
            "--anchor",
            str,
            "Measured steps of your own stack, names or files: the nearest counts.",
        ),
        ("--hours", DURATION_H, "Wall-clock duration."),
        ("--step-time-s", COUNT, "Duration of one step [s]."),
        ("--tokens-per-second", COUNT, "Throughput of the whole cluster."),
        ("--samples-per-second", COUNT, "Throughput of the whole cluster."),
        ("--mfu", COUNT, "Step MFU: model FLOPs, full attention, dense peak."),
        ("--goodput", COUNT, "Share of the time that makes progress."),
        ("--it-power-w", COUNT, "Mean power of the whole cluster at the node [W]."),
        ("--accelerator-power-w", COUNT, "Mean power of one board [W]; host added."),
    ],
    "place": [
        ("--region", REGION, "Country, state or cloud region: FRA, US-VA, aws:us-east-1."),
        ("--year", WHOLE, "Year of grid, PUE, prices and techniques (newest)."),
        ("--pue", COUNT, "Power usage effectiveness of the site."),
        ("--grid-g-per-kwh", float, "Carbon intensity of the electricity [gCO2e/kWh]."),
    ],
    "price": [
        ("--provider", PROVIDER, "Cloud provider (median over all)."),
        (
            "--purchase",
            click.Choice(["on_demand", "spot", "reserved_1y", "reserved_3y"]),
            "How the hours are bought (on_demand).",
        ),
        ("--usd-per-hour", USD, "Price of one accelerator-hour."),
        ("--electricity-usd-per-kwh", USD, "Owned hardware: tariff."),
        ("--capital-usd", USD, "Owned hardware: price of one accelerator with its share of the server."),
        ("--lifetime-years", COUNT, "Owned hardware: years in service."),
        ("--utilisation", COUNT, "Owned hardware: share of its life in use."),
    ],
    "repeats": [
        ("--runs", WHOLE, "Runs that succeed."),
        ("--failed-share", float, "Share of all hours that failed runs take."),
    ],
}
_FORMAT_OF = {".json": "json", ".csv": "csv", ".md": "markdown"}
_FIELD_OF = {"network": "network_byte_per_s"}
_LISTS = ("lora_targets", "frozen")


class SectionedCommand(click.Command):
    """A command whose help page groups its options under headings."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, section by section."""
        section_of = {flag: title for title, rows in _SECTIONS.items() for flag, _, _ in rows}
        grouped: dict[str, list[tuple[str, str]]] = {}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            if record is not None:
                title = section_of.get(
                    param.opts[0], "output" if param.opts[0] not in _MAIN else "what and where"
                )
                grouped.setdefault(title, []).append(record)
        for title, rows in grouped.items():
            with formatter.section(title.capitalize()):
                formatter.write_dl(rows)


_MAIN = ("--model", "--hw")


def scenario_options(*sections: str) -> Callable[[Any], Any]:
    """A decorator that adds the options of these sections, in order."""

    def decorate(function: Any) -> Any:
        for section in reversed(sections):
            for flag, kind, text in reversed(_SECTIONS[section]):
                function = click.option(flag, type=kind, help=text, metavar=_metavar(kind))(function)
        return function

    return decorate


def _metavar(kind: Any) -> str | None:
    if isinstance(kind, click.Choice):
        return None
    return "NUMBER" if kind is float else getattr(kind, "name", "text").upper()


@click.command(cls=SectionedCommand, epilog=_EPILOG)
@click.option("--model", type=MODEL, metavar="NAME|FILE", help="A built-in model, config.json or MODEL.toml.")
@click.option("--hw", type=HARDWARE, metavar="NAME:COUNT", help="Accelerators, such as v100:8 or v100x8.")
@scenario_options(*_SECTIONS)
@click.option(
    "--format",
    "format_",
    type=click.Choice(["table", "json", "csv", "markdown"]),
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
    type=click.Choice(["low", "mid", "high"]),
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

        for limit in limits:
            require_within(result, limit, fail_over_bound or "mid")


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


def given_fields(options: dict[str, Any]) -> dict[str, Any]:
    """The scenario fields that were set on the command line."""
    fields: dict[str, Any] = {}
    for name, value in options.items():
        if value is None or value is False:
            continue
        field = _FIELD_OF.get(name, name)
        fields[field] = (
            [part.strip() for part in value.split(",") if part.strip()] if field in _LISTS else value
        )
    return fields


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
