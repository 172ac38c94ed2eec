"""Facts of ``pyproject.toml`` in the commands beside ``estimate``: as if their options were given."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from footprint.estimator.resolve.own_facts import IGNORE
from tests.cli.run import footprint

JOB = ("--model", "bert-base", "--hw", "v100:8", "--steps", "1k")
LOAD = ("--model", "llama3.1-8b", "--hw", "h100:1", "--prompt-tokens", "100", "--output-tokens", "10")
FACTS = ("--pue", "1.4", "--grid-g-per-kwh", "77")


@pytest.fixture
def says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Write the facts of the working directory's project."""
    monkeypatch.setenv(IGNORE, "0")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return lambda text: (tmp_path / "pyproject.toml").write_text(f"[tool.footprint]\n{text}\n")  # type: ignore[return-value]


def answer(*words: str) -> dict:
    """The JSON of an answer, without its date."""
    done = footprint(*words, "--format", "json")
    assert done.code == 0, done.err
    return {k: v for k, v in json.loads(done.out).items() if k not in ("created_at", "scenario")}


@pytest.mark.parametrize(
    "command",
    [
        ("compare", *JOB),
        ("sweep", *JOB),
        ("inference", *LOAD, "--batch-size", "8"),
        ("plan", "--budget", "1e20FLOP", "--hw", "h100:8"),
    ],
)
def test_a_fact_is_as_its_option(says, command: tuple[str, ...]) -> None:
    given = answer(*command, *FACTS)
    assert given != answer(*command)
    says("pue = 1.4\ngrid_g_per_kwh = 77")
    assert answer(*command) == given
    assert "from pyproject.toml: --pue 1.4 --grid-g-per-kwh 77" in footprint(*command).err
    ignored = footprint(*command, "--ignore-defaults")
    assert "pyproject" not in ignored.err


def test_rank_takes_what_is_no_place_or_price(says) -> None:
    command = ("rank", "--model", "bert-base", "--hw", "v100:8", "--steps", "1k")
    given = answer(*command, "--batch-size", "64")
    says('batch_size = 64\npue = 1.4\nregion = "FRA"')
    assert answer(*command) == given


def test_a_fact_that_contradicts_one_value_of_a_list_gives_way(says) -> None:
    says('provider = "aws"\npue = 1.4')
    both = ("compare", *JOB, "--region", "FRA,gcp:us-central1")
    rows = json.loads(footprint(*both, "--format", "json").out)["rows"]
    assert [("provider" in row["scenario"], row["scenario"]["pue"]) for row in rows] == [(False, 1.4)] * 2
    rows = json.loads(footprint("compare", *JOB, "--region", "FRA,POL", "--format", "json").out)["rows"]
    assert [row["scenario"]["provider"] for row in rows] == ["aws"] * 2


def test_files_of_scenarios_take_none(says, tmp_path: Path) -> None:
    saved = tmp_path / "scenario.toml"
    assert footprint("estimate", *JOB, "--save", str(saved)).code == 0
    given = answer("compare", str(saved))
    says("pue = 1.4")
    assert answer("compare", str(saved)) == given


def test_a_law_alone_and_a_serving_load_take_no_fact_of_a_training(says) -> None:
    law, load = ("plan", "--budget", "1e20FLOP"), ("inference", *LOAD)
    given = answer(*law), answer(*load)
    says('hw = "h100:8"\nbatch_size = 7\nmodel = "bert-base"\ntokens = "1B"')
    assert (answer(*law), answer(*load)) == given


def test_a_run_takes_the_place_and_no_hardware(says, tmp_path: Path) -> None:
    says('hw = "h100:8"\nregion = "FRA"\nusd_per_hour = 3')
    done = footprint("run", "--meter", "constant:100W", "--dir", str(tmp_path / "runs"), "--", "true")
    assert "from pyproject.toml: --region FRA --usd-per-hour 3" in done.err
    assert "France" in done.err
    assert "h100" not in done.err.lower()


@pytest.mark.parametrize(
    "command",
    [("compare", *JOB), ("sweep", *JOB), ("rank", *JOB), ("inference", *LOAD), ("run", "--", "true")],
)
def test_a_wrong_fact_is_exit_2_with_the_file(says, command: tuple[str, ...]) -> None:
    says("pue = 0.5")
    done = footprint(*command)
    assert done.code == 2
    assert "pyproject.toml" in done.err
    assert len(done.err.splitlines()) == 1


def test_a_scenario_is_no_site(tmp_path: Path) -> None:
    path = tmp_path / "run.toml"
    path.write_text('schema = "footprint/scenario/1"\nmodel = "bert-base"\nhw = "v100:8"\n')
    done = footprint("check", str(path))
    assert (done.code, "nor a site" in done.err) == (2, True)
    path.write_text('schema = "footprint/site/2"\nname = "here"\n')
    assert "a site starts with schema" in footprint("check", str(path)).err
