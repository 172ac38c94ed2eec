"""A run counts once, however often it is given, and kinds and boundaries are never added."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import footprint
from footprint.fleet.once import _are_rising, _shared
from footprint.results.fleet import FleetReport, FleetTotal
from footprint.results.rows import append_rows
from tests.cli.run import footprint as command_line

EMISSIONS = Path(__file__).with_name("emissions.csv")
ESTIMATED = {"model": "bert-base", "hw": "v100:8", "region": "FRA"}


def only(report: FleetReport, kind: str = "measurement", boundary: str = "facility") -> FleetTotal:
    (found,) = (one for one in report.totals if (one.kind, one.boundary) == (kind, boundary))
    return found


def energy_of(path: Path, kind: str) -> float:
    with path.open(newline="") as file:
        return sum(float(row["energy_kwh_mid"]) for row in csv.DictReader(file) if row["kind"] == kind)


def test_a_run_is_counted_once_in_its_csv_its_journal_and_copies(recorded: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.csv"
    shutil.copy(recorded / "runs.csv", copy)
    listed = tmp_path / "runs.json"
    done = command_line(
        "runs", "list", "--dir", str(recorded / "journals"), "--format", "json", "-o", str(listed)
    )
    assert done.code == 0
    alone = footprint.report(recorded / "runs.csv")
    several = footprint.report(recorded / "runs.csv", recorded / "journals", copy, listed)
    truth = energy_of(recorded / "runs.csv", "measurement")
    for one in (alone, several):
        measured = only(one)
        assert (measured.runs, measured.rows_count) == (2, 2)
        assert measured.energy_kwh is not None
        assert measured.energy_kwh.mid == pytest.approx(truth, rel=1e-12)
        assert only(one, "estimate").energy_kwh.mid == pytest.approx(  # type: ignore[union-attr]
            energy_of(recorded / "runs.csv", "estimate"), rel=1e-12
        )


def test_what_failed_is_apart(recorded: Path) -> None:
    measured = only(footprint.report(recorded / "journals"))
    with (recorded / "runs.csv").open(newline="") as file:
        (failed,) = (row for row in csv.DictReader(file) if row["status"] == "failed")
    assert measured.failed_runs == 1
    assert measured.failed_energy_kwh == pytest.approx(float(failed["energy_kwh_mid"]), rel=1e-9)
    assert measured.wasted_co2e_kg == pytest.approx(float(failed["co2e_kg_mid"]), rel=1e-9)


def row(run: str, start: str, kwh: float, status: str = "completed", **more: object) -> dict[str, object]:
    return {"kind": "measurement", "run_id": run, "started_at": f"2026-03-{start}", "status": status,
            "boundary": "facility", "energy_kwh_mid": kwh, "co2e_kg_mid": kwh / 10, **more}  # fmt: skip


def test_segments_are_added_and_restarts_are_apart(tmp_path: Path) -> None:
    path = tmp_path / "runs.csv"
    append_rows(path, [row("a", "01", 3.0, "killed"), row("a", "02", 4.0), row("b", "01", 5.0, "failed")])
    total = only(footprint.report(path))
    assert total.energy_kwh is not None
    assert (total.runs, total.rows_count, total.energy_kwh.mid) == (2, 3, 12.0)
    assert (total.restarted_energy_kwh, total.failed_energy_kwh, total.failed_runs) == (3.0, 5.0, 1)
    assert total.wasted_co2e_kg == pytest.approx(0.8)


def test_a_row_of_the_whole_run_stands_for_its_segments(tmp_path: Path) -> None:
    segments, whole = tmp_path / "segments.csv", tmp_path / "whole.csv"
    append_rows(segments, [row("a", "01", 3.0, "killed"), row("a", "02", 4.0, "killed"), row("a", "03", 5.0)])
    append_rows(whole, [row("a", "01", 7.0, "killed", segments_count=2)])
    total = only(footprint.report(segments, whole))
    assert total.energy_kwh is not None
    assert (total.runs, total.energy_kwh.mid) == (1, 12.0)
    assert only(footprint.report(whole, segments)).energy_kwh == total.energy_kwh


def test_the_longer_of_two_rows_of_one_start_is_taken_and_said(tmp_path: Path) -> None:
    path = tmp_path / "runs.csv"
    append_rows(path, [row("a", "01", 9.0, duration_h=2.0), row("a", "01", 4.0, duration_h=1.0)])
    report = footprint.report(path)
    assert only(report).energy_kwh.mid == 9.0  # type: ignore[union-attr]
    assert any("different energies" in one for one in report.warnings)


def test_the_same_estimate_twice_is_one_and_all_its_runs_count(tmp_path: Path) -> None:
    result = footprint.estimate(**ESTIMATED, runs=4, failed_share=0.2)
    for name in ("one.json", "two.json"):
        (tmp_path / name).write_text(json.dumps(result.to_json()))
    total = only(footprint.report(tmp_path / "one.json", tmp_path / "two.json"), "estimate")
    assert total.runs == 4
    assert total.energy_kwh is not None
    # Four runs, of which a fifth of all hours failed: 4 / (1 - 0.2) of one run.
    assert total.energy_kwh.mid == pytest.approx(5 * result.energy_kwh.mid, rel=1e-9)
    assert total.failed_energy_kwh == pytest.approx(result.energy_kwh.mid, rel=1e-9)


def test_codecarbons_rows_are_cumulative_and_its_boundary_is_its_own(tmp_path: Path) -> None:
    report = footprint.report(EMISSIONS, by="project")
    node, facility = only(report, boundary="node"), only(report, boundary="facility")
    assert node.energy_kwh is not None
    assert node.co2e_kg is not None
    assert (node.runs, node.energy_kwh.mid, node.co2e_kg.mid, node.duration_h) == (1, 0.144, 0.03, 0.5)
    assert facility.energy_kwh is not None
    assert (facility.runs, facility.energy_kwh.mid) == (1, 0.215)
    assert {one.by["project"] for one in report.groups} == {"bert", "vit"}
    assert node.first is not None
    assert node.first.startswith("2026-03-01T10:00:00")


def test_a_run_of_codecarbon_that_began_anew_is_added(tmp_path: Path) -> None:
    head, *lines = EMISSIONS.read_text().splitlines()
    path = tmp_path / "emissions.csv"
    path.write_text("\n".join([head, *lines[:3], lines[0].replace("10:10:00", "12:10:00")]))
    assert only(footprint.report(path), boundary="node").energy_kwh.mid == pytest.approx(0.144 + 0.048)  # type: ignore[union-attr]


def test_groups_add_up_to_the_totals(recorded: Path) -> None:
    report = footprint.report(recorded / "runs.csv", EMISSIONS, by=["project", "month", "cluster_node_form"])
    for total in report.totals:
        groups = [g for g in report.groups if (g.kind, g.boundary) == (total.kind, total.boundary)]
        assert total.energy_kwh is not None
        assert sum(g.energy_kwh.mid for g in groups if g.energy_kwh) == pytest.approx(total.energy_kwh.mid)
        assert sum(g.rows_count for g in groups) == total.rows_count
    assert {g.by["project"] for g in report.groups} == {"first", "=1+1", "bert", "vit"}


def test_rows_are_read_again_as_they_were(recorded: Path, tmp_path: Path) -> None:
    (tmp_path / "estimate.json").write_text(json.dumps(footprint.estimate(**ESTIMATED, runs=3).to_json()))
    given = [recorded / "journals", EMISSIONS, tmp_path / "estimate.json"]
    once = footprint.report(*given, by="project")
    for ending in ("csv", "parquet"):
        path = tmp_path / f"rows.{ending}"
        done = command_line("report", *map(str, given), "--rows", "-o", str(path))
        assert done.code == 0, done.err
        again = footprint.report(path, by="project")
        first, second = once.rows(), again.rows()
        assert len(first) == len(second)
        for one, other in zip(first, second, strict=True):
            for name, value in one.items():
                if isinstance(value, float):
                    assert other[name] == pytest.approx(value, rel=1e-9), name
                else:
                    assert other[name] == value, name
    with (tmp_path / "rows.csv").open(newline="") as file:
        assert "'=1+1" in {one["name"] for one in csv.DictReader(file)}


def test_predicted_beside_measured_is_of_the_work_that_was_done(recorded: Path) -> None:
    """As `footprint runs show` compares them: by tokens, of which these steps have few."""
    pairs = {one.name: one for one in footprint.report(recorded / "journals").pairs()}
    assert len(pairs) == 2
    folder = str(recorded / "journals")
    for listed in json.loads(command_line("runs", "list", "--dir", folder, "--format", "json").out):
        done = command_line("runs", "show", listed["run_id"], "--dir", folder, "--format", "json")
        rows = {row["name"]: row for row in json.loads(done.out)["comparison"]["quantities"]}
        pair, energy = pairs[listed["name"]], rows["energy_kwh"]
        assert pair.mid == pytest.approx(energy["predicted"]["mid"], rel=1e-9)
        assert pair.low == pytest.approx(energy["predicted"]["low"], rel=1e-9)
        assert pair.measured_kwh == pytest.approx(energy["measured"]["mid"], rel=1e-9)


def test_a_csv_in_a_folder_of_journals_is_said(recorded: Path, tmp_path: Path) -> None:
    folder = tmp_path / "journals"
    shutil.copytree(recorded / "journals", folder)
    before = command_line("report", str(folder)).out
    assert "CSV" not in before
    shutil.copy(recorded / "runs.csv", folder)
    done = command_line("report", str(folder))
    assert "its journals are read, not its 1 CSV" in " ".join(done.out.split())
    assert done.out.startswith(before.partition("\nnote:")[0].rstrip())
    shutil.rmtree(folder)
    folder.mkdir()
    shutil.copy(recorded / "runs.csv", folder)
    none = command_line("report", str(folder))
    assert none.code == 2
    assert "name its CSV files" in none.err


@given(st.lists(st.one_of(st.none(), st.text("019-", max_size=3)), max_size=6))
@example(["9", "10", "11"])
@example(["1", None])
@example(["1", "1"])
def test_names_in_the_order_of_appending_are_all_different(names: list[str | None]) -> None:
    runs = pd.Series(names, dtype="string[pyarrow]")
    expected = [names.count(name) > 1 for name in names]
    assert _shared(runs).tolist() == expected
    if _are_rising(runs):
        assert not any(expected)
        assert None not in names
    elif None not in names and len(names) > 1:
        assert [*names] != sorted(set(names), key=lambda name: (len(name or ""), name or ""))
