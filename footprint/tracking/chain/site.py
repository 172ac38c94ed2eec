"""PUE and grid of a run, from what was given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from footprint.errors import FootprintError
from footprint.records import value
from footprint.results import Quantity
from footprint.results.estimate import PlaceSummary


@value
class Site:
    """PUE and grid of a run."""

    pue: Quantity
    grid: Quantity | None
    summary: PlaceSummary | None
    warnings: tuple[str, ...] = ()


def site_of(given: Mapping[str, Any]) -> Site:
    """PUE and grid for a run's arguments; no place means the world average, an unknown one none."""
    from footprint.catalog.places import find_place, given_place, grid_quantity

    try:
        grams = given.get("grid_g_per_kwh")
        place, warnings = (
            (given_place(grams), ())
            if grams is not None
            else find_place(given.get("region"), year=given.get("year"))
        )
    except FootprintError as error:  # an unknown place has the average site of its year, and no grid
        return Site(_pue(given, given.get("provider"), None), None, None, (str(error),))
    pue = _pue(given, given.get("provider") or place.provider, place.key)
    summary = PlaceSummary(
        key=place.key, name=place.name, year=place.year, basis=place.basis, source=place.source
    )
    return Site(pue, grid_quantity(place), summary, tuple(warnings))


def _pue(given: Mapping[str, Any], provider: str | None, region: str | None) -> Quantity:
    if given.get("pue"):
        return Quantity(float(given["pue"]))
    from footprint.catalog.pue import find_pue

    return find_pue(provider=provider, region=region, year=given.get("year")).pue


def is_processor(hw: str | None) -> bool:
    """Whether a cluster's accelerators are processors, which the ``cpu`` channel reads."""
    if not hw:
        return False
    from footprint.catalog.cluster import parse_cluster

    try:
        return parse_cluster(hw)[0].accelerator.kind == "cpu"
    except FootprintError:
        return False
