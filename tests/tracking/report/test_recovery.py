"""Each segment has its rows once: however many finish it at a time, and whoever is killed at it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from footprint.results.row_reader import read_rows
from footprint.results.rows import append_rows
from footprint.tracking.report.archive import open_archive
from footprint.tracking.report.recovery import AT_ONCE, recover
from footprint.tracking.report.report_claim import Claims
from footprint.tracking.totals.segments import segments_of
from tests.tracking.fault_harness import ROOT
from tests.tracking.journal_cluster import Cluster

RECOVER = "from footprint.cli import main; main(['recover', 'runs', '--csv', 'runs.csv'])"


def unfinished(folder: Path, runs: int) -> None:
    """Runs that were killed, one after the other."""
    cluster = Cluster(folder)
    for n in range(runs):
        cluster.process(
            f"r{n}", start=10.0 * n, end=10.0 * n + 5, wall_s=n % 60, launch=f"l{n}", watts={"node": 360.0},
            status=None,
        )  # fmt: skip


def started(folder: Path, code: str = RECOVER) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code], cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def rows_in(path: Path) -> Counter[str]:
    return (
        Counter(row["run_id"] for row in read_rows(path, kind="measurement")[0])
        if path.exists()
        else Counter()
    )


def test_recoveries_at_once_write_each_row_once(tmp_path: Path) -> None:
    unfinished(tmp_path / "runs", 60)
    programs = [started(tmp_path) for _ in range(3)]
    said = [program.communicate(timeout=120) for program in programs]
    assert [program.returncode for program in programs] == [0, 0, 0], said
    assert rows_in(tmp_path / "runs.csv") == {f"r{n}": 1 for n in range(60)}
    listed = [line.partition(":")[0] for out, _ in said for line in out.splitlines() if line.startswith("r")]
    assert sorted(listed) == sorted(f"r{n}" for n in range(60))  # each by one of them


KILLED_AT = {
    "after the claims, before the rows": "recovery.append_rows = kill",
    "after the rows, before it says so": (
        "append = recovery.append_rows\n"
        "recovery.append_rows = lambda *a, **k: (append(*a, **k), kill())"
    ),
    "after half of the rows": (
        "append = recovery.append_rows\n"
        "recovery.append_rows = lambda path, rows, once: (append(path, rows[:3], once=once), kill())"
    ),
    "while it claims": (
        "from footprint.tracking.report import report_claim\n"
        "made = report_claim.make_exclusively; count = []\n"
        "def make(*a):\n"
        "    count.append(1)\n"
        "    return made(*a) and (len(count) < 5 or kill())\n"
        "report_claim.make_exclusively = make"
    ),
}  # fmt: skip


@pytest.mark.parametrize("moment", KILLED_AT)
def test_the_next_recovery_completes_what_a_killed_one_left(tmp_path: Path, moment: str) -> None:
    unfinished(tmp_path / "runs", 8)
    code = (
        "import os, signal\nfrom footprint.tracking.report import recovery\n"
        "def kill(*a, **k): os.kill(os.getpid(), signal.SIGKILL)\n"
        f"{KILLED_AT[moment]}\n{RECOVER}"
    )
    program = started(tmp_path, code)
    _, err = program.communicate(timeout=60)
    assert program.returncode == -signal.SIGKILL, err
    before = rows_in(tmp_path / "runs.csv")
    recover(open_archive([tmp_path / "runs"]), tmp_path / "runs.csv")
    assert rows_in(tmp_path / "runs.csv") == {f"r{n}": 1 for n in range(8)}
    assert not before or max(before.values()) == 1
    assert recover(open_archive([tmp_path / "runs"]), tmp_path / "runs.csv") == []


RUNS = """
import footprint, time
options = {"meter": "constant:360W", "flush_s": 0.05, "quiet": True, "csv": "runs.csv"}
for n in range(12):
    with footprint.track(run_id=f"r{n}", **options) as run:
        time.sleep(0.02)
        run.step()
"""


def test_recovery_in_a_loop_while_runs_end(tmp_path: Path) -> None:
    """The run and the recovery both see that it is over and not reported yet."""
    program = started(tmp_path, RUNS)
    while program.poll() is None:
        if (tmp_path / "footprint-runs").is_dir():
            recover(open_archive([tmp_path / "footprint-runs"]))
        time.sleep(0.01)
    _, err = program.communicate()
    assert program.returncode == 0, err
    recover(open_archive([tmp_path / "footprint-runs"]))
    assert rows_in(tmp_path / "runs.csv") == {f"r{n}": 1 for n in range(12)}


def test_one_claim_after_the_other_and_never_two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unfinished(tmp_path, 1)
    (processes,) = open_archive([tmp_path]).runs.values()
    (segment,) = segments_of(processes)
    first = Claims().claim(segment)
    assert first is not None
    assert Claims().claim(segment) is None
    monkeypatch.setattr("footprint.tracking.report.claim_file.is_alive", lambda *who: False)
    second = Claims().claim(segment)  # its claimer has died
    assert second is not None
    assert second.path != first.path
    assert (second.started_at, second.first) == (first.started_at, True)
    second.settle()
    assert Claims().claim(segment) is None


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"written": "yes"}', b'{"pid": -1}', b"\xff" * 99])
def test_a_claim_that_says_nothing_is_of_nobody(tmp_path: Path, content: bytes) -> None:
    unfinished(tmp_path, 1)
    (processes,) = open_archive([tmp_path]).runs.values()
    (segment,) = segments_of(processes)
    (tmp_path / "r0" / ".reported-0").write_bytes(content)
    assert Claims().claim(segment) is not None
    assert Claims().claim(segment) is None


def test_the_report_is_read_once_for_many_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[int] = []

    def append(path: Path, rows: list[Any], *, once: bool) -> None:
        written.append(len(rows))
        append_rows(path, rows, once=once)

    monkeypatch.setattr("footprint.tracking.report.recovery.append_rows", append)
    unfinished(tmp_path / "runs", AT_ONCE + 20)
    recover(open_archive([tmp_path / "runs"]), tmp_path / "runs.csv")
    assert written == [AT_ONCE, 20]
    assert len({row["run_id"] for row in read_rows(tmp_path / "runs.csv", kind=None)[0]}) == AT_ONCE + 20


def test_a_path_in_a_journal_of_another_user_is_not_written_to(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("to give a file away needs root")
    cluster = Cluster(tmp_path / "runs")
    for name in ("own", "other"):
        cluster.process(name, launch=name, watts={"node": 1.0}, given={"csv": str(tmp_path / f"{name}.csv")})
    for path in (tmp_path / "runs" / "other").iterdir():
        os.chown(path, 12345, 12345)
    done = recover(open_archive([tmp_path / "runs"]))
    assert {item.run_id: [csv.name for csv in item.csvs] for item in done} == {
        "own": ["own.csv"],
        "other": [],
    }
    assert not (tmp_path / "other.csv").exists()
    assert (tmp_path / "own.csv").exists()
