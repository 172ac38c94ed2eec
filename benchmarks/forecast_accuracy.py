"""Errors of forecasts at 5, 10, 25 and 50 % of a run, and the coverage of their intervals.

Runs of different shapes are simulated step by step and passed to the forecaster as by the recorder
(`benchmarks.forecast_real` executes real runs). It prints a table; ``--check`` exits 1 beyond the limits.
"""

from __future__ import annotations

import argparse
import math
import random
import statistics
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from footprint.tracking.forecast.pace import Forecaster

MARKS = (0.05, 0.10, 0.25, 0.50)
STEPS, STEP_S, FLUSH_S = 6000, 0.1, 5.0
MOST_ERROR = {0.05: 0.12, 0.10: 0.10, 0.25: 0.08, 0.50: 0.05}
LEAST_COVERAGE = 0.85

Shape = Callable[[random.Random], Iterator[float]]
SHAPES: dict[str, Shape] = {}


def shape(function: Shape) -> Shape:
    """Register a shape of runs: a generator of the duration of each step [s]."""
    SHAPES[function.__name__.replace("_", " ")] = function
    return function


def noise(rng: random.Random, sd: float = 0.03) -> float:
    """A random factor on the duration of a step."""
    return math.exp(rng.gauss(0, sd))


@shape
def steady(rng: random.Random) -> Iterator[float]:
    for _ in range(STEPS):
        yield STEP_S * noise(rng)


@shape
def noisy(rng: random.Random) -> Iterator[float]:
    for _ in range(STEPS):
        yield STEP_S * noise(rng, 0.4)


@shape
def compiled(rng: random.Random) -> Iterator[float]:
    for n in range(STEPS):
        yield STEP_S * noise(rng) * (200 if n == 0 else 1)


@shape
def slow_start(rng: random.Random) -> Iterator[float]:
    length = rng.uniform(0.01, 0.04) * STEPS
    for n in range(STEPS):
        yield STEP_S * noise(rng) * (1 + 2 * math.exp(-n / length))


@shape
def slow_start_by_steps(rng: random.Random) -> Iterator[float]:
    length = rng.uniform(0.005, 0.03) * STEPS
    for n in range(STEPS):
        yield STEP_S * noise(rng) * (3 if n < length else 1)


@shape
def slow_phase_early(rng: random.Random) -> Iterator[float]:
    begin = rng.uniform(0.05, 0.15)
    for n in range(STEPS):
        yield STEP_S * noise(rng) * (2 if begin < n / STEPS < begin + 0.08 else 1)


@shape
def slow_phase_late(rng: random.Random) -> Iterator[float]:
    begin = rng.uniform(0.5, 0.85)
    for n in range(STEPS):
        yield STEP_S * noise(rng) * (2 if begin < n / STEPS < begin + 0.1 else 1)


@shape
def slow_phases_that_recur(rng: random.Random) -> Iterator[float]:
    slow = False
    for _ in range(STEPS):
        if rng.random() < (0.004 if slow else 0.0015):
            slow = not slow
        yield STEP_S * noise(rng) * (1.6 if slow else 1)


@shape
def checkpoints(rng: random.Random) -> Iterator[float]:
    every, cost = rng.choice((150, 250, 400)), rng.uniform(2, 6)
    for n in range(STEPS):
        yield STEP_S * noise(rng) + (cost * noise(rng, 0.2) if n % every == every - 1 else 0)


@shape
def evaluations(rng: random.Random) -> Iterator[float]:
    every, cost = rng.choice((500, 600, 1000)), rng.uniform(10, 20)
    for n in range(STEPS):
        yield STEP_S * noise(rng) + (cost if n % every == every - 1 else 0)


@shape
def loader_stalls(rng: random.Random) -> Iterator[float]:
    for _ in range(STEPS):
        yield STEP_S * noise(rng) + (rng.expovariate(1.0) if rng.random() < 0.01 else 0)


@shape
def slowing_down(rng: random.Random) -> Iterator[float]:
    factor = rng.uniform(1.05, 1.2)
    for n in range(STEPS):
        yield STEP_S * noise(rng) * (1 + (factor - 1) * n / STEPS)


@shape
def getting_faster(rng: random.Random) -> Iterator[float]:
    factor = rng.uniform(0.85, 0.95)
    for n in range(STEPS):
        yield STEP_S * noise(rng) * (1 + (factor - 1) * n / STEPS)


@shape
def throttled_after_a_while(rng: random.Random) -> Iterator[float]:
    begin = rng.uniform(0.02, 0.08)
    for n in range(STEPS):
        yield STEP_S * noise(rng) * (1.15 if n / STEPS > begin else 1)


@shape
def shared_machine(rng: random.Random) -> Iterator[float]:
    load = 0.0
    for _ in range(STEPS):
        load = 0.998 * load + rng.gauss(0, 0.012)
        yield STEP_S * noise(rng, 0.1) * math.exp(load)


@shape
def lengths_vary(rng: random.Random) -> Iterator[float]:
    for _ in range(STEPS):
        yield STEP_S * rng.choice((0.5, 0.8, 1.0, 1.3, 2.0))


@shape
def long_steps(rng: random.Random) -> Iterator[float]:
    for _ in range(STEPS // 60):
        yield 60 * STEP_S * noise(rng, 0.05)


@shape
def short_steps(rng: random.Random) -> Iterator[float]:
    for _ in range(STEPS * 10):
        yield STEP_S / 10 * noise(rng, 0.1)


@shape
def one_long_pause(rng: random.Random) -> Iterator[float]:
    at = int(rng.uniform(0.03, 0.9) * STEPS)
    for n in range(STEPS):
        yield STEP_S * noise(rng) + (40 if n == at else 0)


@shape
def other_job_comes_and_goes(rng: random.Random) -> Iterator[float]:
    begin, length, factor = rng.uniform(0, 0.9), rng.uniform(0.05, 0.3), rng.uniform(1.3, 3)
    for n in range(STEPS):
        yield STEP_S * noise(rng) * (factor if begin < n / STEPS < begin + length else 1)


@shape
def second_stage_longer(rng: random.Random) -> Iterator[float]:
    for n in range(STEPS):
        yield STEP_S * noise(rng) * (1.0 if n < 0.9 * STEPS else 1.5)


def forecasts(seconds: list[float], flush_s: float = FLUSH_S) -> dict[float, tuple[float, float, float]]:
    """Low, mid and high of the forecast duration of the whole run at each mark [s]."""
    total = len(seconds)
    forecaster = Forecaster(total_steps=total)
    made: dict[float, tuple[float, float, float]] = {}
    now, due, since = 0.0, flush_s, []
    for n, length in enumerate(seconds, 1):
        now += length
        since.append(length)
        flushed = now >= due
        if flushed:
            due = now + flush_s
            forecaster.add(n, now, statistics.median(since[-4096:]))
            since = []
        for mark in MARKS:
            if mark not in made and n >= mark * total and flushed:
                found = forecaster.forecast(n, now)
                if found is not None:
                    made[mark] = (found.low_h * 3600, found.mid_h * 3600, found.high_h * 3600)
    return made


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=10, help="runs of each shape")
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    errors: dict[float, list[float]] = {mark: [] for mark in MARKS}
    held: dict[float, list[bool]] = {mark: [] for mark in MARKS}
    widths: dict[float, list[float]] = {mark: [] for mark in MARKS}
    print(f"{'shape':<26}" + "".join(f"{f'error at {mark:.0%}':>14}{'held':>6}" for mark in MARKS))
    for name, make in SHAPES.items():
        cells = []
        for mark in MARKS:
            errors_here, held_here = [], []
            for n in range(arguments.runs):
                rng = random.Random(f"{arguments.seed}-{name}-{n}")  # noqa: S311 - shapes, not secrets
                seconds = list(make(rng))
                low, mid, high = forecasts(seconds).get(mark, (0.0, math.inf, 0.0))
                truth = sum(seconds)
                errors_here.append(mid / truth - 1)
                held_here.append(low <= truth <= high)
                widths[mark].append(high / max(low, 1e-9))
            errors[mark] += [abs(error) for error in errors_here]
            held[mark] += held_here
            cells.append(f"{statistics.median(errors_here):>+14.1%}{sum(held_here):>4}/{len(held_here)}")
        print(f"{name:<26}" + "".join(cells))
    print()
    ok = True
    for mark in MARKS:
        coverage, error = statistics.mean(held[mark]), statistics.median(errors[mark])
        p90 = sorted(errors[mark])[int(0.9 * len(errors[mark]))]
        width = statistics.median(widths[mark])
        ok &= p90 <= 3 * MOST_ERROR[mark] and error <= MOST_ERROR[mark] and coverage >= LEAST_COVERAGE
        print(
            f"at {mark:.0%}: median error {error:.1%}, 90 % within {p90:.1%}, interval holds {coverage:.0%}, "
            f"high/low {width:.2f}"
        )
    return 0 if ok or not arguments.check else 1


if __name__ == "__main__":
    sys.exit(main())
