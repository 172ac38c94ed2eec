"""The widths of the intervals of serving, from the errors on rows that the constants did not see.

Rows of one model share their error, and so do rows of one source. So each source weighs as much as any other,
and in it each model. An engine's interval comes from sources that its constants did not see.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from calibration.serving_fit import Rows, Vector, for_so_few
from calibration.tables import interpolated
from footprint.serving.engine import Constants, Spread
from footprint.validation.published.serving import Outside

FEW = 5
"""With fewer models of its own a server has the interval of all engines together."""
LEAST = 0.05
"""No interval of a server or of power is narrower than this to either side (of the logarithm)."""
OUTSIDE, OUTSIDE_OF_ONE = 0.1, 0.25
"""Most of the weight beyond an end before it is made wider for so few sources, and beyond an end of an engine
that is not named, of one source."""
OF_OTHERS = 1.0
"""What the sources of all other engines weigh together; a source of the engine itself weighs 1."""
STEPS = tuple(math.exp(0.05 * step) for step in range(1, 37))
HOST_POWER = 2.0
"""How much more the host differs between servers than the device, in logarithms."""


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
    low, high = (interpolated(residuals, weights, share) for share in (0.05, 0.95))
    return wider * min(low, -LEAST), wider * max(high, LEAST)


def rounded(low: float, high: float) -> Spread:
    """An interval of factors from one of logarithms."""
    return Spread(float(f"{math.exp(low):.3g}"), float(f"{math.exp(high):.3g}"))


def server_interval(own: Sequence[Outside], every: Sequence[Outside], *, experts: bool) -> Spread:
    """The interval of one server, whose other models the constants saw, for one kind of model."""
    mine = of_kind(own, experts)
    few = len({one.case.shape for one in mine}) < FEW
    return rounded(*widened(of_kind(every, experts) if few else mine))


def without(found: Sequence[Outside], shape: str) -> list[Outside]:
    """The cases of other models."""
    return [one for one in found if one.case.shape != shape]


def of_kind(found: Sequence[Outside], experts: bool) -> list[Outside]:
    """The cases with experts, or those without."""
    return [one for one in found if one.case.experts == experts]


class Tried:
    """Predicted cases, and what becomes of them if device and host take so many times as long."""

    def __init__(self, found: Sequence[Outside]) -> None:
        by_constants: dict[Constants, list[int]] = {}
        for place, one in enumerate(found):
            by_constants.setdefault(one.engine.constants, []).append(place)
        self.sources = np.array([one.case.source for one in found])
        self.measured = np.log([one.case.measured_s for one in found])
        self.parts = [
            (places, Rows([found[place].case for place in places]), reached)
            for reached, places in by_constants.items()
        ]

    def log_times(self, device: float, host: float) -> Vector:
        """Logs of the predicted times if device and host take so many times as long."""
        times = np.empty(len(self.measured))
        for places, rows, reached in self.parts:
            times[places] = np.log(rows.time_s(reached.scaled(device, host)))
        return times

    def end(self, weights: Vector, sign: float, of_one: float = 1.0) -> float:
        """The least factor on the device's times that leaves little of the weight beyond it.

        The host's factor is a power of it. ``sign`` is 1 for the slow end and -1 for the fast one; of each
        source at most ``of_one`` lies beyond.
        """
        for step in STEPS:
            device = step**sign
            beyond = (self.measured - self.log_times(device, device**HOST_POWER)) * sign > 1e-9
            of_each = max(beyond[self.sources == source].mean() for source in set(self.sources))
            if float(weights @ beyond) <= OUTSIDE + 1e-9 and of_each <= of_one:
                return float(device)
        return float(STEPS[-1] ** sign)


def named(own: Sequence[Outside], others: Sequence[Outside]) -> Spread:
    """The ends of an engine that is named, for device and host apart, from sources that were left out.

    Each source of the engine weighs 1 and those of all other engines together `OF_OTHERS`: how servers differ
    is learned from them where the engine has few. Both ends are made wider for so few sources.
    """
    shares = np.array([*source_shares(own), *source_shares(others, OF_OTHERS)])
    each = [1.0] * len({one.case.source for one in own})
    pooled = len({(one.case.engine, one.case.source) for one in others})
    each += [OF_OTHERS / pooled] * pooled
    alike_many = sum(each) ** 2 / sum(weight**2 for weight in each)
    tried, weights = Tried([*own, *others]), shares / shares.sum()
    wider = for_so_few(round(alike_many))
    fast, slow = (tried.end(weights, sign) ** wider for sign in (-1.0, 1.0))
    return spread_of(fast, slow, fast**HOST_POWER, slow**HOST_POWER)


def spread_of(*ends: float) -> Spread:
    """Ends to three digits."""
    return Spread(*(float(f"{end:.3g}") for end in ends))


def source_shares(found: Sequence[Outside], together: float | None = None) -> list[float]:
    """Weights by which an engine's sources weigh 1 each, or all of them so much ``together``."""
    models: dict[tuple[str, str], Counter[str]] = {}
    for one in found:
        models.setdefault((one.case.engine, one.case.source), Counter())[one.case.shape] += 1
    each = 1.0 if together is None else together / len(models)
    shares = []
    for one in found:
        rows = models[one.case.engine, one.case.source]
        shares.append(each / rows[one.case.shape] / len(rows))
    return shares


def balanced(found: Sequence[Outside]) -> Spread:
    """The ends of an engine that is not named, for device and host apart.

    Beyond each 10 % may lie where every source weighs as much as any other, and 25 % of one source; they are
    made wider for so few sources.
    """
    tried = Tried(found)
    rows = Counter(tried.sources)
    weights = np.array([1 / rows[source] / len(rows) for source in tried.sources])
    wider = for_so_few(len(rows))
    fast, slow = (tried.end(weights, sign, OUTSIDE_OF_ONE) ** wider for sign in (-1.0, 1.0))
    return spread_of(fast, slow, fast**HOST_POWER, slow**HOST_POWER)


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
