"""Where the electricity comes from: gCO2e/kWh of countries, states, provinces, cloud regions.

One headline basis: life-cycle, location-based annual averages. Direct (stack) factors are
turned into life-cycle ones by a cited upstream range and marked ``derived``. A cloud region
has the factor of its state or province where one is known, else of its country. Method and
fitted numbers: docs/places.md and ``reference_data/assumptions/places.toml``.
"""

from __future__ import annotations

import csv
import functools
import math

from footprint.catalog.assumptions import assumed
from footprint.catalog.files import read_text, reference_folder
from footprint.catalog.names import normalise, unknown
from footprint.errors import FootprintError, UnknownNameError
from footprint.results import Quantity
from footprint.schema import Place

WORLD = "WLD"
FIRST_YEAR, LAST_YEAR = 1990, 2100
MAX_G_PER_KWH = 3000.0
"""No grid or generator reaches it (lignite: about 1,500), so more is another unit."""

_SPREAD_CLASSES = ((150.0, "low"), (500.0, "mid"), (math.inf, "high"))
_Z90 = 1.6448536269514722
"""95th percentile of the standard normal distribution."""


def find_place(key: str | None, *, year: int | None = None) -> tuple[Place, tuple[str, ...]]:
    """The place called ``key`` [gCO2e/kWh, life-cycle, location-based] and warnings.

    ``key`` is a country (ISO 3166-1 alpha-3, alpha-2 or English name), a state or province
    (ISO 3166-2), a cloud region (``provider:region``, or the region alone if only one
    provider has it) or ``WLD``. No key means the world average with a warning and a wide
    interval. ``year`` chooses the nearest year there is (newest by default).

    Raises:
        UnknownNameError: no such place, with the nearest names.
        FootprintError: an ambiguous region name or an impossible year.
    """
    _check_year(year)
    if key is None:
        place, warnings = _from_rows(WORLD, year)
        note = "no place given: world average, with the spread of the world's countries; --region narrows it"
        return place, (note, *warnings)
    resolved = resolve(key)
    if ":" in resolved:
        return _from_region(resolved, year)
    return _from_rows(resolved, year)


def grid_quantity(place: Place) -> Quantity:
    """Carbon intensity of the place's electricity [gCO2e/kWh], its cause ``grid:PLACE:YEAR``.

    Regions that take their factor from one state or country share its cause.
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
            f"--grid-g-per-kwh must be grams of CO2e per kWh, from 0 to {MAX_G_PER_KWH:.0f}, not {g_per_kwh!r}"
        )
    return Place(
        key="given", name="given carbon intensity", year=0, basis="given", evidence="assumed", source="--grid-g-per-kwh",
        g_per_kwh=g_per_kwh, low_g_per_kwh=g_per_kwh, high_g_per_kwh=g_per_kwh,
    )  # fmt: skip


def place_keys() -> list[str]:
    """Every key: world, countries, states and provinces, then cloud regions."""
    return [*_places(), *_regions()]


def all_places() -> list[Place]:
    """Every place at its newest year [gCO2e/kWh]."""
    return [find_place(key)[0] for key in place_keys()]


def require_same_basis(*places: Place) -> None:
    """Return if the places' factors may be compared with each other.

    Raises:
        FootprintError: they are accounted on different bases.
    """
    bases = {place.basis for place in places if place.basis != "given"}
    if len(bases) > 1:
        listed = ", ".join(f"{place.key} ({place.basis})" for place in places)
        raise FootprintError(
            f"carbon intensities on different bases cannot be compared: {listed}; choose places with one basis"
        )


def resolve(key: str) -> str:
    """The canonical key of a place name.

    Raises:
        UnknownNameError: no such place.
        FootprintError: several cloud providers have a region of that name.
    """
    if not isinstance(key, str):
        raise FootprintError(f"a place must be text such as FRA, US-VA or aws:us-east-1, not {key!r}")
    wanted = normalise(key)
    names = _names()
    if wanted in names:
        return names[wanted]
    candidates = [region for region in _regions() if region.partition(":")[2] == wanted]
    if len(candidates) == 1:
        return candidates[0]
    if candidates:
        raise FootprintError(f"region {wanted!r} is ambiguous: write one of {', '.join(sorted(candidates))}")
    raise _unknown(key)


def _unknown(key: str) -> UnknownNameError:
    return unknown("place", key, [*_names()], "--region takes FRA, US-VA, gcp:us-central1, ...")


def _check_year(year: int | None) -> None:
    if year is not None and not (isinstance(year, int) and FIRST_YEAR <= year <= LAST_YEAR):
        raise FootprintError(f"--year must be a year from {FIRST_YEAR} to {LAST_YEAR}, not {year!r}")


def _from_region(key: str, year: int | None) -> tuple[Place, tuple[str, ...]]:
    from dataclasses import replace

    row = _regions()[key]
    place, warnings = _from_rows(row["place"], year)
    market = row["market_g_per_kwh"]
    return replace(
        place,
        key=key,
        name=f"{row['location']} ({place.name})",
        provider=key.partition(":")[0],
        market_g_per_kwh=float(market) if market else None,
    ), warnings


def _from_rows(key: str, year: int | None) -> tuple[Place, tuple[str, ...]]:
    rows = _grid(key)
    published = [row for row in rows if row["accounting"] == "lifecycle"] or rows
    target = year if year is not None else 9999
    row = min(published, key=lambda r: (abs(int(r["year"]) - target), -int(r["year"])))
    used = int(row["year"])
    warnings = []
    if year is not None and used != year:
        warnings.append(f"{key}: no carbon intensity of {year}, so that of {used}, the nearest year, is used")
    g_per_kwh = float(row["g_per_kwh"])
    evidence = row["basis"]
    upstream = (0.0, 0.0)
    if row["accounting"] == "direct":
        factor = assumed(f"places.upstream_{key[:2].lower()}")
        g_per_kwh *= factor.value
        upstream = (math.log(factor.low / factor.value), math.log(factor.high / factor.value))
        evidence = "derived"
        warnings.append(f"{key}: life-cycle intensity derived from a direct one and an upstream range")
    if key == WORLD:
        low, high = assumed("places.world_low_g_per_kwh").value, assumed("places.world_high_g_per_kwh").value
    else:
        lag = abs(used - year) if year is not None else 1
        low, high = _interval(g_per_kwh, lag, upstream)
    place = Place(
        key=key, name=_places()[key]["name"], year=used, basis="lifecycle", evidence=evidence, factor_key=key,
        g_per_kwh=g_per_kwh, low_g_per_kwh=low, high_g_per_kwh=high, source=row["source"],
    )  # fmt: skip
    return place, tuple(warnings)


def _interval(g_per_kwh: float, lag_years: int, upstream: tuple[float, float]) -> tuple[float, float]:
    """90 % interval [gCO2e/kWh]: factor, drift over the lag and upstream, in quadrature."""
    band = next(name for limit, name in _SPREAD_CLASSES if g_per_kwh < limit)
    drift, factor = assumed(f"places.drift_{band}").value, assumed(f"places.factor_{band}").value
    half = _Z90 * math.sqrt(factor**2 + drift**2 * lag_years)
    return g_per_kwh * math.exp(-math.hypot(half, upstream[0])), g_per_kwh * math.exp(math.hypot(half, upstream[1]))


def _table(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(read_text(reference_folder() / name).splitlines()))


@functools.cache
def _places() -> dict[str, dict[str, str]]:
    return {row["key"]: row for row in _table("places.csv")}


@functools.cache
def _regions() -> dict[str, dict[str, str]]:
    return {row["key"]: row for row in _table("regions.csv")}


@functools.cache
def _names() -> dict[str, str]:
    names: dict[str, str] = {}
    for key, row in _places().items():
        for name in (key, row["alpha2"], row["name"], *row["aliases"].split("|")):
            if name:
                names[normalise(name)] = key
    names.update((key, key) for key in _regions())
    return names


@functools.cache
def _grid(key: str) -> list[dict[str, str]]:
    lines = read_text(reference_folder() / "grid.csv").splitlines()
    return list(csv.DictReader([lines[0], *(line for line in lines if line.startswith(key + ","))]))
