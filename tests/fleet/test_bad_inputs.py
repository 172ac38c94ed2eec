"""What cannot be reported: one message, exit 2, nothing written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import footprint
from footprint.results.report_columns import REPORT_COLUMNS, SHORT_COLUMNS
from footprint.results.rows import append_rows
from tests.cli.run import footprint as command_line
from tests.fleet.test_once import ESTIMATED, only, row

HEAD = ",".join(SHORT_COLUMNS)


def full(**cells: object) -> str:
    cells = {
        "kind": "measurement",
        "run_id": "a",
        "started_at": "2026-03-01",
        "schema": "footprint/report/1",
    } | cells
    return (
        ",".join(REPORT_COLUMNS) + "\n" + ",".join(str(cells.get(name, "")) for name in REPORT_COLUMNS) + "\n"
    )


BAD = {
    "empty": ("x.csv", "", "empty"),
    "blank": ("x.csv", "\n\n", "empty"),
    "none of ours": ("x.csv", "a,b\n1,2\n", "not an input of a report"),
    "binary": ("x.bin", "\0\1\2\3" * 99, "not an input of a report"),
    "no rows": ("x.csv", HEAD + "\n", "without a complete row"),
    "later": ("x.csv", full(schema="footprint/report/3"), "a later version wrote"),
    "negative": ("x.csv", full(energy_kwh_mid=-1), "cannot be"),
    "infinite": ("x.csv", full(energy_kwh_mid="inf"), "cannot be"),
    "huge": ("x.csv", full(energy_kwh_mid="1e300"), "cannot be"),
    "words": ("x.csv", full(energy_kwh_mid="much"), "no number"),
    "kind": ("x.csv", full(kind="guess"), "a row of the kind 'guess'"),
    "json": ("x.json", '{"schema": "footprint/estimate/1", ', "not valid JSON"),
    "other json": ("x.json", '{"schema": "footprint/plan/1"}', "a record of the schema 'footprint/plan/1'"),
    "later json": ("x.json", '{"schema": "footprint/estimate/9"}', "a record of the schema"),
    "list": ("x.json", '["footprint/estimate/1"]', "a record of the schema"),
    "numbers": ("x.json", '{"schema": "footprint/estimate/1", "energy_kwh": {"mid": "x"}}', "no number"),
    "parquet": ("x.parquet", "PAR1 and no more", "not a Parquet file"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_message(name: str, tmp_path: Path) -> None:
    file, text, said = BAD[name]
    path, target = tmp_path / file, tmp_path / "out.json"
    path.write_text(text)
    done = command_line("report", str(path), "-o", str(target))
    assert done.code == 2
    assert said in done.err
    assert done.err.count("\n") == 1
    assert "Traceback" not in done.err
    assert not target.exists()


def test_what_is_not_there_or_holds_nothing(tmp_path: Path, recorded: Path) -> None:
    for words in (["report"], ["report", str(tmp_path / "no")], ["report", str(tmp_path)],
                  ["report", str(recorded / "runs.csv"), "--kind", "reference"],
                  ["report", str(recorded / "runs.csv"), "--by", "modle"]):  # fmt: skip
        done = command_line(*words)
        assert done.code == 2, words
        assert "Traceback" not in done.err
    assert "model" in done.err  # the nearest column


def test_market_based_co2e_is_not_added_to_location_based(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    frame = footprint.estimate(**ESTIMATED).to_frame().reset_index().assign(run_id="a")
    frame["co2e_basis"] = "market-based"
    frame.to_parquet(path)
    done = command_line("report", str(path))
    assert done.code == 2
    assert "co2e_market_kg" in done.err
    frame.drop(columns="co2e_basis").to_parquet(path)
    assert command_line("report", str(path)).code == 0


def test_endless_rows_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Equal rows need no room in Parquet: some kilobytes can say that they are billions."""
    import pandas as pd

    row = {"kind": "measurement", "run_id": "a", "started_at": "2026-03-01T00:00:00+00:00"}
    for name in "ab":
        pd.DataFrame([row] * 60_000).to_parquet(tmp_path / f"{name}.parquet")
    assert (tmp_path / "a.parquet").stat().st_size < 10_000
    assert command_line("report", str(tmp_path)).code == 0
    monkeypatch.setattr("footprint.fleet.sources.parquet.MOST_ROWS", 100_000)
    done = command_line("report", str(tmp_path))
    assert done.code == 2
    assert "120,000 rows" in done.err
    assert "month=2026-03" in done.err
    assert command_line("report", str(tmp_path / "a.parquet")).code == 0


def test_torn_rows_are_left_out_and_said(tmp_path: Path) -> None:
    path = tmp_path / "runs.csv"
    append_rows(path, [row("a", "01", 3.0), row("b", "02", 1.5e-7)])
    text = path.read_text()
    cut = text[: text.rindex("e-07") + 2]  # inside a number
    path.write_text(cut + "\n")
    report = footprint.report(path)
    assert only(report).energy_kwh.mid == 3.0  # type: ignore[union-attr]
    assert report.inputs[0].left_out_count == 1
    assert any("1 torn rows" in one for one in report.warnings)


def test_an_old_report_without_todays_columns_is_read(tmp_path: Path) -> None:
    path = tmp_path / "old.csv"
    path.write_text(
        "kind,run_id,started_at,name,energy_kwh_mid,co2e_kg_mid,schema\n"
        "measurement,a,2025-01-01,x,2.5,0.5,footprint/report/1\n"
    )
    assert only(footprint.report(path)).energy_kwh.mid == 2.5  # type: ignore[union-attr]


def test_a_damaged_line_of_a_journal_is_said(recorded: Path, tmp_path: Path) -> None:
    import shutil

    folder = tmp_path / "journals"
    shutil.copytree(recorded / "journals", folder)
    before = only(footprint.report(folder)).energy_kwh
    changed = 0
    for path in folder.rglob("*.jsonl"):
        lines = path.read_bytes().splitlines(keepends=True)
        for i, line in enumerate(lines):
            if b'"kind":"end"' in line or i == len(lines) - 1:
                lines[i] = line.replace(b"360", b"36").replace(b"0.0", b"9.0")
                changed += lines[i] != line
        path.write_bytes(b"".join(lines))
    assert changed
    report = footprint.report(folder)
    assert any("damaged" in one for one in report.warnings)
    assert only(report).energy_kwh.mid <= before.mid * 1.01  # type: ignore[union-attr]


def test_names_do_no_harm_in_any_format(tmp_path: Path) -> None:
    path = tmp_path / "runs.csv"
    evil = "<script>alert(1)</script>|\x1b[31m=1+1‮\u2066`x`[a](http://b)"
    record = {**footprint.estimate(**ESTIMATED).to_json(), "name": evil}
    (tmp_path / "e.json").write_text(json.dumps(record))
    append_rows(path, [row("a", "01", 3.0, name="=cmd()")])
    for name in ("table", "csv", "json", "markdown"):
        done = command_line(
            "report", str(tmp_path / "e.json"), str(path), "--by", "project", "--format", name
        )
        assert done.code == 0, done.err
        assert "\x1b" not in done.out
        assert "‮" not in done.out
        if name == "csv":
            assert ",'=cmd()," in done.out
        if name == "markdown":
            assert "<script>" not in done.out
            assert "[a](http" not in done.out
