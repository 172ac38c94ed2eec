"""Who stops for a budget, and at which step: ranks that wait for each other all at one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.tracking.fault_harness import ROOT

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
