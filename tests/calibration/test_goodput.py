"""The lower ends of goodput, against closed forms and simulated developers."""

from __future__ import annotations

import math
import random
import statistics

import numpy as np
import pytest

from calibration import goodput as fit
from calibration.__main__ import ASSUMPTIONS, differences
from calibration.tables import interpolated
from footprint.catalog.assumptions import assumed
from footprint.catalog.hardware import parse_cluster
from footprint.results import Quantity
from footprint.validation.published.runs import Run

T_3 = 2.3534
"""95th percentile of Student's t with 3 degrees of freedom, from a printed table."""
Z = 1.6449
STEP = 0.45
"""Logarithm of the upper end of a simulated step model over its median."""
BIG = parse_cluster("h100:2048")[0]


def made(log_ratio: float, developer: str) -> fit.Implied:
    """A month on 2,048 chips, which took exp(log_ratio) times what a goodput of 0.8 says."""
    hours = 720.0 * BIG.count
    run = Run(
        id=developer, developer=developer, cluster=BIG, published_h=hours / 0.8 * math.exp(log_ratio),
        ideal_h=Quantity(hours, {"time_model": (-STEP, STEP)}), busy_share=Quantity(1.0),
    )  # fmt: skip
    return fit.imply(run)


@pytest.fixture(scope="module")
def runs() -> list[fit.Implied]:
    return fit.implied()


def test_quantiles_of_equal_weights_are_hazens():
    values = [3.0, -1.0, 0.5, 7.0, 2.0, 2.5]
    for share in (0.01, 0.3, 0.5, 0.77, 0.95):
        found = interpolated(values, [0.2] * 6, share)
        assert found == pytest.approx(np.quantile(values, share, method="hazen"))
    # The middles of the weights are 0.375 and 0.875 of the whole.
    assert interpolated([1.0, 2.0], [3.0, 1.0], 0.5) == pytest.approx(1.25)


def test_the_middle_half_of_a_normal_sample_has_its_deviation():
    draw = random.Random(1)  # noqa: S311 - a simulation
    sample = [draw.gauss(0.0, 0.3) for _ in range(20_000)]
    # The estimator's own error is 1.17 x 0.3 / sqrt(20,000), 0.8 %.
    assert fit.middle_deviation(sample, [1.0] * 20_000) == pytest.approx(0.3, rel=0.03)


@pytest.mark.parametrize(("bias", "scatter"), [(0.5, 0.0), (0.3, 0.4), (0.0, 0.6)])
def test_simulated_developers_give_the_quantile_of_their_spread(bias, scatter):
    draw = random.Random(2)  # noqa: S311 - a simulation
    entries = []
    for number in range(1_000):
        own = draw.gauss(0.0, bias)
        entries += [(own + draw.gauss(0.0, scatter), str(number)) for _ in range(51 if scatter else 1)]
    of_median = scatter * math.sqrt(math.pi / 2 / 51)  # the standard error of a median of 51
    expected = T_3 * math.hypot(bias, of_median, scatter)
    assert fit.upper_end(entries) == pytest.approx(expected, rel=0.05)


def test_the_step_models_share_is_taken_off():
    # Biases of -s and s alone: every one is at the edge of the middle half, which is 0.6745 deviations off.
    side = 0.4
    runs = [made(side if number % 2 else -side, str(number)) for number in range(10)]
    fitted = fit.fit_goodput(runs)["large"]
    whole = T_3 * side / 0.67449
    assert fitted.low == pytest.approx(0.8 * math.exp(-math.sqrt(whole**2 - STEP**2)), rel=0.02)
    assert (fitted.value, fitted.high) == (assumed("goodput.large").value, assumed("goodput.large").high)


def test_runs_as_near_as_their_steps_leave_the_assumed_ends():
    runs = [made(0.05 if number % 2 else -0.05, str(number)) for number in range(10)]
    assert {one.low for one in fit.fit_goodput(runs).values()} == {0.85, 0.7, 0.5}


def test_how_far_the_farthest_developer_is_does_not_matter(runs):
    def low(farthest: float) -> float:
        return fit.fit_goodput([*runs, made(farthest, "far")])["large"].low

    assert low(2.0) == low(5.0)
    # A developer more moves the end a little, however far it is.
    assert low(5.0) == pytest.approx(fit.fit_goodput(runs)["large"].low, rel=0.1)


def test_no_developer_rules_the_lower_ends(runs):
    whole = fit.fit_goodput(runs)["large"].low
    for name in {one.run.developer for one in runs}:
        left = fit.fit_goodput([one for one in runs if one.run.developer != name])["large"].low
        # With quantiles of each scale it was 0.16, and 0.48 without Lucie.
        assert left == pytest.approx(whole, rel=0.25), name


def test_developers_that_were_left_out_lie_within_their_intervals(runs):
    within = fit.held(runs)
    assert len(within) >= 19
    assert 0.85 <= statistics.mean(one for several in within.values() for one in several) <= 0.95
    assert 0.85 <= statistics.mean(statistics.mean(several) for several in within.values()) <= 0.95


def test_a_developer_of_two_runs_that_differ_is_held_by_half():
    runs = [made(0.1 * (number % 3 - 1), str(number)) for number in range(12)]
    runs += [made(0.0, "half"), made(9.0, "half")]
    assert fit.held(runs)["half"] == [True, False]


def test_the_shipped_goodput_is_what_the_runs_give():
    assert not list(differences(ASSUMPTIONS / "goodput_fitted.toml", fit.render()))
