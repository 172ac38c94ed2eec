"""Fit the spreads of grid factors, PUE and WUE from the shipped tables.

``python -m calibration.places`` prints the numbers for ``reference_data/assumptions/places.toml``; a test
fails if the file differs.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable
from itertools import pairwise

from footprint.arithmetic import weighted_quantile
from footprint.catalog.places.find import WORLD, find_place
from footprint.catalog.places.spread import WITH_PARTS, band
from footprint.catalog.places.tables import table

Fits = dict[str, float]


def root_mean_square(values: Iterable[float]) -> float:
    """Root mean square of the values [their unit]."""
    squares = [value * value for value in values]
    return math.sqrt(math.fsum(squares) / len(squares))


def drift() -> Fits:
    """Root mean square log change from one year to the next, by band [1]."""
    countries = {row["key"] for row in table("places.csv") if row["kind"] == "country"}
    series: dict[str, dict[int, float]] = {}
    for row in table("grid.csv"):
        if row["key"] in countries:
            series.setdefault(row["key"], {})[int(row["year"])] = float(row["g_per_kwh"])
    steps: dict[str, list[float]] = {}
    for values in series.values():
        for first, second in pairwise(sorted(values)):
            if second == first + 1:
                steps.setdefault(band(values[first]), []).append(math.log(values[second] / values[first]))
    return {f"drift_{name}": root_mean_square(changes) for name, changes in steps.items()}


def season() -> Fits:
    """Root mean square log deviation of a month from its year, by band [1]."""
    years: dict[tuple[str, str], list[float]] = {}
    for row in table("grid_monthly.csv"):
        years.setdefault((row["key"], row["month"][:4]), []).append(float(row["g_per_kwh"]))
    deviations: dict[str, list[float]] = {}
    for months in years.values():
        mean = math.fsum(months) / len(months)
        deviations.setdefault(band(mean), []).extend(math.log(month / mean) for month in months)
    return {f"season_{name}": root_mean_square(logs) for name, logs in deviations.items()}


def inside() -> Fits:
    """5th and 95th percentile of states and provinces over their country, weighted by cloud regions [1]."""
    homes = [row["place"] for row in table("regions.csv")]
    fits = {}
    for country in WITH_PARTS:
        whole = find_place(country)[0].g_per_kwh
        prefix = {"CAN": "CA-", "CHN": "CN-", "USA": "US-"}[country]
        parts = [(find_place(home)[0].g_per_kwh / whole, 1.0) for home in homes if home.startswith(prefix)]
        fits[f"inside_{country.lower()}.low"] = min(1.0, weighted_quantile(parts, 0.05))
        fits[f"inside_{country.lower()}.high"] = max(1.0, weighted_quantile(parts, 0.95))
    return fits


def world() -> Fits:
    """5th and 95th percentile of countries, weighted by generation, over the world's mean [1]."""
    weights = {r["key"]: float(r["generation_kwh"]) for r in table("places.csv") if r["generation_kwh"]}
    pairs = [(find_place(key)[0].g_per_kwh, weight) for key, weight in weights.items()]
    mean = find_place(WORLD)[0].g_per_kwh
    return {
        "world_low_ratio": weighted_quantile(pairs, 0.05) / mean,
        "world_high_ratio": weighted_quantile(pairs, 0.95) / mean,
    }


def effectiveness(column: str) -> Fits:
    """Log spread of ``pue`` - 1 or ``wue_l_per_kwh``: from year to year, and between sites of a fleet [1]."""
    excess = 1.0 if column == "pue" else 0.0
    name = column.removesuffix("_l_per_kwh")
    rows = [r for r in table("pue.csv") if r[column] and r["scope"] in ("region", "geography", "fleet")]
    known = {(r["provider"], r["region"], int(r["year"])): float(r[column]) - excess for r in rows}
    homes = {row["key"]: row["geography"] for row in table("regions.csv")}
    changes: list[float] = []
    in_fleet: list[float] = []
    in_geography: list[float] = []
    for row in rows:
        if row["scope"] != "region":
            continue
        provider, region, year = row["provider"], row["region"], int(row["year"])
        value = known[provider, region, year]
        if (provider, region, year + 1) in known:
            changes.append(math.log(known[provider, region, year + 1] / value))
        geography = homes.get(f"{provider}:{region}", "")
        for whole, logs in (("", in_fleet), (geography, in_geography)):
            if (whole or logs is in_fleet) and (provider, whole, year) in known:
                logs.append(math.log(value / known[provider, whole, year]))
    return {
        f"{name}_region": root_mean_square(changes),
        f"{name}_geography": root_mean_square(in_geography),
        f"{name}_fleet": root_mean_square(in_fleet),
    }


def all_fits() -> Fits:
    """Every fitted number by its name in ``places.toml`` [1]."""
    return drift() | season() | inside() | world() | effectiveness("pue") | effectiveness("wue_l_per_kwh")


if __name__ == "__main__":
    for key, value in sorted(all_fits().items()):
        sys.stdout.write(f"{key} = {value:.4g}\n")
