"""Who stops for a budget, and at which step: ranks that wait for each other all at one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from footprint.tracking.budget.budget_spent import spent_before
from tests.tracking.fault_harness import ROOT
from tests.tracking.journal_cluster import Cluster
from tests.tracking.run.test_supervised_program import report, run

IN_STEP = """
import multiprocessing, os, sys, time
import footprint


def rank(number, barrier):
    os.environ.update(
        RANK=str(number), LOCAL_RANK=str(number), WORLD_SIZE="2", LOCAL_WORLD_SIZE="2",
        TORCHELASTIC_RUN_ID="none", MASTER_ADDR="h", MASTER_PORT="1",
    )
    barrier.wait(30)
    options = {"meter": "none", "quiet": True, "flush_s": 0.5, "budget": sys.argv[1], "on_budget": "stop"}
    with footprint.track(**options) as run:
        time.sleep(6)  # data and compilation
        for step in range(20_000):
            barrier.wait(10)  # the all-reduce
            time.sleep(0.002)
            run.step()
    print(run.status, step, flush=True)


if __name__ == "__main__":
    multiprocessing.set_start_method("spawn")
    barrier = multiprocessing.Barrier(2)
    ranks = [multiprocessing.Process(target=rank, args=(number, barrier)) for number in (0, 1)]
    for process in ranks:
        process.start()
    for process in ranks:
        process.join()
"""


@pytest.mark.slow
@pytest.mark.parametrize("budget", ["7.7 s", "8 s"], ids=["before the first step", "soon after it"])
def test_ranks_whose_steps_are_faster_than_their_mean_stop_at_one_step(tmp_path: Path, budget: str) -> None:
    (tmp_path / "ranks.py").write_text(IN_STEP)
    done = subprocess.run(
        [sys.executable, "ranks.py", budget], cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, timeout=60,
        text=True, capture_output=True, check=False,
    )  # fmt: skip
    said = done.stdout.splitlines()
    assert len(said) == 2, done.stderr[-2000:]
    assert len(set(said)) == 1
    assert said[0].startswith("stopped_by_budget ")


STEPS = """
import sys, time, footprint
options, steps = eval(sys.argv[1]), int(sys.argv[2])
with footprint.track(**options) as run:
    for _ in range(steps):
        time.sleep(0.02)
        run.step()
"""


def test_a_programs_own_budget_stops_no_other_program_of_the_supervisor(tmp_path: Path) -> None:
    (tmp_path / "steps.py").write_text(STEPS)
    stopped = f"""{sys.executable} steps.py "{{'budget': '1 s', 'on_budget': 'stop'}}" 1000"""
    whole = f"{sys.executable} steps.py '{{}}' 100"
    code, _, err = run(tmp_path, "sh", "-c", f"{whole} & {stopped}; {whole}; wait")
    assert code == 3, err
    steps = {(p.status, p.steps) for p in report(tmp_path).totals.processes if not p.metered}
    assert ("completed", 100) in steps
    ((status, least),) = steps - {("completed", 100)}
    assert status == "stopped_by_budget"
    assert 5 < least < 60


def test_a_programs_budget_holds_nothing_of_what_its_supervisor_did_before(tmp_path: Path) -> None:
    (tmp_path / "steps.py").write_text(f"import time\ntime.sleep(2.5)\n{STEPS}")
    budget = str({"budget": "2 s", "on_budget": "stop"})
    code, _, err = run(tmp_path, sys.executable, "steps.py", budget, "1000")
    assert code == 3, err
    (program,) = [p for p in report(tmp_path).totals.processes if not p.metered]
    assert program.run_s > 1.2  # with the 2.5 s before it, it would have ended at once


@pytest.mark.parametrize("launch", ["supervisor", "program"])
def test_what_was_spent_before_is_earlier_segments_and_other_runs(tmp_path: Path, launch: str) -> None:
    """Not the supervisor's time, nor that of what joined it, whoever of them asks."""
    cluster = Cluster(tmp_path)
    cluster.process(end=360.0, launch="yesterday")
    cluster.process(start=1000.0, end=2000.0, status=None, launch="supervisor")
    cluster.process(start=1200.0, end=1500.0, launch="over", metered_by_parent=True)
    cluster.process(start=1600.0, end=1900.0, status=None, launch="program", metered_by_parent=True)
    cluster.process("other", start=1000.0, end=1720.0, launch="beside")
    who: Any = SimpleNamespace(boot_id="boot-a", launch=launch)
    hours = [spent_before(tmp_path, "r", who, whole_folder=whole)["duration_h"] for whole in (False, True)]
    assert hours == pytest.approx([0.1, 0.3])


def test_a_run_that_goes_on_after_a_stop_exits_as_its_program_does(tmp_path: Path) -> None:
    (tmp_path / "steps.py").write_text(STEPS)
    same = ("--run-id", "same")
    stop = str({"budget": "1 s", "on_budget": "stop"})
    assert run(tmp_path, sys.executable, "steps.py", stop, "1000", options=same)[0] == 3
    assert run(tmp_path, sys.executable, "steps.py", "{}", "10", options=same)[0] == 0
