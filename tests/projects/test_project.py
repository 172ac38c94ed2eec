"""A project is the sum of its runs, and its interval that of errors drawn at random, cause by cause."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import footprint
from footprint.catalog.assumptions import assumed
from footprint.errors import FootprintError
from footprint.serving.stages import stages
from tests.cli.run import footprint as command_line
from tests.conftest import ROOT

SMALL = ROOT / "tests" / "projects" / "small.toml"
QUANTITIES = ("duration_h", "accelerator_h", "energy_kwh", "co2e_kg", "cost_usd")
BERT = {"name": "bert", "model": "bert-base", "hw": "v100:8", "region": "FRA"}
GIVEN = {"hours": 10, "it_power_w": 5000, "pue": 1.2, "usd_per_hour": 2, "hw": "h100:8"}
"""All but the grid is said, so CO2e has one cause."""


def bounds(quantity: Any) -> tuple[float, float, float]:
    return (quantity.low, quantity.mid, quantity.high)


def test_a_run_is_its_estimate_times_its_count() -> None:
    found = footprint.project({"runs": [{**BERT, "count": 3, "failed_share": 0.25}]})
    one = footprint.estimate(**{k: v for k, v in BERT.items() if k != "name"})
    for name in QUANTITIES:
        for part in (found.rows[0], found.total):
            expected = [3 / 0.75 * end for end in bounds(getattr(one, name))]
            assert bounds(getattr(part, name)) == pytest.approx(expected, rel=1e-9)


def test_one_run_twice_is_no_more_certain() -> None:
    once = footprint.project({"runs": [BERT]}).total
    twice = footprint.project({"runs": [BERT, {**BERT, "name": "again", "tokens": "1B"}]})
    more = footprint.project({"runs": [{**BERT, "name": "again", "tokens": "1B"}]}).total
    for name in QUANTITIES:
        sums = [a + b for a, b in zip(bounds(getattr(once, name)), bounds(getattr(more, name)), strict=True)]
        assert bounds(getattr(twice.total, name)) == pytest.approx(sums, rel=1e-9)


def test_independent_grids_average_out_and_one_grid_does_not() -> None:
    def co2e(*regions: str) -> Any:
        runs = [{**GIVEN, "name": f"run {n}", "region": place} for n, place in enumerate(regions)]
        return footprint.project({"runs": runs}).total.co2e_kg

    one, other = bounds(co2e("FRA")), bounds(co2e("POL"))
    assert bounds(co2e("FRA", "FRA")) == pytest.approx([2 * end for end in one], rel=1e-9)
    low, mid, high = bounds(co2e("FRA", "POL"))
    assert mid == pytest.approx(one[1] + other[1], rel=1e-12)

    def together(end: int) -> float:  # deviations of independent causes, in quadrature, in the logarithm
        logs = [math.log(1 + (each[end] - each[1]) / mid) for each in (one, other)]
        return mid * math.exp(math.copysign(math.hypot(*logs), end - 1))

    assert (low, high) == pytest.approx((together(0), together(2)), rel=1e-9)
    assert one[0] + other[0] < low
    assert high < one[2] + other[2]


def test_the_interval_is_that_of_errors_drawn_at_random() -> None:
    """Chips, models and places that share some causes; 200,000 draws of every cause by its own name."""
    runs = [
        {"name": "a", "model": "bert-base", "hw": "v100:8", "region": "FRA"},
        {"name": "b", "model": "bert-large", "hw": "a100:16", "region": "FRA"},
        {"name": "c", "model": "gpt2", "hw": "h100:8", "region": "POL", "tokens": "20B"},
    ]
    total = footprint.project({"runs": runs}).total
    random, drawn = np.random.default_rng(7), {}

    def draw(name: str) -> Any:
        return drawn.setdefault(name, random.standard_normal(200_000) / 1.6449)

    share = {part: assumed(f"comparison_fitted.time_{part}").value for part in ("job", "chip", "model")}
    shared_price = assumed("comparison_fitted.price_shared").value
    for name in ("energy_kwh", "cost_usd"):
        sums = 0.0
        for run in runs:
            fields = {k: v for k, v in run.items() if k != "name"}
            quantity = getattr(footprint.estimate(**fields), name)
            logs = 0.0
            for cause, (low, high) in quantity.spread.items():
                parts = {cause: 1.0}
                if cause == "time_model":
                    parts = {f"{cause} {run['name']} {part}": share[part] for part in share}
                    parts[cause] = 1 - sum(share.values())
                elif cause.startswith("price:"):
                    parts = {cause: shared_price, f"{cause} {run['hw']}": 1 - shared_price}
                for part, weight in parts.items():
                    z = draw(part) * math.sqrt(max(weight, 0))
                    logs = logs + np.where((z > 0) == (high > low), abs(z) * high, abs(z) * low)
            sums = sums + quantity.mid * np.exp(logs)
        expected = np.quantile(sums, [0.05, 0.95])
        found = getattr(total, name)
        # The quadrature of skewed causes has the middle at the sum of medians, which draws have not.
        assert math.log(found.high / found.low) == pytest.approx(
            math.log(expected[1] / expected[0]), rel=0.15
        )


def test_a_run_from_another_one_changes_what_it_says() -> None:
    found = footprint.project(SMALL)
    rows = {row.name: row for row in found.rows}
    whole = footprint.estimate(model="gpt3-1.3b", tokens="300B", hw="h100:64", region="FRA")
    part = footprint.estimate(model="gpt3-1.3b", tokens="10B", hw="h100:64", region="FRA")
    assert rows["pre-training"].energy_kwh.mid == pytest.approx(whole.energy_kwh.mid / 0.9)
    assert rows["ablations"].energy_kwh.mid == pytest.approx(20 * part.energy_kwh.mid)
    assert rows["evaluation"].energy_kwh.mid == pytest.approx(0.02 * whole.energy_kwh.mid)
    served = footprint.inference(
        model="llama3.1-8b", hw="h100:8", region="FRA", engine="vllm", prompt_tokens=512,
        output_tokens=256, batch_size=256, requests=10e6,
    ).total  # fmt: skip
    assert served is not None
    assert bounds(rows["serving"].energy_kwh) == pytest.approx(bounds(served.energy_kwh))
    assert rows["serving"].kind == "serving"
    for name in QUANTITIES:
        mids = [getattr(row, name).mid for row in found.rows]
        assert getattr(found.total, name).mid == pytest.approx(math.fsum(mids))


def test_a_stage_is_training_scoring_and_sampling() -> None:
    """Each pass by another answer of the package: an estimate, its forward share, a serving answer."""
    place = {"hw": "h100:8", "region": "FRA"}
    stage = {**place, "name": "a", "model": "llama3.1-8b", "samples": "50k", "seq_len": 1024}
    sampling = {"prompt_tokens": 512, "output_tokens": 512, "engine": "vllm", "concurrency": 256}

    def energy(name: str, **more: Any) -> float:
        found = footprint.project({"runs": [{**stage, "stage": name, **more}]})
        assert found.rows[0].kind == "stage"
        return float(found.total.energy_kwh.mid)

    training = footprint.estimate(
        **place, model="llama3.1-8b", method="finetune", samples=50e3, seq_len=1024
    ).energy_kwh.mid
    assert energy("sft") == pytest.approx(training)
    served = footprint.inference(model="llama3.1-8b", requests=50e3, **place, **sampling).total
    assert served is not None
    forward = {"policy": 0.0, "value": 0.0, "reference": 1 / 3, "reward": 1 / 3}
    passes = {one.model: one for one in stages("llama3.1-8b", "ppo", samples=50e3, seq_len=1024).passes}
    assert passes.keys() == forward.keys()
    # A pass forward takes a third of training, attention included.
    assert energy("ppo", **sampling) == pytest.approx(
        served.energy_kwh.mid + training * (2 + 2 / 3), rel=1e-3
    )
    with pytest.raises(FootprintError, match="are missing"):
        energy("ppo")


def test_the_amount_leaves_the_other_choices() -> None:
    runs = [{**BERT, "tokens": "1B"}, {"name": "steps", "from": "bert", "steps": 100}]
    assert footprint.project({"runs": runs}).rows[1].scenario == {
        "hw": "v100:8", "model": "bert-base", "steps": 100, "region": "FRA",
    }  # fmt: skip


def test_the_json_the_frame_and_the_file_that_it_saves(tmp_path: Path) -> None:
    data = json.loads(command_line("project", str(SMALL), "--format", "json", "--quiet").out)
    assert data["schema"] == "footprint/project/1"
    assert list(data["total"]) == list(QUANTITIES)
    assert [row["count"] for row in data["rows"]] == [1, 20, 0.02, 1, 1]
    frame = footprint.project(SMALL).to_frame()
    assert list(frame["name"])[-1] == "total"
    assert frame["energy_kwh_mid"].iloc[-1] == pytest.approx(frame["energy_kwh_mid"].iloc[:-1].sum())
    saved = tmp_path / "saved.toml"
    assert command_line("project", str(SMALL), "--save", str(saved)).code == 0
    again = json.loads(command_line("project", str(saved), "--format", "json").out)
    assert again["total"] == data["total"]
    assert "from" not in saved.read_text()


def test_place_options_replace_those_of_every_run() -> None:
    data = json.loads(command_line("project", str(SMALL), "--region", "POL", "--format", "json").out)
    assert {row["scenario"]["region"] for row in data["rows"]} == {"POL"}


def test_what_is_planned_is_the_first_row_of_the_alternatives() -> None:
    raw = {"runs": [BERT], "alternatives": {"hw": "a100:8,v100:8", "region": "POL"}}
    table = footprint.project(raw).alternatives
    assert table is not None
    found = [(row.scenario["hw"], row.scenario["region"]) for row in table.rows]
    assert found == [("v100:8", "FRA"), ("v100:8", "POL"), ("a100:8", "FRA"), ("a100:8", "POL")]
    assert table.baseline == 1
    one = footprint.estimate(model="bert-base", hw="v100:8", region="FRA")
    assert table.rows[0].energy_kwh.mid == pytest.approx(one.energy_kwh.mid)  # type: ignore[union-attr]


def test_a_limit_is_of_the_total() -> None:
    total = footprint.project(SMALL).total.energy_kwh
    for bound, limit in (("mid", total.mid), ("high", total.high)):
        words = ("project", str(SMALL), "--quiet", "--fail-over-bound", bound, "--fail-over")
        assert command_line(*words, f"{limit * 1.01} kWh").code == 0
        assert command_line(*words, f"{limit * 0.99} kWh").code == 3


def test_no_limit_holds_for_a_run_that_does_not_fit(tmp_path: Path) -> None:
    file = tmp_path / "project.toml"
    run = 'model = "llama3.1-8b"\nhw = "rtx4090:1"\nmethod = "finetune"\ntokens = "10M"'
    file.write_text(f'[[runs]]\nname = "one"\n{run}\nforce = true\n', encoding="utf-8")
    shown = command_line("project", str(file), "--quiet")
    assert shown.code == 0
    assert shown.out.startswith("clearly too little memory, and forced: ")
    done = command_line("project", str(file), "--quiet", "--fail-over", "$1000000")
    assert done.code == 3
    assert "too little memory" in done.err


def test_without_a_price_there_is_no_total_of_money() -> None:
    runs = [BERT, {"name": "unsold", "hw": "mi100:1", "hours": 3, "region": "FRA"}]
    found = footprint.project({"runs": runs})
    assert found.rows[1].cost_usd is None
    assert found.total.cost_usd is None
    assert "unsold: no price is known, so the project has no total of it" in found.warnings
    assert found.total.energy_kwh.mid > found.rows[0].energy_kwh.mid
    assert json.loads(json.dumps(found.to_json()))["total"]["cost_usd"] is None
    assert "  -" in str(found)


BAD: list[tuple[dict[str, Any], str]] = [
    ({}, "lists its runs"),
    ({"runs": []}, "lists its runs"),
    ({"runs": 3}, "lists its runs"),
    ({"runs": [3]}, "run 1 must be a table"),
    ({"runs": [{"model": "gpt2"}]}, "run 1 has no name"),
    ({"runs": [BERT, BERT]}, "two runs are named 'bert'"),
    ({"runs": [{**BERT, "from": "bert"}]}, "no beginning: 'bert' from 'bert'"),
    ({"runs": [{"name": "a", "from": "b"}, {"name": "b", "from": "c"}, {"name": "c", "from": "a"}]},
     "no beginning"),
    ({"runs": [{**BERT, "from": "brt"}, {**BERT, "name": "berta"}]}, "unknown run 'brt'"),
    ({"runs": [{**BERT, "count": 0}]}, "count must be above 0"),
    ({"runs": [{**BERT, "count": -1}]}, "count must be above 0"),
    ({"runs": [{**BERT, "count": float("nan")}]}, "count must be a number"),
    ({"runs": [{**BERT, "count": True}]}, "count must be a number"),
    ({"runs": [{**BERT, "count": 2, "runs": 3}]}, "count and runs both"),
    ({"runs": [{**BERT, "tokens": 1, "steps": 1}]}, "contradict"),
    ({"runs": [{**BERT, "tokns": 1}]}, "did you mean tokens"),
    ({"runs": [{**BERT, "steps": 9, "prompt_tokens": 3}]}, "served because it has prompt_tokens"),
    ({"runs": [{**BERT, "model": "brt-base"}]}, "run 'bert': unknown model"),
    ({"runs": [{**BERT, "pue": 0.5}]}, "pue must be at least 1"),
    ({"runs": [{"name": "x", "model": "bert-base"}]}, "hw"),
    ({"runs": [{"name": "x", "model": "gpt3-175b", "hw": "v100:1", "tokens": 1e9}]}, "fit"),
    ({"runs": [{"name": "s", "model": "gpt2", "hw": "h100:1", "prompt_tokens": 9, "output_tokens": 9}]},
     "requests"),
    ({"runs": [BERT], "run": []}, "unknown key of a project 'run'"),
    ({"runs": [BERT], "name": 3}, "name must be text"),
    ({"runs": [BERT], "mitigations": "none"}, "list of texts"),
    ({"runs": [BERT], "common": {"regoin": "FRA"}}, "did you mean region"),
    ({"runs": [BERT], "schema": "footprint/scenario/1"}, "schema"),
    ({"runs": [BERT], "alternatives": {"run": "x", "hw": "a,b"}}, "alternatives are to a training run"),
    ({"runs": [BERT], "alternatives": {"hww": "a,b"}}, "hww"),
    ({"runs": [{**BERT, "name": f"{n}"} for n in range(1001)]}, "1,001 runs are more than 1,000"),
]  # fmt: skip


@pytest.mark.parametrize(("raw", "said"), BAD, ids=[said for _, said in BAD])
def test_bad_projects(raw: dict[str, Any], said: str) -> None:
    with pytest.raises(FootprintError) as caught:
        footprint.project(raw)
    assert said in str(caught.value)


@pytest.mark.parametrize("text", ["[[runs]\n", "runs = 1\n", "\x00", "[runs]\nname = 1\n", ""])
def test_files_that_are_no_projects(text: str, tmp_path: Path) -> None:
    file = tmp_path / "p.toml"
    file.write_text(text)
    done = command_line("project", str(file))
    assert done.code == 2
    assert len(done.err.splitlines()) == 1
    assert str(file) in done.err
