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
    "later below": (
        "x.csv",
        full() + full(schema="footprint/report/3").splitlines()[1] + "\n",
        "a later version wrote",
    ),
    "a long text": ("x.csv", full(name="x" * 70_000), "the column name has a text of 70,000 bytes"),
    "a text of few letters": ("x.csv", full(name="é" * 35_000), "the column name has a text of 70,000 bytes"),
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


def test_a_folder_of_report_csvs_is_told_how_to_name_them(tmp_path: Path) -> None:
    (tmp_path / "runs.csv").write_text(full())
    done = command_line("report", str(tmp_path))
    assert done.code == 2
    assert "CSV" in done.err
    assert command_line("report", str(tmp_path / "runs.csv")).code == 0


def test_parquet_of_a_later_schema(tmp_path: Path) -> None:
    import pandas as pd

    row = {"kind": "measurement", "run_id": "a", "started_at": "2026-03-01", "energy_kwh_mid": 1.0}
    (tmp_path / "month=2026-03").mkdir()
    for path in (tmp_path / "x.parquet", tmp_path / "month=2026-03/x.parquet"):
        for schema, code in (("footprint/report/1", 0), ("footprint/report/2", 0), ("footprint/report/3", 2)):
            pd.DataFrame([{**row, "schema": schema}]).to_parquet(path)
            done = command_line("report", str(path if path.parent == tmp_path else path.parent.parent))
            assert done.code == code, done.err
            assert ("a later version wrote" in done.err) == (code == 2)
        path.unlink()


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


def long_texts(path: Path, rows: int, length: int, column: str = "run_id") -> None:
    """Three texts of some length, each in a third of the rows; Parquet holds each of them once."""
    import pyarrow as pa
    from pyarrow import parquet

    table = pa.table({
        "kind": ["measurement"] * rows, "run_id": list(map(str, range(rows))),
        "started_at": ["2026-03-01T00:00:00+00:00"] * rows, "energy_kwh_mid": [1.0] * rows,
    })  # fmt: skip
    places = pa.array([row % 3 for row in range(rows)], pa.int32())
    texts = pa.DictionaryArray.from_arrays(places, [letter * length for letter in "abc"])
    if column in table.column_names:
        table = table.drop_columns([column])
    path.parent.mkdir(exist_ok=True)
    parquet.write_table(table.append_column(column, texts), path, compression="zstd")


@pytest.mark.parametrize("place", ["x.parquet", "month=2026-03/x.parquet"])
def test_endless_texts_are_refused_before_they_are_unpacked(place: str, tmp_path: Path) -> None:
    """Three kilobytes of Parquet that hold ten gigabytes of names of runs."""
    path = tmp_path / place
    long_texts(path, 200_000, 50_000)
    assert path.stat().st_size < 1_000_000
    done = command_line("report", str(tmp_path), "-o", str(tmp_path / "out.json"))
    assert done.code == 2
    assert "the column run_id holds 10,000.0 MB of texts" in done.err
    assert done.err.count("\n") == 1
    assert not (tmp_path / "out.json").exists()


def test_texts_are_bounded_over_all_rows_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of several files together, and of any column that is asked for."""
    for folder in ("whole", "parts/month=1"):
        place = tmp_path / folder
        place.parent.mkdir(exist_ok=True)
        for name in "ab":
            long_texts(place / f"{name}.parquet", 300, 1_000, "note")
    short = {"whole": "footprint.fleet.sources.parquet.MOST_TEXT_BYTES",
             "parts": "footprint.fleet.months.MOST_TEXT_BYTES"}  # fmt: skip
    for folder, limit in short.items():
        words = ("report", str(tmp_path / folder), "--by", "note", "--format", "json")
        groups = json.loads(command_line(*words).out)["groups"]
        assert [(len(one["by"]["note"]), one["runs"]) for one in groups] == [(200, 100)] * 3
        # A file's texts need 300 x (1,000 + 25) bytes and the names of its runs: room for one, not for two.
        monkeypatch.setattr(limit, 500_000)
        done = command_line(*words)
        assert done.code == 2
        assert "MB of texts" in done.err
        assert command_line(*words[:2]).code == 0  # the column is not read
        monkeypatch.setattr(limit, 2_000)
        assert "MB of texts" in command_line(*words[:2]).err


@pytest.mark.parametrize("column", ["run_id", "name", "model_name", "note"])
@pytest.mark.parametrize("place", ["x.parquet", "month=2026-03/x.parquet"])
def test_a_long_text_is_refused(place: str, column: str, tmp_path: Path) -> None:
    """Whether all are (as the file says before it is read) or one in many."""
    words = ("report", str(tmp_path), "--by", "note")
    long_texts(tmp_path / place, 300, 1_000_000, column)
    done = command_line(*words)
    assert done.code == 2
    assert f"the column {column} has a text of " in done.err
    long_texts(tmp_path / place, 3, 70_000, column)
    assert f"the column {column} has a text of 70,000 bytes" in command_line(*words).err
    long_texts(tmp_path / place, 3, 60_000, column)
    assert f"column {column}" not in command_line(*words).err


def test_a_column_that_holds_lists_is_refused(tmp_path: Path) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    for value in ([["a"]], [b"a"], [{"a": 1}]):
        table = pa.table({"kind": ["measurement"], "started_at": ["2026-03-01"], "run_id": value})
        parquet.write_table(table, tmp_path / "x.parquet")
        done = command_line("report", str(tmp_path / "x.parquet"))
        assert done.code == 2
        assert "the column run_id holds neither texts nor numbers" in done.err


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
