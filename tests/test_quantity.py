"""Quantities against sampling: every rule of the arithmetic is checked with lognormal draws.

A one-cause quantity ``between(low, mid, high)`` with ``low * high == mid**2`` is exactly
lognormal, so products and quotients have closed forms and must agree to rounding. Sums and
skewed quantities are approximations: there the sampled percentiles are what is compared with,
at tolerances that say how good the approximation is.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from footprint.errors import FootprintError
from footprint.results import Quantity, total

Z95 = 1.6448536269514722
"""95th percentile of the standard normal distribution."""
DRAWS = 400_000

mids = st.floats(1e-6, 1e12)
widths = st.floats(0.0, 1.5)
names = st.sampled_from(["time", "power", "grid", "price", "pue"])
spreads = st.dictionaries(names, st.tuples(st.floats(-1.5, 0.0), st.floats(0.0, 1.5)), max_size=4)
quantities = st.builds(Quantity, mids, spreads)


def draws(seed: int) -> np.ndarray:
    """Standard normal draws of one cause."""
    return np.random.default_rng(seed).standard_normal(DRAWS)


def symmetric(mid: float, half: float, cause: str) -> Quantity:
    """A lognormal whose 5th and 95th percentiles are ``mid * exp(-+half)``."""
    return Quantity.between(mid * math.exp(-half), mid, mid * math.exp(half), cause)


def sampled(mid: float, half: float, normal: np.ndarray) -> np.ndarray:
    """The same lognormal, as draws."""
    return mid * np.exp(half / Z95 * normal)


def percentiles(values: np.ndarray) -> tuple[float, float, float]:
    low, mid, high = np.percentile(values, [5, 50, 95])
    return float(low), float(mid), float(high)


def assert_like_samples(quantity: Quantity, values: np.ndarray, rel: float) -> None:
    low, mid, high = percentiles(values)
    assert quantity.mid == pytest.approx(mid, rel=rel)
    assert quantity.low == pytest.approx(low, rel=rel)
    assert quantity.high == pytest.approx(high, rel=rel)


# ------------------------------------------------------------------ products and quotients

# 400,000 draws put a 5 % tail's percentile within about 0.5 % at these widths.
SAMPLING = 0.01


def test_product_of_independent_causes_adds_in_quadrature() -> None:
    hours, power = symmetric(80.0, 0.5, "time"), symmetric(2.9, 0.2, "power")
    values = sampled(80.0, 0.5, draws(1)) * sampled(2.9, 0.2, draws(2))
    assert_like_samples(hours * power, values, SAMPLING)


def test_quotient_of_independent_causes_is_as_wide_as_the_product() -> None:
    work, rate = symmetric(3e18, 0.1, "work"), symmetric(5e14, 0.4, "rate")
    values = sampled(3e18, 0.1, draws(3)) / sampled(5e14, 0.4, draws(4))
    assert_like_samples(work / rate, values, SAMPLING)


def test_shared_cause_cancels_in_a_quotient() -> None:
    """Two regions compared: the same hours stand on both sides, so only the grids matter."""
    normal = draws(5)
    hours = symmetric(80.0, 0.6, "time")
    here, there = symmetric(400.0, 0.1, "grid:A"), symmetric(50.0, 0.2, "grid:B")
    values = (sampled(80.0, 0.6, normal) * sampled(400.0, 0.1, draws(6))) / (
        sampled(80.0, 0.6, normal) * sampled(50.0, 0.2, draws(7))
    )
    ratio = (hours * here) / (hours * there)
    assert_like_samples(ratio, values, SAMPLING)
    assert ratio.high / ratio.mid == pytest.approx(math.exp(math.hypot(0.1, 0.2)), rel=1e-12)


def test_shared_cause_partly_cancels() -> None:
    normal = draws(8)
    a, b = symmetric(3.0, 0.5, "power"), symmetric(2.0, 0.3, "power")
    assert_like_samples(a / b, sampled(3.0, 0.5, normal) / sampled(2.0, 0.3, normal), SAMPLING)


def test_skewed_one_cause_quantity_keeps_its_own_ends_through_a_division() -> None:
    """A divisor's ends swap sides: 1 / (low, high) is (1 / high, 1 / low)."""
    mfu = Quantity.between(0.1, 0.4, 0.5, "time")
    assert (1.0 / mfu).low == pytest.approx(1 / 0.5, rel=1e-12)
    assert (1.0 / mfu).high == pytest.approx(1 / 0.1, rel=1e-12)
    twice = 1.0 / (1.0 / mfu)
    assert (twice.low, twice.mid, twice.high) == pytest.approx((0.1, 0.4, 0.5), rel=1e-12)


# ---------------------------------------------------------------------------------- sums


def test_sum_of_one_cause_adds_linearly() -> None:
    normal = draws(9)
    parts = [(100.0, 0.3), (40.0, 0.5), (7.0, 0.1)]
    values = sum(sampled(mid, half, normal) for mid, half in parts)
    assert_like_samples(total(symmetric(mid, half, "power") for mid, half in parts), values, SAMPLING)


def test_sum_of_independent_causes_adds_in_quadrature() -> None:
    """Approximate: a sum of lognormals is not lognormal, and its median is above the sum of medians."""
    parts = [(100.0, 0.30), (80.0, 0.25), (60.0, 0.40)]
    values = sum(sampled(mid, half, draws(10 + i)) for i, (mid, half) in enumerate(parts))
    whole = total(symmetric(mid, half, f"cause{i}") for i, (mid, half) in enumerate(parts))
    assert_like_samples(whole, values, 0.04)
    linear = sum(mid * math.exp(half) for mid, half in parts)
    assert whole.high < 0.95 * linear  # not the linear sum of the ends


def test_sum_with_a_common_factor_is_the_factor_of_the_sum() -> None:
    """A project on one grid: the grid's spread does not average out over its runs."""
    grid = draws(20)
    runs = [(100.0, 0.3), (90.0, 0.3), (110.0, 0.3), (95.0, 0.3)]
    values = sum(
        sampled(mid, half, draws(21 + i)) * sampled(0.4, 0.5, grid) for i, (mid, half) in enumerate(runs)
    )
    whole = total(
        symmetric(mid, half, f"run{i}") * symmetric(0.4, 0.5, "grid") for i, (mid, half) in enumerate(runs)
    )
    assert_like_samples(whole, values, 0.03)
    assert whole.high / whole.mid > math.exp(0.5)


@given(st.lists(quantities, min_size=1, max_size=6))
def test_sum_has_the_sum_of_medians_and_does_not_depend_on_order(parts: list[Quantity]) -> None:
    whole, back = total(parts), total(reversed(parts))
    assert whole.mid == pytest.approx(math.fsum(p.mid for p in parts), rel=1e-12)
    assert (back.low, back.high) == pytest.approx((whole.low, whole.high), rel=1e-9)


@given(quantities)
def test_a_quantity_and_itself_add_to_twice_the_quantity(one: Quantity) -> None:
    two = one + one
    assert (two.low, two.mid, two.high) == pytest.approx((2 * one.low, 2 * one.mid, 2 * one.high), rel=1e-9)


@given(quantities, st.floats(0.0, 1e9))
def test_adding_a_certain_amount_moves_every_end_by_it_at_one_cause(one: Quantity, extra: float) -> None:
    assume(len(one.spread) <= 1)
    more = one + extra
    for end, moved in ((one.low, more.low), (one.mid, more.mid), (one.high, more.high)):
        assert moved == pytest.approx(end + extra, rel=1e-9)


def test_sum_of_nothing_is_zero() -> None:
    assert total([]).mid == 0
    assert total([Quantity(0.0), Quantity(0.0)]).high == 0


# ------------------------------------------------------------------------------ algebra


@given(quantities, quantities)
def test_product_commutes_and_division_undoes_it(a: Quantity, b: Quantity) -> None:
    left, right = a * b, b * a
    assert (left.low, left.mid, left.high) == pytest.approx((right.low, right.mid, right.high), rel=1e-12)
    back = left / b
    assert (back.low, back.mid, back.high) == pytest.approx((a.low, a.mid, a.high), rel=1e-9)


@given(quantities, st.floats(1e-6, 1e6))
def test_scale_leaves_relative_spread_alone(one: Quantity, factor: float) -> None:
    scaled = factor * one
    assert scaled.high / scaled.mid == pytest.approx(one.high / one.mid, rel=1e-12)
    assert (one / factor).mid == pytest.approx(one.mid / factor, rel=1e-12)


@given(quantities)
def test_low_mid_high_are_in_order_and_the_interval_covers_each_cause(one: Quantity) -> None:
    assert one.low <= one.mid <= one.high
    for low_end, high_end in one.spread.values():
        assert one.low <= one.mid * math.exp(low_end) * (1 + 1e-12)
        assert one.high >= one.mid * math.exp(high_end) * (1 - 1e-12)


@given(quantities)
def test_quotient_with_itself_is_exactly_one(one: Quantity) -> None:
    same = one / one
    assert (same.low, same.mid, same.high) == (1.0, 1.0, 1.0)


@given(st.floats(0.01, 1.0), st.floats(1.0, 100.0), mids)
def test_between_gives_back_its_ends(below: float, above: float, mid: float) -> None:
    one = Quantity.between(mid * below, mid, mid * above, "price")
    assert one.low == pytest.approx(mid * below, rel=1e-9)
    assert one.high == pytest.approx(mid * above, rel=1e-9)


# ------------------------------------------------------------------------------- capped


def test_capped_is_the_minimum_of_the_draws() -> None:
    """A node at its rated maximum: draws above it are held there, those below are untouched."""
    power = symmetric(3000.0, 0.3, "power")
    values = np.minimum(sampled(3000.0, 0.3, draws(40)), 3500.0)
    held = power.capped(3500.0)
    assert_like_samples(held, values, SAMPLING)
    assert held.high == pytest.approx(3500.0, rel=1e-12)


def test_causes_that_exceed_a_limit_only_together_are_capped() -> None:
    """The 95th percentile of the least of draws and a limit is the lesser of both."""
    power = symmetric(3000.0, 0.15, "board") * symmetric(1.0, 0.15, "host")
    values = sampled(3000.0, 0.15, draws(42)) * sampled(1.0, 0.15, draws(43))
    held = power.capped(3500.0)
    assert 3000.0 * math.exp(0.15) < 3500.0 < percentiles(values)[2]
    assert_like_samples(held, np.minimum(values, 3500.0), SAMPLING)
    assert held.high == pytest.approx(3500.0, rel=1e-12)
    board, host = (held.spread[cause][1] for cause in ("board", "host"))
    assert board == pytest.approx(host)


def test_capped_arrays_are_capped_one_by_one() -> None:
    limits = np.array([2500.0, 3100.0, 3500.0, 1e6])
    power = symmetric(3000.0, 0.15, "board") * symmetric(1.0, 0.15, "host")
    held = (power * np.ones(4)).capped(limits)
    for place, limit in enumerate(limits):
        alone = power.capped(float(limit))
        assert (held.low[place], held.mid[place], held.high[place]) == pytest.approx(
            (alone.low, alone.mid, alone.high)
        )


def test_capped_below_the_median_still_holds_the_low_end() -> None:
    power = symmetric(3000.0, 0.3, "power")
    values = np.minimum(sampled(3000.0, 0.3, draws(41)), 2600.0)
    held = power.capped(2600.0)
    assert_like_samples(held, values, SAMPLING)
    assert (held.mid, held.high) == pytest.approx((2600.0, 2600.0))


@given(quantities, st.floats(1e-3, 1e15))
def test_capped_is_never_above_the_limit(one: Quantity, limit: float) -> None:
    held = one.capped(limit)
    assert held.mid <= limit * (1 + 1e-12)
    assert held.high <= limit * (1 + 1e-9)
    if len(one.spread) <= 1:
        assert held.low == pytest.approx(min(one.low, limit), rel=1e-9)


@given(quantities)
def test_a_cap_out_of_reach_changes_nothing(one: Quantity) -> None:
    held = one.capped(one.mid * 100.0)
    assert (held.low, held.mid, held.high) == pytest.approx((one.low, one.mid, one.high), rel=1e-9)


# ----------------------------------------------------------------------- what is refused


@pytest.mark.parametrize("mid", [math.nan, math.inf, -math.inf, -1.0])
def test_no_quantity_without_a_finite_median(mid: float) -> None:
    with pytest.raises(FootprintError, match="finite and not negative"):
        Quantity(mid)


@pytest.mark.parametrize("ends", [(0.0, 1.0, 2.0), (2.0, 1.0, 3.0), (0.5, 1.0, 0.9), (math.nan, 1.0, 2.0)])
def test_between_needs_its_ends_in_order(ends: tuple[float, float, float]) -> None:
    with pytest.raises(FootprintError, match="low <= mid <= high"):
        Quantity.between(*ends, "price")


@pytest.mark.parametrize("nothing", [Quantity(0.0), 0.0, 0])
def test_division_by_nothing_is_refused(nothing: Quantity | float) -> None:
    with pytest.raises(FootprintError, match="is 0"):
        Quantity(1.0) / nothing


def test_overflow_is_an_error_not_an_infinity() -> None:
    with pytest.raises(FootprintError, match="finite"):
        Quantity(1e300) * Quantity(1e300)


# -------------------------------------------------------------------------------- output


def test_json_shows_ends_at_90_percent_and_each_cause_on_demand() -> None:
    one = Quantity.between(50.0, 100.0, 400.0, "time") * Quantity.between(0.9, 1.0, 1.1, "pue")
    plain = one.to_json()
    assert list(plain) == ["low", "mid", "high"]
    assert plain["low"] == pytest.approx(100 * math.exp(-math.hypot(math.log(2), math.log(1 / 0.9))))
    assert plain["high"] == pytest.approx(100 * math.exp(math.hypot(math.log(4), math.log(1.1))))
    causes = one.to_json(with_spread=True)["spread"]
    assert causes["time"] == pytest.approx({"low": 50.0, "high": 400.0})
    assert causes["pue"] == pytest.approx({"low": 90.0, "high": 110.0})
