"""Arguments of ``track()``: what cannot be meant is refused at once, what is unknown costs no run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from footprint.errors import FootprintError
from footprint.tracking import Run

Quick = Callable[..., Run]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"budget": "2 kWhh"}, "budget"),
        ({"total_steps": -5}, "total_steps"),
        ({"total_steps": float("nan")}, "total_steps"),
        ({"total_tokens": "many"}, "total_tokens"),
        ({"flush_s": 0}, "flush_s"),
        ({"meter": "wattmeter"}, "meter"),
        ({"on_budget": "explode"}, "on_budget"),
        ({"callback": 3}, "callback"),
        ({"csv": ""}, "csv"),
        ({"name": "two\nlines"}, "name"),
        ({"run_id": "../up"}, "run_id"),
        ({"pue": float("nan")}, "pue must be finite"),
        ({"pue": 0.5}, "pue must be at least 1"),
        ({"grid_g_per_kwh": -5}, "grid_g_per_kwh"),
        ({"usd_per_hour": "cheap"}, "usd_per_hour"),
        ({"precision": "fp99"}, "precision must be one of"),
        ({"year": 1800}, "year"),
    ],
)
def test_values_that_cannot_be_meant(quick: Quick, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(FootprintError, match=message):
        quick(**arguments)


def test_a_misspelt_keyword_names_the_nearest(quick: Quick) -> None:
    with pytest.raises(TypeError, match=r"precison.*precision"):
        quick(precison="fp16")


def test_unknown_names_cost_the_estimate_and_nothing_else(quick: Quick) -> None:
    with quick(model="brt-base", hw="v100-sxm2-16gb:1", region="FRAA") as run:
        run.step()
    assert run.estimate is None
    assert any("bert-base" in problem for problem in run.problems)
    with quick(hw="v100:8x") as run:
        pass
    assert any("v100:8" in problem for problem in run.problems)
    with quick(region="Atlantis") as elsewhere, quick() as nowhere:
        pass
    for measured in (elsewhere.measurement, nowhere.measurement):  # no place, no low value
        assert measured is not None
        assert measured.pue.mid > 1.3
    assert run.measurement is not None
    assert run.measurement.it_energy_kwh is not None
