"""From the totals of a run to a measurement: what was read, the modelled remainder, and the chain after it.

Components that a meter read stand as they are. What no meter here can see (fans, power
supplies, network cards, switches) comes from the estimator's power model for the same hours,
and is labelled. PUE, place and price are the estimator's, so estimate and measurement differ
only in what was measured.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from footprint import equations
from footprint.catalog.assumptions import assumed
from footprint.results import Assumption, Quantity, total
from footprint.results.estimate import Estimate
from footprint.results.human import figures
from footprint.results.measurement import (
    DoneWork,
    MeasuredComponents,
    Measurement,
    MeterSummary,
    SegmentSummary,
)
from footprint.tracking.meter.readings import LEAST_READ_S
from footprint.tracking.report.live_chain import Site, is_processor, model_of_hours, site_of
from footprint.tracking.report.node_energy import ComponentTotal
from footprint.tracking.report.run_totals import RunTotals
from footprint.units import SECONDS_PER_HOUR

NEGLIGIBLE_UNSEEN = 0.01
"""Below this share of the run, what a component's readings miss is not filled, only stated."""
WORTH_SAYING_S = 0.1
MODEL_SOURCE = "power model of the estimate"


@dataclass(slots=True)
class _Parts:
    """Energy by component as it is put together."""

    energy: dict[str, Quantity | None] = field(default_factory=dict)
    meters: list[MeterSummary] = field(default_factory=list)
    assumptions: list[Assumption] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def measure(totals: RunTotals) -> Measurement:
    """The measurement of one run; quantities that nothing supplies are None."""
    model, problem = _model_of(totals)
    parts = _Parts(warnings=[*totals.warnings, *totals.missing, *([problem] if problem else [])])
    parts.warnings += impossible(model.mfu if model else None)
    parts.warnings += (totals.estimate or {}).get("warnings") or ()
    it_energy = _it_energy(totals, model, parts)
    place = _place(totals, model)
    energy = None if it_energy is None else equations.facility_energy_kwh(it_energy, place.pue)
    duration_h = Quantity(totals.duration_s / SECONDS_PER_HOUR)
    if energy is not None and it_energy is not None and place.pue.mid > 1:
        parts.energy["cooling"] = _overhead(it_energy, place.pue)
    share = (
        None if model is None or energy is None or model.energy_kwh.mid == 0 else energy / model.energy_kwh
    )
    return Measurement(
        footprint_version=_version(),
        data_version=_data_version(),
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        name=str(totals.given.get("name") or (model.name if model else totals.run_id)),
        boundary=_boundary(totals, model),
        run_id=totals.run_id,
        status=totals.status,
        started_at=totals.segments[0].started_at,
        model=model.model if model else None,
        cluster=model.cluster if model else None,
        workload=_work(totals, model),
        flop=model.flop if model else None,
        peak_flop_per_s=model.peak_flop_per_s if model else None,
        step_time_s=None if totals.step_s is None else Quantity(totals.step_s),
        mfu=None if model is None or model.mfu is None else Quantity(model.mfu.mid),
        mfu_convention=model.mfu_convention if model else "",
        goodput=_goodput(totals),
        duration_h=duration_h,
        accelerator_h=model.accelerator_h if model else None,
        it_power_w=None if it_energy is None or duration_h.mid == 0 else it_energy / duration_h * 1000.0,
        it_energy_kwh=it_energy,
        energy_components_kwh=MeasuredComponents(**{k: v for k, v in parts.energy.items() if k != "node"}),
        pue=place.pue,
        energy_kwh=energy,
        place=place.summary,
        grid_g_per_kwh=place.grid,
        co2e_kg=None if energy is None or place.grid is None else equations.co2e_kg(energy, place.grid),
        co2e_market_kg=_scaled(model.co2e_market_kg, share) if model else None,
        embodied_co2e_kg=model.embodied_co2e_kg if model else None,
        water_l=_scaled(model.water_l, share) if model else None,
        price=model.price if model else None,
        cost_usd=model.cost_usd if model else None,
        segments=_segments(totals),
        meters=tuple(parts.meters),
        phases=totals.phases,
        faults=tuple(totals.faults),
        assumptions=tuple(dict.fromkeys((*parts.assumptions, *(model.assumptions if model else ())))),
        warnings=tuple(dict.fromkeys((*parts.warnings, *place.warnings, *(model.warnings if model else ())))),
    )


def impossible(mfu: Quantity | None) -> list[str]:
    """What a utilisation above 1 says of what was given."""
    if mfu is None or mfu.mid <= 1:
        return []
    return [
        f"MFU {figures(mfu.mid)} is impossible (above 1): the model, the hardware or the tokens given "
        "are not those of this run"
    ]


def _version() -> str:
    from footprint.catalog.version import footprint_version

    return footprint_version()


def _data_version() -> str:
    from footprint.catalog.version import DATA_VERSION

    return DATA_VERSION


def _model_of(totals: RunTotals) -> tuple[Estimate | None, str]:
    """The estimator's chain for the hours that were measured; None, and why, where it cannot be made."""
    work = {
        name: amount
        for name, amount in (("tokens", totals.tokens), ("samples", totals.samples), ("steps", totals.steps))
        if amount > 0
    }
    # the finest count says most; several would contradict each other
    counted = dict([next(iter(work.items()))]) if work else None
    return model_of_hours(totals.given, max(totals.duration_s, 1e-3) / SECONDS_PER_HOUR, counted)


def _it_energy(totals: RunTotals, model: Estimate | None, parts: _Parts) -> Quantity | None:
    """IT energy of the nodes [kWh]: components read, and the modelled remainder."""
    node = totals.components.get("node")
    if node is not None and node.kwh > 0:
        parts.energy["node"] = _component("node", node, parts)
        return parts.energy["node"]
    for name in ("accelerators", "cpu", "ram"):
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


def _add_remainder(model: Estimate, totals: RunTotals, parts: _Parts) -> None:
    """Components that no meter read, from the power model for the same hours, labelled so."""
    modelled = model.energy_components_kwh
    predicted = {
        "accelerators": modelled.accelerators,
        "cpu": modelled.cpu,
        "ram": modelled.ram,
        "other_node": None if modelled.other_node is None else modelled.other_node * totals.host_share,
        "network": None if modelled.network is None else modelled.network * totals.host_share,
    }
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


def _place(totals: RunTotals, model: Estimate | None) -> Site:
    """PUE and grid of the run: the estimate's, else looked up for what was given."""
    if model is not None:
        return Site(model.pue, model.grid_g_per_kwh, model.place)
    return site_of(totals.given)


def _overhead(it_energy: Quantity, pue: Quantity) -> Quantity:
    """Energy of cooling and power distribution [kWh]."""
    return Quantity(it_energy.mid * (pue.mid - 1.0), it_energy.spread)


def _scaled(quantity: Quantity | None, share: Quantity | None) -> Quantity | None:
    return None if quantity is None or share is None else Quantity(quantity.mid * share.mid, quantity.spread)


def _goodput(totals: RunTotals) -> Quantity | None:
    """Median step time x steps over wall-clock time [1]; at most 1."""
    if totals.step_s is None or totals.steps < 2 or totals.duration_s <= 0:
        return None
    return Quantity(min(1.0, totals.step_s * totals.steps / totals.duration_s))


def _work(totals: RunTotals, model: Estimate | None) -> DoneWork:
    workload = model.workload if model else None
    return DoneWork(
        tokens=totals.tokens or None,
        samples=totals.samples or None,
        steps=totals.steps or None,
        method=workload.method if workload else None,
        precision=workload.precision if workload else None,
    )


def _boundary(totals: RunTotals, model: Estimate | None) -> str:
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
