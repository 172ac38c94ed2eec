"""Intervals of a grid factor used for one run, and life-cycle factors computed from direct ones.

All numbers are in ``reference_data/assumptions/places.toml``. ``calibration/places.py`` computes the
fitted ones from the shipped tables, and a test repeats this.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from footprint.arithmetic import Z90, exp, hypot, log, weighted_quantile
from footprint.catalog.assumptions import assumed

BANDS = ((150.0, "low"), (500.0, "mid"), (math.inf, "high"))
"""Upper limits [g/kWh] of low-carbon, mixed and fossil grids, which have different spreads."""

WITH_PARTS = ("CAN", "CHN", "USA")
"""Countries with data of their states or provinces, whose spread is part of the country's interval."""


def band(g_per_kwh: float) -> str:
    """Name of the band of a carbon intensity [g/kWh]."""
    return next(name for limit, name in BANDS if g_per_kwh < limit)


def interval(
    g_per_kwh: float,
    *,
    key: str,
    lag_years: int,
    upstream: tuple[float, float] = (0.0, 0.0),
    parts: tuple[float, float] = (0.0, 0.0),
) -> tuple[float, float]:
    """90 % interval [g/kWh] of an annual average that is used for a run ``lag_years`` away.

    Contributions combine in quadrature, in logarithms: life-cycle factors and imports, season, drift
    (which grows with the square root of the years), the spread of a country's states or provinces (or
    ``parts``, two logarithms, of a group's countries), and the conversion of a direct factor to a
    life-cycle factor.
    """
    name = band(g_per_kwh)
    variance = assumed(f"places.factor_{name}").value ** 2 + assumed(f"places.season_{name}").value ** 2
    variance += assumed(f"places.drift_{name}").value ** 2 * lag_years
    half = Z90 * math.sqrt(variance)
    if key in WITH_PARTS:
        part = assumed(f"places.inside_{key.lower()}")
        parts = (log(part.low), log(part.high))
    low = g_per_kwh * exp(-hypot(half, upstream[0], parts[0]))
    return low, g_per_kwh * exp(hypot(half, upstream[1], parts[1]))


def log_ends(values: Iterable[tuple[float, float]], mean: float) -> tuple[float, float]:
    """5th and 95th percentile of weighted values over their mean, as logarithms; 0 lies between them."""
    pairs = list(values)
    low, high = (log(weighted_quantile(pairs, share) / mean) for share in (0.05, 0.95))
    return min(0.0, low), max(0.0, high)


def world_interval(g_per_kwh: float) -> tuple[float, float]:
    """5th and 95th percentile [g/kWh] of the world's countries, weighted by generation.

    The place of the run is unknown, so every kWh generated in the world is equally likely. For other
    years than the fitted one, the interval scales with the world's mean.
    """
    low, high = assumed("places.world_low_ratio"), assumed("places.world_high_ratio")
    return g_per_kwh * low.value, g_per_kwh * high.value


def life_cycle_g_per_kwh(
    direct_g_per_kwh: float, *, upstream_ratio: float, low_carbon_g_per_kwh: float, fossil_g_per_kwh: float
) -> float:
    """Life-cycle carbon intensity from a direct one [gCO2e/kWh].

    ``L = r D + c (1 - D / F)``. D are the direct emissions and r is the ratio that adds the fuel chain.
    c are the life-cycle emissions of low-carbon plants. F are the direct emissions of fossil plants, so
    that 1 - D / F is the share of low-carbon plants.
    """
    low_carbon_share = max(0.0, 1.0 - direct_g_per_kwh / fossil_g_per_kwh)
    return upstream_ratio * direct_g_per_kwh + low_carbon_g_per_kwh * low_carbon_share


def from_direct(direct_g_per_kwh: float, key: str) -> tuple[float, tuple[float, float]]:
    """Life-cycle intensity of ``key`` from its direct one [g/kWh], and its two log half-widths."""
    country = key[:2].lower()
    ratio = assumed(f"places.upstream_{country}")
    fossil = assumed(f"places.fossil_direct_{country}").value
    plants = assumed("places.low_carbon_plants")

    def at(upstream_ratio: float, low_carbon_g_per_kwh: float) -> float:
        return life_cycle_g_per_kwh(
            direct_g_per_kwh,
            upstream_ratio=upstream_ratio,
            low_carbon_g_per_kwh=low_carbon_g_per_kwh,
            fossil_g_per_kwh=fossil,
        )

    mid = at(ratio.value, plants.value)
    low = hypot(log(at(ratio.low, plants.value) / mid), log(at(ratio.value, plants.low) / mid))
    high = hypot(log(at(ratio.high, plants.value) / mid), log(at(ratio.value, plants.high) / mid))
    return mid, (low, high)
