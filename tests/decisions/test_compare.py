"""Scenarios side by side: each equals its estimate, and a ratio cancels what two of them share."""

from __future__ import annotations

import csv
import itertools
import json
import math
import statistics
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import footprint
from footprint.catalog.assumptions import assumed
from footprint.decisions import compare
from footprint.decisions.causes import OF_BOARD, SHARED, Identity, divided, perturbed, ratio, summable
from footprint.decisions.comparison import _pareto
from footprint.decisions.scenario_table import QUANTITIES, ComparedRow
from footprint.errors import FootprintError
from footprint.reports.decisions.comparison_text import render, rows_of
from footprint.results import Quantity
from tests.cli import run

AXES: dict[str, list[Any]] = {
    "model": ["bert-base", "bert-large"],
    "hw": ["v100:8", "a100:8", "h100:8"],
    "region": ["FRA", "POL"],
}
TABLE = compare(AXES)


def test_rows_are_the_product_with_the_last_axis_fastest_and_equal_their_estimates() -> None:
    expected = list(itertools.product(*AXES.values()))
    assert [tuple(row.scenario[name] for name in AXES) for row in TABLE.rows] == expected
    for row in TABLE.rows:
        one = footprint.estimate(**row.scenario)
        for name in QUANTITIES:
            found, wanted = getattr(row, name), getattr(one, name)
            assert (found.low, found.mid, found.high) == pytest.approx(
                (wanted.low, wanted.mid, wanted.high), rel=1e-9
            )


def test_one_job_in_two_places_takes_the_same_hours_for_certain() -> None:
    pol = TABLE.rows[1]
    hours = pol.ratio["duration_h"]
    assert (hours.value.low, hours.value.high) == pytest.approx((1.0, 1.0))
    assert hours.verdict == "not_clear"
    assert pol.ratio["co2e_kg"].verdict == "higher"


def test_a_ratio_is_that_of_sampled_errors() -> None:
    """Each part of a cause is drawn once; parts of one name are one draw in both scenarios."""
    rng = np.random.default_rng(7)
    for one, other in itertools.combinations(TABLE.rows, 2):
        for name in ("duration_h", "energy_kwh"):
            a, b = getattr(one, name), getattr(other, name)
            draws = {cause: rng.normal(size=40_000) / 1.6449 for cause in {*a.spread, *b.spread}}

            def sample(quantity: Quantity, draws: dict[str, Any] = draws) -> Any:
                log = sum(
                    np.where(draws[cause] > 0, high * draws[cause], -low * draws[cause])
                    for cause, (low, high) in quantity.spread.items()
                )
                return quantity.mid * np.exp(log)

            low, high = np.quantile(sample(b) / sample(a), [0.05, 0.95])
            found = ratio(b, a)
            assert math.log(found.high / found.low) == pytest.approx(math.log(high / low), rel=0.25, abs=0.01)


def test_what_is_divided_keeps_its_interval() -> None:
    identity = Identity(model="m", chip="c bf16", job="j", place="p")
    whole = Quantity(3.0, {"time_model": (-0.2, 0.3), "pue": (-0.1, 0.1), "price:on_demand:all": (-0.5, 0.9)})
    parts = divided(whole, identity)
    assert parts.bounds == pytest.approx(whole.bounds, rel=1e-12)
    other = divided(whole, Identity(model="m", chip="d bf16", job="k", place="p"))
    job, chip = (assumed(f"comparison_fitted.time_{part}").value for part in ("job", "chip"))
    own = 1.0 - assumed("comparison_fitted.price_shared").value
    # closed form: what is not shared of both, in quadrature
    below = 2 * (0.2**2 + 0.3**2) / 2 * (job + chip) + own * (0.5**2 + 0.9**2)
    assert math.log(ratio(parts, other).high) == pytest.approx(math.sqrt(below), rel=1e-9)


def test_two_stacks_share_nothing_of_the_step_time() -> None:
    """What two jobs share was measured within one release of software; a sum takes it as one error."""
    time = Quantity(2.0, {"time_model": (-0.3, 0.3)})
    tuned, native = (Identity(model="m", chip="c", job=n, place="p", stack=n) for n in ("tuned", "native"))
    found = ratio(divided(time, tuned), divided(time, native))
    assert math.log(found.high) == pytest.approx(0.3 * math.sqrt(2))
    assert ratio(divided(time, tuned), divided(time, tuned)).spread == {}
    unnamed = [Identity(model="m", chip="c", job=job, place="p") for job in "jk"]
    assert summable(time, tuned).spread.keys() & summable(time, native).spread.keys() == {
        cause for cause in divided(time, unnamed[0]).spread if not cause.endswith(" of j")
    }
    rows = footprint.compare(stack=["tuned", "native"], model="llama2-7b", hw="h100:64", tokens=1e11).rows
    assert [row.scenario["stack"] for row in rows] == ["tuned", "native"]
    apart = rows[1].ratio["duration_h"].value
    within = (
        footprint.compare(stack="tuned", model="llama2-7b", hw="h100:64", tokens=1e11, batch_size=[512, 1024])
        .rows[1]
        .ratio["duration_h"]
        .value
    )
    assert apart.high / apart.low > within.high / within.low


def test_what_nobody_said_is_shared_does_not_cancel() -> None:
    one, other = (Identity(model="m", chip="c", job=job, place="p") for job in ("j", "k"))
    known = Quantity(2.0, {"goodput": (-0.3, 0.3), "workload.batch": (-0.2, 0.2)})
    assert ratio(divided(known, one), divided(known, other)).spread == {}
    new = Quantity(2.0, {"a new cause": (-0.3, 0.3)})
    found = ratio(divided(new, one), divided(new, other))
    assert math.log(found.high) == pytest.approx(0.3 * math.sqrt(2))
    assert ratio(divided(new, one), divided(new, one)).spread == {}


@pytest.mark.parametrize("given", [
    {"model": "bert-base", "hw": "v100:8"}, {"model": "bert-base", "hw": "v100:8", "purchase": "spot"},
    {"parameters": 1e9, "tokens": 1e9, "hw": "a100:8", "provider": "aws"}, {"hw": "h100:8", "hours": 10.0},
    {"flop_per_token": 6e9, "tokens": 1e9, "hw": "tpu-v4:64"},
    {"model": "bert-base", "hw": "v100:8", "capital_usd": 9000.0},
    {"model": "qwen3-8b", "hw": "h100:1", "method": "lora", "tokens": 1e7, "region": "EU"},
])  # fmt: skip
def test_of_every_cause_of_an_estimate_it_is_decided_what_is_shared(given: dict[str, Any]) -> None:
    answer = footprint.estimate(**given)
    decided = (*SHARED, *OF_BOARD, "time_model", "pue", "price:")
    causes = {cause for q in (answer.co2e_kg, answer.cost_usd) if q is not None for cause in q.spread}
    assert causes
    assert [cause for cause in causes if not cause.startswith(decided)] == []


def test_the_best_is_marked_only_where_every_ratio_is_clear() -> None:
    for name in QUANTITIES:
        marked = [row for row in TABLE.rows if name in row.best]
        values = {row.id: getattr(row, name) for row in TABLE.rows}
        least = min(values, key=lambda number: values[number].mid)
        clear = all(ratio(values[other], values[least]).low > 1 for other in values if other != least)
        assert [row.id for row in marked] == ([least] if clear else [])
    apart = compare(model="llama2-7b", tokens=1e11, hw=["h100:8", "h100:64"], region="FRA")
    assert apart.rows[1].best == ("duration_h",)


@given(st.lists(st.tuples(*[st.integers(1, 4)] * 3), min_size=1, max_size=12))
def test_the_pareto_front_is_that_of_a_brute_force(points: list[tuple[int, int, int]]) -> None:
    rows = [
        ComparedRow(
            id=n, scenario={}, feasible=True, ratio={}, duration_h=Quantity(float(h)),
            co2e_kg=Quantity(float(c)), cost_usd=Quantity(float(u)),
        )
        for n, (h, c, u) in enumerate(points)
    ]  # fmt: skip
    front = [
        n
        for n, own in enumerate(points)
        if not any(np.all(np.array(o) <= own) and np.any(np.array(o) < own) for o in points)
    ]
    assert list(_pareto(rows)) == front


def test_a_row_that_cannot_be_stays_with_its_reason() -> None:
    table = compare(model="llama2-70b", tokens=1e12, hw=["h100:64", "rtx4090:2", "h100:12"], region="FRA")
    fits, never, tight = table.rows
    assert fits.feasible
    assert not never.feasible
    assert not tight.feasible
    assert never.duration_h is None
    assert "does not fit" in never.reason
    assert tight.duration_h is not None
    assert tight.needed_gib is not None
    assert tight.device_gib == 80
    assert table.pareto == (1,)
    assert not tight.best


def test_two_spellings_are_one_row() -> None:
    table = compare(model=["bert-base", "bert-base-uncased"], hw=["v100:8", "v100x8"])
    assert len(table.rows) == 1
    assert "3 rows are spellings" in table.warnings[0]


def test_scenarios_are_rows_too_and_axes_are_laid_on_them() -> None:
    table = compare(
        {"region": ["FRA", "POL"]},
        scenarios=[{"model": "bert-base", "hw": "v100:8"}, {"model": "gpt2", "hw": "a100:8"}],
    )
    assert [(row.scenario["model"], row.scenario["region"]) for row in table.rows] == [
        ("bert-base", "FRA"), ("bert-base", "POL"), ("gpt2", "FRA"), ("gpt2", "POL"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"hw": ["v100:8"] * 2 + ["a100:8"] * 199}, "footprint sweep"),
        ({"hw": []}, "no values"),
        ({"hw": "v100:8", "baseline": 2}, "rows are 1 to 1"),
        ({"hw": "v100:8", "by": "joy"}, "one of time, energy"),
        ({"hw": "v100:8", "batchsize": 4}, "batch_size"),
        ({}, "`hw=` is missing"),
    ],
)
def test_what_is_wrong_is_named(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(FootprintError, match=message):
        compare(model="bert-base", **wrong)


def test_it_shows_itself_as_the_command_does_and_becomes_a_frame(tmp_path: Path) -> None:
    shown = run.footprint("compare", "--model", "bert-base,bert-large", "--hw", "v100:8,a100:8,h100:8",
                          "--region", "FRA,POL").out.rstrip("\n")  # fmt: skip
    assert str(TABLE) == repr(TABLE) == shown
    assert "v100:8" in TABLE._repr_html_()
    frame = TABLE.to_frame()
    assert frame["energy_kwh_mid"].tolist() == [row.energy_kwh.mid for row in TABLE.rows if row.energy_kwh]
    TABLE.plot(tmp_path / "rows.svg")
    assert "<svg" in (tmp_path / "rows.svg").read_text()


def test_regions_of_one_provider_differ_in_price_alike() -> None:
    """So their error is one cause: what an instance costs above its region's median is the same elsewhere."""
    from calibration.comparison import price_shared, region_pairs

    found = region_pairs()
    assert len(found) > 100
    assert price_shared(found) > 0.9


@pytest.mark.slow
def test_ratios_cover_their_pairs_out_of_sample() -> None:
    """Pairs of published runs, with the shares of all other sources; each source weighs the same."""
    from calibration.comparison import PATH, render, without_each

    assert PATH.read_text(encoding="utf-8") == render()
    reached: dict[frozenset[str], list[float]] = {}
    for _, differs, count, share in _covered(without_each):
        if count >= 3:  # one pair of Gopher and PaLM alone would be 0 or 100 %
            reached.setdefault(differs, []).append(share)
    for differs in (frozenset({"job"}), frozenset({"job", "chip"}), frozenset({"job", "chip", "model"})):
        assert 0.85 <= statistics.mean(reached[differs]) <= 0.96, differs


def _covered(without_each: Any) -> Any:
    from calibration.comparison import pairs

    return without_each(pairs())


def test_the_lists_of_a_comparison_are_saved_for_a_sweep(tmp_path: Path) -> None:
    grid = tmp_path / "grid.toml"
    options = ["--model", "bert-base", "--hw", "v100:8..32x2", "--region", "FRA,POL"]
    shown = run.footprint("compare", *options, "--save", str(grid), "--format", "json")
    swept = tmp_path / "rows.csv"
    assert run.footprint("sweep", str(grid), "-o", str(swept), "--quiet").code == 0
    with swept.open() as file:
        found = {(row["hw"], row["region"]): float(row["energy_kwh_mid"]) for row in csv.DictReader(file)}
    rows = {(row["scenario"]["hw"], row["scenario"]["region"]): row["energy_kwh"]["mid"]
            for row in json.loads(shown.out)["rows"]}  # fmt: skip
    assert found == pytest.approx(rows, rel=1e-9)
    assert len(rows) == 6


def test_owned_hardware_costs_its_electricity_in_every_row() -> None:
    shown = run.footprint("compare", "--model", "bert-base", "--hw", "v100:8,a100:8", "--owned",
                          "--electricity-usd-per-kwh", "0.25", "--format", "json")  # fmt: skip
    rows = json.loads(shown.out)["rows"]
    assert len(rows) == 2
    for row in rows:
        assert row["cost_usd"]["mid"] == pytest.approx(0.25 * row["energy_kwh"]["mid"], rel=1e-9)


def test_rows_that_differ_in_a_list_are_named_as_people_write_it() -> None:
    job: dict[str, Any] = {"model": "llama3.1-8b", "method": "lora", "tokens": 1e7, "hw": "h100:1"}
    table = compare({"lora_targets": [("q_proj",), ("q_proj", "v_proj")]}, **job)
    assert [row["name"] for row in rows_of(table)] == ["q_proj", "q_proj+v_proj"]
    assert [row["lora_targets"] for row in rows_of(table)] == ["q_proj", "q_proj,v_proj"]
    assert " 2 q_proj+v_proj" in render(table)


def test_a_difference_that_is_nothing_but_rounding_is_none() -> None:
    """What a run saves is half of it, and its two causes take 0.3 and 0.4 of it: together the half."""
    for size in (0.9, 1.1, 1.7, 3.0, 7.3):
        own = Quantity(size, {"x": (math.log(0.7), 0.0), "y": (math.log(0.6), 0.0)})
        found = perturbed(lambda a, b: a - b, own, Quantity(size / 2))
        assert found == (0.0, pytest.approx(size / 2), pytest.approx(size / 2))
