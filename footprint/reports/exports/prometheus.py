"""Prometheus: gauges of one record in the text format 0.0.4, in base units, for a textfile collector."""

from __future__ import annotations

from footprint.plain_text import in_line
from footprint.reports.exports.shared.filed import Filed
from footprint.reports.exports.shared.reader import Bounds
from footprint.units import G_PER_KG, JOULE_PER_KWH, SECONDS_PER_HOUR
from footprint.vocabulary import ENDS

NAME = "prometheus"
STANDARD = "the text format 0.0.4 of Prometheus"
ENDING = ".prom"
LEFT = ("where the file goes: the folder of node_exporter's textfile collector",)
_GAUGES = (
    ("duration_seconds", "duration_h", SECONDS_PER_HOUR, "Wall clock of one run."),
    ("it_energy_joules", "it_energy_kwh", JOULE_PER_KWH, "Energy of the nodes, all runs."),
    ("energy_joules", "energy_kwh", JOULE_PER_KWH, "Energy of the facility, all runs."),
    ("co2e_grams", "co2e_kg", G_PER_KG, "Operational CO2e, location-based, all runs."),
    ("co2e_market_grams", "co2e_market_kg", G_PER_KG, "Operational CO2e, market-based, all runs."),
    ("embodied_co2e_grams", "embodied_co2e_kg", G_PER_KG, "Share of the hardware's embodied CO2e."),
    ("cost_usd", "cost_usd", 1.0, "Cost of all runs."),
)


def write(record: Filed) -> tuple[str, tuple[str, ...]]:
    """The metrics, each with its median and the ends of its interval, and what is left for the user."""
    labels = {
        "name": record.name, "kind": record.kind, "run_id": record.run_id, "model": record.model,
        "hardware": record.hardware, "place": record.place,
    }  # fmt: skip
    inside = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels.items() if text)
    lines = []
    for name, field, factor, about in _GAUGES:
        value: Bounds | None = getattr(record, field)
        if value is None:
            continue
        metric = f"footprint_record_{name}"
        lines += [f"# HELP {metric} {about}", f"# TYPE {metric} gauge"]
        for bound in ENDS:
            lines.append(f'{metric}{{{inside},bound="{bound}"}} {getattr(value, bound) * factor!r}')
    return "\n".join((*lines, "")), LEFT


def _escaped(text: str) -> str:
    return in_line(text).replace("\\", "\\\\").replace('"', '\\"')
