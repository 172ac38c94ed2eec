"""Where a run will end: time from the steps so far, the pre-flight estimate as the prior.

Pace is estimated three ways that fail differently: the typical step with the usual share of
stalls (robust to slow phases), the mean since warm-up (right when slow phases recur), and the
recent mean (right when the pace has changed for good). Their median is the forecast. The
interval reaches from the lowest to the highest of them, further by how much the pace has
wandered, and by what may still happen: a run is slowed down more often than it is sped up.
"""

from __future__ import annotations

import math
from itertools import pairwise

from footprint.arithmetic import Z90
from footprint.records import field, record, state
from footprint.tracking.totals.weighted_median import weighted_median
from footprint.units import SECONDS_PER_HOUR

MOST_BLOCKS = 256
"""Above this, neighbouring blocks are merged: memory and time stay flat over any run."""
WARM_UP_FACTOR = 1.25
"""Leading blocks slower than this many times the typical pace are warm-up or compilation."""
MOST_WARM_UP = 0.5
SETTLING_FACTOR = 1.08
"""A pace that fell by this much twice in a row, a quarter of the time each, is still settling."""

# Chosen on simulated runs of different shapes so that 90 % intervals hold 90 % of the time
# (benchmarks/forecast_accuracy.py): log standard deviations of the pace still to come, beyond
# what the blocks so far show, upwards and downwards.
FUTURE_UP_SD, FUTURE_DOWN_SD = 0.075, 0.03
FUTURE_POWER_SD = 0.03
YOUNG_LOG_SD = 0.20
"""Divided by the root of the number of blocks: what a short history has not shown yet."""
STALL_LOG_SD = 0.5
SHARED, MOST_WAITED = 0.6, 0.9
"""Who shares its processor today may have it alone tomorrow, or share it with more."""
UNKNOWN_LOG_SD = 0.25
FIRST_LOG_SD, LEAST_STEPS = 0.5, 5
"""Spread of a pace from the first seconds, and the steps that it needs. It is used where these steps
contradict the prior and no block of steps is complete."""
STRETCHES = 32
LIKELY_ALIKE, WEIGHT_ALIKE, MOST_ALIKE = 0.3, 4.0, 0.95


@state
class Block:
    """A stretch of steps: how many, how long, and the median step where it is known [s]."""

    steps: float
    seconds: float
    typical_s: float
    waited_s: float = 0.0
    """Of these seconds, those in which the loop could have run and others had the processor."""

    @property
    def pace_s(self) -> float:
        """Mean seconds a step, stalls included."""
        return self.seconds / self.steps


@record
class Pace:
    """Seconds a step from here on, 90 % interval, and what warm-up took."""

    low_s: float
    mid_s: float
    high_s: float
    stall_share: float
    warm_up_s: float


@record
class TimeForecast:
    """Hours of the whole run, 90 % interval; ``progress`` is the part of the work done."""

    progress: float
    low_h: float
    mid_h: float
    high_h: float
    remaining_h: float
    basis: str
    """``prior`` (the estimate alone), ``measured`` or ``both``."""


@state
class Forecaster:
    """Collects blocks of steps and forecasts the whole run's time."""

    total_steps: float | None
    prior_h: tuple[float, float, float] | None = None
    """The estimate's low, mid and high hours."""
    blocks: list[Block] = field(default_factory=list)
    _steps: float = 0.0
    _seconds: float = 0.0
    _waited_s: float = 0.0
    _first_s: float | None = None
    _block_steps: float = 1.0

    def add(self, steps: float, run_s: float, typical_s: float | None, waited_s: float = 0.0) -> None:
        """Take the totals of one flush; a flush without a whole step waits for the next.

        The time until the first step is start-up and belongs to no block.
        """
        if self._first_s is None:
            if steps >= 1:
                self._first_s, self._steps, self._seconds, self._waited_s = run_s, steps, run_s, waited_s
            return
        gained, seconds = steps - self._steps, run_s - self._seconds
        if gained < 1 or seconds <= 0:
            return
        pace = seconds / gained
        typical = min(typical_s, pace) if typical_s is not None and typical_s > 0 else pace
        self.blocks.append(Block(gained, seconds, typical, max(0.0, waited_s - self._waited_s)))
        self._steps, self._seconds, self._waited_s = steps, run_s, waited_s
        if len(self.blocks) > MOST_BLOCKS:
            self.blocks = _halved(self.blocks)

    def pace(self, left: float = math.inf) -> Pace | None:
        """Seconds a step over the steps that are left; None before there is a block."""
        if not self.blocks:
            return None
        kept = _after_warm_up(self.blocks)
        warm_up_s = sum(b.seconds for b in self.blocks[: len(self.blocks) - len(kept)])
        steps, seconds = sum(b.steps for b in kept), sum(b.seconds for b in kept)
        typical = weighted_median([b.typical_s for b in kept], [b.steps for b in kept])
        stalls = sum(b.seconds - b.steps * b.typical_s for b in kept) / steps
        robust, mean = typical + stalls, seconds / steps
        recent, before = _quarters(kept)
        low, mid, high = sorted((robust, mean, recent))
        if mean > SETTLING_FACTOR * before > SETTLING_FACTOR**2 * recent:
            low, mid = recent * recent / before, recent  # it may fall once more as much
        young = YOUNG_LOG_SD**2 / len(kept)
        waited = min(sum(b.waited_s for b in kept) / seconds, MOST_WAITED)
        shared = (SHARED * math.log(1 - waited)) ** 2  # alone, a step takes 1 - waited of its time
        scatter = (
            young
            + shared
            + wander(kept, left / steps)
            + (STALL_LOG_SD * stalls / mid) ** 2 / max(1, len(kept))
        )
        return Pace(
            low_s=low * math.exp(-Z90 * math.sqrt(scatter + FUTURE_DOWN_SD**2)),
            mid_s=mid,
            high_s=high * math.exp(Z90 * math.sqrt(scatter + FUTURE_UP_SD**2)),
            stall_share=stalls / mid,
            warm_up_s=warm_up_s,
        )

    def forecast(self, steps: float, run_s: float, typical_s: float | None = None) -> TimeForecast | None:
        """The whole run's time, after ``steps`` in ``run_s`` seconds; None where no end is known.

        ``typical_s`` is the median step so far, which counts before there is a block.
        """
        if self.total_steps is None or self.total_steps <= 0:
            return None
        left = max(0.0, self.total_steps - steps)
        progress = min(1.0, steps / self.total_steps)
        pace = self.pace(left)
        if pace is not None:
            low, mid, high, basis = self._with_prior(pace.low_s, pace.mid_s, pace.high_s)
        elif self._contradicted(steps, run_s) or (self.prior_h is None and steps >= 1):
            mean = run_s / steps  # start-up included
            mid, basis = min(typical_s or mean, mean), "measured"
            low, high = mid * math.exp(-Z90 * FIRST_LOG_SD), mean * math.exp(Z90 * FIRST_LOG_SD)
        else:
            return self._from_prior(progress, run_s)
        return TimeForecast(
            progress=progress,
            low_h=(run_s + low * left) / SECONDS_PER_HOUR,
            mid_h=(run_s + mid * left) / SECONDS_PER_HOUR,
            high_h=(run_s + high * left) / SECONDS_PER_HOUR,
            remaining_h=mid * left / SECONDS_PER_HOUR,
            basis=basis,
        )

    def _contradicted(self, steps: float, run_s: float) -> bool:
        """Whether the steps so far, start-up included, were faster than the prior's low end."""
        if self.prior_h is None or self.total_steps is None or steps < LEAST_STEPS:
            return False
        return run_s / steps < self.prior_h[0] * SECONDS_PER_HOUR / self.total_steps

    def _from_prior(self, progress: float, run_s: float) -> TimeForecast | None:
        if self.prior_h is None:
            return None
        low, mid, high = (run_s / SECONDS_PER_HOUR + hours * (1 - progress) for hours in self.prior_h)
        return TimeForecast(
            progress=progress,
            low_h=low,
            mid_h=mid,
            high_h=high,
            remaining_h=mid - run_s / SECONDS_PER_HOUR,
            basis="prior",
        )

    def _with_prior(self, low: float, mid: float, high: float) -> tuple[float, float, float, str]:
        """Measured and predicted seconds a step, weighted by their precision in the logarithm."""
        if self.prior_h is None or self.total_steps is None or min(*self.prior_h, low) <= 0:
            return low, mid, high, "measured"
        prior = [hours * SECONDS_PER_HOUR / self.total_steps for hours in self.prior_h]
        prior_sd = max(0.05, math.log(prior[2] / prior[0]) / (2 * Z90))
        if abs(math.log(mid / prior[1])) > 2 * Z90 * prior_sd:
            return low, mid, high, "measured"  # the estimate was wrong; it has nothing more to say
        sd = math.log(high / low) / (2 * Z90)
        weight = prior_sd**2 / (prior_sd**2 + sd**2)
        mixed = mid**weight * prior[1] ** (1 - weight)
        narrower = math.sqrt(weight)
        return mixed * (low / mid) ** narrower, mixed, mixed * (high / mid) ** narrower, "both"


@state
class PowerHistory:
    """The power of the run, flush by flush: how sure its mean so far is to go on."""

    blocks: list[Block] = field(default_factory=list)
    _run_s: float = 0.0
    _kwh: float = 0.0

    def add(self, run_s: float, kwh: float) -> None:
        """Take the totals of one flush."""
        if run_s > self._run_s and kwh > self._kwh > 0:  # the first reading closes no interval of its own
            # power wanders as pace does: energy a second in place of seconds a step
            energy = kwh - self._kwh
            self.blocks.append(Block(run_s - self._run_s, energy, energy / (run_s - self._run_s)))
            if len(self.blocks) > MOST_BLOCKS:
                self.blocks = _halved(self.blocks)
        self._run_s, self._kwh = run_s, kwh

    def log_sd(self, left_s: float) -> float:
        """Log standard deviation of the mean power of what is left, against the mean so far."""
        seen_s = sum(block.steps for block in self.blocks)
        ahead = left_s / seen_s if seen_s > 0 else math.inf
        return math.sqrt(wander(self.blocks, ahead) + FUTURE_POWER_SD**2)


def _halved(blocks: list[Block]) -> list[Block]:
    """Neighbouring blocks in pairs."""
    pairs = []
    for a, b in zip(blocks[::2], blocks[1::2], strict=False):
        steps = a.steps + b.steps
        typical = (a.typical_s * a.steps + b.typical_s * b.steps) / steps
        pairs.append(Block(steps, a.seconds + b.seconds, typical, a.waited_s + b.waited_s))
    return pairs + ([blocks[-1]] if len(blocks) % 2 else [])


def _after_warm_up(blocks: list[Block]) -> list[Block]:
    """The blocks without the slow ones at the beginning, at most half of them."""
    if len(blocks) < 3:
        return blocks[-1:]
    rest = blocks[len(blocks) // 3 :]
    usual = weighted_median([b.pace_s for b in rest], [b.steps for b in rest])
    first = 0
    while first < len(blocks) * MOST_WARM_UP and blocks[first].pace_s > WARM_UP_FACTOR * usual:
        first += 1
    return blocks[first:] or blocks[-1:]


def _quarters(blocks: list[Block]) -> tuple[float, float]:
    """Mean seconds a step over the last quarter of the time, and over the quarter before it."""
    quarter = sum(b.seconds for b in blocks) / 4
    paces: list[float] = []
    steps = seconds = 0.0
    for block in reversed(blocks):
        steps, seconds = steps + block.steps, seconds + block.seconds
        if seconds >= quarter:
            paces.append(seconds / steps)
            steps = seconds = 0.0
            if len(paces) == 2:
                break
    paces += [seconds / steps] if steps and len(paces) < 2 else []
    return paces[0], paces[-1]


def wander(blocks: list[Block], ahead: float) -> float:
    """Log variance of the mean pace ahead against the mean pace so far, from how the pace has wandered.

    ``ahead`` is the work left over the work that the blocks hold. Both means are those of a wandering
    pace: a pace that is like the one before it (a machine shared with others) tells less by being
    watched for long than one that is new each time, by the factor (1 + r) / (1 - r) for a correlation r
    of neighbours (the effective sample size of an autoregressive series).
    """
    count = min(STRETCHES, len(blocks))
    if count < 2:
        return UNKNOWN_LOG_SD**2
    edges = [round(n * len(blocks) / count) for n in range(count + 1)]
    paces = []
    for begin, end in pairwise(edges):
        part = blocks[begin:end]
        paces.append(math.log(sum(b.seconds for b in part) / sum(b.steps for b in part)))
    mean = sum(paces) / count
    squares = sum((pace - mean) ** 2 for pace in paces)
    variance = squares / (count - 1)
    alike = 1 - sum((b - a) ** 2 for a, b in pairwise(paces)) / (2 * squares) if squares > 0 else 0.0
    # few stretches say little of how alike neighbours are
    alike = (alike * count + LIKELY_ALIKE * WEIGHT_ALIKE) / (count + WEIGHT_ALIKE)
    alike = min(max(alike, 0.0), MOST_ALIKE)
    repeated = (1 + alike) / (1 - alike)
    past = variance * min(1.0, repeated / count)
    future = variance * min(1.0, repeated / (count * max(ahead, 1e-9)))
    return (past + future) * (1 + 2 / count) ** 2
