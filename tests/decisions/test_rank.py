"""Regions by the CO2e of a run: each equals its estimate, and what is saved is the difference of the two."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import footprint
from footprint.decisions.causes import perturbed
from footprint.decisions.ranking import rank
from footprint.errors import FootprintError
from footprint.results import Quantity
from tests.cli import run
from tests.conftest import ROOT

JOB: dict[str, Any] = {"model": "bert-base", "hw": "h100:8"}
RANKING = rank(baseline_region="aws:us-east-1", **JOB)


def test_every_region_with_a_dated_offer_is_there_and_equals_its_estimate() -> None:
    with (ROOT / "reference_data" / "regions.csv").open() as file:
        known = {row["key"] for row in csv.DictReader(file)}
    with (ROOT / "hardware_profiles" / "prices.csv").open() as file:
        offered = {
            f"{row['provider']}:{row['region']}"
            for row in csv.DictReader(file)
            if row["accelerator"] == "h100-sxm5-80gb" and row["purchase"] == "on_demand"
        }
    assert {row.place for row in RANKING.rows} == offered & known
    for row in RANKING.rows[::5]:
        one = footprint.estimate(region=row.place, **JOB)
        assert row.co2e_kg.mid == pytest.approx(one.co2e_kg.mid, rel=1e-9)
        assert one.cost_usd is not None
        assert row.cost_usd.mid == pytest.approx(one.cost_usd.mid, rel=1e-9)


def test_the_order_is_that_of_co2e_and_savings_are_differences() -> None:
    masses = [row.co2e_kg.mid for row in RANKING.rows]
    assert masses == sorted(masses)
    base = next(row for row in RANKING.rows if row.place == "aws:us-east-1")
    assert base.saved_kg == base.added_usd == (0.0, 0.0, 0.0)
    for row in RANKING.rows:
        assert row.saved_kg[1] == pytest.approx(base.co2e_kg.mid - row.co2e_kg.mid)
        assert row.added_usd[1] == pytest.approx(row.cost_usd.mid - base.cost_usd.mid)
        assert (row.verdict == "lower") == (row.saved_kg[0] > 0)
        if row.usd_per_tonne is not None:
            assert row.usd_per_tonne[1] == pytest.approx(row.added_usd[1] / row.saved_kg[1] * 1000)
            assert row.usd_per_tonne[0] <= row.usd_per_tonne[1] <= row.usd_per_tonne[2]


def test_a_difference_is_that_of_sampled_causes() -> None:
    one = Quantity(3.0, {"shared": (-0.1, 0.1), "own": (-0.05, 0.05)})
    other = Quantity(5.0, {"shared": (-0.1, 0.1), "its": (-0.08, 0.08)})
    found = perturbed(lambda a, b: b - a, one, other)
    assert found is not None
    rng = np.random.default_rng(3)
    shared, own, its = (rng.normal(size=200_000) / 1.6449 for _ in range(3))
    sample = 5 * np.exp(0.1 * shared + 0.08 * its) - 3 * np.exp(0.1 * shared + 0.05 * own)
    low, high = np.quantile(sample, [0.05, 0.95])
    assert found == pytest.approx((low, 2.0, high), abs=0.02)


def test_filters() -> None:
    with (ROOT / "reference_data" / "places.csv").open() as file:
        members = {row["key"] for row in csv.DictReader(file) if "EU" in row["groups"].split("|")}
    with (ROOT / "reference_data" / "regions.csv").open() as file:
        country = {row["key"]: row["place"] for row in csv.DictReader(file)}
    inside = rank(keep_in="EU", **JOB)
    assert inside.rows
    assert all(country[row.place] in members for row in inside.rows)
    # Regions of the United States and Canada lie in states, whose codes are not those of the country.
    american = {row.place for row in RANKING.rows if country[row.place].startswith(("US-", "CA-", "MEX"))}
    canadian = {place for place in american if country[place].startswith("CA-")}
    assert {row.place for row in rank(keep_in="north america", **JOB).rows} == american > canadian
    assert {row.place for row in rank(keep_in="Canada", **JOB).rows} == canadian != set()
    assert len(rank(keep_in="world", **JOB).rows) == len(RANKING.rows)
    clean = rank(baseline_region="aws:us-east-1", max_g_per_kwh=100, **JOB)
    assert all(row.g_per_kwh.mid <= 100 or row.place == clean.baseline for row in clean.rows)
    assert not clean.warnings
    alone = rank(baseline_region="aws:us-east-1", max_g_per_kwh=1, **JOB)
    assert [row.place for row in alone.rows] == ["aws:us-east-1"]
    assert alone.warnings == ("no region but the baseline, aws:us-east-1, is within the limits",)
    cheap = rank(max_usd_per_hour=8, **JOB)
    assert all(row.usd_per_accelerator_h.mid <= 8 for row in cheap.rows)
    moved = rank(baseline_region="aws:us-east-1", move_gb=100, egress_usd_per_gb=0.09, **JOB)
    plain = {row.place: row.cost_usd.mid for row in RANKING.rows}
    for row in moved.rows:
        extra = 0.0 if row.place == "aws:us-east-1" else 9.0
        assert row.cost_usd.mid == pytest.approx(plain[row.place] + extra)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"region": "FRA"}, "leave it out"),
        ({"baseline_region": "aws:nowhere"}, "nowhere"),
        ({"keep_in": "Atlantis"}, "Atlantis"),
        ({"keep_in": "US-VA"}, "takes a country, EU or a continent, not US-VA"),
        ({"move_gb": 3.0}, "belong together"),
    ],
)
def test_bad_input(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(FootprintError, match=message):
        rank(**{**JOB, **wrong})


def test_one_region_alone_is_compared_with_nothing() -> None:
    assert "against" not in str(rank(keep_in="DEU", model="bert-base", hw="a100:8"))


def test_the_command() -> None:
    done = run.footprint("rank", "--model", "bert-base", "--hw", "h100:8", "--keep-in", "EU")
    assert done.code == 0
    assert max(map(len, done.out.splitlines())) <= 80
    found = json.loads(
        run.footprint("rank", "--model", "bert-base", "--hw", "h100:8", "--format", "json").out
    )
    assert found["schema"] == "footprint/ranking/1"
    names = "place provider offer_dated g_per_kwh pue usd_per_accelerator_h co2e_kg cost_usd saved_kg"
    assert {*names.split(), "added_usd", "usd_per_tonne", "verdict"} <= found["rows"][0].keys()
    least = min(found["rows"], key=lambda row: row["cost_usd"]["mid"])
    base = next(row for row in found["rows"] if row["place"] == found["baseline"])
    assert base["cost_usd"]["mid"] == least["cost_usd"]["mid"]
    assert not math.isnan(found["rows"][0]["co2e_kg"]["low"])
    for args in (("--max-g-per-kwh", "nan"), ("--move-gb", "-1"), ("--keep-in", "=cmd")):
        assert run.footprint("rank", "--model", "bert-base", "--hw", "h100:8", *args).code == 2


def test_a_ranking_is_drawn_saved_and_held_to_a_limit(tmp_path: Path) -> None:
    picture, scenario = tmp_path / "rank.svg", tmp_path / "run.toml"
    job = ["--model", "bert-base", "--hw", "h100:8"]
    done = run.footprint("rank", *job, "--keep-in", "EU", "--plot", str(picture), "--save", str(scenario),
                         "--fail-over", "10 kgCO2e")  # fmt: skip
    rows = rank(keep_in="EU", **JOB).rows
    over = [row.place for row in rows if row.co2e_kg.mid > 10]
    assert 0 < len(over) < len(rows)
    assert done.code == 3
    assert [
        place for place in (row.place for row in rows) if f"{place}: operational CO2e" in done.err
    ] == over
    assert "<svg" in picture.read_text()
    again = run.footprint("estimate", "--from", str(scenario), "--region", over[0], "--format", "json")
    (row,) = [row for row in rows if row.place == over[0]]
    assert json.loads(again.out)["co2e_kg"]["mid"] == pytest.approx(row.co2e_kg.mid, rel=1e-9)
    assert run.footprint("rank", *job, "--keep-in", "EU", "--fail-over", "3 kWh").code == 2
    assert run.footprint("rank", *job, "--keep-in", "EU", "--fail-over", "1 tCO2e").code == 0


def test_a_scenario_is_ranked_without_its_place_and_price(tmp_path: Path) -> None:
    saved = tmp_path / "one.toml"
    given = ("--model", "gpt2", "--hw", "h100:8", "--region", "FRA", "--usd-per-hour", "2")
    assert run.footprint("estimate", *given, "--save", str(saved)).code == 0
    done = run.footprint(
        "rank", "--from", str(saved), "--tokens", "1B", "--keep-in", "EU", "--format", "json"
    )
    found = json.loads(done.out)
    assert "region, usd_per_hour left out" in done.err
    assert found["scenario"] == {"model": "gpt2", "hw": "h100:8", "tokens": 1e9}
    direct = rank(model="gpt2", hw="h100:8", tokens=1e9, keep_in="EU")
    assert [row["place"] for row in found["rows"]] == [row.place for row in direct.rows]
    when = run.footprint(
        "rank", "--from", str(saved), "--tokens", "1B", "--when", "monthly", "--format", "json"
    )
    assert "left out" not in when.err
    assert json.loads(when.out)["rows"]


def test_markdown_is_a_table_for_people() -> None:
    """One row a region with what the text says, not the columns of the CSV."""
    done = run.footprint("rank", *asked(), "--keep-in", "EU", "--format", "markdown")
    rows = [line.strip("| ").split(" | ") for line in done.out.splitlines() if line.startswith("| ")]
    found = rank(**JOB, keep_in="EU")
    assert [row[0] for row in rows[1:]] == [row.place for row in found.rows]
    assert {len(row) for row in rows} == {11}
    assert [row[3] for row in rows[1:]] == [f"{row.pue.mid:.2f}" for row in found.rows]
    when = run.footprint("rank", *asked(), "--region", "FRA", "--when", "monthly", "--format", "markdown")
    months = [line for line in when.out.splitlines() if line.startswith("| in 2")]
    assert len(months) == 12
    assert all(line.count(" | ") == 5 for line in months)


def asked() -> tuple[str, ...]:
    return ("--model", "bert-base", "--hw", "h100:8")


@pytest.mark.parametrize("regions", [(), ("--keep-in", "CAN")])  # several have offers, and one
def test_what_is_missing_everywhere_is_no_fault_of_a_region(tmp_path: Path, regions: tuple[str, ...]) -> None:
    scenario = tmp_path / "job.toml"
    scenario.write_text('schema = "footprint/scenario/1"\nparameters = 1e9\nhw = "h100x8"\n')
    done = run.footprint("rank", "--from", str(scenario), *regions)
    assert done.code == 2
    assert done.err.startswith("footprint: generic decoder, 1B parameters: ")
    assert "--tokens" in done.err
