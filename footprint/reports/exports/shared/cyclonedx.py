"""The ML-BOM of CycloneDX, whose model card is the same in versions 1.6 and 1.7."""

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
from footprint.units import KG_PER_T

LEFT = (
    "energyProviders: who supplied the electricity, and from which source (written as unknown)",
    "component: version, supplier, licences and hashes of the model",
    "modelCard: data sets, performance, intended uses and limits of the model",
)


def bom(record: Filed, version: str) -> tuple[str, tuple[str, ...]]:
    """The bill of materials with the energy [kWh] and CO2e [t] of the training, and what is left."""
    name = record.model or record.name
    values = {
        "$schema": f"http://cyclonedx.org/schema/bom-{version}.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": version,
        "serialNumber": f"urn:uuid:{unique(record)}",
        "version": 1,
        "metadata": {
            "timestamp": record.created_at,
            "tools": {
                "components": [
                    {"type": "application", "name": "footprint", "version": record.footprint_version}
                ]
            },
        },
        "components": [
            {
                "type": "machine-learning-model",
                "bom-ref": "model",
                "name": name,
                "modelCard": {
                    "modelParameters": without_nothing({"architectureFamily": record.family}),
                    "considerations": {
                        "environmentalConsiderations": {"energyConsumptions": [_consumption(record)]}
                    },
                },
            }
        ],
    }
    return json_text(values), LEFT


def _consumption(record: Filed) -> dict[str, Any]:
    energy = required(record.energy_kwh, "energy", "CycloneDX's energyConsumption")
    measure = {"value": energy.mid, "unit": "kWh"}
    co2e = record.co2e_kg
    return without_nothing(
        {
            "activity": stage(record),
            "energyProviders": [
                {
                    "description": f"Grid of {record.place or 'a place that was not given'}",
                    "organization": {"name": "FILL IN: supplier of the electricity"},
                    "energySource": "unknown",
                    "energyProvided": measure,
                }
            ],
            "activityEnergyCost": measure,
            "co2CostEquivalent": co2e and {"value": co2e.mid / KG_PER_T, "unit": "tCO2eq"},
            "properties": _properties(record, energy),
        }
    )


def _properties(record: Filed, energy: Bounds) -> list[dict[str, str]]:
    """What the schema has no field for, under names of our own."""
    co2e = record.co2e_kg
    found = {
        "kind": record.kind,
        "boundary": boundary(record),
        "method": how(record),
        "energy_kwh_low": repr(energy.low),
        "energy_kwh_high": repr(energy.high),
        "co2e_kg_low": co2e and repr(co2e.low),
        "co2e_kg_high": co2e and repr(co2e.high),
        "co2e_basis": co2e and f"location-based, operational, {record.place_basis}",
        "grid_source": record.place_source,
        "hardware": record.on,
        "runs": str(record.runs) if record.runs > 1 else "",
    }
    return [{"name": f"footprint:{name}", "value": value} for name, value in found.items() if value]
