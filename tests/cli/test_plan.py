"""``footprint plan`` as a program: formats, files, exit codes, plots."""

from __future__ import annotations

import csv
import json
import re
import tomllib
from pathlib import Path

import pytest

from tests.conftest import Footprint

HERE = ("--hw", "h100:64", "--region", "FRA")


def test_json_is_the_contract(footprint: Footprint) -> None:
    done = footprint("plan", "--budget", "1e22FLOP", "--law", "hoffmann2022_a3", "--format", "json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["schema"] == "footprint/plan/1"
    assert found["law"] == "hoffmann2022_a3"
    assert found["budgets"] == [{"text": "1e22FLOP", "quantity": "flop", "flop": 1e22, "binding": True}]
    assert found["duration_h"] is None
    assert {one["law"] for one in found["spread"]} >= {"besiroglu2024", "kaplan2020", "muennighoff2023"}


def test_several_budgets_and_every_option_of_the_place(footprint: Footprint, tmp_path: Path) -> None:
    done = footprint(
        "plan", "--budget", "500kgCO2e", "--budget", "7d", "--hw", "h100:64", "--pue", "1.1",
        "--grid-g-per-kwh", "30", "--usd-per-hour", "2", "--goodput", "0.9", "--mfu", "0.4", "--format",
        "json", "--save", "found.toml",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["binding_budget"] == "7d"
    # 64 x 989.4 TFLOP/s x 0.4 x 0.9 for a week, at 2 USD for an hour of each
    assert found["flop"] == pytest.approx(64 * 989.4e12 * 0.36 * 7 * 86_400, rel=1e-3)
    assert found["cost_usd"]["mid"] == pytest.approx(64 * 168 * 2, rel=1e-3)
    saved = tomllib.loads((tmp_path / "found.toml").read_text())
    assert saved["tokens"] == found["tokens"]
    again = json.loads(footprint("estimate", "--from", "found.toml", "--format", "json").stdout)
    assert again["duration_h"]["mid"] == pytest.approx(168, rel=1e-3)


def test_rows_and_pages(footprint: Footprint, tmp_path: Path) -> None:
    for _ in range(2):
        assert footprint("plan", "--budget", "2MWh", *HERE, "-o", "plans.csv").returncode == 0
    with (tmp_path / "plans.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 14
    assert rows[0]["chosen"] == "true"
    assert float(rows[0]["energy_kwh_mid"]) == pytest.approx(2000, rel=1e-3)
    page = footprint("plan", "--budget", "2MWh", *HERE, "--format", "markdown").stdout
    assert page.startswith("### 2MWh buys")
    assert "| besiroglu2024 |" in page
    assert max(map(len, footprint("plan", "--budget", "2MWh", *HERE).stdout.splitlines())) <= 80


@pytest.mark.slow
def test_plots(footprint: Footprint, tmp_path: Path) -> None:
    done = footprint("plan", "--budget", "1e22FLOP", "--unique-tokens", "25B", "--plot", "plan.png")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "plan.png").read_bytes().startswith(b"\x89PNG")
    again = footprint("plan", "--budget", "1e22FLOP", "--plot", "plan.png")
    assert again.returncode == 2
    assert "--overwrite" in again.stderr
    none = footprint("plan", "--budget", "1e22FLOP", "--law", "hoffmann2022_a1", "--plot", "other.png")
    assert none.returncode == 2
    assert "gives no loss" in none.stderr


def test_limits_are_exit_code_3(footprint: Footprint) -> None:
    over = footprint("plan", "--budget", "7d", *HERE, "--fail-over", "1 MWh", "--quiet")
    assert over.returncode == 3
    within = footprint("plan", "--budget", "7d", *HERE, "--fail-over", "8d", "--quiet")
    assert within.returncode == 0
    assert footprint("plan", "--budget", "1e22FLOP", "--fail-over", "8d").returncode == 2


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--budget", "7d"),
        ("--budget", "1e9FLOP"),
        ("--loss", "1.2"),
        ("--loss", "nan"),
        ("--budget", "1e20FLOP", "--inference-tokens", "1e15"),
        ("--budget", "1e22FLOP", "--law", "nobody2030"),
        ("--budget", "1e22FLOP", "--loss", "2"),
        ("--budget", "7d", "--hw", "nochip:8"),
        ("--budget", "1e22FLOP", "--hours", "3", "--hw", "h100:8"),
        ("--model", "nomodel"),
    ],
    ids=" ".join,
)
def test_bad_input_is_one_message(footprint: Footprint, arguments: tuple[str, ...]) -> None:
    done = footprint("plan", *arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert "our own fault" not in done.stderr


def test_neither_numpy_nor_pandas_is_needed(own_process: Footprint, tmp_path: Path) -> None:
    for name in ("numpy", "pandas", "pydantic", "matplotlib"):
        (tmp_path / f"{name}.py").write_text("raise ImportError('not here')\n")
    done = own_process("plan", "--budget", "500kgCO2e", *HERE)
    assert done.returncode == 0, done.stderr


def test_the_page_of_outputs_names_every_key(footprint: Footprint, root: Path) -> None:
    page = (root / "docs" / "output.md").read_text(encoding="utf-8")
    section = page.partition("`footprint/plan/1`")[2].partition("\n## ")[0]
    done = footprint("plan", "--loss", "1.947", "--inference-tokens", "2e12", "--format", "json")
    found = json.loads(done.stdout)
    nested = [found[key][0] for key in ("spread", "nearest_models", "shapes", "thresholds")]
    for part in (found, found["inference"], *nested):
        assert not [key for key in part if f"`{key}`" not in section]


def test_hardware_and_place_of_a_scenario(footprint: Footprint, tmp_path: Path) -> None:
    scenario = ("--model", "llama2-7b", "--tokens", "1T", "--pue", "1.1", "--usd-per-hour", "2", *HERE)
    assert footprint("estimate", *scenario, "--save", "own.toml").returncode == 0
    words = ("plan", "--budget", "2MWh", "--format", "json")
    said = footprint(*words, "--from", "own.toml")
    assert "own.toml: model, tokens left out: a plan sets what is trained" in said.stderr
    same = footprint(*words, *HERE, "--pue", "1.1", "--usd-per-hour", "2")
    other = footprint(*words, *HERE, "--pue", "1.3", "--usd-per-hour", "2")
    assert json.loads(said.stdout) == json.loads(same.stdout)
    over = footprint(*words, "--from", "own.toml", "--pue", "1.3")
    assert json.loads(over.stdout) == json.loads(other.stdout)
    (tmp_path / "bad.toml").write_text('schema = "footprint/scenario/1"\nhww = "h100:8"\n')
    assert "did you mean hw" in footprint(*words, "--from", "bad.toml").stderr


def test_explain_is_that_of_the_training_that_is_found(footprint: Footprint) -> None:
    words = ("plan", "--budget", "2MWh", *HERE)
    assert footprint(*words, "--save", "found.toml").returncode == 0
    of_training = footprint("estimate", "--from", "found.toml", "--explain").stdout
    explained = of_training[of_training.index("How each number is computed:") :]
    lines = explained[: explained.index("Assumed")].splitlines()
    shown = footprint(*words, "--explain").stdout
    assert len(lines) > 5
    assert [line for line in lines if line not in shown] == []
    assert "```text\nHow each number" in footprint(*words, "--explain", "--format", "markdown").stdout
    alone = footprint("plan", "--budget", "1e22FLOP", "--explain")
    assert (alone.returncode, "--explain needs hardware" in alone.stderr) == (2, True)


def test_a_plan_that_does_not_fit_names_only_options_that_it_has(footprint: Footprint) -> None:
    said = footprint("plan", "--budget", "1e27 FLOP", "--hw", "h100:8").stderr
    assert "does not fit" in said
    options = set(re.findall(r"--[a-z][a-z-]*", said))
    assert options
    assert not options - set(re.findall(r"--[a-z][a-z-]*", footprint("plan", "--help").stdout))


def test_a_loss_that_is_no_number_is_told_its_form(footprint: Footprint) -> None:
    done = footprint("plan", "--loss", "nan")
    assert done.returncode == 2
    assert "--loss: cannot read 'nan'; write a number of at least 0, such as" in done.stderr
