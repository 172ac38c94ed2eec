"""Estimate what a training run will cost: hours, kWh, CO2e, USD, with intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from footprint.catalog.files import known_anchor_files
from footprint.cli.shared.formats import (
    columns_option,
    format_option,
    require_csv,
    require_targets,
    settled,
    show,
)
from footprint.cli.shared.limits import limit_options, limits_of
from footprint.cli.shared.options import FILE
from footprint.cli.shared.own_facts import ignore_option
from footprint.cli.shared.say import note
from footprint.cli.shared.scenario_options import (
    SECTIONS,
    SectionedCommand,
    field_option,
    given_fields,
    scenario_options,
)

if TYPE_CHECKING:
    from pathlib import Path

    from footprint.reports.formats import Answer
    from footprint.results.estimate import Estimate

_EPILOG = """\b
Examples:
  footprint estimate --model bert-base --hw v100x8
  footprint estimate --model llama2-7b --hw h100:256 --tokens 2T --region FRA
  footprint estimate --model config.json --hw a100:8 --method lora \\
      --tokens 50M --seq-len 2048 --batch-size 64
  footprint estimate --model gpt2-xl --hw tpu-v3x32 --hours 168
  footprint estimate --model meta-llama/Llama-2-7b-hf --hw h100:64 --tokens 1T
  footprint estimate --parameters 1.5B --tokens 30B --hw h100:8
  footprint estimate --model llama3.1-8b --hw h100:64 --tokens 1T \\
      --anchor "llama3.1-8b h100:8 tokens_per_second=98k batch_size=128"
  footprint estimate --model bert-base --hw v100:8 --explain
  footprint estimate --model bert-base --hw v100:8 --format json
  footprint estimate --model bert-base --hw v100:8 --fail-over "10 kgCO2e"
  footprint estimate --model bert-base --hw v100:8 --format json -o old.json
  footprint estimate --model bert-base --hw h100:8 --compare-to old.json

Numbers may be written 137e9, 300B, 1.5T, 79h, 3.3d, $10k.
Exit code: 0 done, 2 bad input, 3 over the limit of --fail-over.
"""


@click.command(cls=SectionedCommand, epilog=_EPILOG)
@field_option("model")
@field_option("hw")
@scenario_options(*SECTIONS)
@format_option("estimate", "How the answer is printed (by the ending of -o, else a table).", default=None)
@click.option("-o", "--output", type=FILE, help="Write to a file; .csv appends.")
@click.option("--overwrite", is_flag=True, help="Replace an existing file.")
@columns_option()
@click.option("--explain", is_flag=True, help="Show each formula with its numbers and sources.")
@click.option("--spread", is_flag=True, help="Show the effect of each cause on the answers.")
@click.option("--plot", type=FILE, help="Draw the effect of each cause (.png, .svg, .pdf).")
@click.option("--equivalents", is_flag=True, help="Add everyday equivalents, for scale only.")
@field_option("name")
@click.option("--save", type=FILE, help="Write the scenario to a TOML file.")
@click.option("--from", "from_", type=FILE, help="Read a scenario; options override it.")
@field_option("force")
@ignore_option
@click.option("--quiet", is_flag=True, help="No warnings, except of a step that clearly does not fit.")
@click.option("--compare-to", type=FILE, help="Show what changed since an older estimate (its JSON).")
@limit_options()
def command(
    format_: str | None,
    output: Path | None,
    overwrite: bool,
    columns: str | None,
    explain: bool,
    spread: bool,
    plot: Path | None,
    equivalents: bool,
    save: Path | None,
    from_: Path | None,
    ignore_defaults: bool,
    quiet: bool,
    compare_to: Path | None,
    fail_over: tuple[str, ...],
    fail_over_bound: str | None,
    **options: Any,
) -> None:
    """Estimate hours, kWh, CO2e and USD of a training run.

    Each answer is a median with its 90 % interval; all assumptions are listed.
    """
    from footprint.estimator import EstimateRequest, estimate
    from footprint.estimator.fields import missing_hw
    from footprint.estimator.resolve.own_facts import own_facts
    from footprint.records import replace

    format_, output = settled(format_, output, "estimate")
    require_csv(columns, format_)
    limits = limits_of(fail_over, fail_over_bound)
    _check_ending(output, format_)
    require_targets(output, format_, save, plot, overwrite=overwrite)
    given = given_fields(options)
    # A scenario file is a whole: what it leaves out is a default of the program, on every machine.
    facts = None if from_ is not None or ignore_defaults else own_facts(given)
    if from_ is None:
        values = given if facts is None else {**facts.values, **given}
        if "hw" not in values:
            raise missing_hw()
        request = EstimateRequest.from_mapping(values, "command line")
    else:
        from footprint.reports.scenario import read_scenario

        request = read_scenario(from_, given)
    result = estimate(request)
    if facts is not None and facts.values:
        result = replace(result, assumptions=(*facts.rows(request), *result.assumptions))
    if save is not None:
        from footprint.reports.scenario import save_scenario

        save_scenario(request, save, overwrite=overwrite)
    if plot is not None:
        from footprint.reports.plots.tornado import plot_tornado

        plot_tornado(result, plot, overwrite=overwrite)
    answer = (
        _answer(result, columns, explain=explain, spread=spread, equivalents=equivalents)
        if compare_to is None
        else _changes(result, compare_to)
    )
    show(answer, format_, output, overwrite=overwrite)
    for warning in result.warnings:
        if not quiet or warning == result.misfit:
            note(f"warning: {warning}")
    if not quiet and known_anchor_files():
        from footprint.estimator.anchors.nearest import nearest_anchor

        offer = nearest_anchor(request, result, estimate)
        if offer:
            note(offer)
    if limits:
        from footprint.reports.gate import require_within

        require_within(result, limits, fail_over_bound or "mid")


def _check_ending(output: Path | None, format_: str) -> None:
    """UsageError for another format than rows in a CSV."""
    if output is not None and output.suffix.lower() == ".csv" and format_ != "csv":
        raise click.UsageError(
            f"{output}: a .csv file holds report rows: leave out --format, or give another ending"
        )


def _answer(
    result: Estimate, columns: str | None, *, explain: bool, spread: bool, equivalents: bool
) -> Answer:
    """The answer of an estimate in every form."""
    from footprint.reports.formats import Answer

    def text(*, markdown: bool = False) -> str:
        from footprint.reports.estimate_text import render

        return render(result, markdown=markdown, explain=explain, spread=spread, equivalents=equivalents)

    def data() -> dict[str, Any]:
        record = result.to_json(with_spread=spread)
        if equivalents:
            from footprint.reports.equivalents import equivalents_of

            record["equivalents"] = equivalents_of(result.co2e_kg)
        return record

    def append(path: Path) -> str:
        from footprint.results.report_columns import SCHEMAS
        from footprint.results.rows import append_rows

        append_rows(path, [_report_row(result)], schema=SCHEMAS.get(columns or ""))
        return f"added a row to {path}"

    return Answer(
        kind="estimate",
        text=text,
        data=data,
        markdown=lambda: text(markdown=True),
        rows=lambda: [_report_row(result)],
        append=append,
        columns=columns,
        subject=result,
        warnings=result.warnings,
    )


def _changes(result: Estimate, older: Path) -> Answer:
    """What changed since an older estimate, in every form."""
    from footprint.reports.decisions.difference_text import answer_of, between
    from footprint.reports.exports import as_filed

    return answer_of(between(as_filed(older), as_filed(result)))


def _report_row(result: Estimate) -> dict[str, Any]:
    """The report row of an estimate, with an id of its own."""
    import secrets

    from footprint.results.rows import report_row

    return report_row(
        result.to_json(),
        kind="estimate",
        run_id=f"estimate-{secrets.token_hex(6)}",
        started_at=result.created_at,
    )
