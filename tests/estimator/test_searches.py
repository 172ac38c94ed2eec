"""Searches for hyper-parameters: Table 1 of the Hyperband paper, and Strubell's case study to the digit."""

from __future__ import annotations

import json
import math
from fractions import Fraction
from typing import Any

import pytest

import footprint
from footprint.errors import FootprintError
from footprint.performance.searches import halving, hyperband, whole_runs
from footprint.results.decisions.search import Rung
from tests.cli.run import footprint as command_line

LISA = {"hw": "p100:1", "hours": 120.0}
"""A training of 120 hours on one accelerator (Strubell et al. 2019, arXiv:1906.02243, Table 4)."""
FRACTION = 239_942 / (4789 * 120)
WATTS = 78_468 / 0.954 / 1.58 / 239_942 * 1000
"""Of one accelerator: the table's 78,468 lbs of CO2 at 0.954 lbs/kWh and a PUE of 1.58 [W]."""

# Li et al. 2018, Table 1: R = 81, eta = 3; n_i and r_i of brackets s = 4 to 0.
TABLE = [
    [(81, 1), (27, 3), (9, 9), (3, 27), (1, 81)],
    [(27, 3), (9, 9), (3, 27), (1, 81)],
    [(9, 9), (3, 27), (1, 81)],
    [(6, 27), (2, 81)],
    [(5, 81)],
]
# The same by the paper's Algorithm 1, n = ceil((s_max + 1) / (s + 1) * eta^s), as SMAC3 prints it.
ALGORITHM = [
    [(81, 1), (27, 3), (9, 9), (3, 27), (1, 81)],
    [(34, 3), (11, 9), (3, 27), (1, 81)],
    [(15, 9), (5, 27), (1, 81)],
    [(8, 27), (2, 81)],
    [(5, 81)],
]


def brackets(rungs: tuple[Rung, ...]) -> list[list[tuple[int, int]]]:
    found: dict[int, list[tuple[int, int]]] = {}
    for rung in rungs:
        found.setdefault(rung.bracket, []).append((rung.trials, round(rung.fraction * 81)))
    return list(found.values())


def resource(table: list[list[tuple[int, int]]], *, resumed: bool = False) -> int:
    """Units of R that a table comes to."""
    total = 0
    for bracket in table:
        done = 0
        for trials, units in bracket:
            total += trials * (units - done)
            done = units if resumed else 0
    return total


def test_the_published_tables() -> None:
    assert brackets(hyperband(4, 3)) == ALGORITHM
    assert brackets(hyperband(4, 3, as_in_the_table=True)) == TABLE
    assert 81 * whole_runs(hyperband(4, 3)) == pytest.approx(resource(ALGORITHM))
    assert 81 * whole_runs(hyperband(4, 3, as_in_the_table=True), resumed=True) == pytest.approx(
        resource(TABLE, resumed=True)
    )
    assert brackets(halving(81, 4, 3)) == ALGORITHM[:1]


@pytest.mark.parametrize("eta", [2, 3, 4, 5])
@pytest.mark.parametrize("most", range(6))
def test_hyperband_is_algorithm_1_of_the_paper_trial_by_trial(eta: int, most: int) -> None:
    """Lines 3 to 10 in exact fractions: B = (s_max + 1) R, n = ceil(B/R eta^s / (s + 1)), r = R eta^-s."""
    spent, begun = Fraction(0), 0
    for s in range(most, -1, -1):
        n, r = math.ceil(Fraction(most + 1) * eta**s / (s + 1)), Fraction(1, eta**s)
        trials = list(range(n))
        begun += n
        for i in range(s + 1):
            assert len(trials) == math.floor(Fraction(n, eta**i))
            spent += sum(r * eta**i for _ in trials)
            trials = trials[: math.floor(Fraction(n, eta**i) / eta)]  # the best of them, in any order
    found = hyperband(most, eta)
    assert whole_runs(found) == pytest.approx(float(spent))
    first = {rung.bracket: rung.trials for rung in reversed(found)}
    assert sum(first.values()) == begun
    # No bracket spends more than the budget of one and what rounding up adds, one trial's halving.
    for bracket in first:
        own = tuple(rung for rung in found if rung.bracket == bracket)
        assert whole_runs(own) <= (most + 1) + len(own)


def test_hyperband_of_an_estimate_is_between_its_readings() -> None:
    one = footprint.estimate(**LISA, search="hyperband", usd_per_hour=1)
    assert one.repeats.runs == 0
    assert one.repeats.search is not None
    assert one.repeats.search.trials == 81 + 34 + 15 + 8 + 5
    hours = one.total.accelerator_h
    assert hours.mid == hours.high == pytest.approx(120 * resource(ALGORITHM) / 81)
    assert hours.low == pytest.approx(120 * resource(TABLE, resumed=True) / 81)
    short = footprint.estimate(**LISA, search="hyperband", shortest_fraction=0.0123, keep_one_in=3)
    assert short.total.accelerator_h == hours
    two = footprint.estimate(**LISA, search="hyperband", shortest_fraction=0.25, keep_one_in=2, runs=3)
    # s_max = 2: 4, 2, 1 of 1/4, 1/2, 1; ceil(3 / 2 * 2) = 3, 1 of 1/2, 1; 3 of 1.
    assert two.total.accelerator_h.mid == pytest.approx(120 * (3 + 2.5 + 3 + 3))


@pytest.mark.parametrize(
    ("trials", "eta", "shortest", "runs"),
    [(81, 3, None, 5.0), (None, 3, None, 5.0), (None, 2, 0.25, 3.0),
     (16, 4, None, 3.0), (100, 3, None, 100 / 81 + 33 / 27 + 11 / 9 + 3 / 3 + 1),
     (16, 2, 0.25, 16 / 4 + 8 / 2 + 4), (1, 3, None, 1.0), (2, 3, None, 2.0)],
)  # fmt: skip
def test_successive_halving(trials: int | None, eta: int, shortest: float | None, runs: float) -> None:
    fields: dict[str, Any] = {"search": "halving", "trials": trials, "keep_one_in": eta}
    found = footprint.estimate(**LISA, **fields, shortest_fraction=shortest)
    assert found.total.accelerator_h.mid == pytest.approx(120 * runs)


@pytest.mark.parametrize(
    ("trials", "fraction", "hours", "low", "high", "electricity"),
    [(1, 1.0, "120", "52", "175", "5"), (24, 1.0, "2,880", "1,238", "4,205", "118"),
     (4789, FRACTION, "239,942", "103", "350", "9,870")],
)  # fmt: skip
def test_strubells_case_study_to_the_digit(
    trials: int, fraction: float, hours: str, low: str, high: str, electricity: str
) -> None:
    """Table 4 prints 51.6 as 52, and the largest sums in thousands."""

    def total(*options: str) -> Any:
        words = (
            "--hw",
            "p100:1",
            "--hours",
            "120",
            "--trials",
            str(trials),
            "--mean-fraction",
            str(fraction),
        )
        return json.loads(command_line("estimate", *words, *options, "--format", "json").out)["total"]

    thousand = 1000 if trials > 1000 else 1
    for price, printed in (("0.43", low), ("1.46", high)):
        found = total("--usd-per-hour", price)
        assert f"{found['accelerator_h']['mid']:,.0f}" == hours
        assert f"{found['cost_usd']['mid'] / thousand:,.0f}" == printed
    owned = ("--owned", "--electricity-usd-per-kwh", "0.12", "--it-power-w", str(WATTS), "--pue", "1.58")
    assert f"{total(*owned)['cost_usd']['mid']:,.0f}" == electricity


def test_a_length_that_is_not_said_is_whole_runs_and_may_be_less() -> None:
    found = footprint.estimate(**LISA, trials=4789)
    hours = found.total.accelerator_h
    assert hours.mid == hours.high == 4789 * 120
    assert hours.low == pytest.approx(239_942, rel=1e-3)
    row = next(row for row in found.assumptions if row.name == "searches.mean_fraction")
    assert row.option == "--mean-fraction"
    assert all(row.name != "searches.mean_fraction" for row in
               footprint.estimate(**LISA, trials=3, mean_fraction=0.5).assumptions)  # fmt: skip


def test_failed_hours_and_whole_runs_beside_a_search() -> None:
    found = footprint.estimate(**LISA, trials=60, mean_fraction=0.3, runs=2, failed_share=0.2)
    assert found.total.accelerator_h.mid == pytest.approx(120 * (60 * 0.3 + 2) / 0.8)


def test_compare_sweep_rank_and_project_take_searches() -> None:
    fields: dict[str, Any] = {"hours": 120.0, "trials": 60, "usd_per_hour": 1.0}
    one = footprint.estimate(**fields, hw="h100:8", region="FRA").total
    table = footprint.compare(**fields, hw=["h100:8", "h100:16"], region="FRA")
    first, second = table.rows
    frame = footprint.sweep({"hw": ["h100:8", "h100:16"]}, region="FRA", **fields)
    project = footprint.project({"runs": [{**fields, "name": "a", "hw": "h100:8", "region": "FRA"}]})
    for name in ("energy_kwh", "co2e_kg", "cost_usd"):
        value = getattr(one, name)
        expected = pytest.approx([value.low, value.mid, value.high])
        for other in (getattr(first, name), getattr(project.total, name)):
            assert [other.low, other.mid, other.high] == expected
        assert [frame[f"{name}_{end}"].iloc[0] for end in ("low", "mid", "high")] == expected
    assert math.isclose(second.ratio["cost_usd"].value.low, 2.0)  # one length of trials in both
    assert math.isclose(second.ratio["cost_usd"].value.high, 2.0)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"mean_fraction": 0.5}, "that of `trials=`"),
        ({"search": "hyperband", "trials": 9}, "leave them out"),
        ({"search": "halving", "trials": 9, "mean_fraction": 0.5}, "leave out `mean_fraction=`"),
        ({"keep_one_in": 3}, "need `search=`"),
        ({"trials": 9, "shortest_fraction": 0.1}, "need `search=`"),
        ({"search": "random", "trials": 9}, "must be one of halving, hyperband"),
        ({"trials": 0}, "above 0"),
        ({"trials": 1.5}, "whole number"),
        ({"trials": 9, "mean_fraction": 1.5}, "at most 1"),
        ({"search": "hyperband", "keep_one_in": 1}, "at least 2"),
        ({"search": "hyperband", "shortest_fraction": 0.0}, "above 0"),
        ({"search": "hyperband", "shortest_fraction": 1e-300}, "rungs"),
    ],
)
def test_searches_that_contradict_themselves(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(FootprintError) as caught:
        footprint.estimate(**LISA, **fields)
    assert said in str(caught.value)
