"""Ends that no program plans for, each one really brought about."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

import pytest

from footprint.results.row_reader import read_rows
from footprint.tracking.report.archive import open_archive
from footprint.tracking.report.recovery import recover
from tests.cli.run import footprint
from tests.repeated import repeated
from tests.tracking.fault_harness import (
    ENDS,
    FLUSH_S,
    LATE_S,
    ROOT,
    WATTS,
    broken_promises,
    end_by,
    lost_wh,
    only,
    random_hits,
    signalled,
    start,
)


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
    assert status == "killed" or report.measurement.duration_h.mid * 3600 > 0.4  # the whole loop
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


def test_recover_says_what_it_wrote_and_where(tmp_path: Path) -> None:
    signalled(tmp_path, signal.SIGKILL, 0.4)
    done = footprint("recover", str(tmp_path / "footprint-runs"), "--format", "json")
    (record,) = json.loads(done.out)
    assert (record["status"], record["unseen_s"], record["damaged_lines"]) == ("killed", FLUSH_S, 0)
    assert record["csvs"] == [record["csv"]]
    assert (tmp_path / record["csv"]).read_text().count("killed") == 1


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
@repeated
@pytest.mark.parametrize("number", list(ENDS))
def test_forty_signals_at_random_moments(tmp_path: Path, number: signal.Signals) -> None:
    hits = random_hits(tmp_path, number, 40)
    assert broken_promises(number, hits, FLUSH_S + LATE_S) == []
    assert sum(hit.journaled for hit in hits) > 15
    # The usual is held here, the longest by the promises above.
    assert sum(hit.unseen_s > 0 for hit in hits) > 5 or number != signal.SIGKILL
    assert median(hit.unseen_s - hit.stalled_s for hit in hits) <= 2 * FLUSH_S
    assert sum(hit.damaged for hit in hits) <= 3  # a kill inside a write is rare


def test_sigterm_inside_a_step(tmp_path: Path) -> None:
    """Who is interrupted holds every lock of the counts while the handler has the last line written."""
    ended = end_by(
        tmp_path,
        "with run._counts._phase_lock, run._counts._sum_lock:\n"
        "    os.kill(os.getpid(), signal.SIGTERM); time.sleep(9)",
    )
    assert (ended.returncode, only(ended).measurement.status) == (-signal.SIGTERM, "terminated")


def test_killed_between_claiming_the_report_and_writing_it(tmp_path: Path) -> None:
    ended = end_by(
        tmp_path,
        "import footprint.tracking.run.end_report as end_report\n"
        "end_report.write_rows = lambda *a, **k: os.kill(os.getpid(), signal.SIGKILL)",
    )
    assert ended.returncode == -signal.SIGKILL
    assert not (tmp_path / "runs.csv").exists()
    (done,) = recover(ended.archive)
    assert done.status == "completed"
    assert len(read_rows(tmp_path / "runs.csv", kind="measurement")[0]) == 1


def test_killed_between_writing_the_report_and_saying_so(tmp_path: Path) -> None:
    ended = end_by(
        tmp_path,
        "from footprint.tracking.report.report_claim import Claim\n"
        "Claim.settle = lambda self, csvs: os.kill(os.getpid(), signal.SIGKILL)",
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


BLOCKED = """
import ctypes, threading
lock, c = ctypes.create_string_buffer(64), ctypes.CDLL(None)
block = lambda: (c.pthread_mutex_lock(lock), c.pthread_mutex_lock(lock))  # in C, no signal ends it
"""


def test_sigterm_while_the_main_thread_is_blocked_in_c(tmp_path: Path) -> None:
    """As in a collective that hangs: without us SIGTERM kills at once, with us a moment later."""
    kill = "threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGTERM)).start()\nblock()"
    started = time.monotonic()
    ended = end_by(tmp_path, BLOCKED + kill)
    assert time.monotonic() - started < 15
    assert (ended.returncode, only(ended).measurement.status) == (-signal.SIGTERM, "terminated")
    assert lost_wh(ended) <= WATTS * (FLUSH_S + LATE_S) / 3600


def test_a_forked_child_that_is_blocked_in_c_dies_of_sigterm_at_once(tmp_path: Path) -> None:
    ended = end_by(
        tmp_path,
        BLOCKED + "pid = os.fork()\n"
        "if pid == 0:\n"
        "    block()\n"
        "time.sleep(0.3); os.kill(pid, signal.SIGTERM); begun = time.monotonic()\n"
        "assert os.WTERMSIG(os.waitpid(pid, 0)[1]) == signal.SIGTERM\n"
        "assert time.monotonic() - begun < 20",  # who has our handler and no thread of ours never dies
    )
    assert ended.returncode == 0, ended.err
    assert only(ended).measurement.status == "completed"


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
