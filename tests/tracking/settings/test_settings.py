"""Arguments of ``track()``: what cannot be meant, and what nobody knows, is refused at once."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from footprint.errors import FootprintError
from footprint.tracking import Run, track
from footprint.tracking.chain.run_chain import site_of_run
from tests.cli.run import footprint
from tests.tracking.fault_harness import ROOT

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
        ({"pue": float("nan")}, "`pue=` must be finite"),
        ({"pue": 0.5}, "`pue=` must be at least 1"),
        ({"grid_g_per_kwh": -5}, "grid_g_per_kwh"),
        ({"usd_per_hour": "cheap"}, "usd_per_hour"),
        ({"precision": "fp99"}, "`precision=` must be one of"),
        ({"year": 1800}, "year"),
    ],
)
def test_values_that_cannot_be_meant(quick: Quick, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(FootprintError, match=message):
        quick(**arguments)


def test_a_misspelt_keyword_names_the_nearest(quick: Quick) -> None:
    with pytest.raises(TypeError, match=r"precison.*precision"):
        quick(precison="fp16")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"model": "brt-base"}, "brt-base.*bert-base"),
        ({"model": "nosuch.json"}, "nosuch.json"),
        ({"hw": "v10:8"}, "v10.*v100"),
        ({"hw": "v100:0"}, "whole number"),
        ({"region": "Atlantis"}, "Atlantis.*did you mean"),
        ({"region": "Atlantis"}, r"\(`region=` takes"),
        ({"provider": "awz"}, "awz.*aws"),
        ({"provider": "gcp", "region": "aws:us-east-1"}, "aws.*gcp"),
        ({"anchor": "nosuch"}, "nosuch"),
        ({"csv": "no/such/folder/runs.csv"}, "no/such/folder does not exist"),
        ({"on_budget": "stop"}, "give a budget"),
        ({"initial_step": -1}, "0 or more"),
        ({"initial_step": "x"}, "0 or more"),
    ],
)
def test_names_and_places_that_are_not_there(quick: Quick, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(FootprintError, match=message):
        quick(**arguments)


def test_names_that_are_there(quick: Quick, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "bert", "hidden_size": 8, "num_hidden_layers": 1}')
    for model in ("bert-base", "config.json", tmp_path / "config.json"):
        quick(model=model, hw="v100:8", region="aws:us-east-1", provider="aws", initial_step=0)
    quick(hw="v100-sxm2-16gb:1", region="FRA", csv="runs.csv", budget="90s", on_budget="stop")


def test_what_a_look_at_names_costs() -> None:
    """Nothing heavy is loaded for it, and nothing at all where nothing is named."""
    code = (
        "import sys; from footprint.tracking import track; track(); before = set(sys.modules)\n"
        "track(); assert set(sys.modules) == before\n"
        "track(model='llama3-8b', hw='v100:8', region='FRA', provider='aws')\n"
        "print(*({'pandas', 'torch', 'numpy', 'pydantic'} & set(sys.modules)))"
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    assert subprocess.check_output([sys.executable, "-c", code], text=True, env=env).split() == []


def test_a_csv_stays_where_it_was_when_the_program_changes_its_folder(quick: Quick, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    with quick(csv="runs.csv") as run:
        os.chdir("sub")
        run.step()
    assert (tmp_path / "runs.csv").exists()
    assert not (tmp_path / "sub" / "runs.csv").exists()


def test_messages_speak_of_options_on_the_command_line_and_of_keywords_in_python(quick: Quick) -> None:
    with pytest.raises(FootprintError, match="give `grid_g_per_kwh=`"):
        quick(region="XX")
    assert "give --grid-g-per-kwh" in footprint("run", "--region", "XX", "--", "true").err


def test_the_program_does_not_start_with_an_unknown_name(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "footprint", "run", "--region", "Atlantis", "--", "touch", "started"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 2
    assert "did you mean" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_a_later_version_does_not_know_has_no_low_value() -> None:
    """A journal may name what this version's data does not hold."""
    site = site_of_run({"region": "Atlantis"})
    assert site.grid_g_per_kwh is None
    assert site.pue.mid > 1.3


@pytest.mark.parametrize("name", ["runs.xlsx", "runs.parquet", "runs.txt"])
def test_rows_are_not_written_to_a_file_of_another_kind(name: str, tmp_path: Path) -> None:
    with pytest.raises(FootprintError, match=r"end it in \.csv"):
        track(csv=tmp_path / name)
    done = footprint("run", "-o", str(tmp_path / name), "--", "true")
    assert done.code == 2
    assert not (tmp_path / name).exists()
