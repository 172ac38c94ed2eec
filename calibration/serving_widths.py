"""The widths of the intervals of serving, from the errors on rows that the constants did not see.

Rows of one model share their error, and so do rows of one source. So each source weighs as much as any other,
and in it each model. Where other sources measured an engine, their rows set its width, too; no constants see
these rows.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray

from calibration.serving_fit import for_so_few
from footprint.serving.engine import Spread
from footprint.validation.published.serving import Outside

FEW = 5
"""With fewer models of its own an engine has the interval of all engines together."""
LEAST = 0.05
"""No interval is narrower than this to either side (of the logarithm)."""
OUTSIDE, OUTSIDE_OF_ONE = 0.05, 0.15
"""Most rows beyond the slow end where the engine is not named: of all sources weighed alike, and of one."""
FASTEST = (0.6, 0.1)
"""Factors on the times of device and host of the fastest engine that an unknown one may be: the data sheet,
which no factor exceeds, and a host that works ahead of the device."""
DEVICE = tuple(n / 4 for n in range(4, 25))
HOST = (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0, 14.0, 16.0)
"""Factors that are tried at the slow end."""


def quantile(values: Sequence[float], weights: Sequence[float], share: float) -> float:
    """The value below which this share of the weight lies, between values by interpolation."""
    order = np.argsort(values)
    ordered, weight = np.array(values)[order], np.array(weights)[order]
    middles = (np.cumsum(weight) - weight / 2) / weight.sum()
    return float(np.interp(share, middles, ordered))


def alike(found: Sequence[Outside]) -> list[float]:
    """Weights by which sources weigh alike, and in each the models."""
    of_model = Counter((one.case.source, one.case.shape) for one in found)
    models = Counter(source for source, _ in of_model)
    return [1 / of_model[one.case.source, one.case.shape] / models[one.case.source] for one in found]


def widened(found: Sequence[Outside], error: Callable[[Outside], float] | None = None) -> tuple[float, float]:
    """Logarithms of the interval that holds 90 % of these, made wider for so few models."""
    residuals = [one.log_ratio if error is None else error(one) for one in found]
    return ends(residuals, alike(found), for_so_few(len({one.case.shape for one in found})))


def ends(residuals: Sequence[float], weights: Sequence[float], wider: float = 1.0) -> tuple[float, float]:
    """The interval that holds 90 % of the weight of these log residuals, made wider by a factor."""
    low, high = (quantile(residuals, weights, share) for share in (0.05, 0.95))
    return wider * min(low, -LEAST), wider * max(high, LEAST)


def rounded(low: float, high: float) -> Spread:
    """An interval of factors from one of logarithms."""
    return Spread(float(f"{math.exp(low):.3g}"), float(f"{math.exp(high):.3g}"))


def interval(
    own: Sequence[Outside], every: Sequence[Outside], elsewhere: Sequence[Outside], *, experts: bool
) -> Spread:
    """The interval of an engine for one kind of model; ``elsewhere`` has the engine in other sources."""
    mine = [one for one in own if one.case.experts == experts]
    if len({one.case.shape for one in mine}) < FEW:
        mine = [one for one in every if one.case.experts == experts]
    return rounded(*widened([*mine, *(one for one in elsewhere if one.case.experts == experts)]))


def with_own_interval(
    own: Sequence[Outside], every: Sequence[Outside], elsewhere: Sequence[Outside]
) -> list[Outside]:
    """Each case of an engine with the interval that its fold gives, which did not see it either."""

    def without(found: Sequence[Outside], shape: str) -> list[Outside]:
        return [one for one in found if one.case.shape != shape]

    shapes = {one.case.shape: one.case.experts for one in own}
    spreads = {
        shape: interval(*(without(found, shape) for found in (own, every, elsewhere)), experts=experts)
        for shape, experts in shapes.items()
    }
    return [one.with_spread(spreads[one.case.shape]) for one in own]


def balanced(found: Sequence[Outside]) -> Spread:
    """The ends of an engine that is not named, for device and host apart.

    The fast end is what the hardware allows: software grows faster, and no sample of older engines bounds it.
    Beyond the slow end 5 % may lie where each source weighs as much as any other, and 15 % of one source. It
    takes the pair of factors that does this and is least on average, made wider for so few sources.
    """
    sources = np.array([one.case.source for one in found])
    names = sorted(set(sources))
    measured = np.log([one.case.measured_s for one in found])

    def by_source(values: NDArray[np.generic]) -> list[float]:
        return [float(values[sources == source].mean()) for source in names]

    best, chosen = math.inf, (math.nan, math.nan)
    for pair in product(DEVICE, HOST):
        slow = np.log([one.case.time_s(one.engine.constants.scaled(*pair)) for one in found])
        outside = by_source(measured > slow)
        if float(np.mean(outside)) > OUTSIDE or max(outside) > OUTSIDE_OF_ONE:
            continue
        width = float(np.mean(by_source(slow)))
        if width < best - 1e-12:
            best, chosen = width, pair
    device, host = (factor ** for_so_few(len(names)) for factor in chosen)
    return Spread(FASTEST[0], float(f"{device:.3g}"), FASTEST[1], float(f"{host:.3g}"))


def by_sources(found: Sequence[Outside]) -> list[Outside]:
    """Each case of an engine that is not named with the interval of the other sources."""
    shown = []
    for source in sorted({one.case.source for one in found}):
        spread = balanced([one for one in found if one.case.source != source])
        shown += [one.with_spread(spread) for one in found if one.case.source == source]
    return shown


def power_error(one: Outside) -> float:
    """Log of measured over predicted power at the measured speed."""
    reached = one.engine.constants
    slower = one.case.measured_s / one.case.time_s(reached)
    return math.log((one.case.board_w or 1.0) / one.case.power_w(reached, one.power, slower))


def power_interval(every: Sequence[Outside], *, experts: bool) -> Spread:
    """The interval of power for one kind of model, all engines together."""
    used = [one for one in every if one.case.board_w and one.case.experts == experts]
    return rounded(*widened(used, power_error))
