"""Averages of many countries: the European Union and the continents.

The factor of a group is the mean of its countries' factors, weighted by their generation
(``generation_kwh`` of ``places.csv``), because every kWh generated in the group is equally likely to be the
one that is used. The 5th and 95th percentile of the countries, with the same weights, widens its interval.
Which country belongs where is column ``groups`` of ``places.csv`` (source ``"un-m49"``).
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable

from footprint.catalog.places.names import places
from footprint.catalog.places.spread import interval, log_ends
from footprint.records import replace
from footprint.schema import Place

WIDEST_LAG_YEARS = 3
"""A country whose newest factor is older than the group's by more is named in the note."""


@functools.cache
def groups() -> dict[str, dict[str, float]]:
    """Members of each group with their generation [kWh]."""
    found: dict[str, dict[str, float]] = {key: {} for key, row in places().items() if row["kind"] == "group"}
    for key, row in places().items():
        for group in filter(None, row["groups"].split("|")):
            if row["generation_kwh"]:
                found[group][key] = float(row["generation_kwh"])
    return found


def country_of(key: str) -> str:
    """Code of the country that a place lies in: ``CAN`` for ``CA-ON``; other keys are their own."""
    country, part = key.partition("-")[::2]
    return _by_alpha2().get(country, key) if part else key


@functools.cache
def _by_alpha2() -> dict[str, str]:
    """Code of three letters of each country, by that of two, with which its states begin."""
    return {row["alpha2"]: key for key, row in places().items() if row["alpha2"]}


def group_place(key: str, year: int | None, newest_year: int, of_country: Callable[[str], Place]) -> Place:
    """The average place of a group; ``of_country`` gives the place of a member."""
    weights = groups()[key]
    members = {member: of_country(member) for member in weights}
    whole = math.fsum(weights.values())
    mean = math.fsum(weights[member] * place.g_per_kwh for member, place in members.items()) / whole
    used = _commonest_year((place.year, weights[member]) for member, place in members.items())
    ends = log_ends([(place.g_per_kwh, weights[member]) for member, place in members.items()], mean)
    lag = abs(used - year) if year is not None else max(1, newest_year + 1 - used)
    low, high = interval(mean, key=key, lag_years=lag, parts=ends)
    old = sorted(member for member, place in members.items() if place.year < used - WIDEST_LAG_YEARS)
    note = f"mean of {len(members)} countries, weighted by their generation"
    first = members[max(weights, key=lambda member: weights[member])]
    return replace(
        first,
        key=key,
        name=places()[key]["name"],
        year=used,
        g_per_kwh=mean,
        low_g_per_kwh=low,
        high_g_per_kwh=high,
        evidence="derived",
        factor_key=key,
        note=f"{note}; older than {used - WIDEST_LAG_YEARS}: {', '.join(old)}" if old else note,
    )


def _commonest_year(years: Iterable[tuple[int, float]]) -> int:
    """The year in which most of the generation has its factor."""
    totals: dict[int, float] = {}
    for year, weight in years:
        totals[year] = totals.get(year, 0.0) + weight
    return max(totals, key=lambda year: (totals[year], year))
