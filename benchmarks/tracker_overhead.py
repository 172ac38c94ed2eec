"""Cost of tracking: processor time beside the loop, per step, of the import; memory; first step.

The duration of a loop on a shared machine scatters by some percent. So the cost is the processor time of
a process that sleeps between steps, all of which the tracker uses. The programs alternate in rounds. Each
figure is compared with its limit or with a peer of the same run. Usage: ``python
benchmarks/tracker_overhead.py [--quick]``; exit code 1 above a limit. Peers that are not installed are
named and left out (``pip install carbontracker eco2ai``).
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MOST_SHARE = 0.001
"""Limit of the share of one core that tracking uses, with steps of 100 ms [1]."""
MOST_STEP_S = 1e-6
MOST_IMPORT_S = 0.010
MOST_FIRST_STEP_S = 0.5
MOST_GROWTH_BYTE = 256 * 1024

LOOP = """
import json, sys, time
{before}
def loop(seconds, step):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(0.1)
        step()
entered = time.perf_counter()
{enter}
first = time.perf_counter() - entered
loop(float(sys.argv[1]), step)          # start-up is over after this
cpu, wall = time.process_time(), time.monotonic()
loop(float(sys.argv[2]), step)
cpu, wall = time.process_time() - cpu, time.monotonic() - wall
{leave}
print(json.dumps({{"share": cpu / wall, "first_s": first}}))
sys.stdout.flush()
"""
TRACKERS = {
    "nothing": ("", "step = lambda: None", ""),
    "footprint": (
        "import footprint",
        "run = footprint.track(hw='v100-sxm2-16gb:1', quiet=True).start(); step = run.step",
        "run.stop()",
    ),
    "footprint, with losses": (
        "import footprint",
        "run = footprint.track(hw='v100-sxm2-16gb:1', quiet=True).start(); "
        "step = lambda: (run.log(loss=0.5), run.step())",
        "run.stop()",
    ),
    "footprint, 10 s": (
        "import footprint",
        "run = footprint.track(hw='v100-sxm2-16gb:1', quiet=True, flush_s=10).start(); step = run.step",
        "run.stop()",
    ),
    "codecarbon": (
        "from codecarbon import OfflineEmissionsTracker",
        "t = OfflineEmissionsTracker(country_iso_code='FRA', log_level='critical'); t.start(); "
        "step = lambda: None",
        "t.stop()",
    ),
    "codecarbon, 1 s": (
        "from codecarbon import OfflineEmissionsTracker",
        "t = OfflineEmissionsTracker(country_iso_code='FRA', log_level='critical', measure_power_secs=1); "
        "t.start(); step = lambda: None",
        "t.stop()",
    ),
    # without an energy counter carbontracker needs a stated power; it reads every 10 s
    "carbontracker": (
        "from carbontracker.tracker import CarbonTracker",
        "t = CarbonTracker(epochs=1, verbose=0, components='cpu', sim_cpu='x', sim_cpu_tdp=50); "
        "t.epoch_start(); step = lambda: None",
        "t.epoch_end()",
    ),
    "eco2ai": (
        "import eco2ai",
        "t = eco2ai.Tracker(project_name='p', experiment_description='e', file_name='e.csv', "
        "alpha_2_code='FR', measure_period=10); t.start(); step = lambda: None",
        "t.stop()",
    ),
}  # fmt: skip
NOTHING = "pass"
NEEDS = {"carbontracker": "carbontracker", "eco2ai": "eco2ai"}

STEP = """
import time, tempfile, footprint
from itertools import repeat
run = footprint.track(meter="none", quiet=True, journal_dir=tempfile.mkdtemp()).start()
step, log, best, loss, empty = run.step, run.log, 1.0, 1.0, 1.0
nothing = lambda tokens=0, samples=0: None
for _ in range(15):
    before = time.process_time()
    for _ in repeat(None, 200_000): step(tokens=4096)
    best = min(best, (time.process_time() - before) / 200_000)
    before = time.process_time()
    for _ in repeat(None, 200_000): log(loss=0.5)
    loss = min(loss, (time.process_time() - before) / 200_000)
    before = time.process_time()
    for _ in repeat(None, 200_000): nothing(tokens=4096)
    empty = min(empty, (time.process_time() - before) / 200_000)
run.stop()
print(best, loss, empty)
"""

MEMORY = """
import sys, tempfile, time, footprint
run = footprint.track(meter="constant:100W", quiet=True, flush_s=0.5, total_steps=10**7,
                      journal_dir=tempfile.mkdtemp()).start()
step = run.step
time.sleep(5)  # what the start-up imports is no growth
def rss():
    with open("/proc/self/statm") as file: return int(file.read().split()[1]) * 4096
for _ in range(2_000_000): step(tokens=4096)
before = rss()
for _ in range(10_000_000): step(tokens=4096)
print(rss() - before)
run.stop()
"""


class ProgramFailedError(Exception):
    """A program ended with an error; the message is its last line."""


def python(code: str, *arguments: str, folder: Path) -> str:
    """The last line that a new interpreter prints."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=folder, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise ProgramFailedError(done.stderr.strip().rpartition("\n")[2])
    if "print(" in code and not done.stdout:
        raise ProgramFailedError("it ended the program without a message")
    return done.stdout.splitlines()[-1] if done.stdout else ""


def installed(name: str) -> bool:
    """Whether a peer can be imported."""
    import importlib.util

    return name not in NEEDS or importlib.util.find_spec(NEEDS[name]) is not None


def beside_the_loop(
    rounds: int, settle_s: float, seconds: float, folder: Path
) -> dict[str, dict[str, float]]:
    """Share of a core that each tracker uses beside a sleeping loop, and the delay of the first step [s]."""
    found: dict[str, list[dict[str, float]]] = {name: [] for name in TRACKERS if installed(name)}
    for name in TRACKERS.keys() - found.keys():
        print(f"{name} is not installed here")
    for _ in range(rounds):
        for name, runs in found.items():
            before, enter, leave = TRACKERS[name]
            code = LOOP.format(before=before, enter=enter, leave=leave)
            try:
                runs.append(json.loads(python(code, str(settle_s), str(seconds), folder=folder)))
            except ProgramFailedError as error:
                if name not in NEEDS:
                    raise
                print(f"{name} does not run here: {error}")
    return {
        name: {key: statistics.median(run[key] for run in runs) for key in ("share", "first_s")}
        for name, runs in found.items()
        if runs
    }


def _children_s() -> float:
    """Processor time of all ended child processes [s], to the microsecond."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def import_cost_s(rounds: int, folder: Path) -> float:
    """Processor time that ``import footprint`` adds to a bare interpreter [s], median of pairs."""
    pairs = []
    for _ in range(rounds):
        times = []
        for code in (NOTHING, "import footprint"):
            before = _children_s()
            python(code, folder=folder)
            times.append(_children_s() - before)
        pairs.append(times[1] - times[0])
    return statistics.median(pairs)


def main() -> int:
    """Print each figure with its limit; exit code 1 if one is above it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="short windows, one round")
    quick = parser.parse_args().quick
    ok = True
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        began = time.monotonic()
        rounds, settle_s, seconds = (1, 6.0, 15.0) if quick else (3, 8.0, 45.0)
        costs = beside_the_loop(rounds, settle_s, seconds, folder)
        idle = costs["nothing"]["share"]
        print(
            f"{'beside a loop of 100 ms steps':<32}{'core':>10}{'of its limit':>14}{'first step after':>18}"
        )
        for tracker, cost in costs.items():
            share = cost["share"] - (0 if tracker == "nothing" else idle)
            print(f"{tracker:<32}{share:>10.4%}{share / MOST_SHARE:>14.2f}{cost['first_s']:>16.2f} s")
        own = max(costs[one]["share"] for one in ("footprint", "footprint, with losses")) - idle
        peer = costs["codecarbon"]["share"] - idle
        print(f"footprint over codecarbon used directly: {own / peer:.2f}")
        ok &= own <= MOST_SHARE and own < peer and costs["footprint"]["first_s"] <= MOST_FIRST_STEP_S

        step_s, loss_s, empty_s = map(float, python(STEP, folder=folder).split())
        print(f"run.step(tokens=n): {step_s * 1e9:.0f} ns (limit 1000, an empty call {empty_s * 1e9:.0f})")
        print(f"run.log(loss=x): {loss_s * 1e6:.2f} us (limit {MOST_STEP_S * 1e6:g})")
        ok &= max(step_s, loss_s) <= MOST_STEP_S

        cost_s = import_cost_s(5 if quick else 21, folder)
        print(
            f"import footprint: {cost_s * 1000:.1f} ms of processor time (limit {MOST_IMPORT_S * 1000:.0f})"
        )
        ok &= cost_s <= MOST_IMPORT_S

        growth = int(python(MEMORY, folder=folder))
        print(f"memory over 10 million steps: {growth / 1024:+.0f} KiB (limit {MOST_GROWTH_BYTE / 1024:.0f})")
        ok &= growth <= MOST_GROWTH_BYTE
        print(f"{time.monotonic() - began:.0f} s, {'within all limits' if ok else 'ABOVE A LIMIT'}")
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
