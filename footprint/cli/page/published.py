"""Trainings whose hours were published, and the hours of a rule of thumb, on the axes of an estimate.

The axes are the FLOPs of the 6ND rule and accelerator-hours: all three have both. A published run is a
reference and never enters an estimate.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from footprint import equations
from footprint.results.estimate import Estimate
from footprint.results.human import amount, figures
from footprint.units import SECONDS_PER_HOUR

RULES = (0.3, 0.4, 0.5)
"""MFUs of the rule 6ND / (peak x MFU), as people assume them."""


def published_runs() -> list[dict[str, Any]]:
    """Every model of the catalogue whose accelerator-hours and tokens were published."""
    from footprint.catalog.folder import read_records
    from footprint.catalog.models import models_folder

    found = []
    for key, raw in read_records(models_folder()):
        recipe = raw.get("recipe", {})
        hours, parameters, tokens = _accelerator_h(recipe), raw.get("parameters"), _tokens(recipe)
        has_experts = any("expert" in key for key in raw.get("config", {}))  # 6ND is of those that work
        if hours and parameters and tokens and not has_experts:
            found.append(
                {
                    "id": key,
                    "name": raw["name"],
                    "year": raw.get("year"),
                    "hw": recipe.get("accelerator", ""),
                    "flop": equations.flop_6nd(parameters, tokens),
                    "accelerator_h": hours,
                    "text": _hours(hours),
                }
            )
    return sorted(found, key=lambda run: float(run["flop"]))


def beside_rules(result: Estimate) -> dict[str, Any] | None:
    """The estimate beside 6ND at constant MFUs; None where parameters, tokens or peak are unknown."""
    model, workload, peak = result.model, result.workload, result.peak_flop_per_s
    parameters = model.active_parameters or model.parameters if model is not None else None
    tokens = workload.tokens if workload is not None else None
    if not parameters or not tokens or not peak:
        return None
    flop = equations.flop_6nd(parameters, tokens)
    rules = [_rule(mfu, flop, peak, result) for mfu in RULES]
    hours = result.accelerator_h
    low, high = hours.bounds
    return {
        "flop": flop,
        "predicted": {
            "low": low, "mid": hours.mid, "high": high,
            "cells": [
                _hours(hours.mid), amount(result.duration_h.mid, "h"), amount(result.energy_kwh.mid, "kwh")
            ],
            "interval": f"{_hours(low, 2)} to {_hours(high, 2)}",
        },
        "rules": rules,
    }  # fmt: skip


def _hours(value: float, digits: int = 3) -> str:
    """Accelerator-hours, which are no time on a clock: never in days or years."""
    return f"{figures(value, digits)} h"


def _rule(mfu: float, flop: float, peak_flop_per_s: float, result: Estimate) -> dict[str, Any]:
    """Hours and energy by the rule, with the power and the PUE of the estimate and no lost time."""
    count = result.cluster.count
    hours = equations.step_time_s(flop, count, peak_flop_per_s, mfu) / SECONDS_PER_HOUR
    it_kwh = equations.energy_kwh(result.it_power_w.mid, hours)
    accelerator_h = equations.accelerator_h(hours, count)
    return {
        "mfu": mfu,
        "accelerator_h": accelerator_h,
        "cells": [
            _hours(accelerator_h),
            amount(hours, "h"),
            amount(equations.facility_energy_kwh(it_kwh, result.pue.mid), "kwh"),
        ],
    }


def _accelerator_h(recipe: Mapping[str, Any]) -> float | None:
    hours, count = recipe.get("duration_h"), recipe.get("accelerators")
    return recipe.get("accelerator_h") or (hours * count if hours and count else None)


def _tokens(recipe: Mapping[str, Any]) -> float | None:
    """Tokens of the whole training, source and target together; None for samples of another kind."""
    if "tokens" in recipe:
        return float(recipe["tokens"])
    found = 0.0
    for phase in recipe.get("phases", []):
        if "sequence_length" not in phase or "image_size" in phase or "steps" not in phase:
            return None
        length = phase["sequence_length"] + phase.get("target_sequence_length", 0)
        found += phase["steps"] * phase["sequences_per_step"] * length
    return found or None
