"""codecarbon: one row with the columns of its ``emissions.csv``; emissions in kg, energies in kWh."""

from __future__ import annotations

import csv
import io
from typing import Any

from footprint.reports.exports.shared.filed import Filed
from footprint.reports.exports.shared.reader import Bounds
from footprint.reports.exports.shared.written import required
from footprint.results.rows import cell_text
from footprint.units import SECONDS_PER_HOUR, W_PER_KW

NAME = "codecarbon"
STANDARD = "the emissions.csv of codecarbon 3.3"
ENDING = ".csv"
COLUMNS = (
    "timestamp", "project_name", "run_id", "experiment_id", "duration", "emissions", "emissions_rate",
    "cpu_power", "gpu_power", "ram_power", "cpu_energy", "gpu_energy", "ram_energy", "energy_consumed",
    "water_consumed", "country_name", "country_iso_code", "region", "cloud_provider", "cloud_region", "os",
    "python_version", "codecarbon_version", "cpu_count", "cpu_model", "gpu_count", "gpu_model", "longitude",
    "latitude", "ram_total_size", "tracking_mode", "cpu_utilization_percent", "gpu_utilization_percent",
    "ram_utilization_percent", "ram_used_gb", "on_cloud", "pue", "wue",
)  # fmt: skip
"""In codecarbon's order; a test compares them with its own."""
LEFT = (
    "experiment_id, os, python_version, cpu_model, cpu_count, ram_total_size, longitude and latitude (empty)",
    "energy_consumed is the facility's: with the other parts of the nodes it exceeds cpu + gpu + ram",
)


def write(record: Filed) -> tuple[str, tuple[str, ...]]:
    """The file, and what is left for the user."""
    energy = required(record.energy_kwh, "energy", "a row of codecarbon")
    co2e = required(record.co2e_kg, "CO2e", "a row of codecarbon")
    duration_s = record.duration_h.mid * SECONDS_PER_HOUR
    key = record.place_key
    row: dict[str, Any] = {
        "timestamp": record.created_at.removesuffix("Z"),
        "project_name": record.name,
        "run_id": record.run_id,
        "duration": duration_s,
        "emissions": co2e.mid,
        "emissions_rate": co2e.mid / duration_s if duration_s else 0.0,
        **_parts(record),
        "energy_consumed": energy.mid,
        "water_consumed": record.water_l and record.water_l.mid,
        "country_name": record.place,
        "country_iso_code": key if len(key) == 3 and key.isupper() else "",
        "cloud_provider": record.provider,
        "codecarbon_version": f"footprint {record.footprint_version} ({record.kind})",
        "gpu_count": record.count,
        "gpu_model": record.hardware,
        "tracking_mode": "machine",
        "on_cloud": "Y" if record.provider else "N",
        "pue": record.pue and record.pue.mid,
    }
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerow([cell_text(name, row.get(name)) for name in COLUMNS])
    return text.getvalue(), LEFT


def _parts(record: Filed) -> dict[str, float]:
    """Energy [kWh] and mean power [W] of each part, with its share of cooling, as codecarbon has them."""
    factor = (record.pue.mid if record.pue else 1.0) * record.every
    hours, found = record.duration_h.mid * record.every, {}
    for theirs, ours in (("cpu", "cpu"), ("gpu", "accelerators"), ("ram", "ram")):
        value: Bounds | None = record.components_kwh.get(ours)
        if value is not None:
            found[f"{theirs}_energy"] = value.mid * factor
            found[f"{theirs}_power"] = value.mid * factor * W_PER_KW / hours if hours else 0.0
    return found
