"""The keys of each decision's JSON that scripts rely on, and what is refused as bad input."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.run import footprint

ENDS = {"low", "mid", "high"}
JOB = ("--model", "bert-base")
SERVED = ("--model", "llama3.1-8b", "--hw", "h100:1", "--prompt-tokens", "512", "--output-tokens", "256")
COSTS = "duration_h energy_kwh co2e_kg cost_usd"


def answer(*words: str) -> dict[str, Any]:
    done = footprint(*words, "--format", "json", "--quiet")
    assert done.code == 0, done.err
    record: dict[str, Any] = json.loads(done.out)
    return record


def has(record: dict[str, Any], names: str) -> None:
    assert set(names.split()) <= record.keys()


def quantities(record: dict[str, Any], names: str) -> None:
    for name in names.split():
        assert record[name].keys() >= ENDS, name
        assert record[name]["low"] <= record[name]["mid"] <= record[name]["high"], name


def test_comparison() -> None:
    found = answer("compare", *JOB, "--hw", "v100:8,a100:8", "--region", "FRA")
    has(found, "schema axes baseline rows pareto warnings")
    assert found["schema"] == "footprint/comparison/1"
    assert found["axes"] == [{"option": "hw", "values": ["v100:8", "a100:8"]}]
    for row in found["rows"]:
        has(row, f"id scenario feasible reason {COSTS} ratio best")
        quantities(row, COSTS)
        for name in COSTS.split():
            assert row["ratio"][name].keys() == ENDS | {"verdict"}
            assert row["ratio"][name]["verdict"] in ("lower", "higher", "not_clear")


def test_plan() -> None:
    found = answer("plan", "--budget", "$10k", "--budget", "1e22FLOP", "--hw", "h100:8")
    has(
        found, "schema law budgets binding_budget flop parameters tokens tokens_per_parameter epochs loss mfu"
    )
    has(found, "unique_tokens effective_tokens spread inference nearest_models shapes thresholds assumptions")
    assert found["schema"] == "footprint/plan/1"
    quantities(found, f"{COSTS} mfu")
    for budget in found["budgets"]:
        has(budget, "text quantity flop binding")
    assert [budget["text"] for budget in found["budgets"] if budget["binding"]] == [found["binding_budget"]]
    has(found["spread"][0], "law parameters tokens loss")


def test_inference() -> None:
    found = answer("inference", *SERVED, "--technique", "few-shot", "--break-even")
    has(found, "schema model cluster engine workload memory prefill decode requests_per_s it_power_w")
    has(found, "energy_j_per_output_token per_1000_requests techniques break_even assumptions warnings")
    assert found["schema"] == "footprint/inference/1"
    has(found["memory"], "weights_gib kv_bytes_per_token largest_batch")
    has(found["prefill"], "tokens_per_s ttft_s bound")
    has(found["decode"], "tokens_per_s itl_s bound")
    quantities(found["per_1000_requests"], "energy_kwh co2e_kg cost_usd")
    quantities(found, "requests_per_s it_power_w energy_j_per_output_token")
    assert found["techniques"]
    assert found["break_even"]


def test_ranking() -> None:
    found = answer("rank", *JOB, "--hw", "a100:8", "--keep-in", "EU")
    has(found, "schema baseline rows")
    assert found["schema"] == "footprint/ranking/1"
    for row in found["rows"]:
        has(row, "place provider offer_dated verdict usd_per_tonne")
        quantities(row, "g_per_kwh pue usd_per_accelerator_h co2e_kg cost_usd")
        for name in ("saved_kg", "added_usd"):
            assert row[name].keys() == ENDS


def test_project(tmp_path: Path) -> None:
    file = tmp_path / "project.toml"
    file.write_text('[[runs]]\nname = "one"\nmodel = "bert-base"\nhw = "v100:8"\nregion = "FRA"\n')
    found = answer("project", str(file))
    has(found, "schema rows total warnings")
    assert found["schema"] == "footprint/project/1"
    quantities(found["total"], COSTS)


CYCLE = '[[runs]]\nname = "a"\nfrom = "b"\n[[runs]]\nname = "b"\nfrom = "a"\n'
TWICE = '[[runs]]\nname = "a"\nmodel = "bert-base"\nhw = "v100:8"\nhours = 3\nmfu = 0.4\n'


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("compare", *JOB, "--hw", "v100:1..201+1"), "footprint sweep"),
        (("sweep", "--hw", "v100:1..100000+1", "--batch-size", "1..100000+1", "--seq-len", "1..100+1", *JOB),
         "the grid has 1e+12 scenarios"),
        (("compare", *JOB, "--hw", "v100:8,"), "empty value"),
        (("plan", "--budget", "1e12FLOP"), "1,000,000"),
        (("plan", "--loss", "1.7"), "floor of besiroglu2024 is 1.817"),
        (("plan", "--budget", "1e22FLOP", "--inference-tokens", "1e15"), "serving takes"),
        (("inference", *SERVED, "--batch-size", "100000"), "does not fit"),
        (("rank", *JOB, "--hw", "rtx-4090:8"), "no on_demand offer"),
        (("project", "cycle.toml"), "no beginning"),
        (("project", "twice.toml"), "contradict"),
    ],
)  # fmt: skip
def test_bad_input_is_one_message(
    words: tuple[str, ...], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cycle.toml").write_text(CYCLE)
    (tmp_path / "twice.toml").write_text(TWICE)
    done = footprint(*words)
    assert done.code == 2
    assert done.out == ""
    assert said in done.err
    assert len(done.err.strip().splitlines()) == 1


def test_two_spellings_of_one_scenario_are_one_row_and_it_is_said() -> None:
    done = footprint("compare", *JOB, "--hw", "v100:8,v100x8,8xv100,a100:8", "--format", "json")
    assert [row["scenario"]["hw"] for row in json.loads(done.out)["rows"]] == ["v100:8", "a100:8"]
    assert "2 rows are spellings of another row and are left out" in done.err


def test_a_request_beyond_the_context_is_warned_of() -> None:
    done = footprint("inference", "--model", "gpt2", "--hw", "h100:1", "--prompt-tokens", "1000",
                     "--output-tokens", "100", "--batch-size", "1")  # fmt: skip
    assert done.code == 0
    assert "sequences of 1,100 tokens are longer than the 1,024 positions of gpt2" in done.err


def test_the_file_of_another_sweep_is_not_gone_on_with(tmp_path: Path) -> None:
    rows = tmp_path / "rows.csv"
    assert footprint("sweep", *JOB, "--hw", "v100:8,a100:8", "-o", str(rows), "--quiet").code == 0
    before = rows.read_bytes()
    done = footprint("sweep", *JOB, "--hw", "v100:8,h100:8", "-o", str(rows), "--resume", "--quiet")
    assert done.code == 2
    assert rows.read_bytes() == before


def test_a_plan_without_hardware_answers_from_the_law_alone() -> None:
    found = answer("plan", "--budget", "1e22FLOP", "--law", "hoffmann2022_a3")
    assert found["law"] == "hoffmann2022_a3"
    assert found["energy_kwh"] is None
    assert found["tokens"] * found["parameters"] * 6 == pytest.approx(1e22)


def test_regions_on_one_grid_with_one_pue_tie_and_moving_data_costs_them_alike() -> None:
    words = ("rank", *JOB, "--hw", "h100:8", "--baseline-region", "aws:us-east-1")
    stay = {row["place"]: row for row in answer(*words)["rows"]}
    moved = answer(*words, "--move-gb", "500", "--egress-usd-per-gb", "0.09")
    move = {row["place"]: row for row in moved["rows"]}
    assert stay.keys() == move.keys()
    for place, row in move.items():
        extra = 0.0 if place == "aws:us-east-1" else 45.0
        assert row["cost_usd"]["mid"] - stay[place]["cost_usd"]["mid"] == pytest.approx(extra, abs=1e-6)
    ties: dict[tuple[float, float], set[int]] = {}
    for row in stay.values():
        ties.setdefault((row["g_per_kwh"]["mid"], row["pue"]["mid"]), set()).add(row["rank"])
    assert all(len(ranks) == 1 for ranks in ties.values())
    assert len(ties) < len(stay)
