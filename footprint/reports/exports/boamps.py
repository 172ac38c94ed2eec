"""BoAmps: the energy report of Boavizta, whose ``powerConsumption`` is in kWh despite its name."""

from __future__ import annotations

from typing import Any

from footprint.reports.exports.shared.filed import Filed
from footprint.reports.exports.shared.reader import Bounds
from footprint.reports.exports.shared.written import (
    boundary,
    how,
    json_text,
    required,
    stage,
    unique,
    without_nothing,
)
from footprint.units import SECONDS_PER_HOUR

NAME = "boamps"
STANDARD = "BoAmps (Boavizta), schemas of July 2025"
ENDING = ".json"
_QUALITIES = ((1.10, "high"), (1.25, "medium"))
"""The largest ratio of an end to the median for each of the schema's qualities: +-10 %, +-25 %."""
LEFT = (
    "task.taskFamily: what the model is for, such as text generation",
    "task.dataset: source, size and owner of the data (its kind is the workload's)",
    "infrastructure.infraType: publicCloud if a provider is known, else other",
    "header.publisher: who publishes, and how confidential the report is",
    "environment.powerSupplierType and powerSource, if known",
)


def write(record: Filed) -> tuple[str, tuple[str, ...]]:
    """The report, and what is left for the user."""
    energy = required(record.energy_kwh, "energy", "BoAmps' measure")
    values = {
        "header": {
            "formatVersion": "0.1",
            "formatVersionSpecificationUri": "https://github.com/Boavizta/BoAmps/tree/main/model",
            "reportId": unique(record),
            "reportDatetime": _time(record),
            "reportStatus": "draft",
        },
        "task": {
            "taskStage": "training" if stage(record) == "training" else "finetuning",
            "taskFamily": "FILL IN",
            "algorithms": [_algorithm(record)],
            "dataset": [_dataset(record)],
            "taskDescription": f"{how(record)} Boundary: {boundary(record)}.",
        },
        "measures": [_measure(record, energy)],
        "infrastructure": without_nothing(
            {
                "infraType": "publicCloud" if record.provider else "other",
                "cloudProvider": record.provider,
                "components": [_component(record)],
            }
        ),
        "environment": _environment(record),
        "quality": quality(energy),
    }
    return json_text(without_nothing(values)), LEFT


def quality(energy: Bounds) -> str:
    """The quality of an energy: high within 10 %, medium within 25 %, else low."""
    if energy.mid == 0 or energy.low == 0:
        return "low"
    widest = max(energy.high / energy.mid, energy.mid / energy.low)
    return next((name for most, name in _QUALITIES if widest <= most), "low")


def _time(record: Filed) -> str:
    return record.created_at.replace("T", " ").removesuffix("Z")


def _algorithm(record: Filed) -> dict[str, Any]:
    return without_nothing(
        {
            "algorithmType": record.family,
            "foundationModelName": record.model,
            "parametersNumber": record.parameters and record.parameters / 1e9,
            "quantization": record.precision,
        }
    )


def _dataset(record: Filed) -> dict[str, Any]:
    if record.tokens:
        return {"dataUsage": "input", "dataType": "token", "dataQuantity": record.tokens}
    return without_nothing({"dataUsage": "input", "dataType": "other", "dataQuantity": record.samples})


def _measure(record: Filed, energy: Bounds) -> dict[str, Any]:
    """One measure: energy [kWh], time [s]."""
    return {
        "measurementMethod": "codecarbon" if _by_codecarbon(record) else _other_method(record),
        "version": f"footprint {record.footprint_version}",
        "powerConsumption": energy.mid,
        "measurementDuration": record.duration_h.mid * SECONDS_PER_HOUR,
        "measurementDateTime": _time(record),
    }


def _by_codecarbon(record: Filed) -> bool:
    return any("codecarbon" in source.lower() for _, way, source in record.meters if way != "absent")


def _other_method(record: Filed) -> str:
    return "footprint" if record.is_measured else "flops-compute"


def _component(record: Filed) -> dict[str, Any]:
    return without_nothing(
        {
            "componentName": record.hardware,
            "componentType": "gpu" if record.accelerator else "cpu",
            "nbComponent": record.count or 1,
        }
    )


def _environment(record: Filed) -> dict[str, Any]:
    """The place; nothing where none is known, since the schema then asks for a country."""
    if not record.place or record.place_key in ("", "world"):
        return {}
    grid = record.grid_g_per_kwh
    return without_nothing({"country": record.place, "powerSourceCarbonIntensity": grid and grid.mid})
