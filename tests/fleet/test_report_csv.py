"""Report CSVs: what pyarrow and pandas read is the same, and a row that is too long is said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import footprint
from footprint.errors import FootprintError
from footprint.fleet.sources import report_csv
from footprint.results.report_columns import COLUMNS, SCHEMA, SHORT_COLUMNS, SHORT_SCHEMA

NAMES = ["plain", 'a "quoted", name', "two\nlines", "'=1+1", "Zürich", ""]


def written(path: Path, schema: str, count: int = 400) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    energy = rng.lognormal(0, 3, count)
    frame = pd.DataFrame({
        "kind": "measurement", "run_id": [f"r{i}" for i in range(count)],
        "started_at": [f"2026-0{1 + i % 9}-01T00:00:00+00:00" for i in range(count)],
        "name": [NAMES[i % len(NAMES)] for i in range(count)],
        "status": rng.choice(["completed", "failed"], count), "hardware": "v100-sxm2-16gb:8",
        "cluster_accelerator": "v100-sxm2-16gb", "boundary": "facility",
        **{f"energy_kwh_{end}": energy * part for end, part in (("low", 0.8), ("mid", 1), ("high", 1.3))},
        "co2e_kg_mid": np.where(rng.random(count) < 0.3, np.nan, energy), "schema": schema,
    })  # fmt: skip
    frame.reindex(columns=list(COLUMNS[schema])).to_csv(path, index=False)
    return frame


@pytest.fixture
def without_pyarrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report_csv, "_by_arrow", lambda *_: None)


def sums(path: Path) -> Any:
    found = footprint.report(path, by=["project", "hardware", "month"])
    return found.totals, found.groups, found.inputs, found.warnings


@pytest.mark.parametrize("schema", [SCHEMA, SHORT_SCHEMA])
def test_both_parsers_give_the_sums_of_pandas(
    schema: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    frame = written(tmp_path / "runs.csv", schema)
    with (tmp_path / "runs.csv").open("a", newline="") as file:
        file.write("measurement,torn,2026-01-0")
    fast = sums(tmp_path / "runs.csv")
    request.getfixturevalue("without_pyarrow")
    slow = sums(tmp_path / "runs.csv")
    assert [one.by for one in fast[1]] == [one.by for one in slow[1]]
    assert fast[2:] == slow[2:]
    assert any("1 torn row" in warning for warning in fast[3])
    for (total,) in (fast[0], slow[0]):
        assert total.runs == len(frame)
        assert total.energy_kwh.mid == pytest.approx(frame["energy_kwh_mid"].sum(), rel=1e-12)
        assert total.co2e_kg.mid == pytest.approx(frame["co2e_kg_mid"].sum(), rel=1e-12)
        assert total.without_co2e_count == frame["co2e_kg_mid"].isna().sum()
    key = frame["name"].replace({"'=1+1": "=1+1", "": None})
    own = frame.groupby([key, frame["started_at"].str[:7]], dropna=False)["energy_kwh_mid"].sum()
    found = {one.energy_kwh.mid for one in fast[1]}
    assert sorted(found) == pytest.approx(sorted(own), rel=1e-12)
    assert {one.by["hardware"] for one in fast[1]} == {"v100-sxm2-16gb"}


@pytest.mark.parametrize("with_pyarrow", [True, False])
def test_a_row_with_too_many_cells_is_said(
    with_pyarrow: bool, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if not with_pyarrow:
        request.getfixturevalue("without_pyarrow")
    path = tmp_path / "runs.csv"
    frame = written(path, SHORT_SCHEMA, 8)
    lines = path.read_text().split("\n")
    number = next(i for i, line in enumerate(lines) if ",r4," in line)
    lines[number] += ",one,more"
    path.write_text("\n".join(lines))
    report = footprint.report(path)
    columns = len(SHORT_COLUMNS)
    assert f"{path}: line {number + 1} has {columns + 2} cells and the header {columns}" in " ".join(
        report.warnings
    )
    kept = frame[frame["run_id"] != "r4"]
    assert report.totals[0].energy_kwh is not None
    assert report.totals[0].energy_kwh.mid == pytest.approx(kept["energy_kwh_mid"].sum(), rel=1e-12)
    assert report.inputs[0].left_out_count == 1


def test_what_is_no_number_is_refused_with_both(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    path = tmp_path / "runs.csv"
    written(path, SHORT_SCHEMA, 8)
    text = path.read_text()
    number = next(cell for cell in text.split("\n")[1].split(",") if cell.replace(".", "").isdigit())
    path.write_text(text.replace(number, "much", 1))
    with pytest.raises(FootprintError, match="no number"):
        footprint.report(path)
    request.getfixturevalue("without_pyarrow")
    with pytest.raises(FootprintError, match="no number"):
        footprint.report(path)


def test_pyarrow_is_what_reads_where_it_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So the test above compares two parsers."""
    pytest.importorskip("pyarrow")
    written(tmp_path / "runs.csv", SHORT_SCHEMA)
    monkeypatch.setattr(report_csv, "_parsed", lambda *_, **__: pytest.fail("pandas read it"))
    footprint.report(tmp_path / "runs.csv")


@pytest.mark.parametrize("schema", [SCHEMA, SHORT_SCHEMA])
def test_the_frame_of_a_report_has_the_rows_that_are_added_up(schema: str, tmp_path: Path) -> None:
    """`read_report` and `report` read the same rows of a damaged file, each with a reader of its own."""
    path = tmp_path / "runs.csv"
    made = written(path, schema, 30)
    lines = path.read_text().split("\n")
    number = next(i for i, line in enumerate(lines) if ",r4," in line)
    lines[number] += ",one,more"
    path.write_text("\n".join(lines) + "measurement,torn,2026-01-0")
    frame, found = footprint.read_report(path), footprint.report(path, by="project")
    kept = made[made["run_id"] != "r4"]
    assert list(frame["run_id"]) == list(kept["run_id"])
    assert found.totals[0].runs == len(kept)
    assert frame.attrs["torn_rows"] == found.inputs[0].left_out_count == 2
    assert frame["energy_kwh_mid"].sum() == pytest.approx(kept["energy_kwh_mid"].sum(), rel=1e-12)
    assert found.totals[0].energy_kwh is not None
    assert found.totals[0].energy_kwh.mid == pytest.approx(kept["energy_kwh_mid"].sum(), rel=1e-12)
    names = set(kept["name"].replace({"'=1+1": "=1+1"})) - {""}
    assert set(frame["name"].dropna()) == names
    assert len({group.by["project"] for group in found.groups} - {None}) == len(names)
