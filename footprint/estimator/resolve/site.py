"""Where the hardware stands: its electricity, its PUE and its water."""

from __future__ import annotations

from footprint.catalog.assumptions import assumed
from footprint.catalog.places import PueFact, find_place, find_pue, given_place, grid_quantity
from footprint.catalog.prices import find_provider, is_own_list
from footprint.errors import FootprintError
from footprint.estimator.facts import Site
from footprint.estimator.request import EstimateRequest
from footprint.records import replace
from footprint.results import Assumption, Quantity, chosen_row
from footprint.results.estimate import PlaceSummary
from footprint.schema import Cluster, Place

DESK_FORMS = ("desktop-1", "workstation-4", "mac-studio", "mac-mini", "macbook")
"""Ids of the node forms that stand beside a desk."""


def at_desk(cluster: Cluster) -> bool:
    """Whether the machines are desktops: of a card that is made for them, and not in a rack."""
    # The first form of T4 and L4, which have no fan, is a server, although a desktop can hold one.
    return cluster.node.id in DESK_FORMS and cluster.accelerator.nodes[0].id in DESK_FORMS


def site_of(request: EstimateRequest, place: Place | None, *, desk: bool = False) -> Site:
    """PUE, carbon intensity and water of a place; an unknown place (None) has the average PUE of its year.

    ``desk`` says that the machines are desktops: without a provider their PUE is about 1.
    """
    provider = request.provider or (place.provider if place else None)
    if provider is not None and is_own_list(provider):
        provider = None  # a price list says nothing of a data centre
    fact = find_pue(provider=provider, region=place.key if place else None, year=request.year)
    pue_rows: tuple[Assumption, ...] = ()
    pue_warnings: tuple[str, ...] = ()
    if request.pue is not None:
        pue = Quantity(request.pue)
    elif place is not None and place.pue is not None:
        pue = Quantity(place.pue)
    elif desk and provider is None:
        room = assumed("places.pue_desk")
        pue = Quantity.between(room.low, room.value, room.high, "pue")
        pue_rows = (room.row("--pue"),)
    else:
        pue, pue_rows, pue_warnings = fact.pue.at_least(1.0), (_pue_row(fact),), fact.warnings
    if place is None:
        return Site(pue=pue, grid_g_per_kwh=None, pue_rows=pue_rows, pue_warnings=pue_warnings)
    return Site(
        pue=pue,
        grid_g_per_kwh=grid_quantity(place),
        market_g_per_kwh=place.market_g_per_kwh,
        wue_l_per_kwh=fact.wue_l_per_kwh,
        summary=PlaceSummary(
            key=place.key, name=place.name, year=place.year, basis=place.basis, source=place.source
        ),
        pue_rows=pue_rows,
        pue_warnings=pue_warnings,
    )


def _pue_row(fact: PueFact) -> Assumption:
    return Assumption(
        name="pue", value=fact.pue.mid, unit="1", basis=fact.basis, source=fact.source, option="--pue"
    )


def settle_place(request: EstimateRequest) -> tuple[Place, tuple[Assumption, ...], tuple[str, ...]]:
    """Where the electricity comes from; the world average, said, where nothing is given."""
    if request.grid_g_per_kwh is not None:
        given = given_place(request.grid_g_per_kwh)
        if request.region is None:
            return given, (), ()
        # The region still says whose site it is: its PUE, water, prices and market-based factor.
        place, _ = find_place(request.region, year=request.year)
        own = replace(
            place,
            basis=given.basis,
            g_per_kwh=given.g_per_kwh,
            low_g_per_kwh=given.low_g_per_kwh,
            high_g_per_kwh=given.high_g_per_kwh,
            source=given.source,
        )
        return own, (), ()
    place, warnings = find_place(request.region, year=request.year)
    if place.basis not in ("lifecycle", "given"):
        warnings += (
            f"the carbon intensity of {place.name} is {place.basis}, without the fuel chain and plants: "
            "do not compare it with life-cycle ones",
        )
    if request.region is not None:
        return place, (), warnings
    return place, (chosen_row("place", place.name, place.source, "--region"),), warnings


def require_one_provider(request: EstimateRequest, place: Place) -> None:
    """FootprintError where the provider is not the one that the cloud region belongs to."""
    if request.provider is None or place.provider is None or is_own_list(request.provider):
        return
    if find_provider(request.provider) != place.provider:
        raise FootprintError(
            f"`region={place.key}` is a region of {place.provider}, not of {request.provider}: "
            "change one of them, or name the country or state instead of the cloud region"
        )
