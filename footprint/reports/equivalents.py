"""Everyday equivalents of an amount of CO2e, for scale only."""

from __future__ import annotations

from typing import Any

from footprint.catalog.files import read_toml, reference_folder
from footprint.results import Quantity
from footprint.results.human import figures, folded

MOST_SHOWN = 3


def equivalents_of(co2e_kg: Quantity) -> list[dict[str, Any]]:
    """At most three equivalents that fit the magnitude, each with its factor, year and source."""
    rows = []
    for key, entry in read_toml(reference_folder() / "equivalents.toml").items():
        count = co2e_kg / entry["co2e_kg"]
        if entry["least"] <= count.mid < entry["most"]:
            rows.append(
                {
                    "key": key, "name": entry["name"], "count": count.to_json(),
                    "co2e_kg_each": entry["co2e_kg"], "year": entry["year"], "source": entry["source"],
                }
            )  # fmt: skip
    return rows[:MOST_SHOWN]


def equivalents_text(co2e_kg: Quantity) -> str:
    """The equivalents as text, labelled as being for scale only."""
    rows = equivalents_of(co2e_kg)
    if not rows:
        return ""
    lines = ["For scale only, the operational CO2e is about:"]
    for row in rows:
        count = row["count"]
        ends = f"{figures(count['low'], 2)} - {figures(count['high'], 2)}"
        lines.append(f"  {figures(count['mid'], 2)} {row['name']} ({ends}) [{row['source']}, {row['year']}]")
    return folded("\n".join(lines))
