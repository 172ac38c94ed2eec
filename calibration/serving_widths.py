"""The width of the intervals of serving: what constants that did not see a row missed it by.

Rows of one model share their error, and so do rows of one source. So each source weighs as much as any other,
and in it each model. Of an engine that other sources measured, their rows set the width, too, which no
constants see.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import product

import numpy as np

from calibration.serving_fit import for_so_few
from footprint.serving.engine import Spread
from footprint.validation.serving import Outside

FEW = 5
"""With fewer models of its own an engine has the interval of all engines together."""
LEAST = 0.05
"""No interval is narrower than this to either side (of the logarithm)."""
OUTSIDE, OUTSIDE_OF_ONE = 0.05, 0.15
"""Most rows beyond one end where the engine is not named: of all sources weighed alike, and of one source."""
HELD = 0.9
"""Share of the rows of a source that ends which did not see it are to hold, sources weighed alike."""
WIDER = tuple(1 + n / 20 for n in range(41))
Grid = tuple[tuple[float, ...], tuple[float, ...]]
FAST: Grid = (
    tuple(n / 20 for n in range(8, 21)),
    (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 1.0),
)
SLOW: Grid = (
    tuple(n / 4 for n in range(4, 25)),
    (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0, 14.0, 16.0),
)
"""Factors on the times of device and of host that are tried at each end."""
Ends = tuple[tuple[float, ...], tuple[float, ...]]


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


def ends(residuals: Sequence[float], weights: Sequence[float], wider: float = 1.0) -> Spread:
    """The interval that holds 90 % of the weight of these log residuals, made wider by a factor."""
    low, high = (quantile(residuals, weights, share) for share in (0.05, 0.95))
    return rounded(wider * min(low, -LEAST), wider * max(high, LEAST))


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
    used = [*mine, *(one for one in elsewhere if one.case.experts == experts)]
    models = len({one.case.shape for one in used})
    return ends([one.log_ratio for one in used], alike(used), for_so_few(models))


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


def balanced(found: Sequence[Outside]) -> tuple[Spread, list[Outside]]:
    """Ends for device and host apart of an engine that is not named, and each case with those of its fold.

    At either end 5 % may lie outside where each source weighs as much as any other, and 15 % of one source. Of
    the pairs of factors that do this, each end takes the one that makes the interval narrowest on average.
    All are made wider until ends that did not see a source hold 90 % of its rows on the mean.
    """
    sources = sorted({one.case.source for one in found})
    of = {source: [one for one in found if one.case.source == source] for source in sources}
    ends_of = {source: both([one for one in found if one.case.source != source]) for source in sources}
    for wider in WIDER:
        folds = {source: stretched(ends_of[source], wider) for source in sources}
        shown = {s: [one.with_spread(folds[s]) for one in own] for s, own in of.items()}
        if float(np.mean([np.mean([one.inside for one in own]) for own in shown.values()])) >= HELD:
            break
    return stretched(both(found), wider), [one for own in shown.values() for one in own]


def both(found: Sequence[Outside]) -> Ends:
    """The fast and the slow end."""
    return narrowest(found, FAST, slow_end=False), narrowest(found, SLOW, slow_end=True)


def stretched(both_ends: Ends, wider: float) -> Spread:
    """Ends whose logarithms are so many times as large."""
    pairs = zip(*([factor**wider for factor in end] for end in both_ends), strict=True)
    return Spread(*(float(f"{value:.3g}") for pair in pairs for value in pair))


def narrowest(found: Sequence[Outside], grid: Grid, *, slow_end: bool) -> tuple[float, ...]:
    """Factors on the times of device and host at one end of the interval."""
    sources = np.array([one.case.source for one in found])
    measured = np.log([one.case.measured_s for one in found])

    def by_source(values: Iterable[float]) -> list[float]:
        rows = np.fromiter(values, float)
        return [float(rows[sources == source].mean()) for source in sorted(set(sources))]

    best, chosen = math.inf, (math.nan, math.nan)
    for pair in product(*grid):
        limits = np.log([one.case.time_s(one.engine.constants.scaled(*pair)) for one in found])
        outside = by_source(measured > limits if slow_end else measured < limits)
        if float(np.mean(outside)) > OUTSIDE or max(outside) > OUTSIDE_OF_ONE:
            continue
        width = float(np.mean(by_source(limits if slow_end else -limits)))
        if width < best - 1e-12:
            best, chosen = width, pair
    return chosen


def power_error(one: Outside) -> float:
    """Log of measured over predicted power at the measured speed."""
    reached = one.engine.constants
    slower = one.case.measured_s / one.case.time_s(reached)
    return math.log((one.case.board_w or 1.0) / one.case.power_w(reached, one.power, slower))


def power_interval(every: Sequence[Outside], *, experts: bool) -> Spread:
    """The interval of power for one kind of model, all engines together."""
    used = [one for one in every if one.case.board_w and one.case.experts == experts]
    models = len({one.case.shape for one in used})
    return ends([power_error(one) for one in used], alike(used), for_so_few(models))
