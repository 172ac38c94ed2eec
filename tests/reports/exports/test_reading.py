"""What is exported is checked first: a record of a stranger is refused with a message, or is harmless."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import footprint
from footprint.errors import FootprintError, UnknownNameError
from footprint.reports.exports import export, export_names
from tests.cli.run import footprint as command
from tests.reports.exports.records import HIDDEN, estimated, nasty

WRONG: list[tuple[dict[str, Any], str]] = [
    ({"schema": "footprint/estimate/2"}, "footprint/estimate/1"),
    ({"schema": None}, "no schema"),
    ({"schema": "footprint/comparison/1"}, "none of"),
    ({"duration_h": None}, "duration_h is missing"),
    ({"duration_h": {"mid": -1.0}}, "duration_h.mid"),
    ({"energy_kwh": {"mid": "12"}}, "energy_kwh.mid is not a number"),
    ({"energy_kwh": {"low": 2.0, "mid": 1.0, "high": 3.0}}, "low <= mid <= high"),
    ({"co2e_kg": {"mid": float("nan")}}, "co2e_kg.mid"),
    ({"co2e_kg": {"mid": float("inf")}}, "co2e_kg.mid"),
    ({"co2e_kg": {"mid": True}}, "co2e_kg.mid"),
    ({"co2e_kg": {}}, "co2e_kg"),
    ({"model": "bert"}, "model is not an object"),
    ({"name": 3}, "name is not a text"),
    ({"assumptions": [3]}, "assumptions is not a list"),
    ({"created_at": "yesterday"}, "created_at is no time"),
    ({"repeats": {"runs": 1, "failed_share": 1.0}}, "failed_share must be below 1"),
    ({"warnings": ["clearly too little memory, and forced: x"]}, "does not fit"),
]


@pytest.mark.parametrize(("change", "said"), WRONG, ids=[said for _, said in WRONG])
def test_a_wrong_record_is_refused_with_its_key(change: dict[str, Any], said: str, tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text(json.dumps({**estimated(), **change}))
    out = tmp_path / "out.json"
    done = command("export", str(path), "--format", "ghg", "-o", str(out))
    assert done.code == 2
    assert said in done.err
    assert len(done.err.splitlines()) == 1
    assert not out.exists()


@pytest.mark.parametrize("content", ["", "[]", "{", "null", "[" * 5000, '{"schema": 1}', "kind,run\n1,2\n"])
def test_a_file_that_is_no_record(content: str, tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text(content)
    done = command("export", str(path), "--format", "boamps")
    assert (done.code, done.out) == (2, "")
    assert str(path) in done.err


@pytest.mark.parametrize("name", export_names())
def test_a_record_without_energy_is_refused_and_nothing_is_written(name: str, tmp_path: Path) -> None:
    record = {**estimated(), "energy_kwh": None, "co2e_kg": None, "total": None}
    if name == "prometheus":
        assert "energy_joules" not in export({**record, "it_energy_kwh": None}, name).text
        return
    with pytest.raises(FootprintError, match="the record has no"):
        export(record, name)


@pytest.mark.parametrize("name", export_names())
def test_no_text_of_a_stranger_gets_out_raw(name: str) -> None:
    text = export(nasty(), name).text
    assert not any(sign in text for sign in HIDDEN)


def test_an_unknown_format_names_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match=r"boamps"):
        export(estimated(), "boamp")
    for name in ("../json", "shared", "__init__", "", "cyclonedx_1_6/..", "shared.filed"):
        with pytest.raises(UnknownNameError):
            export(estimated(), name)


def test_the_command_the_function_and_the_file_agree(tmp_path: Path) -> None:
    path = tmp_path / "bert.json"
    path.write_text(json.dumps(estimated()))
    out = tmp_path / "bom.json"
    assert command("export", str(path), "--format", "CycloneDX-1.6", "-o", str(out)).code == 0
    assert out.read_text() == footprint.export(path, "cyclonedx-1.6").text
    again = command("export", str(path), "--format", "cyclonedx-1.6", "-o", str(out))
    assert (again.code, "--overwrite" in again.err) == (2, True)
    shown = command("export", str(path), "--format", "cyclonedx-1.6")
    assert json.loads(shown.out) == json.loads(out.read_text())
    assert "left for you" in shown.err
    assert "conformity is not claimed" in shown.err
    assert command("export", str(path), "--format", "cyclonedx-1.6", "--quiet").err == ""


def test_a_recorded_run_by_its_name(tmp_path: Path) -> None:
    with footprint.track(
        meter="constant:100W", region="FRA", journal_dir=tmp_path, quiet=True, name="one"
    ) as run:
        run.step()
    for name in (run.run_id, "last", "one"):
        done = command("export", name, "--dir", str(tmp_path), "--format", "prometheus", "--quiet")
        assert (done.code, done.err) == (0, "")
        assert f'run_id="{run.run_id}"' in done.out
    assert command("export", "two", "--dir", str(tmp_path), "--format", "ghg").code == 2


def test_a_run_that_was_killed_says_so() -> None:
    from tests.reports.exports.records import measured

    written = export({**measured(), "status": "killed"}, "ghg")
    assert "killed" in written.left[0]


def test_estimates_and_measurements_are_taken_as_they_are() -> None:
    answer = footprint.estimate(model="bert-base", hw="v100:8", region="FRA")
    assert json.loads(footprint.export(answer, "ghg").text)["name"] == answer.name


def test_rows_of_a_report_are_told_apart_from_a_record(tmp_path: Path) -> None:
    rows = tmp_path / "runs.csv"
    assert command("estimate", "--model", "bert-base", "--hw", "v100:8", "-o", str(rows)).code == 0
    done = command("export", str(rows), "--format", "ghg")
    assert done.code == 2
    assert "FILE.json" in done.err
