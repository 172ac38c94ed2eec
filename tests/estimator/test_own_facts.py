"""Fields that a user says once, in pyproject.toml or a file of the user."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import platformdirs
import pytest

from footprint.estimator.resolve.own_facts import FILE, own_facts, user_file
from tests.cli.run import footprint

JOB = ("estimate", "--model", "bert-base", "--hw", "v100:8")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A folder below a project whose pyproject.toml holds a text."""
    below = tmp_path / "project" / "src"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.delenv("FOOTPRINT_IGNORE_DEFAULTS", raising=False)

    def write(text: str, own: str = "") -> None:
        (below.parent / "pyproject.toml").write_text(text, encoding="utf-8")
        if own:
            file = Path(user_file())
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(own, encoding="utf-8")

    return write


def answer(*more: str) -> dict:
    done = footprint(*JOB, *more, "--format", "json")
    assert done.code == 0, done.err
    return json.loads(done.out)


def test_the_nearest_project_says_what_no_option_does(project) -> None:
    project('[tool.footprint]\nregion = "FRA"\npue = 1.15\n')
    found = answer()
    assert found["place"]["key"] == "FRA"
    assert found["pue"]["mid"] == 1.15
    rows = {row["name"]: row for row in found["assumptions"]}
    assert rows["region (from pyproject.toml)"]["value"] == "FRA"
    assert rows["pue (from pyproject.toml)"]["option"] == "--pue"
    assert "region (from pyproject.toml) = FRA" in footprint(*JOB).out


def test_options_override_and_the_file_of_the_user_comes_last(project) -> None:
    project('[tool.footprint]\nregion = "FRA"\n', own='region = "POL"\npue = 1.3\n')
    found = answer("--region", "DEU")
    assert found["place"]["key"] == "DEU"
    assert found["pue"]["mid"] == 1.3
    assert "pue (from your defaults.toml)" in [row["name"] for row in found["assumptions"]]
    assert not [row for row in found["assumptions"] if row["name"].startswith("region")]


@pytest.mark.parametrize(
    ("default", "option"),
    [
        ('provider = "aws"', ("--usd-per-hour", "2")),
        ("usd_per_hour = 2", ("--provider", "aws")),
        ('provider = "aws"', ("--region", "gcp:us-central1")),
        ("hours = 10", ("--mfu", "0.3")),
        ("capital-usd = 20000", ("--purchase", "spot")),
    ],
)
def test_a_default_that_contradicts_an_option_gives_way(
    project, default: str, option: tuple[str, ...]
) -> None:
    project(f"[tool.footprint]\n{default}\n")
    assert not [row for row in answer(*option)["assumptions"] if "from pyproject" in row["name"]]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('regoin = "FRA"', "did you mean region"),
        ("pue = 0.3", "pue"),
        ('name = "x"', "unknown field"),
        ("usd_per_hour = 2\ncapital_usd = 3000", "contradict"),
        ('region = "No\\u001bwhere"', "region"),
        ("region = [1]", "region"),
        ("deep.a.b = 1", "unknown field"),
        ("pue = ", "not valid TOML"),
    ],
)
def test_what_is_wrong_is_exit_2_with_the_file(project, text: str, says: str) -> None:
    project(f"[tool.footprint]\n{text}\n")
    done = footprint(*JOB)
    assert done.code == 2
    assert says in done.err
    assert "pyproject.toml" in done.err
    assert len(done.err.splitlines()) == 1


@pytest.mark.parametrize(
    "text", ["[project]\nname = 'x'\n", "= = =", "", "\x00", "[tool.other]\nfootprint = 1\n"]
)
def test_a_project_that_says_nothing_to_us_is_not_read(project, text: str) -> None:
    project(text)
    assert own_facts({}).values == {}


def test_they_can_be_ignored(project, monkeypatch: pytest.MonkeyPatch) -> None:
    project('[tool.footprint]\nregoin = "FRA"\n')
    assert footprint(*JOB, "--ignore-defaults").code == 0
    monkeypatch.setenv("FOOTPRINT_IGNORE_DEFAULTS", "1")
    assert footprint(*JOB).code == 0


def test_a_saved_scenario_holds_them_and_a_scenario_takes_none(project, tmp_path: Path) -> None:
    project('[tool.footprint]\nregion = "FRA"\n')
    file = tmp_path / "scenario.toml"
    assert footprint(*JOB, "--save", str(file)).code == 0
    assert 'region = "FRA"' in file.read_text()
    project("[tool.footprint]\npue = 1.5\n")
    done = footprint("estimate", "--from", str(file), "--format", "json")
    assert json.loads(done.out)["pue"]["mid"] != 1.5


def test_the_file_of_the_user_is_where_platformdirs_says(monkeypatch: pytest.MonkeyPatch) -> None:
    for home in ("", "/somewhere/else"):
        monkeypatch.setenv("XDG_CONFIG_HOME", home)
        assert user_file() == str(Path(platformdirs.user_config_dir("footprint", appauthor=False)) / FILE)


def test_the_look_imports_nothing(tmp_path: Path) -> None:
    program = (
        "import json, sys; from footprint.estimator.resolve.own_facts import own_facts; own_facts({});"
        "heavy = ('tomllib', 'platformdirs', 'pathlib', 'rapidfuzz');"
        "print(json.dumps([m for m in heavy if m in sys.modules]))"
    )
    env = {**os.environ, "XDG_CONFIG_HOME": str(tmp_path), "FOOTPRINT_IGNORE_DEFAULTS": "0"}
    ran = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=env, capture_output=True, text=True, check=True
    )
    assert set(json.loads(ran.stdout)) <= {"pathlib"}  # which the environment's own start may import
