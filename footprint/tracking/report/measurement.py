"""From the totals of a run to a measurement: what was read, the modelled remainder, and the chain after it.

Components that a meter read stand as they are. What no meter here can see (fans, power
supplies, network cards, switches) comes from the estimator's power model for the same hours,
and is labelled. PUE, place and price are the estimator's, so estimate and measurement differ
only in what was measured.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from footprint import equations
from footprint.catalog.assumptions import assumed
from footprint.catalog.version import DATA_VERSION, footprint_version
from footprint.estimator.chain import Consequences, consequences
from footprint.estimator.facts import Facts, Site
from footprint.estimator.present import MFU_WALL_CLOCK, name_of, price_summary, rows_of, warnings_of
from footprint.estimator.run import cluster_summary, flop_summary, model_summary
from footprint.records import field, state
from footprint.results import Assumption, Quantity, total
from footprint.results.human import figures
from footprint.results.measurement import (
    METERED,
    DoneWork,
    MeasuredComponents,
    Measurement,
    MeterSummary,
    PeakMemory,
    SegmentSummary,
)
from footprint.spelling import on_command_line
from footprint.tracking.chain.run_chain import RunModel, is_processor, model_of_hours, site_of_run
from footprint.tracking.recorder.energy_ledger import LEAST_READ_S
from footprint.tracking.report import absent_hardware
from footprint.tracking.totals.node_energy import ComponentTotal
from footprint.tracking.totals.run_totals import RunTotals
from footprint.units import SECONDS_PER_HOUR

NEGLIGIBLE_UNSEEN = 0.01
"""Below this share of the run, what a component's readings miss is not filled, only stated."""
WORTH_SAYING_S = 0.1
MODEL_SOURCE = "power model of the estimate"


@state
class _Parts:
    """Energy by component as it is put together."""

    energy: dict[str, Quantity | None] = field(default_factory=dict)
    meters: list[MeterSummary] = field(default_factory=list)
    assumptions: list[Assumption] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def measure(totals: RunTotals) -> Measurement:
    """The measurement of one run; quantities that nothing supplies are None."""
    named, problem = _model_of(totals)
    left_out = named if absent_hardware.is_left_out(totals) else None
    model = None if left_out else named
    parts = _Parts(warnings=[*totals.warnings, *totals.missing, *([problem] if problem else [])])
    parts.warnings += impossible(model.prediction.mfu if model else None)
    parts.warnings += absent_hardware.notes(totals)
    parts.warnings += (totals.estimate or {}).get("warnings") or ()
    it_energy = _it_energy(totals, model, parts)
    if left_out is not None:
        parts.meters = [meter for meter in parts.meters if meter.component != "accelerators"]
        parts.meters.append(absent_hardware.meter_of(left_out, totals))
    duration_h = Quantity(totals.duration_s / SECONDS_PER_HOUR)
    site = model.facts.site if model is not None else site_of_run(totals.given)
    means = None if it_energy is None else _consequences(it_energy, site, model)
    if means is not None and site.pue.mid > 1:
        parts.energy["cooling"] = means.cooling_kwh
    timeless = it_energy is None or duration_h.mid == 0
    return Measurement(
        footprint_version=footprint_version(),
        data_version=DATA_VERSION,
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        name=_name(totals, model, left_out),
        boundary=_boundary(totals, model),
        run_id=totals.run_id,
        status=totals.status,
        started_at=totals.segments[0].started_at,
        step_time_s=None if totals.step_s is None else Quantity(totals.step_s),
        goodput=_goodput(totals),
        duration_h=duration_h,
        it_power_w=None if timeless else equations.mean_power_w(it_energy, duration_h),
        it_energy_kwh=it_energy,
        energy_components_kwh=MeasuredComponents(**{k: v for k, v in parts.energy.items() if k != "node"}),
        pue=site.pue,
        energy_kwh=means.energy_kwh if means else None,
        place=site.summary,
        grid_g_per_kwh=site.grid_g_per_kwh,
        co2e_kg=means.co2e_kg if means else None,
        co2e_market_kg=means.co2e_market_kg if means else None,
        water_l=means.water_l if means else None,
        **_of_model(totals, model, means) | (absent_hardware.of_model(left_out) if left_out else {}),
        segments=_segments(totals),
        meters=tuple(parts.meters),
        memory=None if totals.peak_gib is None else PeakMemory(peak_gib=totals.peak_gib),
        phases=totals.phases,
        faults=tuple(totals.faults),
        assumptions=tuple(dict.fromkeys((*parts.assumptions, *_rows(model)))),
        warnings=_each_once((*parts.warnings, *_warnings(site, model))),
    )


def _name(totals: RunTotals, model: RunModel | None, left_out: RunModel | None) -> str:
    if totals.given.get("name"):
        return str(totals.given["name"])
    if left_out is not None:
        return absent_hardware.name_of(left_out, totals)
    return totals.run_id if model is None else name_of(model.facts)


def _consequences(it_energy_kwh: Quantity, site: Site, model: RunModel | None) -> Consequences:
    """What the measured energy means at the run's site; hardware and price where they are known."""
    if model is None:
        return consequences(it_energy_kwh, Quantity(0.0), site)
    facts, accelerator_h = model.facts, model.outcome.accelerator_h
    return consequences(it_energy_kwh, accelerator_h, site, facts.embodied, facts.price)


def _of_model(totals: RunTotals, model: RunModel | None, means: Consequences | None) -> dict[str, Any]:
    """What only a known hardware says: model, FLOPs, MFU, accelerator-hours, embodied CO2e and cost."""
    if model is None:
        unknown = ("model", "cluster", "flop", "peak_flop_per_s", "mfu", "accelerator_h", "price", "cost_usd")
        nothing = dict.fromkeys((*unknown, "embodied_co2e_kg"))
        return {**nothing, "mfu_convention": "", "workload": _work(totals, None)}
    facts, prediction, outcome = model.facts, model.prediction, model.outcome
    # Hours alone have their price and their embodied share, whatever a meter read.
    means = means or outcome.consequences
    return {
        "model": model_summary(facts),
        "cluster": cluster_summary(facts),
        "flop": flop_summary(facts, prediction.layout),
        "peak_flop_per_s": facts.cluster.accelerator.peak_flop_per_s[facts.precision],
        "mfu": None if prediction.mfu is None else Quantity(prediction.mfu.mid),
        "mfu_convention": MFU_WALL_CLOCK,
        "accelerator_h": outcome.accelerator_h,
        "embodied_co2e_kg": means.embodied_co2e_kg,
        "price": None if facts.price is None else price_summary(facts.price, means, outcome.accelerator_h),
        "cost_usd": means.cost_usd,
        "workload": _work(totals, facts),
    }


def _rows(model: RunModel | None) -> Iterable[Assumption]:
    return () if model is None else rows_of(model.facts, model.prediction)


def _warnings(site: Site, model: RunModel | None) -> Iterable[str]:
    if model is None:
        return site.warnings
    return warnings_of(model.facts, model.prediction, model.outcome)


def _each_once(warnings: Iterable[str]) -> tuple[str, ...]:
    """The warnings without repetition; those of the estimate's record name options as a command does."""
    first: dict[str, str] = {}
    for text in warnings:
        first.setdefault(on_command_line(text), text)
    return tuple(first.values())


def impossible(mfu: Quantity | None) -> list[str]:
    """What a utilisation above 1 says of what was given."""
    if mfu is None or mfu.mid <= 1:
        return []
    return [
        f"MFU {figures(mfu.mid)} is impossible (above 1): the model, the hardware or the tokens given "
        "are not those of this run"
    ]


def _model_of(totals: RunTotals) -> tuple[RunModel | None, str]:
    """The chain for the hours that were measured; None, and why, where it cannot be made."""
    work = {
        name: amount
        for name, amount in (("tokens", totals.tokens), ("samples", totals.samples), ("steps", totals.steps))
        if amount > 0
    }
    # one amount of work: the finest that was counted
    counted = dict([next(iter(work.items()))]) if work else None
    return model_of_hours(totals.given, max(totals.duration_s, 1e-3) / SECONDS_PER_HOUR, counted)


def _it_energy(totals: RunTotals, model: RunModel | None, parts: _Parts) -> Quantity | None:
    """IT energy of the nodes [kWh]: components read, and the modelled remainder."""
    node = totals.components.get("node")
    if node is not None and node.kwh > 0:
        parts.energy["node"] = _component("node", node, parts)
        return parts.energy["node"]
    for name in METERED:
        parts.energy[name] = _component(name, totals.components.get(name), parts)
    if model is not None:
        _add_remainder(model, totals, parts)
    present = [quantity for quantity in parts.energy.values() if quantity is not None]
    return total(present) if present else None


def _component(name: str, found: ComponentTotal | None, parts: _Parts) -> Quantity | None:
    """Energy of one component [kWh]; what its readings missed is filled with its own mean power."""
    if found is None or found.how == "absent" or found.kwh <= 0 or _too_little_to_fill(found):
        source = found.source if found is not None and found.source else "no meter here reads it"
        parts.meters.append(MeterSummary(component=name, how="absent", source=source))
        return None
    whole_s, not_read_s = found.seen_s + found.unseen_s, found.unseen_s + found.stood_in_s
    parts.meters.append(MeterSummary(component=name, how=found.how, source=found.source, unseen_s=not_read_s))
    seen = Quantity(found.kwh)
    if found.how == "modelled" and name in ("cpu", "ram"):
        factor = assumed(f"tracking.{name}_model")
        seen = seen * factor.quantity
        parts.assumptions.append(factor.row())
    if not_read_s <= NEGLIGIBLE_UNSEEN * whole_s:
        return seen
    fill = assumed("tracking.unseen_fill")
    parts.assumptions.append(fill.row())
    if not_read_s >= WORTH_SAYING_S:
        whose = "its power right after the end" if found.stood_in_s >= found.seen_s else "its mean power"
        parts.warnings.append(
            f"{name}: {not_read_s:.1f} of {whole_s:.1f} s were not read "
            f"(start-up or faults) and are filled with {whose}"
        )
    read = 1.0 - found.stood_in_s / found.seen_s
    filled = seen * (not_read_s / found.seen_s) * fill.quantity
    return filled if read <= 0 else total([seen * read, filled])


def _too_little_to_fill(found: ComponentTotal) -> bool:
    """Whether a glimpse would have to stand for most of the run."""
    return found.seen_s < min(LEAST_READ_S, found.unseen_s) and not found.stood_in_s


def _add_remainder(model: RunModel, totals: RunTotals, parts: _Parts) -> None:
    """Components that no meter read, from the power model for the same hours, labelled so."""
    predicted = dict(model.outcome.components_kwh)
    for name in ("other_node", "network"):
        whole = predicted[name]
        predicted[name] = None if whole is None else whole * totals.host_share
    if is_processor(totals.given.get("hw")):
        # the accelerators of this cluster are its processors, which the cpu channel read
        if parts.energy.get("cpu") is None:
            predicted["cpu"] = _sum(predicted["accelerators"], predicted["cpu"])
        predicted["accelerators"] = None
        parts.meters = [meter for meter in parts.meters if meter.component != "accelerators"]
    for name, quantity in predicted.items():
        if parts.energy.get(name) is None and quantity is not None and quantity.mid > 0:
            parts.energy[name] = quantity
            parts.meters = [meter for meter in parts.meters if meter.component != name]
            parts.meters.append(MeterSummary(component=name, how="modelled", source=MODEL_SOURCE))


def _sum(one: Quantity | None, other: Quantity | None) -> Quantity | None:
    present = [quantity for quantity in (one, other) if quantity is not None]
    return total(present) if present else None


def _goodput(totals: RunTotals) -> Quantity | None:
    """Median step time x steps over wall-clock time [1]; at most 1."""
    if totals.step_s is None or totals.steps < 2 or totals.duration_s <= 0:
        return None
    return Quantity(min(1.0, totals.step_s * totals.steps / totals.duration_s))


def _work(totals: RunTotals, facts: Facts | None) -> DoneWork:
    workload = facts.workload if facts else None
    return DoneWork(
        tokens=totals.tokens or None,
        samples=totals.samples or None,
        steps=totals.steps or None,
        method=workload.method if workload else None,
        precision=facts.precision if facts and workload else None,
    )


def _boundary(totals: RunTotals, model: RunModel | None) -> str:
    if "node" in totals.components or model is not None:
        return "facility"
    return "facility, of the components read only"


def _segments(totals: RunTotals) -> tuple[SegmentSummary, ...]:
    return tuple(
        SegmentSummary(
            started_at=segment.started_at,
            duration_h=segment.duration_s / SECONDS_PER_HOUR,
            status=segment.status,
            steps=segment.steps,
            processes=len(segment.processes),
            nodes=len(segment.boots),
            it_energy_kwh=kwh,
        )
        for segment, kwh in zip(totals.segments, totals.segment_kwh, strict=True)
    )
