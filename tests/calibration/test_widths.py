"""Half-widths of the intervals of step times, against closed forms, tables and first readings of sources."""

from __future__ import annotations

import math
from statistics import NormalDist, fmean

import pytest

from benchmarks.interval_forms import BEFORE, Row, Shape, figures, first_residuals, residuals, splits
from calibration.widths import HUBER, NORMAL, SHIPPED, UNSEEN, Form, biases, ends, huber, student_95
from footprint.performance.regimes import is_layout_given

MANY = [NormalDist(0.0, 0.2).inv_cdf((place + 0.5) / 2000) for place in range(2000)]
"""A normal distribution with a standard deviation of 0.2."""


@pytest.mark.parametrize(
    ("freedom", "value"), [(3, 2.353), (4, 2.132), (5, 2.015), (8, 1.860), (20, 1.725), (120, 1.658)]
)
def test_students_t_is_that_of_the_tables(freedom, value):
    assert student_95(freedom) == pytest.approx(value, rel=5e-3)


def test_the_scale_of_a_normal_distribution_is_its_standard_deviation():
    # Held squares of a standard normal variable: those within the limit, and the limit's beyond it.
    normal = NormalDist()
    within = 2 * normal.cdf(HUBER) - 1 - 2 * HUBER * normal.pdf(HUBER)
    assert pytest.approx(within + 2 * HUBER**2 * (1 - normal.cdf(HUBER)), abs=1e-4) == NORMAL
    assert huber(MANY) == pytest.approx(0.2, rel=2e-3)
    assert huber([2 * value for value in MANY]) == pytest.approx(2 * huber(MANY))


def test_one_far_source_does_not_rule_a_scale():
    near = [0.1, -0.1] * 10
    far = [*near, 10.0]
    assert math.sqrt(fmean(value**2 for value in far)) > 10 * huber(near)
    # The far one counts as 1.5 scales, however far it is.
    assert huber(far) == pytest.approx(huber([*near, 1.0]))
    assert 1.0 < huber(far) / huber(near) < 1.15


def test_a_family_counts_once_in_the_bias_and_few_families_are_drawn_to_all():
    rows = [(0.2, "a")] * 300 + [(-0.2, "b")] * 3
    assert biases(rows) == {"a": 0.2, "b": -0.2}
    low, high = ends(rows, rows)
    # Rows without scatter: the scale of two equal biases, none of them beyond the limit.
    assert high == -low == pytest.approx(UNSEEN * student_95(3.0) * 0.2 / math.sqrt(NORMAL))
    # One family of its own and three families' worth of all regimes, whose biases are half as large.
    others = [*rows[300:], *((0.1, f"other {n}") for n in range(400))]
    of_one = ends(rows[:300], others)[1] / (UNSEEN * student_95(3.0)) * math.sqrt(NORMAL)
    assert of_one == pytest.approx((1 * 0.2 + 3 * 0.1) / 4, rel=2e-2)


def test_what_no_source_has_shown_yet_widens_the_biases_not_the_scatter():
    plain = Form(unseen=1.0)
    rows = [(0.2, "a"), (-0.2, "b")] * 5
    assert ends(rows, rows)[1] == pytest.approx(UNSEEN * ends(rows, rows, form=plain)[1])
    scattered = [(sign * 0.3, "a") for sign in (1, -1)] * 10
    assert ends(scattered, scattered) == ends(scattered, scattered, form=plain)


@pytest.fixture(scope="module")
def today() -> list[Row]:
    return list(residuals())


def test_sources_that_the_widths_have_not_seen_are_held(today):
    # Each draw is left out of the widths, and tested as it was when it was read for the first time.
    first = splits(today, list(first_residuals()))["first"]
    shipped, before = (
        figures(shape, first()) for shape in (Shape("", SHIPPED), Shape("", BEFORE, False, False))
    )
    for way, now in shipped.items():
        assert 0.85 <= now.held <= 0.95, way
        # A source that is far off is outside as a whole: a tenth of them is what 90 % leaves.
        assert now.failed <= 0.2 * now.sources, way
        assert now.score < before[way].score, way


def test_a_layout_is_given_by_its_tensor_ranks_or_by_the_micro_batch_of_one_accelerator():
    assert is_layout_given({"tp": 1}, 8)
    assert is_layout_given({"micro_batch": 4.0}, 1)
    assert not is_layout_given({"micro_batch": 4.0}, 8)
    assert not is_layout_given({"recompute": "full"}, 1)
