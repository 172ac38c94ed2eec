"""The detail of an estimate: each formula with its numbers and sources, and the effect of each cause."""

from __future__ import annotations

import textwrap

from footprint.arithmetic import exp
from footprint.catalog.sources import describe
from footprint.reports.labels import cause_name
from footprint.results import Quantity
from footprint.results.estimate import Estimate
from footprint.results.human import IN_ADDRESSES, amount, figures, wrapped
from footprint.results.link import Link

WIDTH = 80
RULE = "6 N a trained and 2 N a forward token at 2,000 tokens a sequence"


TITLES = {
    "training_flop": "Training FLOPs (model, full attention)",
    "step_time_s": "Step time (mean over the steps)",
    "mfu": "MFU",
    "mean_step_mfu": "MFU of the mean step",
    "duration_h": "Duration",
    "accelerator_h": "Accelerator-hours",
    "in_step_w": "Power of one accelerator in a step (boundary: accelerator)",
    "accelerator_power_w": "Power of one accelerator (boundary: accelerator)",
    "it_power_w": "IT power, whole cluster (boundary: node)",
    "it_energy_kwh": "IT energy",
    "energy_kwh": "Facility energy (boundary: facility)",
    "water_l": "Water, evaporated on site",
    "co2e_kg": "Operational CO2e (location-based)",
    "cost_usd": "Cost",
    "embodied_co2e_kg": "Embodied CO2e (not in the operational figure)",
}
"""Titles of the links."""
NAMES = {
    "step_flop": "FLOP per step",
    "count": "accelerators",
    "peak_flop_per_s": "peak FLOP/s",
    "step_time_s": "step time",
    "steps": "steps",
    "goodput": "goodput",
    "interruptions": "interruption factor",
    "duration_h": "duration",
    "tdp_w": "power limit",
    "busy_share": "busy share",
    "busy_over_tdp": "busy over limit",
    "waiting_over_tdp": "waiting over limit",
    "in_step_w": "power in a step",
    "fed_share": "share of the time that steps fill",
    "idle_w": "idle power",
    "it_power_w": "IT power",
    "it_energy_kwh": "IT energy",
    "pue": "PUE, applied once",
    "energy_kwh": "facility energy",
    "wue_l_per_kwh": "water usage effectiveness, l/kWh",
    "grid_g_per_kwh": "carbon intensity",
    "accelerator_h": "accelerator-hours",
    "usd_per_accelerator_h": "price",
    "capital_usd_per_h": "capital per hour in use",
    "electricity_usd_per_kwh": "tariff",
    "kg_per_accelerator": "kgCO2e of an accelerator",
    "server_kg_per_accelerator": "kgCO2e of its share of the server",
    "working_h": "hours in use over the lifetime",
}
"""Names of the inputs of a formula, for people."""
_UNITS = (
    ("_l_per_kwh", ""), ("_usd_per_kwh", "usd"), ("_g_per_kwh", "g_per_kwh"), ("_flop_per_s", ""),
    ("_kwh", "kwh"), ("_kg", "kg"), ("_usd", "usd"), ("usd_per_accelerator_h", "usd"),
    ("_usd_per_h", "usd"), ("duration_h", "h"), ("_w", "w"), ("_s", "s"), ("_l", "l"),
    ("accelerator_h", "accelerator_h"), ("kg_per_accelerator", "kg"),
)  # fmt: skip
"""Endings of names, with the unit in which `amount` formats the number; other numbers have no unit."""


def explain_text(result: Estimate) -> str:
    """Every link of the chain as text for people."""
    lines = ["How each number is computed:"]
    cited: dict[str, int] = {}
    for link in result.links:
        marks = [str(cited.setdefault(source, len(cited) + 1)) for source in link.sources]
        mark = f" [{', '.join(marks)}]" if marks else ""
        words, numbers = formula_text(link)
        lines += ["", f"  {TITLES[link.name]}{mark}"]
        lines += _wrapped(words, 4)
        lines += _wrapped(f"= {numbers}", 4)
    lines += _stage(result)
    lines += ["", "Sources:"]
    for source, number in cited.items():
        described = "; ".join(describe(source))
        first, *rest = wrapped(f"[{number}] {described}", WIDTH - 6, break_after=IN_ADDRESSES)
        lines += [f"  {first}", *(f"      {line}" for line in rest)]
    return "\n".join(lines)


def _stage(result: Estimate) -> list[str]:
    """The whole stage of alignment whose training this is, exact and by the rule of thumb."""
    from footprint.serving.stages import stage_of

    stage = None if result.model is None else stage_of(result.model.name)
    if stage is None:
        return []
    words = (
        f"All passes of {stage.name}: {figures(stage.pf_days)} PF-days; by the rule, {RULE}, "
        f"{figures(stage.rule_pf_days)} PF-days. The estimate holds what is trained of the policy alone "
        f"(footprint stages)."
    )
    return ["", "  Alignment stage", *_wrapped(words, 4)]


def _wrapped(text: str, indent: int) -> list[str]:
    pad = " " * indent
    return textwrap.wrap(
        text, WIDTH, initial_indent=pad, subsequent_indent=pad + "  ", break_long_words=False
    )


def formula_text(link: Link) -> tuple[str, str]:
    """The formula in words, and the same formula with its numbers and its result.

    A form without names in braces is a description; its inputs are the parts of a sum, or texts.
    """
    result = _amount(link.name, link.result)
    if "{" not in link.form:
        parts = [_part(name, number) for name, number in link.inputs.items() if number]
        return link.form, f"{' + '.join(parts)} -> {result}" if parts else result
    form, words, numbers = link.form, {}, {}
    for name, number in link.inputs.items():
        if number == 1.0 and f" x {{{name}}}" in form:
            form = form.replace(f" x {{{name}}}", "")  # leave out a factor of 1
        words[name] = NAMES[name]
        numbers[name] = _amount(name, number)
    return form.format(**words), f"{form.format(**numbers)} = {result}"


def _part(name: str, number: float | str) -> str:
    if isinstance(number, str):
        return number
    return f"{name.rpartition('_')[0].replace('_', ' ')} {_amount(name, number)}"


def _amount(name: str, number: float | str) -> str:
    """A number with the unit that its name ends in; whole numbers are not rounded."""
    if isinstance(number, str):
        return number
    if name in ("duration_h", "working_h") and number >= 1:  # hours, so that a reader can check the product
        return f"{figures(number, 5)} h"
    for ending, unit in _UNITS:
        if name.endswith(ending):
            return amount(number, unit, 4)
    return f"{number:,.0f}" if number == int(number) and number < 1e12 else figures(number, 4)


def contributions(quantity: Quantity) -> list[tuple[str, float, float]]:
    """The causes of a quantity, with its value at the low and high end of each, widest first; none of 0."""
    rows = [
        (cause, quantity.mid * exp(min(a, b)), quantity.mid * exp(max(a, b)))
        for cause, (a, b) in quantity.spread.items()
        if a != b and quantity.mid
    ]
    return sorted(rows, key=lambda row: row[1] / row[2])


def spread_text(result: Estimate) -> str:
    """The change of the answers by each cause alone, widest first."""
    lines = ["What moves the result (each cause alone, over its own 90 %):"]
    answers = [
        ("energy", result.energy_kwh, "kwh"),
        ("CO2e", result.co2e_kg, "kg"),
        ("cost", result.cost_usd, "usd"),
    ]
    for label, quantity, unit in answers:
        if quantity is None:
            continue
        for cause, low, high in contributions(quantity):
            ends = f"{amount(low, unit, 2):>12} - {amount(high, unit, 2)}"
            lines.append(f"  {label:<7} {cause_name(cause):<32.32} {ends}")
    return "\n".join(lines)
