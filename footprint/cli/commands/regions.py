"""List, search and show places (countries, states, towns, cloud regions) with their carbon intensity."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from footprint.cli.shared.catalogue import Catalogue, Filter, Row, any_of, at_most, catalogue_group
from footprint.cli.shared.options import COUNT

if TYPE_CHECKING:
    from footprint.schema import Place


OWN_TARIFF = "electricity_usd_per_kwh"


def _rows() -> list[Row]:
    from footprint.catalog.places import all_places

    return _as_rows(all_places())


def _search(text: str) -> list[Row]:
    from footprint.catalog.places import search_places

    return _as_rows(search_places(text))


def _as_rows(places: Iterable[Place]) -> list[Row]:
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
        for place in places
    ]


def _show(name: str) -> Mapping[str, Any]:
    from footprint.catalog.places import find_place, find_pue
    from footprint.catalog.places.water import find_water
    from footprint.results import Quantity

    place, warnings = find_place(name)
    fact = find_pue(provider=place.provider, region=place.key)
    record = asdict(place)
    record = {
        key: value for key, value in record.items() if value is not None or key not in ("pue", OWN_TARIFF)
    }
    record["pue"] = {**fact.pue.to_json(), "year": fact.year, "source": fact.source}
    if place.pue is not None:
        record["pue"] = {**Quantity(place.pue).to_json(), "year": place.year, "source": place.source}
    water = find_water(place, fact)
    record["water"] = {
        "on_site_l_per_kwh": water.on_site_l_per_kwh and water.on_site_l_per_kwh.to_json(),
        "on_site_source": water.on_site_source,
        "off_site_l_per_kwh": water.off_site_l_per_kwh and water.off_site_l_per_kwh.to_json(),
        "off_site_source": water.off_site_source,
    }
    record["warnings"] = [*warnings, *fact.warnings]
    return record


def _names() -> list[str]:
    from footprint.catalog.places import place_keys

    return place_keys()


def _of_provider(name: str) -> Callable[[Row], bool]:
    from footprint.catalog.prices import find_provider

    provider = find_provider(name)
    return lambda row: str(row["key"]).startswith(f"{provider}:")


command = catalogue_group(
    Catalogue(
        kind="regions",
        about="Places with the carbon intensity of their electricity.",
        rows=_rows,
        show=_show,
        card="place_card",
        names=_names,
        search=_search,
        columns=("key", "name", "g_per_kwh", "low_g_per_kwh", "high_g_per_kwh", "year", "basis"),
        example="paris",
        filters=(
            Filter(flag="--provider", help="Only regions of this cloud provider.", test=_of_provider),
            Filter(
                flag="--basis",
                help="lifecycle or direct.",
                test=any_of("basis"),
                metavar="BASIS",
                names=("basis",),
            ),
            Filter(
                flag="--max-g-per-kwh",
                help="At most so much gCO2e/kWh.",
                test=at_most("g_per_kwh"),
                type=COUNT,
                metavar="NUMBER",
            ),
        ),
    )
)
