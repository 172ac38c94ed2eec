"""A report that is stopped while it reads or writes: what was there stays, and nothing half written."""

from __future__ import annotations

import csv
import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

import footprint
from footprint.fleet.sources import report_csv
from footprint.reports.files import write_new
from footprint.results import fleet
from footprint.results.rows import csv_text
from tests.cli.run import footprint as command_line

OLD = "what was there\n"


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    """Rows enough to write for seconds."""
    count = 30_000
    pd.DataFrame({
        "kind": "measurement", "run_id": [f"run-{i}" for i in range(count)],
        "started_at": "2026-03-01T00:00:00+00:00", "boundary": "facility",
        "name": "=1+1", "energy_kwh_mid": [i / 7 for i in range(count)],
    }).to_parquet(tmp_path / "rows.parquet")  # fmt: skip
    return tmp_path / "rows.parquet"


def test_what_was_there_stays_when_the_writer_is_interrupted(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text(OLD)

    def parts():  # type: ignore[no-untyped-def]
        yield "a\n" * 100_000
        assert len(list(tmp_path.iterdir())) == 2
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_new(path, parts(), overwrite=True)
    assert path.read_text() == OLD
    assert list(tmp_path.iterdir()) == [path]


def test_interrupted_while_it_reads(rows: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    source, target = tmp_path / "rows.csv", tmp_path / "out.json"
    assert command_line("report", str(rows), "--rows", "-o", str(source)).code == 0
    monkeypatch.setattr(report_csv, "tidy", interrupted)
    target.write_text(OLD)
    before = set(tmp_path.iterdir())
    done = command_line("report", str(source), "-o", str(target), "--overwrite")
    assert (done.code, done.err.strip()) == (130, "footprint: stopped")
    assert target.read_text() == OLD
    assert set(tmp_path.iterdir()) == before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_signal_while_it_writes(number: signal.Signals, rows: Path, tmp_path: Path) -> None:
    place = tmp_path / "out"
    place.mkdir()
    target = place / "rows.csv"
    target.write_text(OLD)
    words = [
        sys.executable,
        "-m",
        "footprint",
        "report",
        str(rows),
        "--rows",
        "-o",
        str(target),
        "--overwrite",
    ]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as running:
        while not any(path.stat().st_size for path in place.glob(".rows.csv.*")):
            assert running.poll() is None, "it ended before it could be stopped"
            time.sleep(0.001)
        os.kill(running.pid, number)
        said = running.communicate()[1]
    assert target.read_text() == OLD
    if number == signal.SIGINT:
        assert (running.returncode, said.strip()) == (130, "footprint: stopped")
        assert list(place.iterdir()) == [target]
    else:
        assert running.returncode == -signal.SIGKILL
        assert footprint.report(rows, by="project").totals[0].runs == 30_000  # the input is as it was


def test_an_existing_file_is_refused_before_anything_is_read(
    rows: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("footprint.fleet.report", lambda *_, **__: pytest.fail("it was read"))
    target = tmp_path / "out.json"
    target.write_text(OLD)
    done = command_line("report", str(rows), "-o", str(target))
    assert done.code == 2
    assert "--overwrite" in done.err
    assert command_line("report", str(rows), "-o", str(tmp_path / "no" / "out.json")).code == 2
    assert target.read_text() == OLD


def test_rows_are_written_some_at_a_time(rows: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same bytes as all at once; as JSON, or printed, only so many."""
    printed = csv_text(footprint.report(rows).row_records())
    monkeypatch.setattr(fleet, "ROWS_OF_A_PART", 7_001)
    target = tmp_path / "rows.csv"
    assert command_line("report", str(rows), "--rows", "-o", str(target)).code == 0
    assert target.read_text() == printed == command_line("report", str(rows), "--rows", "--format", "csv").out
    cells = list(csv.DictReader(io.StringIO(printed)))
    assert [float(row["energy_kwh_mid"]) for row in cells] == [i / 7 for i in range(30_000)]
    assert {row["name"] for row in cells} == {"'=1+1"}
    monkeypatch.setattr(fleet, "MOST_RECORDS", 29_999)
    for words in (["--format", "json"], ["-o", str(tmp_path / "x.json")]):
        done = command_line("report", str(rows), "--rows", *words)
        assert done.code == 2
        assert "30,000 rows, more than the 29,999" in done.err
    assert not (tmp_path / "x.json").exists()
    assert command_line("report", str(rows), "--rows", "-o", str(tmp_path / "again.csv")).code == 0
