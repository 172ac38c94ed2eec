"""Disks that fill up, folders that go, clocks that jump, machines that sleep: really brought about."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from footprint.results.row_reader import read_rows
from footprint.tracking.report.archive import open_archive
from footprint.tracking.totals.node_energy import APART_S
from tests.tracking.fault_harness import FLUSH_S, LATE_S, PROGRAM, ROOT, WATTS, end_by, lost_wh, only, start


def test_a_folder_deleted_in_the_middle(tmp_path: Path) -> None:
    ended = end_by(
        tmp_path, "import shutil; shutil.rmtree('footprint-runs'); time.sleep(0.4); run.step(tokens=3)"
    )
    assert ended.returncode == 0, ended.err
    report = only(ended)
    assert report.measurement.workload.tokens is not None
    assert report.measurement.workload.tokens % 10 == 3
    assert lost_wh(ended) <= WATTS * (FLUSH_S + LATE_S) / 3600


@pytest.fixture
def small_disk(tmp_path: Path):
    folder = tmp_path / "disk"
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)], capture_output=True
    )
    if done.returncode:
        pytest.skip("mounting a small tmpfs is not permitted here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_disk_that_fills_up_while_training(tmp_path: Path, small_disk: Path) -> None:
    filler = str(small_disk / "filler")
    ended = end_by(
        tmp_path,
        f"open({filler!r}, 'wb', buffering=0).write(b'x' * 65536); time.sleep(2.5); run.step(tokens=3)",
        seconds=1.5,
        arguments=f"{{'journal_dir': {str(small_disk)!r}}}",
    )
    assert ended.returncode == 0, ended.err
    assert "after" in ended.out
    assert "space" in ended.err
    archive = open_archive([small_disk])
    ((record,),) = archive.runs.values()
    assert record.steps > 0
    assert record.journal.damaged <= 1
    (row,), _ = read_rows(tmp_path / "runs.csv", kind="measurement")
    assert float(row["it_energy_kwh_mid"]) > 0.9 * record.kwh["node"][-1][1]


def test_a_read_only_disk(tmp_path: Path, small_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    ended = end_by(tmp_path, "", arguments=f"{{'journal_dir': {str(small_disk)!r}}}")
    assert ended.returncode == 0
    assert "Read-only" in ended.err
    assert "instead" in ended.err
    assert len(read_rows(tmp_path / "runs.csv", kind="measurement")[0]) == 1


def test_stopped_for_a_while_and_continued(tmp_path: Path) -> None:
    process = start(tmp_path, seconds=2.5)
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(0.4)
    process.send_signal(signal.SIGSTOP)
    time.sleep(1.5)
    process.send_signal(signal.SIGCONT)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, "after" in out) == (0, True), err
    archive = open_archive([tmp_path / "footprint-runs"])
    ((record,),) = archive.runs.values()
    assert record.status == "completed"
    # the machine was on, so a constant meter goes on: nothing lost, nothing invented
    assert record.kwh["node"][-1][1] * 3.6e6 / WATTS == pytest.approx(record.run_s, rel=0.1)


CLOCK = """
import time
real = time.time
shift = [0.0]
time.time = lambda: real() + shift[0]
""" + PROGRAM.replace(
    "run.step(tokens=10)",
    "run.step(tokens=10); shift[0] = 86400.0 * ((run_n := globals().get('run_n', 0) + 1) % 3 - 1)",
)


def test_a_wall_clock_set_back_and_forth(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CLOCK, "{}", "0.6", ""],
        cwd=tmp_path, capture_output=True, text=True, timeout=60,
        env={**os.environ, "PYTHONPATH": str(ROOT)}, check=True,
    )  # fmt: skip
    assert "after" in done.stdout
    archive = open_archive([tmp_path / "footprint-runs"])
    report = archive.report("last")
    assert 0.6 <= report.measurement.duration_h.mid * 3600 < 3.0
    assert report.measurement.status == "completed"


def test_two_runs_at_once_never_count_the_machine_twice(tmp_path: Path) -> None:
    programs = [start(tmp_path, seconds=1.5) for _ in range(2)]
    for program in programs:
        program.communicate(timeout=60)
    archive = open_archive([tmp_path / "footprint-runs"])
    first, second = (group[0] for group in archive.runs.values())
    begin, end = min(first.started_s, second.started_s), max(first.last_s, second.last_s)
    both = sum(report.measurement.it_energy_kwh.mid for report in archive.reports())  # type: ignore[union-attr]
    assert both * 3.6e6 / WATTS == pytest.approx(end - begin, rel=0.1)
    assert any("shared with" in w for report in archive.reports() for w in report.measurement.warnings)


def test_a_machine_that_slept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Suspending moves one clock on and not the other; a test can only do that to the reading of it."""
    from footprint.tracking import track
    from footprint.tracking.process.clock import boot_clock_s

    slept_s = [0.0]
    monkeypatch.setattr(
        "footprint.tracking.recorder.run_clock.boot_clock_s", lambda: boot_clock_s() + slept_s[0]
    )
    entered = time.monotonic()
    with track(meter="constant:360W", flush_s=0.05, quiet=True, journal_dir=tmp_path) as run:
        time.sleep(0.3)
        slept_s[0] = 7200.0
        time.sleep(0.3)
        run.step()
    whole_s = time.monotonic() - entered
    measured = run.measurement
    assert measured is not None
    assert 0.6 <= measured.duration_h.mid * 3600 <= whole_s
    assert measured.it_energy_kwh is not None
    assert measured.it_energy_kwh.mid * 3.6e6 / WATTS == pytest.approx(
        measured.duration_h.mid * 3600, rel=0.1
    )
    assert any("slept for 7200 s" in warning for warning in measured.warnings)


ALL_BEGAN = "import glob\nwhile len(glob.glob('footprint-runs/*/*.journal.jsonl')) < 8: time.sleep(0.01)"


def test_eight_processes_are_one_run_with_one_meter(tmp_path: Path) -> None:
    """Eight real programs with the variables that torchrun sets; ddp under torchrun itself is tests/live.

    None ends before all have begun, as a collective would have it.
    """
    ranks = [
        start(
            tmp_path, seconds=1.0, then=ALL_BEGAN,
            RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE="8", LOCAL_WORLD_SIZE="8",
            GROUP_RANK="0", GROUP_WORLD_SIZE="1", TORCHELASTIC_RUN_ID="none", MASTER_ADDR="localhost",
            MASTER_PORT="1", TORCHELASTIC_RESTART_COUNT="0",
        )
        for rank in range(8)
    ]  # fmt: skip
    errors = [program.communicate(timeout=120)[1] for program in ranks]
    assert [program.returncode for program in ranks] == [0] * 8, errors
    archive = open_archive([tmp_path / "footprint-runs"])
    assert len(archive.runs) == 1
    report = archive.report("last")
    assert len(report.totals.processes) == 8
    assert [process.metered for process in report.totals.processes].count(True) == 1
    (reader,) = [process for process in report.totals.processes if process.metered]
    # What the reader saw; the time of the others around it is filled in where it is longer than a second.
    ranks_s = [(process.started_s, process.last_s) for process in report.totals.processes]
    span_s = max(last_s for _, last_s in ranks_s) - min(started_s for started_s, _ in ranks_s)
    metered_s = span_s if span_s - reader.run_s > APART_S else reader.run_s
    assert report.measurement.it_energy_kwh is not None
    assert report.measurement.it_energy_kwh.mid * 3.6e6 / WATTS == pytest.approx(metered_s, rel=0.1)
    assert report.measurement.workload.tokens == sum(p.steps for p in report.totals.processes) * 10
    assert len(read_rows(tmp_path / "runs.csv", kind="measurement")[0]) == 1
    assert "footprint: run" in errors[0]
    assert sum("footprint: run" in text for text in errors) <= 2  # rank 0, and whoever ended last
    assert sum("at the facility" in text for text in errors) == 1  # the whole is said once, when it is known
    assert not any("running" in text for text in errors)


MILLIONS = """
import footprint
def resident():
    with open("/proc/self/statm") as file: return int(file.read().split()[1]) * 4096
run = footprint.track(meter="constant:360W", quiet=True, flush_s=0.2, total_steps=40_000_000).start()
sizes = []
while len(sizes) < 4 or (len(sizes) < 40 and sizes[-1] - sizes[-4] > 256 * 1024):
    for _ in range(1_000_000): run.step(tokens=3)
    sizes.append(resident())
run.stop()
work = run.measurement.workload
print(work.steps, work.tokens, *sizes)
"""


@pytest.mark.slow
def test_millions_of_steps_in_flat_memory(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", MILLIONS], cwd=tmp_path, capture_output=True, text=True, timeout=300,
        env={**os.environ, "PYTHONPATH": str(ROOT)}, check=True,
    )  # fmt: skip
    steps, tokens, *sizes = map(float, done.stdout.split())
    assert (steps, tokens) == (1e6 * len(sizes), 3e6 * len(sizes))
    # What threads import in the first seconds is in memory once; a byte a step would be three megabytes.
    assert sizes[-1] - sizes[-4] <= 256 * 1024
