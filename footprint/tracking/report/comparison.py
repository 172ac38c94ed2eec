"""Predicted against measured, component by component, and how much of the gap is time or power."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from footprint.results import Quantity
from footprint.results.measurement import METERED, ComparedQuantity, Comparison, Measurement
from footprint.results.report_columns import WORK
from footprint.tracking.report.measurement import MODEL_SOURCE
from footprint.vocabulary import ENDS

SAME_STEP = 0.02
"""Tokens a step may differ by this much before step times say nothing about each other."""
_EXTENSIVE = ("duration_h", "it_energy_kwh", "energy_kwh", "co2e_kg", "cost_usd")


def compare(
    measured: Measurement, predicted: Mapping[str, Any], *, processor: bool = False
) -> Comparison | None:
    """The comparison of a measurement with the estimate's JSON record; None where nothing can be compared.

    Predictions of amounts are scaled to the work that was done. Components are compared one by
    one, because a meter sees only some of them.
    """
    share = _work_share(measured, predicted)
    hows = {meter.component: meter.how for meter in measured.meters}
    borrowed = {meter.component for meter in measured.meters if meter.source == MODEL_SOURCE}
    rows: list[ComparedQuantity] = []
    for name in METERED:
        part = getattr(measured.energy_components_kwh, name)
        row = _row(
            f"energy_components_{name}_kwh", _component(predicted, name, processor=processor), part, share
        )
        if row is not None and hows.get(name) != "absent" and name not in borrowed:
            rows.append(_with_how(row, hows.get(name, "modelled")))
    whole = _how_of_total(hows)
    for name in ("duration_h", "it_power_w", "it_energy_kwh", "energy_kwh", "step_time_s", "mfu", "co2e_kg",
                 "cost_usd"):  # fmt: skip
        scale = share if name in _EXTENSIVE else 1.0
        row = _row(name, _quantity(predicted.get(name)), getattr(measured, name), scale)
        if row is not None and (name != "step_time_s" or _same_steps(measured, predicted)):
            counted = name in ("duration_h", "step_time_s", "mfu")
            rows.append(_with_how(row, "counted" if counted else whole))
    if measured.memory is not None:
        needed = _quantity((predicted.get("memory") or {}).get("needed_gib"))
        row = _row("memory_peak_gib", needed, Quantity(measured.memory.peak_gib), 1.0)
        if row is not None:
            rows.append(_with_how(row, "measured"))
    if not rows:
        return None
    ratios = {row.name: row.ratio for row in rows}
    return Comparison(
        run_id=measured.run_id,
        work_share=share,
        quantities=tuple(rows),
        time_factor=ratios.get("duration_h"),
        power_factor=ratios.get("it_power_w"),
    )


def _work_share(measured: Measurement, predicted: Mapping[str, Any]) -> float | None:
    """The part of the predicted work that was done; None when no step was counted."""
    planned = predicted.get("workload") or {}
    for name in WORK:
        done, wanted = getattr(measured.workload, name), planned.get(name)
        if done and wanted:
            return float(done / wanted)
    return None


def _same_steps(measured: Measurement, predicted: Mapping[str, Any]) -> bool:
    """Whether a step of the run holds what a step of the estimate does (or nobody counted)."""
    planned = predicted.get("workload") or {}
    for name in ("tokens", "samples"):
        done, wanted = getattr(measured.workload, name), planned.get(name)
        if done and wanted and measured.workload.steps and planned.get("steps"):
            each, expected = done / measured.workload.steps, wanted / planned["steps"]
            return bool(abs(each / expected - 1) < SAME_STEP)
    return True


def _component(predicted: Mapping[str, Any], name: str, *, processor: bool) -> Quantity | None:
    """The predicted energy of one component [kWh]; a processor profile's chips are its cpu."""
    parts = predicted.get("energy_components_kwh") or {}
    found = _quantity(parts.get(name))
    if not processor:
        return found
    if name == "accelerators":
        return None
    if name == "cpu":
        chips = _quantity(parts.get("accelerators"))
        if chips is not None:
            return chips if found is None or found.mid == 0 else chips + found
    return found


def _quantity(raw: Any) -> Quantity | None:
    """A quantity of the JSON contract, its whole interval as one cause."""
    if not isinstance(raw, Mapping) or not raw.get("mid"):
        return None
    low, mid, high = (float(raw.get(end) or raw["mid"]) for end in ENDS)
    if not 0 < low <= mid <= high:
        return Quantity(mid)
    return Quantity(mid) if low == high else Quantity.between(low, mid, high, "prediction")


def _row(
    name: str, predicted: Quantity | None, measured: Quantity | None, scale: float | None
) -> ComparedQuantity | None:
    if predicted is None or measured is None or scale is None or predicted.mid * scale == 0:
        return None
    scaled = predicted * scale
    return ComparedQuantity(
        name=name,
        predicted=scaled,
        measured=measured,
        how="",
        ratio=measured.mid / scaled.mid,
        within=scaled.low <= measured.mid <= scaled.high,
    )


def _with_how(row: ComparedQuantity, how: str) -> ComparedQuantity:
    from dataclasses import replace

    return replace(row, how=how)


def _how_of_total(hows: Mapping[str, str]) -> str:
    """How a sum over components is known."""
    kinds = {how for how in hows.values() if how != "absent"}
    if kinds == {"measured"}:
        return "measured"
    return "modelled" if "measured" not in kinds else "partly modelled"
