"""EU AI Act: the compute, time and energy items of the Model Documentation Form, as JSON.

Items and figures are those of the form in the Transparency chapter of the Code of Practice for
general-purpose AI (10 July 2025): FLOP and MWh with two significant figures, wall-clock and hardware days.
"""

from __future__ import annotations

from typing import Any

from footprint.reports.exports.shared.filed import Filed
from footprint.reports.exports.shared.reader import Bounds
from footprint.reports.exports.shared.written import (
    boundary,
    how,
    json_text,
    order_of_magnitude,
    required,
    scientific,
    stage,
)
from footprint.units import HOURS_PER_DAY, HOURS_PER_YEAR

NAME = "eu-mdf"
STANDARD = "the Model Documentation Form of the EU's code of practice for general-purpose AI, 10 July 2025"
ENDING = ".json"
_KWH_PER_MWH = 1e3
_RANGES = ((1, "< 1 month"), (3, "1 - 3 months"), (6, "3 - 6 months"))
_THRESHOLDS = (
    ("general_purpose_indicative", 1e23, "Commission guidelines C(2025) 5045, 18 July 2025"),
    ("systemic_risk_presumed", 1e25, "Regulation (EU) 2024/1689, Article 51(2)"),
)
_CAVEAT = (
    "The first threshold is indicative and counts only together with what the model can generate; the "
    "computation of a modification is compared with a third of the original model's. Whether a model is in "
    "scope is not decided here."
)
LEFT = (
    "model: identifier, authenticity, release and market dates, licence, uses, data (the form's other items)",
    "training.period: which runs and dates these numbers cover; add data generation and failed runs if any",
    "inference_benchmark: FLOP of a benchmark task, for example by footprint inference",
    "training.energy: the form fixes no boundary; say whether yours is the facility's",
)


def write(record: Filed) -> tuple[str, tuple[str, ...]]:
    """The sheet, and what is left for the user."""
    energy = required(record.energy_kwh, "energy", "the form's energy item").times(1 / _KWH_PER_MWH)
    values = {
        "schema": "footprint/eu-mdf/1",
        "follows": STANDARD,
        "conformity": "not claimed",
        "kind": record.kind,
        "model": {
            "name": record.model or record.name,
            "architecture": record.family,
            "parameters": _text(record.parameters),
        },
        "training": {
            "stage": stage(record),
            "period": f"FILL IN ({record.runs} run{'s' if record.runs > 1 else ''} as {record.kind})",
            "wall_clock_days": scientific(record.duration_h.mid / HOURS_PER_DAY),
            "duration_range": duration_range(record.duration_h.mid),
            "hardware_days": _hardware_days(record),
            "compute_flop": _compute(record),
            "energy_mwh": _energy(record, energy),
        },
        "inference_benchmark": {"compute_flop": "FILL IN", "task": "FILL IN", "hardware": "FILL IN"},
        "thresholds": _thresholds(record),
        "left_for_you": list(LEFT),
    }
    return json_text(values), LEFT


def duration_range(hours: float) -> str:
    """The form's range of the training time for authorities; a month is a twelfth of a year."""
    months = hours / (HOURS_PER_YEAR / 12)
    return next((name for most, name in _RANGES if months < most), "> 6 months")


def _hardware_days(record: Filed) -> list[dict[str, str]]:
    if record.accelerator_h is None:
        return []
    days = scientific(record.accelerator_h.mid / HOURS_PER_DAY)
    return [{"device": record.hardware or "FILL IN", "days": days}]


def _compute(record: Filed) -> dict[str, Any]:
    if record.model_flop is None:
        return {"ai_office": "FILL IN", "national_authorities": "FILL IN", "method": "FILL IN"}
    return {
        "ai_office": scientific(record.model_flop),
        "national_authorities": order_of_magnitude(record.model_flop),
        "with_recomputation": _text(record.hardware_flop),
        "method": (
            "Operations of the forward and backward passes, counted from the model's configuration; one "
            "multiply-add is two; attention in full. Not 6 x parameters x tokens. All runs that the record "
            "holds; recomputation of activations apart."
        ),
    }


def _energy(record: Filed, energy: Bounds) -> dict[str, Any]:
    ends = {"low": scientific(energy.low), "high": scientific(energy.high), "interval": "90 %"}
    return {
        "value": scientific(energy.mid),
        **(ends if energy.low < energy.high else {}),
        "known_or_estimated": "known" if record.was_metered else "estimated",
        "boundary": boundary(record),
        "method": how(record),
    }


def _thresholds(record: Filed) -> dict[str, Any]:
    """Whether the computation is above each threshold; null where it is unknown."""
    most = max(record.model_flop or 0.0, record.hardware_flop or 0.0)
    known = record.model_flop is not None
    return {
        name: {"flop": scientific(flop), "above": most > flop if known else None, "source": source}
        for name, flop, source in _THRESHOLDS
    } | {"caveat": _CAVEAT}


def _text(value: float | None) -> str:
    return "FILL IN" if value is None else scientific(value)
