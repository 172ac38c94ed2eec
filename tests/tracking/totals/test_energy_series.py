"""No reading of one interval is added twice: against a brute-force clock."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from footprint.tracking.totals.energy_series import overlap_s, own_share_kwh, union_kwh, value_at

spans = st.lists(st.tuples(st.integers(0, 60), st.integers(1, 40), st.integers(1, 9)), min_size=1, max_size=6)


def constant(start: float, length: float, power: float, step: float = 7.0) -> list[tuple[float, float]]:
    """A reader of a constant power over a span, reading every ``step`` seconds."""
    moments = [start]
    while moments[-1] < start + length:
        moments.append(min(start + length, moments[-1] + step))
    return [(moment, (moment - start) * power) for moment in moments]


@given(spans)
def test_union_equals_the_highest_reading_second_by_second(spans: list[tuple[int, int, int]]) -> None:
    series = [constant(start, length, power) for start, length, power in spans]
    brute = sum(
        max((power for start, length, power in spans if start <= second < start + length), default=0)
        for second in range(120)
    )
    assert union_kwh(series) == pytest.approx(brute)


def test_two_readers_of_one_counter_count_once() -> None:
    counter = constant(0, 100, 3.0)
    later = [(moment, value - 60.0) for moment, value in counter if moment >= 21]  # started 21 s later
    assert union_kwh([counter, later]) == pytest.approx(300.0)
    assert union_kwh([counter, later]) < sum(s[-1][1] for s in (counter, later))


def test_readers_one_after_the_other_add() -> None:
    assert union_kwh([constant(0, 10, 2.0), constant(10, 10, 2.0)]) == pytest.approx(40.0)


@given(st.integers(0, 50), st.integers(1, 50), st.integers(0, 4), st.integers(0, 4))
def test_a_shared_component_is_divided_by_processor_time(
    start: int, length: int, own: int, other: int
) -> None:
    energy, own_cpu = constant(0, 60, 5.0, step=1), constant(0, 60, own, step=1)
    neighbour = constant(start, length, other, step=1)
    kwh, shared_s = own_share_kwh(energy, own_cpu, [neighbour])
    expected = 0.0
    for second in range(60):
        if start <= second and second + 1 <= start + length:
            expected += 5.0 * (own / (own + other) if own + other else 0.5)
        else:
            expected += 5.0
    assert kwh == pytest.approx(expected)
    assert shared_s == pytest.approx(max(0, min(60, start + length) - start))


def test_both_runs_shares_add_up_to_the_machine() -> None:
    energy, a, b = constant(0, 60, 5.0), constant(0, 60, 3.0), constant(0, 60, 1.0)
    one, other = own_share_kwh(energy, a, [b])[0], own_share_kwh(energy, b, [a])[0]
    assert one + other == pytest.approx(300.0)
    assert one == pytest.approx(225.0)


def test_values_between_and_outside_readings() -> None:
    series = [(0.0, 0.0), (10.0, 5.0), (10.0, 5.0), (20.0, 25.0)]
    assert [value_at(series, t) for t in (-1, 0, 5, 10, 15, 99)] == [0.0, 0.0, 2.5, 5.0, 15.0, 25.0]
    assert overlap_s(series, [(15.0, 0.0), (99.0, 1.0)]) == 5.0
