"""CycloneDX 1.7 ML-BOM: the model's card with the energy and CO2e of its training."""

from __future__ import annotations

from footprint.reports.exports.shared.cyclonedx import bom
from footprint.reports.exports.shared.filed import Filed

NAME = "cyclonedx-1.7"
STANDARD = "CycloneDX 1.7 (ECMA-424), October 2025"
ENDING = ".json"


def write(record: Filed) -> tuple[str, tuple[str, ...]]:
    """The bill of materials, and what is left for the user."""
    return bom(record, "1.7")
