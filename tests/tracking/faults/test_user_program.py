"""Nothing of the user's ends the recording, and nothing of ours changes the user's."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from footprint.results.row_reader import read_rows
from footprint.tracking import Run
from footprint.tracking.budget.stop_file import publish_stop, read_stop
from footprint.tracking.journal.reader import read_journal
from footprint.tracking.journal.writer import own_temporary_folder
from footprint.tracking.process.identity import PARENT_RUN, identify, run_name
from footprint.tracking.process.liveness import boot_id
from footprint.tracking.report.archive import open_archive
from tests.tracking.fault_harness import ROOT

Quick = Callable[..., Run]


def program(folder: Path, code: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code], cwd=folder, text=True, capture_output=True, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environ}, timeout=120,
    )  # fmt: skip


# ------------------------------------------------------------------------ callbacks


def hang(_: Any) -> None:
    time.sleep(60)


def leave(_: Any) -> None:
    sys.exit(5)


class SilentError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


def fail(_: Any) -> None:
    raise SilentError


@pytest.mark.parametrize("callback", [hang, leave, fail])
def test_a_callback_ends_no_recording(
    quick: Quick, monkeypatch: pytest.MonkeyPatch, callback: Callable[[Any], None]
) -> None:
    monkeypatch.setattr("footprint.tracking.process.user_calls.LONG_S", 0.3)
    monkeypatch.setattr("footprint.tracking.run.run_watcher.CALL_WAIT_S", 0.3)
    with quick(callback=callback, total_steps=100) as run:
        for _ in range(100):
            time.sleep(0.01)
            run.step()
    assert run.folder is not None
    (path,) = run.folder.glob("*.jsonl")
    journal = read_journal(path)
    assert journal.end is not None
    assert journal.end.steps == 100
    assert len(journal.lines) > 8  # a line each 50 ms all the time
    assert [problem for problem in run.problems if callback.__name__ in problem]


@pytest.mark.parametrize("function", [hang, leave, fail])
def test_a_budget_function_ends_no_recording(
    quick: Quick, monkeypatch: pytest.MonkeyPatch, function: Callable[[Any], None]
) -> None:
    monkeypatch.setattr("footprint.tracking.process.user_calls.LONG_S", 0.3)
    monkeypatch.setattr("footprint.tracking.run.run_watcher.CALL_WAIT_S", 0.3)
    with quick(budget="0.2 s", on_budget=function, total_steps=60) as run:
        for _ in range(60):
            time.sleep(0.01)
            run.step()
    assert run.measurement is not None
    assert run.measurement.workload.steps == 60
    assert [problem for problem in run.problems if function.__name__ in problem]


def test_every_event_reaches_a_slow_budget_function(quick: Quick) -> None:
    events = []
    with quick(
        budget="0.3 s", total_steps=60, on_budget=lambda e: (time.sleep(0.2), events.append(e))
    ) as run:
        for _ in range(60):
            time.sleep(0.01)
            run.step()
    assert events[-1].reached


def test_an_exception_without_a_text_passes_unchanged(quick: Quick) -> None:
    mine = SilentError()
    with pytest.raises(SilentError) as caught, quick() as run:
        raise mine
    assert caught.value is mine
    assert run.status == "failed"


# ------------------------------------------------------------------------ descriptors

REUSED = """
import os, time, footprint
with footprint.track(meter="constant:360W", flush_s=0.05, quiet=True, run_id="r") as run:
    for _ in range(20):
        time.sleep(0.01); run.step()
    os.closerange(3, 256)
    mine = [os.open(f"mine-{n}", os.O_RDWR | os.O_CREAT) for n in range(40)]
    for _ in range(40):
        time.sleep(0.01); run.step()
for file in mine:
    assert os.fstat(file).st_size == 0, os.pread(file, 200, 0)
    os.write(file, b"x")
print(run.measurement.workload.steps, run.problems)
"""


def test_descriptors_that_the_program_closed_and_reused_never_receive_our_lines(tmp_path: Path) -> None:
    done = program(tmp_path, REUSED)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("60 ("), done.stdout
    assert "Traceback" not in done.stderr
    (path,) = (tmp_path / "footprint-runs" / "r").glob("*.jsonl")
    journal = read_journal(path)
    assert journal.end is not None
    assert (journal.end.steps, journal.damaged) == (60, 0)


# ------------------------------------------------------------------------ the journal is cut

CUT = """
import os, pathlib, signal, time, footprint
with footprint.track(meter="constant:360W", flush_s=0.05, quiet=True, run_id="r", csv="runs.csv") as run:
    for n in range(60):
        time.sleep(0.01); run.step()
        if n == 30:
            (path,) = pathlib.Path("footprint-runs/r").glob("*.jsonl")
            os.truncate(path, SIZE)
    THEN
print(run.problems)
"""
KILLED = """for _ in range(2):  # two more lines: the second was begun after the last step
        size = path.stat().st_size
        while path.stat().st_size == size: time.sleep(0.01)
    os.kill(os.getpid(), signal.SIGKILL)"""


@pytest.mark.parametrize("size", [0, 40, 700])
@pytest.mark.parametrize("then", ["pass", KILLED], ids=["ends", "is killed"])
def test_a_run_whose_journal_was_cut_says_so_and_loses_nothing(tmp_path: Path, size: int, then: str) -> None:
    done = program(tmp_path, CUT.replace("SIZE", str(size)).replace("THEN", then))
    archive = open_archive([tmp_path / "footprint-runs"])
    measured = archive.report("r").measurement
    assert measured.workload.steps is not None
    assert measured.it_energy_kwh is not None
    if then == "pass":
        assert "somebody cut the journal" in done.stdout, done.stderr
        assert (measured.status, measured.workload.steps) == ("completed", 60)
        assert len(read_rows(tmp_path / "runs.csv", kind="measurement")[0]) == 1
    else:
        assert measured.status == "killed"
        assert measured.workload.steps > 50
    assert measured.it_energy_kwh.mid * 3.6e6 == pytest.approx(360 * measured.duration_h.mid * 3600, rel=0.1)


# ------------------------------------------------------------------------ one process, several runs

EXEC = """
import os, sys, time, footprint
options = {"meter": "constant:360W", "flush_s": 0.05, "quiet": True, "csv": "runs.csv", "pue": 1}
with footprint.track(run_id="r", **options) as run:
    began = time.monotonic()
    while time.monotonic() < began + 1:
        time.sleep(0.01); run.step()
    if len(sys.argv) < 2:
        os.execv(sys.executable, [sys.executable, "program.py", "again"])
"""


def test_a_program_that_replaces_itself_is_two_segments(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(EXEC)
    began_s = time.monotonic()
    done = subprocess.run(
        [sys.executable, "program.py"], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, timeout=60,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    whole_s = time.monotonic() - began_s
    assert done.returncode == 0, done.stderr
    report = open_archive([tmp_path / "footprint-runs"]).report("r")
    assert [segment.status for segment in report.totals.segments] == ["killed", "completed"]
    assert report.measurement.it_energy_kwh is not None
    hours = report.measurement.duration_h.mid
    assert 1.0 < hours * 3600 < whole_s  # of the first program at least the first line is known
    assert report.measurement.it_energy_kwh.mid == pytest.approx(0.36 * hours, rel=0.05)
    (row,) = read_rows(tmp_path / "runs.csv", kind="measurement")[0]
    assert 1.0 <= float(row["duration_h_mid"]) * 3600 < whole_s - 1.0


def test_six_runs_in_one_process_have_rows_that_agree(quick: Quick) -> None:
    runs: list[Run] = []

    def one(n: int) -> None:
        with quick(run_id=f"r{n}", csv="runs.csv", pue=1, meter="constant:360W") as run:
            runs.append(run)
            for _ in range(50 + 10 * n):
                time.sleep(0.01)
                run.step()

    threads = [threading.Thread(target=one, args=(n,)) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for n in range(3, 6):
        one(n)
    rows = {row["run_id"]: row for row in read_rows(Path("runs.csv"), kind="measurement")[0]}
    assert len(rows) == 6
    for run in runs:
        measured = run.measurement
        assert measured is not None
        assert measured.it_energy_kwh is not None
        assert measured.workload.steps == float(rows[run.run_id]["workload_steps"])
        written = float(rows[run.run_id]["it_energy_kwh_mid"])
        assert measured.it_energy_kwh.mid == pytest.approx(written, rel=0.25), run.run_id


# ------------------------------------------------------------------------ trust


def test_a_folder_in_the_temporary_place_is_this_users_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(tmp_path))
    folder = own_temporary_folder()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert own_temporary_folder() == folder
    folder.chmod(0o777)
    with pytest.raises(OSError, match="alone"):
        own_temporary_folder()
    folder.rmdir()
    folder.symlink_to(tmp_path)
    with pytest.raises(OSError, match="alone"):
        own_temporary_folder()
    if os.geteuid() == 0:
        folder.unlink()
        folder.mkdir(mode=0o700)
        os.chown(folder, 12345, 12345)
        with pytest.raises(OSError, match="alone"):
            own_temporary_folder()


def test_a_stop_of_another_user_stops_nothing(tmp_path: Path) -> None:
    publish_stop(tmp_path, 5, "mine")
    assert read_stop(tmp_path) == 5
    if os.geteuid() == 0:
        os.chown(tmp_path / "stop.json", 12345, 12345)
        assert read_stop(tmp_path) is None
        assert read_stop(tmp_path, owner=12345) == 5  # the user that the folder's disk takes us for
    (tmp_path / "stop.json").unlink()
    (tmp_path / "elsewhere").write_text('{"step": 5}')
    (tmp_path / "stop.json").symlink_to(tmp_path / "elsewhere")
    assert read_stop(tmp_path) is None
    (tmp_path / "stop.json").unlink()
    os.mkfifo(tmp_path / "stop.json")
    assert read_stop(tmp_path) is None


@pytest.mark.parametrize("name", ["../../etc", "/etc/x", "", ".", "..", "a/b", "a\nb", "x" * 200])
def test_a_supervisors_run_is_a_name_and_no_path(name: str) -> None:
    environ = {PARENT_RUN: f"{boot_id()}:{name}"}
    who = identify(environ)
    assert not who.metered_by_parent
    assert run_name(None, who, 1, environ)[0] != name
    assert identify({PARENT_RUN: f"{boot_id()}:good-1"}).metered_by_parent
