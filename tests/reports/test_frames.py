"""Frames: the numbers of the file, of the types that the records have, and no number without its kind."""

from __future__ import annotations

import csv
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

import footprint
from footprint.errors import FootprintError
from footprint.results.estimate import Estimate
from footprint.results.report_columns import REPORT_COLUMNS, SHORT_COLUMNS
from footprint.results.rows import append_rows, report_row

GIVEN = {"model": "bert-base", "hw": "v100:8", "region": "FRA"}


@pytest.fixture
def estimated() -> Estimate:
    return footprint.estimate(**GIVEN)


@pytest.fixture
def report(tmp_path: Path, estimated: Estimate, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A CSV with an estimate and a measurement, as the tracker writes them."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "runs.csv"
    with footprint.track(
        **GIVEN, total_steps=10, csv=path, meter="constant:360W", flush_s=0.05, quiet=True, name="=1+1"
    ) as run:
        for _ in range(3):
            time.sleep(0.02)
            run.step(tokens=1024)
    return path


def cells_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_every_number_is_that_of_the_file(report: Path) -> None:
    frame, cells = footprint.read_report(report), cells_of(report)
    assert list(frame.index) == [row["kind"] for row in cells] == ["estimate", "measurement"]
    assert list(frame.columns) == [name for name in REPORT_COLUMNS if name not in ("kind", "schema")]
    for name in frame.columns:
        for value, row in zip(frame[name], cells, strict=True):
            cell = row[name]
            if cell == "":
                assert pd.isna(value), name
            elif pd.api.types.is_numeric_dtype(frame[name]) and cell not in ("true", "false"):
                assert float(value) == float(cell), name


def test_types(report: Path) -> None:
    frame = footprint.read_report(report)
    assert isinstance(frame.index, pd.CategoricalIndex)
    assert frame.index.name == "kind"
    assert frame["cluster_count"].dtype == "Int64"
    assert frame["place_year"].dtype == "Int64"
    assert frame["workload_sequence_length"].isna().all()  # bert-base has two lengths
    assert frame["energy_kwh_mid"].dtype == "float64"
    assert frame["model_name"].dtype == "string"
    assert frame["status"].dtype == "category"
    assert frame["meters_node"].loc["measurement"] == "modelled"
    assert frame["parallelism_given"].dtype == "boolean"
    assert str(frame["started_at"].dtype).endswith(", UTC]")
    moment = pd.Timestamp(cells_of(report)[0]["started_at"])
    assert frame["started_at"].iloc[0] == moment


def test_no_column_is_left_untyped(estimated: Estimate) -> None:
    frame = estimated.to_frame()
    assert not [name for name in frame.columns if frame[name].dtype == object]


def test_a_column_keeps_the_kind_of_each_number(report: Path, estimated: Estimate) -> None:
    column = footprint.read_report(report)["energy_kwh_mid"]
    assert column.loc["estimate"] == pytest.approx(float(cells_of(report)[0]["energy_kwh_mid"]))
    both = pd.concat([estimated.to_frame(), footprint.read_report(report)])
    assert list(both.index) == ["estimate", "estimate", "measurement"]
    assert both.index.name == "kind"
    assert both.groupby(level="kind", observed=True)["energy_kwh_mid"].count().to_dict() == {
        "estimate": 2, "measurement": 1,
    }  # fmt: skip


def test_a_text_is_what_it_was_before_a_spreadsheet_was_kept_from_it(report: Path) -> None:
    assert cells_of(report)[0]["name"] == "'=1+1"
    assert footprint.read_report(report)["name"].iloc[0] == "=1+1"


def test_rows_of_one_kind(report: Path) -> None:
    assert list(footprint.read_report(report, kind="measurement").index) == ["measurement"]
    with pytest.raises(FootprintError, match="estimate, measurement, reference"):
        footprint.read_report(report, kind="guess")


def test_to_frame_is_the_row_of_the_csv(report: Path, estimated: Estimate, tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    row = report_row(estimated.to_json(), kind="estimate", run_id="x", started_at=estimated.created_at)
    append_rows(path, [row])
    read, made = footprint.read_report(path), estimated.to_frame()
    pd.testing.assert_frame_equal(read.drop(columns="run_id"), made.drop(columns="run_id"), check_dtype=False)
    assert made["energy_kwh_high"].loc["estimate"] == estimated.energy_kwh.high


def test_runs_of_the_journals(report: Path, tmp_path: Path) -> None:
    frame = footprint.runs()
    measured = footprint.read_report(report, kind="measurement")
    assert list(frame.index) == ["measurement"]
    assert frame["run_id"].iloc[0] == measured["run_id"].iloc[0]
    assert frame["energy_kwh_mid"].iloc[0] == pytest.approx(measured["energy_kwh_mid"].iloc[0])
    assert list(footprint.runs(tmp_path / "footprint-runs").columns) == list(measured.columns)
    with pytest.raises(FootprintError, match="no such folder"):
        footprint.runs(tmp_path / "nowhere")


def test_no_runs_yet_is_an_empty_frame(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    frame = footprint.runs()
    assert len(frame) == 0
    assert "energy_kwh_mid" in frame.columns


def test_torn_rows_are_counted(report: Path) -> None:
    report.write_text(report.read_text() + "estimate,x,2026", encoding="utf-8")
    assert footprint.read_report(report).attrs["torn_rows"] == 1


def test_a_short_report_has_the_same_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "short.csv"
    with footprint.track(
        **GIVEN, csv=path, columns="short", meter="constant:360W", flush_s=0.05, quiet=True
    ) as run:
        run.step(tokens=1024)
    cells = cells_of(path)
    assert tuple(cells[0]) == SHORT_COLUMNS
    assert [row["kind"] for row in cells] == ["estimate", "measurement"]
    measured = run.measurement
    assert measured is not None
    assert measured.energy_kwh is not None
    assert float(cells[1]["energy_kwh_mid"]) == measured.energy_kwh.mid
    assert (cells[0]["hardware"], cells[0]["model"], cells[0]["region"]) == (
        "v100-sxm2-16gb:8", "bert-base", "FRA",
    )  # fmt: skip
    assert "v100 is taken as v100-sxm2-16gb" in cells[0]["warnings"]
    frame = footprint.read_report(path)
    assert list(frame.index) == ["estimate", "measurement"]
    assert frame["energy_kwh_mid"].loc["measurement"] == measured.energy_kwh.mid
    row = report_row(measured.to_json(), kind="measurement", run_id="later", started_at=measured.started_at)
    append_rows(path, [row])  # as the file is
    assert len(cells_of(path)) == 3
    with pytest.raises(FootprintError, match="its columns are not those"):
        append_rows(path, [row], schema="footprint/report/1")


def test_pandas_is_loaded_only_when_a_frame_is_made() -> None:
    code = (
        "import footprint, sys; footprint.read_report, footprint.runs\n"
        "e = footprint.estimate(model='bert-base', hw='v100:8')\n"
        "assert 'pandas' not in sys.modules\n"
        "e.to_frame()\n"
        "assert 'pandas' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
