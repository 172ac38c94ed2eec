"""A supervisor that is killed while its program goes on: the run goes on until the program ends."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from footprint.tracking.journal.codec import decode, encode
from tests.cli.run import footprint
from tests.tracking.fault_harness import ROOT
from tests.tracking.run.test_supervised_program import OURS, report

GO, PID = "go", "pid"
PROGRAM = f"""
import os, pathlib, time
pathlib.Path("{PID}").write_text(str(os.getpid()))
while not pathlib.Path("{GO}").exists():
    time.sleep(0.05)
"""


def until(true: Callable[[], bool], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


def runs(tmp_path: Path) -> str:
    return footprint("runs", "list", "--dir", str(tmp_path / "footprint-runs")).out


def ended(pid: int) -> bool:
    """Whether a process is gone, or only waits to be asked how it ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def left_alone(folder: Path) -> int:
    """The number of a program whose supervisor was killed."""
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    supervisor = subprocess.Popen(
        [sys.executable, "-m", "footprint", "run", *OURS, "--", sys.executable, "-c", PROGRAM],
        cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)}, start_new_session=True, **quiet,
    )  # fmt: skip
    until(lambda: any('"type":"program"' in one.read_text() for one in folder.rglob("*.jsonl")))
    until(lambda: (folder / PID).exists() and (folder / PID).read_text() != "")
    os.kill(supervisor.pid, signal.SIGKILL)
    supervisor.wait(60)
    return int((folder / PID).read_text())


def test_the_run_goes_on_with_its_program_and_can_be_recovered_after_it(tmp_path: Path) -> None:
    pid, journals = left_alone(tmp_path), tmp_path / "footprint-runs"
    assert "running" in runs(tmp_path)
    assert "killed" not in runs(tmp_path)
    assert any("nothing reads its energy" in line for line in report(tmp_path).measurement.warnings)
    assert "still goes on" in footprint("recover", "--dir", str(journals)).err
    (tmp_path / GO).touch()
    until(lambda: ended(pid))
    assert "killed" in runs(tmp_path)
    assert "killed after" in footprint("recover", "--dir", str(journals)).out


def test_a_number_that_another_process_has_now_is_not_the_program(tmp_path: Path) -> None:
    left_alone(tmp_path)
    assert "running" in runs(tmp_path)
    (journal,) = (tmp_path / "footprint-runs").rglob("*.jsonl")
    lines = [decode(line) for line in journal.read_bytes().splitlines()]
    for line in lines:
        if line["type"] == "program":
            line["process_start"] = "1"
    journal.write_bytes(b"".join(encode({k: v for k, v in line.items() if k != "crc"}) for line in lines))
    assert "killed" in runs(tmp_path)
    (tmp_path / GO).touch()


def test_a_run_that_is_resumed_meanwhile_reports_itself(tmp_path: Path) -> None:
    """The program that was left alone belongs to the launch before: the next one does not wait for it."""
    left_alone(tmp_path)
    (run_id,) = (path.name for path in (tmp_path / "footprint-runs").iterdir())
    again = [sys.executable, "-m", "footprint", "run", *OURS, "--run-id", run_id, "-o", "runs.csv", "--"]
    done = subprocess.run(
        [*again, sys.executable, "-c", "pass"],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, check=False,
    )  # fmt: skip
    (tmp_path / GO).touch()
    assert done.returncode == 0, done.stderr
    with (tmp_path / "runs.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["kind"] == "measurement"]
    assert [row["status"] for row in rows] == ["completed"]
