"""SCI for AI: the carbon of a training for each unit of it, operational and embodied apart.

The score is (O + M) / R with the location-based intensity (ISO/IEC 21031:2024). The units are those of a
provider in the Green Software Foundation's specification for AI: FLOP, tokens, parameters, steps.
"""

from __future__ import annotations

from typing import Any

from footprint.reports.exports.shared.filed import Filed
from footprint.reports.exports.shared.reader import Bounds
from footprint.reports.exports.shared.written import boundary, how, json_text, required
from footprint.units import G_PER_KG

NAME = "sci-ai"
STANDARD = "SCI for AI (Green Software Foundation), which extends ISO/IEC 21031:2024"
ENDING = ".json"
_UNITS = (
    ("1e15 FLOP", 1e15, "model_flop", "model FLOPs with full attention, of all runs"),
    ("1e3 training tokens", 1e3, "tokens", "tokens processed, epochs counted each time, of one run"),
    ("1e9 parameters", 1e9, "parameters", "parameters of the model"),
    ("1e3 training steps", 1e3, "steps", "optimiser steps of one run"),
)
LEFT = (
    "the functional unit that you report, and why",
    "carbon of data engineering, system integration and end of life, which a provider's boundary includes",
    "intermediate, failed and early-stopped runs that the record does not hold "
    "(footprint estimate --runs and --failed-share)",
)
_NO_EMBODIED = "embodied carbon, which the record does not have: the scores are operational alone"
_OF_ONE = ("tokens", "steps")


def write(record: Filed) -> tuple[str, tuple[str, ...]]:
    """The scores, and what is left for the user."""
    operational = required(record.co2e_kg, "CO2e", "an SCI score")
    embodied = record.embodied_co2e_kg
    whole = operational if embodied is None else _sum(operational, embodied)
    left = LEFT if embodied is not None else (*LEFT, _NO_EMBODIED)
    values = {
        "schema": "footprint/sci-ai/1",
        "follows": STANDARD,
        "conformity": "not claimed",
        "kind": record.kind,
        "name": record.name,
        "persona": "provider",
        "stages": ["model training"],
        "boundary": boundary(record),
        "intensity": {
            "basis": f"location-based, {record.place_basis}",
            "g_per_kwh": record.grid_g_per_kwh and record.grid_g_per_kwh.mid,
            "place": record.place,
            "year": record.place_year,
            "source": record.place_source,
        },
        "operational_kg": _ends(operational),
        "embodied_kg": embodied and _ends(embodied),
        "total_kg": _ends(whole),
        "scores": [score for unit in _UNITS if (score := _score(record, whole, *unit)) is not None],
        "method": f"{how(record)} Offsets and certificates lower nothing here.",
        "left_for_you": list(left),
    }
    return json_text(values), left


def _score(
    record: Filed, whole: Bounds, per: str, size: float, name: str, basis: str
) -> dict[str, Any] | None:
    """Grams for so many units; None where the record does not have the unit."""
    count = getattr(record, name)
    if not count:
        return None
    if name in _OF_ONE:
        count *= record.every
    return {
        "per": per,
        "unit": "g",
        **_ends(whole.times(G_PER_KG * size / count)),
        "basis": f"gross: {basis}",
    }


def _sum(one: Bounds, other: Bounds) -> Bounds:
    """A sum whose ends are the sums of the ends, so at least as wide as the interval of the sum."""
    return Bounds(low=one.low + other.low, mid=one.mid + other.mid, high=one.high + other.high)


def _ends(value: Bounds) -> dict[str, float]:
    return {"low": value.low, "mid": value.mid, "high": value.high}
