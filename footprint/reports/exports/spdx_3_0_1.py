"""SPDX 3.0.1, AI profile: an AI package with the energy of its training, as JSON-LD."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from footprint.reports.exports.shared.filed import Filed
from footprint.reports.exports.shared.written import (
    boundary,
    how,
    json_text,
    required,
    stage,
    unique,
    with_interval,
    without_nothing,
)

NAME = "spdx-3.0.1"
STANDARD = "SPDX 3.0.1, AI profile, December 2024"
ENDING = ".json"
LEFT = (
    "software_packageVersion, suppliedBy, releaseTime, downloadLocation and licence of the model",
    "ai_domain, ai_autonomyType, ai_limitation and the data sets (the Dataset profile)",
    "the name space of the identifiers, which are of urn:uuid",
)
_FIELDS = {"training": "ai_trainingEnergyConsumption", "fine-tuning": "ai_finetuningEnergyConsumption"}


def write(record: Filed) -> tuple[str, tuple[str, ...]]:
    """The document, and what is left for the user."""
    energy = required(record.energy_kwh, "energy", "SPDX's energy consumption")
    base = f"urn:uuid:{unique(record)}"
    quantity = {
        "type": "ai_EnergyConsumptionDescription",
        "ai_energyQuantity": format(Decimal(repr(energy.mid)), "f"),
        "ai_energyUnit": "kilowattHour",
    }
    co2e = record.co2e_kg and f" Operational CO2e, location-based: {with_interval(record.co2e_kg, 'kg')}."
    package = {
        "type": "ai_AIPackage",
        "spdxId": f"{base}#model",
        "creationInfo": "_:creation",
        "name": record.model or record.name,
        "software_primaryPurpose": "model",
        "ai_typeOfModel": [record.family] if record.family else [],
        "ai_energyConsumption": {"type": "ai_EnergyConsumption", _FIELDS[stage(record)]: [quantity]},
        "ai_informationAboutTraining": (
            f"{how(record)} Boundary: {boundary(record)}. Energy: {with_interval(energy, 'kwh')}.{co2e or ''}"
        ),
    }
    tool = f"footprint-{record.footprint_version}"
    graph: list[dict[str, Any]] = [
        {
            "type": "CreationInfo",
            "@id": "_:creation",
            "specVersion": "3.0.1",
            "created": record.created_at,
            "createdBy": [f"{base}#footprint"],
        },
        {"type": "SoftwareAgent", "spdxId": f"{base}#footprint", "creationInfo": "_:creation", "name": tool},
        {
            "type": "SpdxDocument",
            "spdxId": f"{base}#document",
            "creationInfo": "_:creation",
            "profileConformance": ["core", "software", "ai"],
            "rootElement": [f"{base}#model"],
        },
        without_nothing(package),
    ]
    return json_text({"@context": "https://spdx.org/rdf/3.0.1/spdx-context.jsonld", "@graph": graph}), LEFT
