"""What a change does: inputs, factors with shared errors cancelled, and budgets."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest

import footprint
from footprint.errors import FootprintError
from footprint.reports.decisions.difference_text import between, render, render_markdown
from footprint.reports.exports import as_filed
from tests.cli.run import footprint as command
from tests.conftest import ROOT
from tests.reports.exports.records import HIDDEN, NASTY, estimated, measured

FIELDS = {"model": "bert-base", "hw": "v100:8", "region": "FRA"}


def one(**fields: Any) -> dict[str, Any]:
    return footprint.estimate(**{**FIELDS, **fields}).to_json()


def diff(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    return between(as_filed(before), as_filed(after)).to_json()


def numbers(found: dict[str, Any]) -> dict[str, Any]:
    return {number["name"]: number for number in found["numbers"]}


def test_twice_the_work_is_exactly_twice_in_what_is_shared() -> None:
    """Hours, energy, CO2e and cost of the same steps done twice: every error is shared."""
    found = diff(one(runs=1), one(runs=2))
    assert found["inputs"] == [{"name": "runs", "before": 1, "after": 2}]
    for number in found["numbers"]:
        inputs = number["by_inputs"]
        assert number["factor"] == pytest.approx(2.0, rel=1e-12)
        assert (inputs["low"], inputs["high"]) == (pytest.approx(2.0), pytest.approx(2.0))
        assert number["by_data"] == 1.0


def test_a_known_pue_changes_the_energy_and_not_the_hours() -> None:
    found = numbers(diff(one(pue=1.5), one(pue=1.2)))
    assert found["duration_h"]["factor"] == 1.0
    assert found["energy_kwh"]["factor"] == pytest.approx(1.2 / 1.5, rel=1e-12)
    assert found["energy_kwh"]["by_inputs"]["high"] == pytest.approx(0.8, rel=1e-9)
    assert found["energy_kwh"]["by_inputs"]["verdict"] == "lower"


def test_the_factor_is_that_of_a_comparison() -> None:
    """An independent way to the same ratio: the table of `footprint.compare`."""
    table = footprint.compare(model="bert-base", region="FRA", hw=["v100:8", "h100:8"])
    found = numbers(diff(one(), one(hw="h100:8")))
    for name, ratio in table.row(2).ratio.items():
        assert found[name]["by_inputs"]["mid"] == pytest.approx(ratio.value.mid, rel=1e-12)
        assert found[name]["by_inputs"]["low"] == pytest.approx(ratio.value.low, rel=1e-12)
    naive = one(hw="h100:8")["energy_kwh"]["high"] / one()["energy_kwh"]["low"]
    assert found["energy_kwh"]["by_inputs"]["high"] < naive  # what both share has cancelled


def test_older_data_are_told_from_the_inputs() -> None:
    older = one()
    for part in (older, older["total"]):
        part["co2e_kg"] = {end: 3 * value for end, value in part["co2e_kg"].items()}
    older["data_version"] = "2020.01"
    found = between(as_filed(older), as_filed(one()))
    number = numbers(found.to_json())["co2e_kg"]
    assert number["factor"] == pytest.approx(1 / 3, rel=1e-9)
    assert number["by_inputs"]["mid"] == 1.0
    assert number["by_data"] == pytest.approx(1 / 3, rel=1e-9)
    assert "x0.333" in render(found)
    assert "2020.01" in render(found)


def test_two_spellings_of_a_cluster_are_no_change() -> None:
    found = between(as_filed(one()), as_filed(one(hw="v100x8")))
    assert found.inputs == ()
    assert "No input changed." in render(found)


def test_measurements_have_no_interval_that_could_cancel() -> None:
    after = copy.deepcopy(measured())
    after["energy_kwh"] = {"mid": 2 * measured()["energy_kwh"]["mid"]}
    found = numbers(diff(measured(), after))["energy_kwh"]
    assert found["factor"] == pytest.approx(2.0)
    assert found["by_inputs"] is None


def test_an_estimate_beside_a_measurement_is_refused() -> None:
    with pytest.raises(FootprintError, match="of one kind"):
        between(as_filed(estimated()), as_filed(measured()))


def test_a_scenario_that_cannot_be_computed_again_says_so() -> None:
    broken = estimated()
    broken["scenario"] = {**broken["scenario"], "tp": 7}
    found = between(as_filed(estimated()), as_filed(broken))
    assert all(number.by_inputs is None for number in found.numbers)
    assert "cannot be computed again" in render(found)


@pytest.mark.parametrize("scenario", [{"nonsense": 1}, {"hw": {"a": 1}}, {"hw": "v100:8", "mfu": "x"}])
def test_a_scenario_of_a_stranger_is_refused_with_one_message(scenario: Any, tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("a.json", "b.json")]
    paths[0].write_text(json.dumps(estimated()))
    paths[1].write_text(json.dumps({**estimated(), "scenario": scenario}))
    done = command("diff", *map(str, paths))
    assert done.code in (0, 2)
    assert "own fault" not in done.err
    assert len(done.err.splitlines()) <= 1


def test_names_are_text_in_a_comment() -> None:
    record = estimated()
    record["name"] = f"{NASTY} @someone [x](http://a.b) #1"
    record["scenario"] = {**record["scenario"], "name": "".join(filter(str.isprintable, NASTY))}
    text = render_markdown(between(as_filed(estimated()), as_filed(record)))
    assert not any(sign in text for sign in HIDDEN)
    assert "<b>" not in text
    assert not re.search(r"(?<!\\)[@#\[]", text)


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    found = []
    for name, record in (("old.json", one()), ("new.json", one(hw="h100:8"))):
        (tmp_path / name).write_text(json.dumps(record))
        found.append(str(tmp_path / name))
    return found[0], found[1]


def test_every_format(files: tuple[str, str]) -> None:
    data = json.loads(command("diff", *files, "--format", "json").out)
    assert data["schema"] == "footprint/difference/1"
    assert len(command("diff", *files, "--format", "csv").out.splitlines()) == 5
    assert max(map(len, command("diff", *files).out.splitlines())) <= 80
    comment = command("diff", *files, "--format", "github-comment").out
    assert comment.startswith("<!-- footprint: comment -->\n")
    assert "| --hw | v100:8 | h100:8 |" in comment
    assert command("diff", *files, "--format", "github_coment").code == 2


def test_the_budget_is_that_of_the_second(files: tuple[str, str]) -> None:
    old, new = (record["co2e_kg"] for record in (one(), one(hw="h100:8")))
    between_them = f"{(old['mid'] + new['mid']) / 2} kgCO2e"
    assert command("diff", *files, "--fail-over", between_them).code == 0
    assert command("diff", *reversed(files), "--fail-over", between_them).code == 3
    assert command("diff", *files, "--fail-over", between_them, "--fail-over-bound", "high").code == 3


def test_an_estimate_compares_itself(files: tuple[str, str]) -> None:
    words = (
        "estimate",
        "--model",
        "bert-base",
        "--hw",
        "h100:8",
        "--region",
        "FRA",
        "--compare-to",
        files[0],
    )
    shown = json.loads(command(*words, "--format", "json", "--quiet").out)
    kept = json.loads(command("diff", *files, "--format", "json").out)
    assert shown == kept
    comment = Path(files[0]).with_name("comment.md")
    over = ("--format", "github-comment", "-o", str(comment), "--fail-over", "0.001 kgCO2e")
    assert command(*words, "--quiet", *over).code == 3
    assert (
        comment.read_text() == command("diff", *files, "--format", "github-comment").out
    )  # before it failed
    assert command(*words[:-1], "absent.json").code == 2


def test_a_changed_file_of_a_scenario_is_no_other_data(tmp_path: Path) -> None:
    """Both scenarios name the same file, which another model replaced in between."""
    model, paths = tmp_path / "mine.toml", [tmp_path / "a.json", tmp_path / "b.json"]
    for name, path in zip(("bert-base", "bert-large"), paths, strict=True):
        model.write_text((ROOT / f"reference_data/models/{name}.toml").read_text(encoding="utf-8"))
        words = ("--model", str(model), "--hw", "v100:8", "--tokens", "1e9", "--seq-len", "128")
        assert command("estimate", *words, "--quiet", "-o", str(path)).code == 0
    before, after = (json.loads(path.read_text())["energy_kwh"]["mid"] for path in paths)
    said = command("diff", *map(str, paths)).out
    assert "No input changed." in said
    assert "A file that a scenario names, or data of your own, changed the rest" in said
    assert f"x{after / before:.3g}" in said
    assert "another version" not in said


def test_co2e_of_intensities_on_different_bases_has_no_factor() -> None:
    found = diff(one(), one(region="US-STRUBELL2019"))
    number = numbers(found)["co2e_kg"]
    assert number["before"]["mid"] < number["after"]["mid"]
    assert (number["factor"], number["by_inputs"], number["by_data"]) == (None, None, None)
    assert numbers(found)["energy_kwh"]["factor"] == pytest.approx(1.0)
    assert any("different bases: lifecycle and direct" in line for line in found["warnings"])
    given = numbers(diff(one(), one(region="US-STRUBELL2019", grid_g_per_kwh=100.0)))
    assert given["co2e_kg"]["factor"] == pytest.approx(100.0 / 41.45, rel=1e-6)  # Ember 2026: France in 2025
