"""The list of runs says what each run is and used; a run's name stands for its id."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from footprint.results.human import amount
from footprint.tracking import Run
from tests.cli.run import footprint

Quick = Callable[..., Run]
GIVEN = {"model": "gpt2", "hw": "v100-sxm2-16gb:2", "pue": 1.5, "usd_per_hour": 2.0, "grid_g_per_kwh": 300.0}


@pytest.fixture
def runs(quick: Quick) -> list[Run]:
    """Three runs: two of one name, one without."""
    made = []
    for name in ("first try", "first try", None):
        with quick(**GIVEN, name=name) as run:
            run.step()
        made.append(run)
    return made


@pytest.mark.parametrize("again", [False, True], ids=["journals", "summaries"])
def test_the_list_says_what_each_run_is_and_used(runs: list[Run], again: bool) -> None:
    if again:
        footprint("runs", "list")
    lines = footprint("runs", "list").out.splitlines()
    assert lines[0].split() == ["run", "status", "time", "energy", "CO2e", "cost", "steps"]
    assert max(map(len, lines)) <= 80
    for number, run in enumerate(runs):
        row, what = lines[1 + 2 * number], lines[2 + 2 * number]
        measured = run.measurement
        assert measured is not None
        for quantity, unit in (
            (measured.energy_kwh, "kwh"),
            (measured.co2e_kg, "kg"),
            (measured.cost_usd, "usd"),
        ):
            assert quantity is not None
            assert f" {amount(quantity.mid, unit)}" in row
        assert row.split()[:2] == [run.run_id, "completed"]
        assert "gpt2 on v100-sxm2-16gb:2" in what
        assert what.startswith("  first try: " if number < 2 else "  gpt2 on ")


def test_a_name_works_where_an_id_does(runs: list[Run], quick: Quick) -> None:
    with quick(**GIVEN, name="the other") as other:
        other.step()
    shown = json.loads(footprint("runs", "show", "the other", "--format", "json").out)
    assert shown["run_id"] == other.run_id
    by_default = json.loads(footprint("runs", "show", "gpt2 on v100-sxm2-16gb:2", "--format", "json").out)
    assert by_default["run_id"] == runs[2].run_id
    assert footprint("runs", "diff", "the other", runs[0].run_id).code == 0
    summed = json.loads(footprint("runs", "total", "the other", runs[2].run_id, "--format", "json").out)
    assert summed["runs"] == 2


def test_an_ambiguous_name_is_bad_input_that_names_the_ids(runs: list[Run]) -> None:
    done = footprint("runs", "show", "first try")
    assert done.code == 2
    assert all(run.run_id in done.err for run in runs[:2])
    assert runs[2].run_id not in done.err


def test_an_id_goes_before_a_name(runs: list[Run], quick: Quick, tmp_path: Path) -> None:
    with quick(**GIVEN, name=runs[0].run_id) as run:
        run.step()
    shown = json.loads(footprint("runs", "show", runs[0].run_id, "--format", "json").out)
    assert shown["run_id"] == runs[0].run_id
