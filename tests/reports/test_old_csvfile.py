"""Report CSVs of earlier schemas are read for ever, and lose nothing when a row of today is added."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest

import footprint
from footprint.errors import FootprintError
from footprint.results import widening
from footprint.results.row_reader import read_rows
from footprint.results.rows import append_rows, report_row

OLD = Path(__file__).with_name("report-1.csv")
"""Of a version before the second schema: an estimate with LoRA, and a tracked run with its estimate."""
NEW = {
    "name": "new",
    "warnings": ["one", "two"],
    "workload": {"lora_rank": 8, "objective": "dpo", "packing": True},
}


@pytest.fixture
def old(tmp_path: Path) -> Path:
    return Path(shutil.copy(OLD, tmp_path / "runs.csv"))


def cells_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def append(path: Path) -> None:
    append_rows(path, [report_row(NEW, kind="estimate", run_id="new", started_at="2026-12-01")])


def test_every_cell_of_an_old_file_is_in_its_frame(old: Path) -> None:
    frame, cells = footprint.read_report(old), cells_of(old)
    assert list(frame.index) == [row["kind"] for row in cells] == ["estimate", "estimate", "measurement"]
    for name in ("energy_kwh_mid", "cost_usd_high", "workload_tokens", "parallelism_dp"):
        assert list(frame[name].dropna()) == [float(row[name]) for row in cells if row[name]]
    assert frame["name"].to_list() == [row["name"] for row in cells]
    for name in ("workload_lora_rank", "workload_objective", "workload_packing", "warnings"):
        assert frame[name].isna().all()


def test_a_report_adds_up_an_old_file(old: Path) -> None:
    total = next(one for one in footprint.report(old).totals if one.kind == "measurement")
    (measured,) = (row for row in cells_of(old) if row["kind"] == "measurement")
    assert total.energy_kwh is not None
    assert total.energy_kwh.mid == pytest.approx(float(measured["energy_kwh_mid"]), rel=1e-12)


def test_a_row_added_to_an_old_file_loses_nothing(old: Path) -> None:
    before, mode = cells_of(old), old.stat().st_mode
    append(old)
    *after, new = cells_of(old)
    for was, row in zip(before, after, strict=True):
        assert was.pop("schema") == "footprint/report/1"
        assert row.pop("schema") == "footprint/report/2"
        assert list(row.items())[: len(was)] == list(was.items())  # the same cells at the same places
        assert not any(list(row.values())[len(was) :])
    assert {name: new[name] for name in list(new)[-5:]} == {
        "workload_objective": "dpo", "workload_lora_rank": "8", "workload_packing": "true",
        "warnings": "one; two", "schema": "footprint/report/2",
    }  # fmt: skip
    assert old.stat().st_mode == mode
    assert names_in(old.parent) == ["runs.csv", "runs.csv.lock"]
    assert footprint.read_report(old)["workload_lora_rank"].to_list()[-1] == 8


def test_a_row_that_is_there_already_is_not_added_to_an_old_file_again(old: Path) -> None:
    (measured,) = (row for row in cells_of(old) if row["kind"] == "measurement")
    row = report_row({}, kind="measurement", run_id=measured["run_id"], started_at=measured["started_at"])
    append_rows(old, [row], once=True)
    assert len(cells_of(old)) == 3


@pytest.mark.parametrize("as_saved", ["cut", "spreadsheet"])
def test_a_damaged_old_file_keeps_its_whole_rows(old: Path, as_saved: str) -> None:
    if as_saved == "cut":
        old.write_bytes(old.read_bytes()[:-7])
    else:  # other ends of lines, and a mark of the byte order
        old.write_bytes(b"\xef\xbb\xbf" + old.read_bytes().replace(b"\n", b"\r\n"))
    names = [row["name"] for row in cells_of(OLD)]
    append(old)
    rows, torn = read_rows(old, kind=None)
    kept, lost = (names[:-1], 1) if as_saved == "cut" else (names, 0)
    assert ([row["name"] for row in rows], torn) == ([*kept, "new"], lost)


def test_an_old_file_cut_within_its_header_takes_a_row(old: Path) -> None:
    header = OLD.read_bytes().partition(b"\n")[0]
    for cut in (10, len(header) - 3, len(header)):
        old.write_bytes(header[:cut])
        append(old)
        assert [row["name"] for row in cells_of(old)] == ["new"]


def test_a_file_that_cannot_be_replaced_stays_as_it_is(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(widening, "_take_over", refuse)
    with pytest.raises(FootprintError, match="No space left on device; nothing was added"):
        append(old)
    assert old.read_bytes() == OLD.read_bytes()
    assert names_in(old.parent) == ["runs.csv", "runs.csv.lock"]


def test_a_report_with_fewer_columns_is_read(tmp_path: Path) -> None:
    path = tmp_path / "older.csv"
    path.write_text(
        "kind,run_id,started_at,name,energy_kwh_mid,schema\nmeasurement,a,2025-01-01,x,2.5,footprint/report/1\n"
    )
    frame = footprint.read_report(path)
    assert frame["energy_kwh_mid"].loc["measurement"] == 2.5
    assert frame["cost_usd_mid"].isna().all()
