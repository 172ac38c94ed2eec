"""The detail behind an estimate: each formula with its numbers and sources; what moves the result."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator

from footprint.catalog.sources import describe
from footprint.equations import accelerator_power_w
from footprint.records import value
from footprint.reports.human import amount, figures
from footprint.results import Assumption, Quantity
from footprint.results.estimate import Estimate, PhaseSummary, PriceSummary, WorkloadSummary

WIDTH = 80


@value
class Step:
    """One formula: what it gives, with its numbers put in, and where they come from."""

    title: str
    formula: str
    numbers: str
    sources: tuple[str, ...] = ()


def explain_text(result: Estimate) -> str:
    """Every link of the chain as text for people."""
    lines = ["How each number comes about:"]
    cited: dict[str, int] = {}
    for step in explain(result):
        marks = [str(cited.setdefault(source, len(cited) + 1)) for source in step.sources]
        mark = f" [{', '.join(marks)}]" if marks else ""
        lines += ["", f"  {step.title}{mark}"]
        lines += _wrapped(step.formula, 4)
        lines += _wrapped(f"= {step.numbers}", 4)
    lines += ["", "Sources:"]
    for source, number in cited.items():
        described = "; ".join(describe(source))
        lines += textwrap.wrap(
            f"[{number}] {described}",
            WIDTH,
            initial_indent="  ",
            subsequent_indent="      ",
            break_long_words=False,
        )
    return "\n".join(lines)


def _wrapped(text: str, indent: int) -> list[str]:
    pad = " " * indent
    return textwrap.wrap(
        text, WIDTH, initial_indent=pad, subsequent_indent=pad + "  ", break_long_words=False
    )


def explain(result: Estimate) -> Iterator[Step]:
    """The formulas of the chain in order, with the estimate's own numbers."""
    yield from _flops(result)
    yield from _time(result)
    yield from _energy(result)
    yield from _consequences(result)


def _flops(result: Estimate) -> Iterator[Step]:
    if result.flop is None or result.workload is None:
        return
    phases = " + ".join(_phase(phase) for phase in result.workload.phases)
    yield Step(
        "Training FLOPs (model, full attention)",
        "sum over phases of steps x FLOP a step; FLOP a step from the list of matrix products",
        f"{phases} -> {figures(result.flop.model_flop, 4)} FLOP (causal "
        f"{figures(result.flop.model_flop_causal, 4)}, hardware {figures(result.flop.hardware_flop, 4)})",
    )


def _phase(phase: PhaseSummary) -> str:
    size = f"{phase.sequence_length}" if phase.sequence_length is not None else f"{phase.image_size} px"
    if phase.target_sequence_length is not None:
        size += f"/{phase.target_sequence_length}"
    return f"{_count(phase.steps)} steps of {_count(phase.sequences_per_step)} x {size}"


def _count(value: float) -> str:
    """A count to its last digit, so that the product can be checked by hand."""
    return f"{value:,.0f}" if value >= 1000 or value == int(value) else f"{value:,.4g}"


def _time(result: Estimate) -> Iterator[Step]:
    workload = result.workload
    if result.step_time_s is not None and result.mfu is not None and workload is not None:
        yield from _step_time(result, workload, result.step_time_s, result.mfu)
    if result.goodput is not None and workload and result.step_time_s is not None:
        lengthened = result.duration_h.mid / (
            workload.steps * result.step_time_s.mid / result.goodput.mid / 3600
        )
        spot = f" x {figures(lengthened)} (interruptions)" if lengthened > 1.0001 else ""
        yield Step(
            "Duration",
            "steps x step time / goodput",
            f"{_count(workload.steps)} x {amount(result.step_time_s.mid, 's')} / "
            f"{figures(result.goodput.mid)}{spot} = {amount(result.duration_h.mid, 'h')}",
            _sources_of(result, "goodput."),
        )
    else:
        yield Step("Duration", "given", amount(result.duration_h.mid, "h"))


def _step_time(
    result: Estimate, workload: WorkloadSummary, step_time_s: Quantity, mfu: Quantity
) -> Iterator[Step]:
    """Step time as the sum of its terms where it was predicted, and as FLOPs over MFU."""
    profile = f"profile {result.cluster.accelerator}"
    if result.step_terms:
        parts = [f"{t.name.replace('_', ' ')} {amount(t.time_s, 's')}" for t in result.step_terms if t.time_s]
        yield Step(
            "Step time (mean over the steps)",
            "products over their rate + memory traffic + communication + launches, x software factor",
            " + ".join(parts) + f" -> {amount(step_time_s.mid, 's')}",
            (*_sources_of(result, "step time over the sum"), profile),
        )
    flop = (result.flop.model_flop if result.flop else 0.0) / workload.steps
    peak = result.peak_flop_per_s or 0.0
    yield Step(
        "MFU" if result.step_terms else "Step time and MFU",
        "FLOP a step / (accelerators x peak FLOP/s x step time)",
        f"{figures(flop, 4)} / ({result.cluster.count:,} x {figures(peak, 4)} x "
        f"{amount(step_time_s.mid, 's')}) = {figures(flop / (result.cluster.count * peak * step_time_s.mid))}"
        f"; {workload.precision} peak"
        + ("" if len(workload.phases) == 1 else f" (token-weighted over phases: {figures(mfu.mid)})"),
        (*_sources_of(result, "time."), profile),
    )


def _board(result: Estimate) -> Iterator[Step]:
    """Power of one board, where it follows from its limit and what it is busy with."""
    known = {row.name: float(row.value) for row in result.assumptions if not isinstance(row.value, str)}
    if "busy share of a step" not in known:
        return
    busy, tdp_w = known["busy share of a step"], known["power limit of one accelerator"]
    top, waiting = known["power.busy_over_tdp"], known["power.waiting_over_tdp"]
    formula, idle = "power limit x (busy x b + waiting x (1 - b)), b the busy share of a step", 0.0
    in_step = f"({top:.4g} x {busy:.3f} + {waiting:.4g} x {1 - busy:.3f})"
    fed = known.get("share of the time that steps fill", 1.0)
    if "power.idle_over_tdp" in known:
        idle = known["power.idle_over_tdp"]
        formula = f"{formula}, for the share f of the time that steps fill; idle for the rest"
        in_step = f"({fed:.3f} x {in_step} + {1 - fed:.3f} x {idle:.4g})"
    watts = accelerator_power_w(tdp_w, busy, top, waiting, fed, idle)
    yield Step(
        "Power of one accelerator (boundary: accelerator)",
        formula,
        f"{tdp_w:,g} W x {in_step} = {amount(watts, 'w')}",
        (*_sources_of(result, "power.busy_over_tdp"), f"profile {result.cluster.accelerator}"),
    )


def _energy(result: Estimate) -> Iterator[Step]:
    yield from _board(result)
    parts = result.energy_components_kwh
    hours = result.duration_h.mid
    shown = [
        f"{name.replace('_', ' ')} {amount(part.mid / hours * 1e3, 'w')}"
        for name, part in (
            ("accelerators", parts.accelerators), ("cpu", parts.cpu), ("ram", parts.ram),
            ("other node", parts.other_node), ("network", parts.network),
        )
        if part is not None
    ]  # fmt: skip
    yield Step(
        "IT power, whole cluster (boundary: node)",
        "accelerators + host + network, held at the node's rated maximum" if shown else "given",
        (" + ".join(shown) + " -> " if shown else "") + amount(result.it_power_w.mid, "w"),
        (*_sources_of(result, "power."), f"profile {result.cluster.accelerator}") if shown else (),
    )
    yield Step(
        "IT energy",
        "IT power x duration",
        f"{amount(result.it_power_w.mid, 'w')} x {figures(hours)} h = "
        f"{amount(result.it_energy_kwh.mid, 'kwh')}",
    )
    yield Step(
        "Facility energy (boundary: facility)",
        "IT energy x PUE, applied once",
        f"{amount(result.it_energy_kwh.mid, 'kwh')} x {figures(result.pue.mid, 4)} = "
        f"{amount(result.energy_kwh.mid, 'kwh')}",
        _sources_of(result, "pue"),
    )


def _consequences(result: Estimate) -> Iterator[Step]:
    yield Step(
        f"Operational CO2e (location-based, {result.place.basis})",
        "facility energy x carbon intensity",
        f"{figures(result.energy_kwh.mid, 4)} kWh x {figures(result.grid_g_per_kwh.mid, 4)} g/kWh "
        f"({result.place.name}) = {amount(result.co2e_kg.mid, 'kg')}",
        (result.place.source,),
    )
    if result.price is not None and result.cost_usd is not None:
        yield _cost(result, result.price, result.cost_usd)
    if result.embodied_co2e_kg is not None:
        yield _embodied(result, result.embodied_co2e_kg)


def _cost(result: Estimate, price: PriceSummary, cost_usd: Quantity) -> Step:
    hours, hourly = figures(result.accelerator_h.mid, 4), amount(price.usd_per_accelerator_h.mid, "usd")
    numbers = f"{hours} h x {hourly} = {amount(cost_usd.mid, 'usd')}"
    if price.purchase == "owned":
        return Step(
            "Cost",
            "accelerator-hours x capital / (lifetime x utilisation) + facility energy x tariff",
            f"{numbers}, electricity included: {price.interval}; {figures(result.energy_kwh.mid, 4)} kWh",
            _sources_of(result, "prices."),
        )
    known = [price.purchase, price.interval, f"dated {price.dated}" if price.dated else ""]
    return Step(
        "Cost",
        "accelerator-hours x price",
        f"{numbers} ({'; '.join(text for text in known if text)})",
        tuple(price.source.split("; ")),
    )


def _embodied(result: Estimate, embodied_kg: Quantity) -> Step:
    """The share of making the hardware: what one accelerator and its server took, by working hours."""
    parts = [row for row in result.assumptions if row.name.startswith("embodied CO2e")]
    each = " + ".join(f"{_value(row)} kg" for row in parts)
    hours = result.accelerator_h.mid
    working_h = sum(float(row.value) for row in parts) * hours / embodied_kg.mid if embodied_kg.mid else 0.0
    return Step(
        "Embodied CO2e (not in the operational figure)",
        "kgCO2e of an accelerator and its share of the server x accelerator-hours / working hours of a "
        "lifetime (lifetime x utilisation)",
        f"({each}) x {figures(hours, 4)} h / {figures(working_h, 4)} h = {amount(embodied_kg.mid, 'kg')}",
        (*_sources_of(result, "embodied CO2e"), *_sources_of(result, "prices.lifetime")),
    )


def _value(row: Assumption) -> str:
    return row.value if isinstance(row.value, str) else figures(row.value)


def _sources_of(result: Estimate, prefix: str) -> tuple[str, ...]:
    """Sources of the assumptions whose name starts so."""
    return tuple(dict.fromkeys(row.source for row in result.assumptions if row.name.startswith(prefix)))


def contributions(quantity: Quantity) -> list[tuple[str, float, float]]:
    """Causes of a quantity with its value at their low and high ends, widest first."""
    rows = [
        (cause, quantity.mid * math.exp(min(a, b)), quantity.mid * math.exp(max(a, b)))
        for cause, (a, b) in quantity.spread.items()
        if a != b
    ]
    return sorted(rows, key=lambda row: row[1] / row[2])


_CAUSES = {
    "time_model": "step-time model", "busy_share": "busy share", "power_model": "board power model",
    "host_power": "host power", "network_power": "network power", "goodput": "goodput", "pue": "PUE",
    "wue": "water effectiveness", "embodied_accelerator": "embodied CO2e of the chip",
}  # fmt: skip


def cause_name(cause: str) -> str:
    """A cause as people call it: ``grid:FRA:2025`` is ``grid, FRA 2025``."""
    if cause in _CAUSES:
        return _CAUSES[cause]
    head, *rest = cause.split(":")
    name = head.rpartition(".")[2].replace("_", " ")
    return f"{name}, {' '.join(rest).replace('_', ' ')}" if rest else name


def spread_text(result: Estimate) -> str:
    """What each cause alone does to the answers, widest first."""
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
