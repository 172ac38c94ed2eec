"""Plan a training: what a budget of FLOP, energy, CO2e, money or days buys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import click

from footprint.cli.shared.formats import answer_options, settled, show
from footprint.cli.shared.limits import limit_options, limits_of
from footprint.cli.shared.options import AMOUNT, COUNT, FILE
from footprint.cli.shared.own_facts import ignore_option, with_own_facts
from footprint.cli.shared.say import note
from footprint.cli.shared.scenario_options import (
    SECTIONS,
    SectionedCommand,
    field_option,
    given_fields,
    scenario_options,
)
from footprint.decisions.plans.question import OF_THE_PLAN, SET_BY_THE_PLAN
from footprint.estimator.request import FIELDS

if TYPE_CHECKING:
    from pathlib import Path

    from footprint.results.decisions.plan import Plan

_EPILOG = """\b
Examples:
  footprint plan --budget 1e22FLOP
  footprint plan --budget 1e22FLOP --law hoffmann2022_a3
  footprint plan --budget 500kgCO2e --budget 7d --hw h100:64 --region FRA
  footprint plan --budget '$10k' --hw h100:8 --plot plan.png
  footprint plan --budget '$10k' --hw auto
  footprint plan --loss 2.1 --hw h100:256
  footprint plan --model llama2-7b --hw a100:64
  footprint plan --budget 1e22FLOP --unique-tokens 25B
  footprint plan --loss 1.947 --inference-tokens 2e12
  footprint plan --budget 2MWh --hw h100:64 --explain

\b
Laws: besiroglu2024 (default), hoffmann2022_a1, _a2, _a3, _a3_rounded,
  kaplan2020, muennighoff2023 (repeated data), sardana2023 (serving).
A budget has a unit: FLOP, PF-days, kWh, MWh, kgCO2e, tCO2e, $ or USD, h, d.
--mfu counts 6 FLOP a parameter and token here, as the laws do.
Exit code: 0 done, 2 bad input, 3 over the limit of --fail-over.
"""
_ASKED = ("budget", "loss", "law", "unique_tokens", "inference_tokens")
_SECTIONS = tuple(name for name in SECTIONS if name not in OF_THE_PLAN)


class _PlanCommand(SectionedCommand):
    """The help page of a plan: what it is asked comes first."""

    placed: ClassVar[dict[str, str]] = dict.fromkeys(_ASKED, "what is asked")


@click.command(cls=_PlanCommand, epilog=_EPILOG)
@click.option("--budget", metavar="AMOUNT", multiple=True, help="What may be spent; repeat it for several.")
@click.option("--loss", type=AMOUNT, metavar="NATS", help="Ask the other way round: the loss to reach.")
@field_option("model", help="Ask the other way round: the model to train.")
@click.option("--law", metavar="NAME", help="Scaling law (besiroglu2024); all are shown beside it.")
@click.option(
    "--unique-tokens",
    type=COUNT,
    metavar="NUMBER",
    help="Different tokens that exist; training on more repeats them.",
)
@click.option("--inference-tokens", type=COUNT, metavar="NUMBER", help="Tokens that the model will serve.")
@field_option("hw")
@field_option("seq_len")
@field_option("batch_size")
@scenario_options(*_SECTIONS)
@answer_options("plan")
@click.option("--plot", type=FILE, help="Draw IsoFLOP and iso-loss curves (.png, .svg, .pdf).")
@click.option("--explain", is_flag=True, help="Show each formula of the training with its numbers.")
@click.option("--save", type=FILE, help="Write the training found as a scenario of footprint estimate.")
@click.option(
    "--from", "from_", type=FILE, help="Hardware, place and price of a scenario; options override it."
)
@field_option("force")
@ignore_option
@click.option("--quiet", is_flag=True, help="No warnings, except of a step that clearly does not fit.")
@limit_options()
def command(
    budget: tuple[str, ...],
    loss: float | None,
    model: str | None,
    law: str | None,
    unique_tokens: float | None,
    inference_tokens: float | None,
    format_: str | None,
    output: Path | None,
    overwrite: bool,
    plot: Path | None,
    explain: bool,
    save: Path | None,
    from_: Path | None,
    ignore_defaults: bool,
    quiet: bool,
    fail_over: tuple[str, ...],
    fail_over_bound: str | None,
    **options: Any,
) -> None:
    """Plan a training: what a budget buys.

    Parameters, tokens and loss by a scaling law; hours, kWh, CO2e and USD of their training on your
    hardware. Without --hw a budget in FLOP is answered from the law alone.
    """
    from footprint.decisions.plans import plan
    from footprint.reports.files import require_writable

    format_, output = settled(format_, output, "plan")
    fields = given_fields(options)
    if from_ is not None:
        from footprint.reports.scenario import read_place

        fields, left_out = read_place(from_, fields, SET_BY_THE_PLAN)
        if left_out and not quiet:
            note(f"{from_}: {', '.join(left_out)} left out: a plan sets what is trained")
    elif fields:  # a law alone needs no hardware, place or price
        fields = with_own_facts(
            fields, ignore=ignore_defaults, quiet=quiet, names=[name for name in FIELDS if name != "model"]
        )
    if (fail_over or save or explain) and "hw" not in fields:
        asked = "--fail-over" if fail_over else "--save" if save else "--explain"
        raise click.UsageError(f"{asked} needs hardware: give --hw h100:64 too")
    limits = limits_of(fail_over, fail_over_bound)
    require_writable(None if format_ == "csv" else output, save, plot, overwrite=overwrite)
    found = plan(
        budget, law=law, loss=loss, model=model, unique_tokens=unique_tokens,
        inference_tokens=inference_tokens, **fields,
    )  # fmt: skip
    if plot is not None:
        found.plot(plot, overwrite=overwrite)
    if save is not None:
        _save(found, fields, model, save, overwrite=overwrite)
    _show(found, format_, output, overwrite=overwrite, explain=explain)
    misfit = None if found.run is None else found.run.misfit
    for warning in found.warnings:
        if not quiet or warning == misfit:
            note(f"warning: {warning}")
    if limits and found.run is not None:
        from footprint.reports.gate import require_within

        require_within(found.run, limits, fail_over_bound or "mid")


def _show(found: Plan, format_: str, output: Path | None, *, overwrite: bool, explain: bool) -> None:
    from footprint.reports.decisions.plan_text import render
    from footprint.reports.formats import Answer
    from footprint.results.decisions.plan import SCHEMA, plan_rows

    def append(path: Path) -> str:
        from footprint.results.rows import append_rows

        append_rows(path, plan_rows(found), schema=SCHEMA)
        return f"added rows to {path}"

    answer = Answer(
        kind="plan",
        text=lambda: render(found, explain=explain),
        data=found.to_json,
        markdown=lambda: render(found, markdown=True, explain=explain),
        rows=lambda: plan_rows(found),
        append=append,
        schema=SCHEMA,
        subject=found,
        warnings=tuple(found.warnings),
    )
    show(answer, format_, output, overwrite=overwrite)


def _save(found: Plan, fields: dict[str, Any], model: str | None, path: Path, *, overwrite: bool) -> None:
    """Write the training that was found as a scenario."""
    from footprint.catalog.laws import find_law
    from footprint.decisions.plans.hardware import request_of
    from footprint.reports.scenario import save_scenario

    if found.run is not None:  # the cluster of --hw auto
        fields = {**fields, "hw": found.run.scenario["hw"]}
    model = None if found.inference is not None else model
    request = request_of(fields, find_law(found.law), found.parameters, found.tokens, model)
    save_scenario(request, path, overwrite=overwrite)
