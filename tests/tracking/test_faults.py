"""Ends that no program plans for, each one really brought about."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from footprint.reports.csvfile import read_rows
from footprint.tracking.archive import open_archive, recover
from tests.tracking.fault_harness import (
    ENDS,
    FLUSH_S,
    PROGRAM,
    ROOT,
    WATTS,
    Ended,
    broken_promises,
    end_by,
    random_hits,
    signalled,
    start,
)

# A loaded machine may keep a thread waiting; energy may be missing for one interval and that.
LATE_S = 0.5


def only(ended: Ended):
    (run_id,) = ended.archive.runs
    return ended.archive.report(run_id)


def lost_wh(ended: Ended) -> float:
    """Energy of a 360 W node that no line of the journal holds."""
    ((process,),) = ended.archive.runs.values()
    return WATTS * (ended.died_s - process.started_s) / 3600 - process.kwh["node"][-1][1] * 1000


@pytest.mark.parametrize(
    ("then", "code", "status"),
    [
        ("", 0, "completed"),
        ("sys.exit()", 0, "completed"),
        ("sys.exit(5)", 5, "failed"),
        ("raise ValueError('mine')", 1, "failed"),
        ("raise KeyboardInterrupt", -signal.SIGINT, "interrupted"),
        ("os.kill(os.getpid(), signal.SIGINT); time.sleep(9)", -signal.SIGINT, "interrupted"),
        ("os.kill(os.getpid(), signal.SIGTERM); time.sleep(9)", -signal.SIGTERM, "terminated"),
        ("os.kill(os.getpid(), signal.SIGHUP); time.sleep(9)", -signal.SIGHUP, "terminated"),
        ("os._exit(4)", 4, "killed"),
        ("os.abort()", -signal.SIGABRT, "killed"),
        ("os.kill(os.getpid(), signal.SIGKILL)", -signal.SIGKILL, "killed"),
        ("import ctypes; ctypes.string_at(0)", -signal.SIGSEGV, "killed"),
    ],
)
def test_every_way_to_end(tmp_path: Path, then: str, code: int, status: str) -> None:
    ended = end_by(tmp_path, then)
    report = only(ended)
    assert (ended.returncode, report.measurement.status) == (code, status)
    assert ("after" in ended.out) == (then == "")
    if "mine" in then:
        assert "ValueError: mine" in ended.err
        assert "footprint/tracking" not in ended.err.split("Traceback")[1]  # their traceback, not ours
    rows = read_rows(tmp_path / "runs.csv", kind="measurement")[0] if status != "killed" else []
    assert len(rows) == (status != "killed")
    assert report.measurement.workload.steps
    assert lost_wh(ended) <= WATTS * (FLUSH_S + LATE_S) / 3600


def test_what_a_kill_cut_off_is_recovered_once(tmp_path: Path) -> None:
    ended = signalled(tmp_path, signal.SIGKILL, 0.6)
    (done,) = recover(ended.archive)
    assert done.status == "killed"
    assert done.unseen_s == FLUSH_S
    assert done.report.measurement.it_energy_kwh is not None
    (row,), _ = read_rows(tmp_path / "runs.csv", kind="measurement")
    assert row["status"] == "killed"
    assert float(row["it_energy_kwh_mid"]) == done.report.measurement.it_energy_kwh.mid
    assert recover(open_archive([tmp_path / "footprint-runs"])) == []
    assert len(read_rows(tmp_path / "runs.csv", kind="measurement")[0]) == 1


def test_a_run_that_still_goes_is_left_alone(tmp_path: Path) -> None:
    process = start(tmp_path, seconds=30)
    try:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(0.4)
        archive = open_archive([tmp_path / "footprint-runs"])
        ((record,),) = archive.runs.values()
        assert record.status == "running"
        assert recover(archive) == []
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("number", list(ENDS))
def test_a_signal_at_a_random_moment(tmp_path: Path, number: signal.Signals) -> None:
    hits = random_hits(tmp_path, number, 6, seed=1)
    assert broken_promises(number, hits, FLUSH_S + LATE_S) == []


@pytest.mark.slow
@pytest.mark.parametrize("number", list(ENDS))
def test_seventy_signals_at_random_moments(tmp_path: Path, number: signal.Signals) -> None:
    hits = random_hits(tmp_path, number, 70)
    assert broken_promises(number, hits, FLUSH_S + LATE_S) == []
    assert sum(hit.journaled for hit in hits) > 35
    assert sum(hit.unseen_s <= 2 * FLUSH_S for hit in hits) >= 0.9 * len(hits)
    assert sum(hit.damaged for hit in hits) <= 3  # a kill inside a write is rare


def test_sigterm_inside_a_step(tmp_path: Path) -> None:
    """The interrupted step holds its lock while the handler has the last line written."""
    ended = end_by(tmp_path, "with run._counts._lock: os.kill(os.getpid(), signal.SIGTERM); time.sleep(9)")
    assert (ended.returncode, only(ended).measurement.status) == (-signal.SIGTERM, "terminated")


def test_killed_between_claiming_the_report_and_writing_it(tmp_path: Path) -> None:
    ended = end_by(
        tmp_path,
        "import footprint.tracking.live as live\n"
        "live.write_rows = lambda *a, **k: os.kill(os.getpid(), signal.SIGKILL)",
    )
    assert ended.returncode == -signal.SIGKILL
    assert not (tmp_path / "runs.csv").exists()
    (done,) = recover(ended.archive)
    assert done.status == "completed"
    assert len(read_rows(tmp_path / "runs.csv", kind="measurement")[0]) == 1


def test_killed_between_writing_the_report_and_saying_so(tmp_path: Path) -> None:
    ended = end_by(
        tmp_path,
        "import footprint.tracking.live as live\n"
        "live.settle = lambda *a, **k: os.kill(os.getpid(), signal.SIGKILL)",
    )
    assert ended.returncode == -signal.SIGKILL
    recover(ended.archive)
    assert len(read_rows(tmp_path / "runs.csv", kind="measurement")[0]) == 1


def test_a_forked_child_neither_counts_nor_ends_the_run(tmp_path: Path) -> None:
    ended = end_by(
        tmp_path,
        "pid = os.fork()\n"
        "if pid == 0:\n"
        "    for _ in range(5000): run.step(tokens=10**6)\n"
        "    raise SystemExit(0)\n"
        "os.waitpid(pid, 0)\n"
        "run.step(tokens=7)",
        arguments="{'name': 'forks'}",
    )
    assert ended.returncode == 0, ended.err
    report = only(ended)
    assert report.measurement.status == "completed"
    assert report.measurement.workload.tokens is not None
    assert report.measurement.workload.tokens % 10 == 7
    assert report.measurement.workload.tokens < 10**6
    assert len(read_rows(tmp_path / "runs.csv", kind="measurement")[0]) == 1
    assert ended.err.count("footprint: run") == 2


WORKERS = """
import multiprocessing, time
import footprint

def work(n):
    time.sleep(0.05)
    return n * n

if __name__ == "__main__":
    with footprint.track(meter="constant:360W", flush_s=0.1, quiet=True) as run:
        with multiprocessing.get_context({method!r}).Pool(3) as pool:
            print(sum(pool.map(work, range(6))))
        run.step()
"""


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_worker_processes(tmp_path: Path, method: str) -> None:
    (tmp_path / "train.py").write_text(WORKERS.format(method=method))
    done = subprocess.run(
        [sys.executable, "train.py"], cwd=tmp_path, capture_output=True, text=True, timeout=60,
        env={**os.environ, "PYTHONPATH": str(ROOT)}, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == "55"
    archive = open_archive([tmp_path / "footprint-runs"])
    ((record,),) = archive.runs.values()
    assert (record.status, record.steps) == ("completed", 1)


def test_sigterm_of_a_forked_child_kills_only_the_child(tmp_path: Path) -> None:
    ended = end_by(
        tmp_path,
        "pid = os.fork()\n"
        "if pid == 0:\n"
        "    time.sleep(30)\n"
        "time.sleep(0.1); os.kill(pid, signal.SIGTERM)\n"
        "assert os.WTERMSIG(os.waitpid(pid, 0)[1]) == signal.SIGTERM",
    )
    assert ended.returncode == 0, ended.err
    assert only(ended).measurement.status == "completed"


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
    from footprint.tracking.journal import boot_clock_s

    slept_s = [0.0]
    monkeypatch.setattr("footprint.tracking.recorder.boot_clock_s", lambda: boot_clock_s() + slept_s[0])
    with track(meter="constant:360W", flush_s=0.05, quiet=True, journal_dir=tmp_path) as run:
        time.sleep(0.3)
        slept_s[0] = 7200.0
        time.sleep(0.3)
        run.step()
    measured = run.measurement
    assert measured is not None
    assert measured.duration_h.mid * 3600 == pytest.approx(0.6, rel=0.3)
    assert measured.it_energy_kwh is not None
    assert measured.it_energy_kwh.mid * 3.6e6 / WATTS == pytest.approx(
        measured.duration_h.mid * 3600, rel=0.1
    )
    assert any("slept for 7200 s" in warning for warning in measured.warnings)


def test_eight_processes_are_one_run_with_one_meter(tmp_path: Path) -> None:
    """Eight real programs with the variables that torchrun sets; ddp under torchrun itself is tests/live."""
    ranks = [
        start(
            tmp_path, seconds=1.0, RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE="8", LOCAL_WORLD_SIZE="8",
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
    assert report.measurement.it_energy_kwh is not None
    assert report.measurement.it_energy_kwh.mid * 3.6e6 / WATTS == pytest.approx(reader.run_s, rel=0.1)
    assert report.measurement.workload.tokens == sum(p.steps for p in report.totals.processes) * 10
    assert len(read_rows(tmp_path / "runs.csv", kind="measurement")[0]) == 1
    assert sum("footprint: run" in text for text in errors) == 1  # rank 0 alone speaks


MILLIONS = """
import footprint
def resident():
    with open("/proc/self/statm") as file: return int(file.read().split()[1]) * 4096
run = footprint.track(meter="constant:360W", quiet=True, flush_s=0.2, total_steps=12_000_000).start()
for _ in range(2_000_000): run.step(tokens=3)
before = resident()
for _ in range(10_000_000): run.step(tokens=3)
grown = resident() - before
run.stop()
work = run.measurement.workload
print(grown, work.steps, work.tokens)
"""


@pytest.mark.slow
def test_ten_million_steps_in_flat_memory(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", MILLIONS], cwd=tmp_path, capture_output=True, text=True, timeout=300,
        env={**os.environ, "PYTHONPATH": str(ROOT)}, check=True,
    )  # fmt: skip
    grown, steps, tokens = (float(part) for part in done.stdout.split())
    assert (steps, tokens) == (12_000_000, 36_000_000)
    assert grown < 512 * 1024  # a byte a step would be twenty times as much
