"""List, search and show places (countries, states, cloud regions) with their carbon intensity."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from footprint.cli.shared.catalogue import Catalogue, Row, catalogue_group


def _rows() -> list[Row]:
    from footprint.catalog.places import all_places

    return [
        {
            "key": place.key,
            "name": place.name,
            "g_per_kwh": place.g_per_kwh,
            "low_g_per_kwh": place.low_g_per_kwh,
            "high_g_per_kwh": place.high_g_per_kwh,
            "year": place.year,
            "basis": place.basis,
        }
        for place in all_places()
    ]


def _show(name: str) -> Mapping[str, Any]:
    from footprint.catalog.places import find_place, find_pue

    place, warnings = find_place(name)
    fact = find_pue(provider=place.provider, region=name)
    record = asdict(place)
    record["pue"] = {**fact.pue.to_json(), "year": fact.year, "source": fact.source}
    record["warnings"] = [*warnings, *fact.warnings]
    return record


def _names() -> list[str]:
    from footprint.catalog.places import place_keys

    return place_keys()


command = catalogue_group(
    Catalogue(
        kind="regions",
        about="Places with the carbon intensity of their electricity.",
        rows=_rows,
        show=_show,
        card="place_card",
        names=_names,
        columns=("key", "name", "g_per_kwh", "low_g_per_kwh", "high_g_per_kwh", "year", "basis"),
        example="FRA",
    )
)
