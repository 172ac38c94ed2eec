"""What only Python can be given: single values among axes, slips that the command line reads as text."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import footprint
from footprint import FootprintError, compare


def test_a_single_value_among_the_axes_is_fixed() -> None:
    one = compare({"hw": "v100:8", "region": ["FRA", "POL"]}, model="bert-base")
    assert [row.scenario["hw"] for row in one.rows] == ["v100:8", "v100:8"]
    assert list(one.axes) == ["region"]
    frame = footprint.sweep({"hw": "v100:8", "region": ["FRA", "POL"]}, model="bert-base")
    assert list(frame["region"]) == ["FRA", "POL"]
    assert list(frame["energy_kwh_mid"]) == pytest.approx([row.energy_kwh.mid for row in one.rows])


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (lambda: footprint.sweep({"model": ["bert-base"], "hw": []}), "axis hw has no values"),
        (lambda: footprint.sweep({"hw": []}, model="bert-base"), "axis hw has no values"),
        (lambda: footprint.sweep(model="bert-base"), "hw="),
        (lambda: footprint.sweep("v100:8", model="bert-base"), "a mapping of fields"),
        (lambda: compare([1, 2], model="bert-base"), "a mapping of fields"),
        (lambda: footprint.plan("7d", hw=["v100:8", "h100:8"]), r"`hw=` must be a name"),
        (lambda: footprint.rank(model="bert-base", hw=["v100:8"]), r"`hw=` must be a name"),
        (lambda: footprint.rank(model="bert-base", hw="h100:8", max_g_per_kwh=float("nan")), "from 0 on"),
        (
            lambda: footprint.best_times(
                when="monthly", region="FRA", model="bert-base", hw="h100:8", deadline=float("nan")
            ),
            "no time",
        ),
    ],
)
def test_slips_in_python_are_errors_of_ours(asked: Callable[[], object], message: str) -> None:
    with pytest.raises(FootprintError, match=message):
        asked()


@pytest.mark.slow
def test_every_chip_that_is_rented_out_in_python() -> None:
    given = {"model": "bert-base", "tokens": 1e9, "by": "time"}
    table = compare(hw="auto", max_hours=0.5, **given)
    hours = [row.duration_h.mid for row in table.rows if row.duration_h is not None]
    assert len(hours) == len(table.rows) > 20
    assert hours == sorted(hours)
    assert hours[-1] <= 0.5
    with pytest.raises(FootprintError, match="give both or neither"):
        compare(hw="h100:8", max_hours=0.5, **given)
