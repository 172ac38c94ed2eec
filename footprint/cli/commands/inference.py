"""Estimate what serving a model costs: memory, speed, J a token, kWh, CO2e and USD of 1,000 requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import click

from footprint.cli.shared.formats import answer_options, require_targets, settled, show
from footprint.cli.shared.limits import limit_options, limits_of
from footprint.cli.shared.options import FILE
from footprint.cli.shared.own_facts import ignore_option, with_own_facts
from footprint.cli.shared.say import note
from footprint.cli.shared.scenario_options import SectionedCommand, field_option, given_fields
from footprint.serving.request import OWN, SHARED, InferenceRequest

if TYPE_CHECKING:
    from pathlib import Path

    from footprint.reports.formats import Answer
    from footprint.results.decisions.inference import Inference

_EPILOG = """\b
Examples:
  footprint inference --model llama3.1-8b --hw h100:1 --engine vllm \\
      --prompt-tokens 512 --output-tokens 256 --batch-size 32
  footprint inference --model deepseek-v3 --hw h200:8 --region FRA \\
      --prompt-tokens 2000 --output-tokens 500 --concurrency 64 --requests 1M
  footprint inference --model gpt3-1.3b,gpt3-175b --hw a100:8 \\
      --prompt-tokens 300 --output-tokens 100 --batch-size 16
  footprint inference --model llama3.1-8b --hw h100:1 --prompt-tokens 100 \\
      --output-tokens 100 --technique few-shot,cot,self-consistency
  footprint inference --model bloom-176b --hw a100:16 --prompt-tokens 100 \\
      --output-tokens 100 --break-even
  footprint inference --model vit-base-16 --hw l4:1 --batch-size 64

Exit code: 0 done, 2 bad input, 3 over the limit of --fail-over.
"""


def _options(function: Any) -> Any:
    """The options of the request: its own, then those that a scenario has as well."""
    for name in reversed([name for name in SHARED if name not in ("hw", "name", "force")]):
        function = field_option(name)(function)
    for name in reversed([name for name in OWN if name != "model"]):
        function = field_option(name, OWN)(function)
    return function


class _Command(SectionedCommand):
    """The help page, with the fields of a request in sections of their own."""

    placed: ClassVar[dict[str, str]] = {name: one.section for name, one in OWN.items() if name != "model"}


@click.command(cls=_Command, epilog=_EPILOG)
@field_option("model", OWN)
@field_option("hw")
@_options
@answer_options("inference")
@click.option("--spread", is_flag=True, help="Add the causes of each interval to the JSON.")
@click.option("--plot", type=FILE, help="Draw tokens/s and J a token by the batch (.png, .svg, .pdf).")
@field_option("name")
@click.option("--save", type=FILE, help="Write the request to a TOML file.")
@click.option("--from", "from_", type=FILE, help="Read a request; options override it.")
@field_option("force")
@ignore_option
@click.option("--quiet", is_flag=True, help="No warnings.")
@limit_options("Exit 3 above a limit on all --requests, else on 1,000: '2 kWh', '$5'.")
def command(
    format_: str | None,
    output: Path | None,
    overwrite: bool,
    spread: bool,
    plot: Path | None,
    save: Path | None,
    from_: Path | None,
    ignore_defaults: bool,
    quiet: bool,
    fail_over: tuple[str, ...],
    fail_over_bound: str | None,
    **options: Any,
) -> None:
    """Estimate what serving a model costs.

    Reading the prompt and writing the answer stand apart, each with what limits it. Without a batch or
    a concurrency the interval is wide: from batch 1 to the largest, the energy of a token falls by a
    factor of 6 to 20.
    """
    from footprint.reports.scenario import read_inference, save_inference
    from footprint.serving import inference

    limits = limits_of(fail_over, fail_over_bound)
    format_, output = settled(format_, output, "inference")
    require_targets(output, format_, save, plot, overwrite=overwrite)
    given = with_own_facts(
        given_fields(options), ignore=ignore_defaults or from_ is not None, quiet=quiet,
        names=("model", *SHARED),
    )  # fmt: skip
    request: InferenceRequest = read_inference(from_, given)
    result = inference(request)
    if save is not None:
        save_inference(request, save, overwrite=overwrite)
    if plot is not None:
        result.plot(plot, overwrite=overwrite)
    show(_answer(result, spread=spread), format_, output, overwrite=overwrite)
    if not quiet:
        for warning in result.warnings:
            note(f"warning: {warning}")
    if limits:
        from footprint.reports.gate import require_served_within

        require_served_within(result, limits, fail_over_bound or "mid")


def _answer(result: Inference, *, spread: bool) -> Answer:
    """The answer in every form."""
    from footprint.reports.formats import Answer
    from footprint.results.decisions.inference import rows_of

    def text(*, markdown: bool = False) -> str:
        from footprint.reports.decisions.inference_text import render

        return render(result, markdown=markdown)

    def append(path: Path) -> str:
        from footprint.results.rows import append_rows

        rows = rows_of(result)
        append_rows(path, rows, schema=result.schema)
        return f"added {len(rows)} rows to {path}"

    return Answer(
        kind="inference",
        text=text,
        data=lambda: result.to_json(with_spread=spread),
        markdown=lambda: text(markdown=True),
        rows=lambda: rows_of(result),
        append=append,
        schema=result.schema,
        subject=result,
        warnings=tuple(result.warnings),
    )
