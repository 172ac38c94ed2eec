"""Carbon intensity of electricity [gCO2e/kWh] in countries, states, provinces and cloud regions.

All factors have one basis: life-cycle, location-based annual averages. Direct (stack) factors are
converted to life-cycle factors with a cited range for upstream emissions and marked ``derived``. A cloud
region has the factor of its state or province if one is known, else that of its country. Method and
fitted numbers: docs/places.md and ``reference_data/assumptions/places.toml``.
"""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, Any

from footprint.catalog.places.spread import from_direct, interval, world_interval
from footprint.catalog.places.tables import cloud_regions, keep_all, rows_of
from footprint.errors import FootprintError, UnknownNameError
from footprint.records import replace
from footprint.results import Quantity
from footprint.schema import Place

if TYPE_CHECKING:
    from footprint.catalog.places.sites import OwnSite

WORLD = "WLD"
FIRST_YEAR, LAST_YEAR = 1990, 2100
MAX_G_PER_KWH = 3000.0
"""Upper limit of an accepted carbon intensity; no grid or generator reaches it (old lignite: about 1,500)."""

_NEWEST = 9999


def find_place(key: str | None, *, year: int | None = None) -> tuple[Place, tuple[str, ...]]:
    """The place called ``key`` [gCO2e/kWh, life-cycle, location-based] and warnings.

    ``key`` is a country (ISO 3166-1 alpha-3, alpha-2 or English name), a state or province
    (ISO 3166-2 or English name), a cloud region (``provider:region``, or the region alone if
    only one provider has it), ``EU``, a continent, a town or ``WLD``; case does not matter (see
    `footprint.catalog.places.names`). Without a key the result is the world
    average with a warning and a wide interval. ``year`` selects the nearest available year (the
    newest by default).

    Raises:
        UnknownNameError: no such place, with the nearest names.
        FootprintError: a name that means several places, or an impossible year.
    """
    check_year(year)
    if key is None:
        place, warnings = _from_rows(WORLD, year)
        given = "no place given: the world average with the spread of all countries; give `region=`"
        return place, (given, *warnings)
    from footprint.catalog.places.names import meaning
    from footprint.catalog.places.sites import is_site_file, named_site, read_site

    if isinstance(key, str) and is_site_file(key):
        return _of_site(read_site(key), key, year)
    try:
        found = meaning(key)
    except UnknownNameError:
        site = named_site(key)
        if site is None:
            raise
        return _of_site(site, key, year)
    place, warnings = _of_key(found.key, year)
    if found.town:
        place = replace(place, name=f"{found.town} ({place.name})")
    if found.read_as:
        warnings = (f"the place {key.strip()!r} is read as {found.read_as}", *warnings)
    return place, warnings


def _of_site(site: OwnSite, key: str, year: int | None) -> tuple[Place, tuple[str, ...]]:
    """The place that a site of one's own is: its facts, and those of its country, state or region."""
    from footprint.catalog.places.sites import name_of_file, outside_its_dates
    from footprint.catalog.upkeep.age import today

    place, warnings = find_place(site.place, year=year)
    if site.place is None and site.grid_g_per_kwh is not None:
        warnings = ()
    place = replace(
        place,
        key=name_of_file(key).removesuffix(".toml"),
        name=site.name,
        factor_key=place.factor_key or place.key,
        pue=site.pue,
        electricity_usd_per_kwh=site.electricity_usd_per_kwh,
        provider=None if site.grid_g_per_kwh is not None else place.provider,
    )
    if site.grid_g_per_kwh is not None:
        given = given_place(site.grid_g_per_kwh)
        place = replace(
            place, basis="given", evidence="assumed", g_per_kwh=given.g_per_kwh,
            low_g_per_kwh=given.g_per_kwh, high_g_per_kwh=given.g_per_kwh, market_g_per_kwh=None,
            source=site.source or key,
            year=int((site.valid_from or site.valid_until or "0")[:4]),
        )  # fmt: skip
    outside = outside_its_dates(site, today())
    return place, (*warnings, outside) if outside else warnings


def search_places(text: str) -> list[Place]:
    """The places that a text may mean, best first, each at its newest year [gCO2e/kWh]."""
    from footprint.catalog.places.names import matches

    found = []
    for one in matches(text):
        place, _ = _of_key(one.key, None)
        found.append(replace(place, name=f"{one.town} ({place.name})") if one.town else place)
    return found


def grid_quantity(place: Place) -> Quantity:
    """Carbon intensity of the place's electricity [gCO2e/kWh], with the cause ``grid:PLACE:YEAR``.

    Regions with the factor of the same state or country share its cause.
    """
    if place.low_g_per_kwh == place.high_g_per_kwh:
        return Quantity(place.g_per_kwh)
    cause = f"grid:{place.factor_key or place.key}:{place.year}"
    return Quantity.between(place.low_g_per_kwh, place.g_per_kwh, place.high_g_per_kwh, cause)


def given_place(g_per_kwh: float) -> Place:
    """A place whose carbon intensity [gCO2e/kWh] the user gave; it has no interval.

    Raises:
        FootprintError: not a finite number from 0 to 3000.
    """
    if not (math.isfinite(g_per_kwh) and 0 <= g_per_kwh <= MAX_G_PER_KWH):
        raise FootprintError(
            f"`grid_g_per_kwh=` takes grams of CO2e per kWh, from 0 to {MAX_G_PER_KWH:.0f}, not {g_per_kwh!r}"
        )
    return Place(
        key="given",
        name="given carbon intensity",
        year=0,
        basis="given",
        g_per_kwh=g_per_kwh,
        low_g_per_kwh=g_per_kwh,
        high_g_per_kwh=g_per_kwh,
        source="--grid-g-per-kwh",
        evidence="assumed",
        note="below 1 g/kWh: was that kg/kWh?" if 0 < g_per_kwh < 1 else "",
    )


def place_keys() -> list[str]:
    """All keys: the world, groups, countries, states and provinces, reference rows, then cloud regions."""
    from footprint.catalog.places.names import places

    return [*places(), *cloud_regions()]


def all_places() -> list[Place]:
    """Every place at its newest year [gCO2e/kWh]."""
    for name in ("grid.csv", "places.csv", "regions.csv"):
        keep_all(name)
    return [find_place(key)[0] for key in place_keys()]


def check_year(year: int | None) -> None:
    """Return if ``year`` is None or within the accepted years.

    Raises:
        FootprintError: not a whole number from 1990 to 2100.
    """
    whole = isinstance(year, int) and not isinstance(year, bool)
    if year is not None and not (whole and FIRST_YEAR <= year <= LAST_YEAR):
        raise FootprintError(f"`year=` takes a year from {FIRST_YEAR} to {LAST_YEAR}, not {year!r}")


def _of_key(key: str, year: int | None) -> tuple[Place, tuple[str, ...]]:
    """The place of a canonical key."""
    if ":" in key:
        return _from_region(key, year)
    if rows_of("places.csv", key)[0]["kind"] == "group":
        from footprint.catalog.places.groups import group_place

        keep_all("grid.csv")
        place = group_place(key, year, _newest_year(), lambda member: _from_rows(member, year)[0])
        if year is None or place.year == year:
            return place, ()
        return place, (_nearest(key, place.year, year),)
    return _from_rows(key, year)


def _from_region(key: str, year: int | None) -> tuple[Place, tuple[str, ...]]:
    row = rows_of("regions.csv", key)[0]
    place, warnings = _from_rows(row["place"], year)
    changes: dict[str, Any] = {
        "key": key,
        "name": f"{row['location']} ({place.name})" if row["location"] != place.name else place.name,
        "provider": key.partition(":")[0],
    }
    if row["market_g_per_kwh"]:
        changes["market_g_per_kwh"] = float(row["market_g_per_kwh"])
        note = (
            f"market-based: operational {row['operational_g_per_kwh']} g/kWh "
            f"x (1 - {row['cfe_share']} carbon-free) by the provider, {row['market_year']}"
        )
        changes["note"] = f"{place.note}; {note}" if place.note else note
    return replace(place, **changes), warnings


def _from_rows(key: str, year: int | None) -> tuple[Place, tuple[str, ...]]:
    rows = rows_of("grid.csv", key)
    about = rows_of("places.csv", key)[0]
    kind = about["kind"]
    published = [row for row in rows if row["accounting"] == "lifecycle"] or rows
    target = _NEWEST if year is None else year
    row = min(published, key=lambda r: (abs(int(r["year"]) - target), -int(r["year"])))
    used = int(row["year"])
    warnings = []
    if year is not None and used != year:
        warnings.append(_nearest(key, used, year))
    value = mid = float(row["g_per_kwh"])
    evidence: Any = row["basis"]
    note = ""
    upstream = (0.0, 0.0)
    if kind != "reference" and row["accounting"] == "direct":
        mid, upstream = from_direct(value, key)
        evidence = "derived"
        note = f"derived: direct {value:.5g} g/kWh with the fuel chain and plants added"
        warnings.append(f"{key}: life-cycle intensity derived from the direct {value:.0f} g/kWh")
    lag = abs(used - year) if year is not None else max(1, _newest_year() + 1 - used)
    if kind == "reference":
        low = high = mid
    elif key == WORLD:
        low, high = world_interval(mid)
    else:
        low, high = interval(mid, key=key, lag_years=lag, upstream=upstream)
    place = Place(
        key=key,
        name=about["name"],
        year=used,
        basis="direct" if kind == "reference" else "lifecycle",
        g_per_kwh=mid,
        low_g_per_kwh=low,
        high_g_per_kwh=high,
        source=row["source"],
        evidence=evidence,
        factor_key=key,
        note=note,
    )
    return place, tuple(warnings)


def _nearest(key: str, used: int, year: int) -> str:
    return f"no carbon intensity of {key} for {year}: the nearest year, {used}, is used"


@functools.cache
def _newest_year() -> int:
    return max(int(row["year"]) for row in rows_of("grid.csv", WORLD))
