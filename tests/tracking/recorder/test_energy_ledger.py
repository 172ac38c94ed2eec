"""What a meter says counts only if it can be true."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from footprint.meters.base import Channel
from footprint.tracking.recorder.energy_ledger import MOST_W, Ledger


def ledger(component: str = "accelerators", at_s: float = 0.0) -> Ledger:
    book = Ledger()
    book.open([Channel(component=component, how="measured", source="test")], at_s)
    return book


def whats(book: Ledger) -> list[str]:
    return [fault.what for fault in book.faults]


@given(st.lists(st.tuples(st.floats(0.1, 60), st.floats(1, 700)), min_size=1, max_size=40))
def test_possible_readings_are_kept_exactly(intervals: list[tuple[float, float]]) -> None:
    book, now, energy = ledger(), 0.0, 0.0
    for seconds, watts in intervals:
        now, energy = now + seconds, energy + seconds * watts / 3.6e6
        book.take({"accelerators": energy}, now)
    assert book.energy_kwh()["accelerators"] == pytest.approx(energy, rel=1e-9)
    assert book.unseen_s(now)["accelerators"] == pytest.approx(0.0, abs=1e-9)
    assert not book.faults


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "no value"),
        (math.nan, "not a number"),
        (math.inf, "not a number"),
        ("0.3", "not a number"),
        (True, "not a number"),
        (-0.5, "went back"),
        (0.0, "zero for 10.0 s"),
        (1e6, "impossible"),
    ],
)
def test_impossible_readings_are_faults_and_add_nothing(value: Any, message: str) -> None:
    book = ledger()
    book.take({"accelerators": value}, 10.0)
    assert message in whats(book)[0]
    assert book.energy_kwh()["accelerators"] == 0.0
    assert book.unseen_s(10.0)["accelerators"] == pytest.approx(10.0)


def test_a_counter_that_pauses_is_made_good_by_its_next_value() -> None:
    book = ledger()
    for at_s, kwh in ((10.0, 0.001), (20.0, 0.001), (30.0, None), (40.0, 0.004)):
        book.take({"accelerators": kwh}, at_s)
    assert book.energy_kwh()["accelerators"] == pytest.approx(0.004)
    assert book.unseen_s(40.0)["accelerators"] == pytest.approx(0.0)
    assert len(book.faults) == 2


def test_a_wrapped_counter_loses_one_interval_and_goes_on() -> None:
    book = ledger("cpu")
    for at_s, kwh in ((10.0, 0.010), (20.0, 0.020), (30.0, 0.002), (40.0, 0.012)):
        book.take({"cpu": kwh}, at_s)
    assert book.energy_kwh()["cpu"] == pytest.approx(0.030)  # 10 + 10 + 10 of the four intervals
    assert book.unseen_s(40.0)["cpu"] == pytest.approx(10.0)
    assert "went back" in whats(book)[0]


@pytest.mark.parametrize("component", sorted(MOST_W))
def test_kilowatts_for_watts_are_caught(component: str) -> None:
    honest_w = MOST_W[component] / 100
    book = ledger(component)
    book.take({component: honest_w * 10 / 3.6e6}, 10.0)
    book.take({component: honest_w * 10 / 3.6e6 + honest_w * 1000 * 10 / 3.6e6}, 20.0)
    assert book.energy_kwh()[component] == pytest.approx(honest_w * 10 / 3.6e6)
    assert "impossible" in whats(book)[0]


def test_start_up_is_unseen() -> None:
    book = ledger(at_s=2.5)
    book.take({"accelerators": 0.001}, 10.0)
    assert book.unseen_s(12.0)["accelerators"] == pytest.approx(2.5 + 2.0)


def test_devices_in_use_by_process_else_by_load() -> None:
    book = ledger()
    book.take_devices({"a": 0.1, "b": 0.2, "c": math.nan, "d": -1}, {"a": 0.0, "b": 0.7}, None)
    assert book.devices_in_use() == ["b"]
    book.take_devices({"a": 0.3}, {}, frozenset({"a"}))
    assert book.devices_in_use() == ["a"]  # b belongs to somebody else
    assert book.device_kwh == {"a": 0.3, "b": 0.2}


def test_endless_faults_do_not_grow() -> None:
    book = ledger()
    for n in range(1000):
        book.take({"accelerators": None}, float(n))
    assert len(book.faults) == 50
    assert book.fault_count == 1000


def test_a_glimpse_inside_a_short_run_gives_way_to_a_reading_after_it() -> None:
    """Started 13 ms into a run of 20 ms and read at 15 ms: 100 W for the next 200 ms say more."""
    book = ledger("cpu", at_s=0.013)
    book.take({"cpu": 3.0 / 3.6e6}, 0.015)  # a meter's first milliseconds may read kilowatts
    book.take({"cpu": (3.0 + 100 * 0.2) / 3.6e6}, 0.215, until_s=0.02)
    assert book.energy_kwh()["cpu"] * 3.6e6 == pytest.approx(100 * 0.02)
    assert book.stood_in_s() == {"cpu": 0.02}
