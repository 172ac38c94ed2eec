"""Where a run will end: exact where the future is the past, honest where it is not."""

from __future__ import annotations

import importlib.util
import math
import random
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from footprint.meters import Channel
from footprint.meters.simple import ConstantMeter
from footprint.tracking import Run
from footprint.tracking.forecast.pace import MOST_BLOCKS, Forecaster, PowerHistory
from footprint.tracking.totals.weighted_median import weighted_median

Quick = Callable[..., Run]


@pytest.fixture(scope="module")
def shapes() -> ModuleType:
    path = Path(__file__).resolve().parents[3] / "benchmarks" / "forecast_accuracy.py"
    spec = importlib.util.spec_from_file_location("forecast_accuracy", path)
    assert spec is not None and spec.loader is not None  # noqa: PT018 - for the type checker
    module = importlib.util.module_from_spec(spec)
    sys.modules["forecast_accuracy"] = module
    spec.loader.exec_module(module)
    return module


def test_a_steady_run_is_forecast_exactly() -> None:
    forecaster = Forecaster(total_steps=1000)
    for n in range(1, 21):
        forecaster.add(n * 10, 30.0 + n * 20.0, 2.0)  # 30 s of start-up, then 2 s a step
    found = forecaster.forecast(200, 430.0)
    assert found is not None
    assert found.mid_h * 3600 == pytest.approx(430 + 800 * 2)
    assert found.low_h < found.mid_h < found.high_h
    assert found.progress == 0.2


def test_start_up_and_compilation_are_not_projected() -> None:
    forecaster = Forecaster(total_steps=100)
    now = 300.0  # the first step compiles for five minutes
    forecaster.add(1, now, None)
    for n in range(2, 21):
        now += 1.0
        forecaster.add(n, now, 1.0)
    found = forecaster.forecast(20, now)
    assert found is not None
    assert found.mid_h * 3600 == pytest.approx(300 + 99, rel=0.01)


def test_a_slow_phase_that_ended_is_not_projected() -> None:
    forecaster = Forecaster(total_steps=1000)
    now = 0.0
    for n in range(1, 101):
        now += 10.0 * (4.0 if 50 <= n < 60 else 1.0)
        forecaster.add(n * 5, now, None)
    found = forecaster.forecast(500, now)
    assert found is not None
    assert found.mid_h * 3600 == pytest.approx(now + 1000, rel=0.05)


def test_stalls_that_recur_are_projected() -> None:
    forecaster = Forecaster(total_steps=1000)
    now = 0.0
    for n in range(1, 61):
        now += 10.0 + (5.0 if n % 3 == 0 else 0.0)  # a checkpoint of 5 s every 15 steps
        forecaster.add(n * 5, now, 2.0)
    found = forecaster.forecast(300, now)
    assert found is not None
    truth = 1000 * 2.0 + 1000 / 15 * 5
    assert found.mid_h * 3600 == pytest.approx(truth, rel=0.02)


def test_before_the_first_block_there_is_only_the_estimate() -> None:
    forecaster = Forecaster(total_steps=1000, prior_h=(5.0, 10.0, 20.0))
    found = forecaster.forecast(0, 0.0)
    assert found is not None
    assert (found.low_h, found.mid_h, found.high_h, found.basis) == (5.0, 10.0, 20.0, "prior")


def test_an_estimate_that_is_far_off_stops_counting() -> None:
    exact = Forecaster(total_steps=1000)
    wrong = Forecaster(total_steps=1000, prior_h=(90.0, 100.0, 110.0))
    near = Forecaster(total_steps=1000, prior_h=(0.4, 0.6, 0.9))
    for n in range(1, 11):
        for forecaster in (exact, wrong, near):
            forecaster.add(n * 10, n * 20.0, 2.0)
    found = [f.forecast(100, 200.0) for f in (exact, wrong, near)]
    assert all(found)
    assert found[1].mid_h == found[0].mid_h  # type: ignore[union-attr]
    assert found[0].mid_h < found[2].mid_h < 0.6  # type: ignore[union-attr]
    assert found[2].basis == "both"  # type: ignore[union-attr]
    width = [f.high_h / f.low_h for f in found if f is not None]
    assert width[2] < width[0]


def test_the_interval_narrows() -> None:
    rng = random.Random(1)  # noqa: S311
    forecaster, now, widths = Forecaster(total_steps=4000), 0.0, []
    for n in range(1, 3601):
        now += math.exp(rng.gauss(0, 0.1))
        if n % 50 == 0:
            forecaster.add(n, now, None)
            if n in (200, 400, 1000, 2000, 3600):
                found = forecaster.forecast(n, now)
                assert found is not None
                widths.append(found.high_h / found.low_h)
    assert widths == sorted(widths, reverse=True)
    assert widths[-1] < 1.05


def width_of(paces: list[float], waited: float = 0.0) -> float:
    """High over low of the forecast half-way, for blocks of such seconds a step."""
    forecaster, now = Forecaster(total_steps=20.0 * len(paces)), 0.0
    for n, pace in enumerate(paces, 1):
        now += 10 * pace
        forecaster.add(10 * n, now, None, waited * now)
    found = forecaster.forecast(10.0 * len(paces), now)
    assert found is not None
    return found.high_h / found.low_h


def test_a_pace_like_the_one_before_it_is_surer_to_wander_on() -> None:
    rng = random.Random(3)  # noqa: S311
    fresh = [math.exp(rng.gauss(0, 0.15)) for _ in range(200)]
    ordered = sorted(fresh)
    wandering = ordered[::2] + ordered[::-2]  # the same blocks, up and down again
    assert math.log(width_of(wandering)) > 2 * math.log(width_of(fresh))


def test_who_shares_a_processor_may_have_it_alone_tomorrow() -> None:
    steady = [1.0] * 100
    assert width_of(steady, waited=0.5) > 1.3 * width_of(steady)
    forecaster = Forecaster(total_steps=200.0)
    for n in range(1, 101):
        forecaster.add(n, float(n), None, 0.5 * n)
    found = forecaster.forecast(100.0, 100.0)
    assert found is not None
    # alone the other hundred steps would take 50 s: not beyond reach of the interval's end
    assert found.low_h * 3600 < 100 + 80


def test_memory_is_flat() -> None:
    forecaster = Forecaster(total_steps=10**9)
    for n in range(1, 20_000):
        forecaster.add(n * 100, n * 5.0, 0.05)
    assert len(forecaster.blocks) <= MOST_BLOCKS
    found = forecaster.forecast(1_999_900, 19_999 * 5.0)
    assert found is not None
    assert found.mid_h * 3600 == pytest.approx(10**9 * 0.05, rel=1e-3)


@given(st.lists(st.tuples(st.integers(1, 99), st.integers(1, 9)), min_size=1, max_size=20))
def test_weighted_median_is_the_median_of_repeats(pairs: list[tuple[int, int]]) -> None:
    spread_out = sorted(value for value, weight in pairs for _ in range(weight))
    expected = spread_out[(len(spread_out) - 1) // 2]
    assert weighted_median([v for v, _ in pairs], [w for _, w in pairs]) == expected


def test_no_total_no_forecast_and_a_finished_run_ends_now() -> None:
    forecaster = Forecaster(total_steps=None)
    assert forecaster.forecast(10, 10.0) is None
    done = Forecaster(total_steps=10)
    for n in range(1, 13):
        done.add(n, n * 1.0, 1.0)
    found = done.forecast(12, 12.0)
    assert found is not None
    assert found.mid_h * 3600 == pytest.approx(12.0)
    assert found.progress == 1.0


def test_errors_and_coverage_over_runs_of_different_shapes(shapes: ModuleType) -> None:
    """Twenty-one shapes, two runs each; the benchmark prints the table for more."""
    errors: dict[float, list[float]] = {mark: [] for mark in shapes.MARKS}
    held: list[bool] = []
    assert len(shapes.SHAPES) >= 20
    for name, make in shapes.SHAPES.items():
        for n in range(2):
            seconds = list(make(random.Random(f"test-{name}-{n}")))  # noqa: S311
            truth = sum(seconds)
            for mark, (low, mid, high) in shapes.forecasts(seconds).items():
                errors[mark].append(abs(mid / truth - 1))
                held.append(low <= truth <= high)
    medians = [statistics.median(errors[mark]) for mark in shapes.MARKS]
    assert medians[0] < 0.12
    assert medians[-1] < 0.03
    assert statistics.mean(held) > 0.85


def test_a_tracked_run_forecasts_itself(quick: Quick) -> None:
    seen, at_h = [], []

    def look(forecast: Any) -> None:
        seen.append(forecast)
        at_h.append((time.monotonic() - started) / 3600)

    started = time.monotonic()
    with quick(total_steps=60, callback=look, hw="v100-sxm2-16gb:1", pue=1.0, usd_per_hour=36.0) as run:
        for _ in range(60):
            time.sleep(0.02)
            run.step()
    assert seen
    halfway, passed_h = min(zip(seen, at_h, strict=True), key=lambda one: abs(one[0].progress - 0.5))
    # what a busy machine does in the other half nobody knows; start-up takes part of this one
    assert halfway.duration_h.mid == pytest.approx(passed_h / halfway.progress, rel=0.5)
    assert halfway.energy_kwh is not None
    assert halfway.energy_kwh.mid == pytest.approx(0.36 * halfway.duration_h.mid, rel=0.1)
    assert halfway.cost_usd is not None
    assert halfway.cost_usd.mid == pytest.approx(36 * halfway.duration_h.mid)
    assert [f.progress for f in seen] == sorted(f.progress for f in seen)
    assert run.forecast is not None
    assert run.forecast.progress == pytest.approx(1.0)


def test_a_resumed_run_expects_the_rest_of_the_estimate(quick: Quick) -> None:
    seen = []
    whole = {"model": "bert-base", "hw": "v100-sxm2-16gb:8", "total_steps": 100_000, "batch_size": 256}
    run = quick(**whole, seq_len=128, initial_step=75_000, callback=seen.append)
    with run:
        time.sleep(1.0)
    assert run.estimate is not None
    first = next(forecast for forecast in seen if forecast is not None)
    assert first.duration_h.mid == pytest.approx(run.estimate.duration_h.mid / 4, rel=0.02)


def test_a_callback_that_raises_stops_nothing(quick: Quick) -> None:
    def broken(forecast: object) -> None:
        raise RuntimeError("plotting failed")

    with quick(total_steps=20, callback=broken) as run:
        for _ in range(20):
            time.sleep(0.02)
            run.step()
    assert run.status == "completed"
    assert any("plotting failed" in problem for problem in run.problems)


@pytest.mark.parametrize("mean_s", [0.02, 0.2])
def test_steps_that_contradict_the_estimate_count_from_the_first_line(mean_s: float) -> None:
    """Before there is a block: the estimate says 2 s a step and 1 s at least, 500 steps take 0.02 s each."""
    forecaster = Forecaster(total_steps=500, prior_h=(500 / 3600, 1000 / 3600, 2000 / 3600))
    run_s = 40 * mean_s + 1.0  # with a second of start-up
    found = forecaster.forecast(40, run_s, mean_s)
    assert found is not None
    truth_h = (500 * mean_s + 1.0) / 3600
    assert found.basis == "measured"
    assert found.mid_h == pytest.approx(truth_h, rel=0.05)
    assert found.low_h < truth_h / 1.4
    assert found.high_h > 1.8 * truth_h
    for steps, seconds in ((4, 0.4), (40, 60.0)):  # too few to say, and no contradiction
        prior = forecaster.forecast(steps, seconds, None)
        assert prior is not None
        assert prior.basis == "prior"


def test_a_run_that_is_quicker_than_its_estimate_says_so_at_once(quick: Quick) -> None:
    class Late(ConstantMeter):
        def start(self) -> tuple[Channel, ...]:
            time.sleep(2.5)  # until then nothing counts as the pace
            return super().start()

    seen = []
    options = {"model": "llama3-8b", "hw": "v100:1", "total_steps": 150, "batch_size": 1, "flush_s": 0.2}
    with quick(callback=seen.append, meter=Late(100.0), **options) as run:
        began = time.monotonic()
        for _ in range(150):
            time.sleep(0.02)
            run.step(tokens=10)
        took_s = time.monotonic() - began
    early = [forecast for forecast in seen if 0.1 < forecast.progress < 0.5]
    assert early
    for forecast in early:
        assert forecast.duration_h.mid * 3600 == pytest.approx(took_s, rel=0.5)


def power_sd(powers: list[float]) -> float:
    history, kwh = PowerHistory(), 0.0
    for n, power in enumerate(powers, 1):
        kwh += power / 3600
        history.add(float(n), kwh)
    return history.log_sd(float(len(powers)))


def test_a_power_that_has_been_steady_is_likely_to_stay() -> None:
    steady, stepped = power_sd([0.3] * 100), power_sd([0.3] * 50 + [0.15] * 50)
    assert steady < 0.05
    assert stepped > math.log(2) / 4  # halved once: the mean of the rest may be as far again from that so far
    assert power_sd([0.3]) > 0.2  # one reading says nothing yet
