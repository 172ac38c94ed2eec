"""Real programs that track themselves and meet a real end; what their journals still know."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from footprint.tracking.archive import Archive, open_archive
from footprint.tracking.journal import boot_clock_s

ROOT = Path(__file__).resolve().parents[2]
WATTS, FLUSH_S = 360.0, 0.1

PROGRAM = """
import os, signal, sys, time
import footprint
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # whoever started the tests may have it ignored (nohup)
with footprint.track(meter="constant:360W", flush_s=0.1, csv="runs.csv", **eval(sys.argv[1])) as run:
    print("started", flush=True)
    end = time.monotonic() + float(sys.argv[2])
    while time.monotonic() < end:
        time.sleep(0.002)
        run.step(tokens=10)
    exec(sys.argv[3])
print("after", flush=True)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What one program left."""

    returncode: int
    out: str
    err: str
    died_s: float
    """When it ended, on the machine's boot clock [s]."""
    archive: Archive


def start(
    folder: Path, *, arguments: str = "{}", seconds: float = 0.5, then: str = "", **environ: str
) -> subprocess.Popen[str]:
    """Start the program in its own folder."""
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", PROGRAM, arguments, str(seconds), then],
        cwd=folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environ},
    )  # fmt: skip


def finish(process: subprocess.Popen[str], folder: Path, died_s: float | None = None) -> Ended:
    """Wait for the end and read what is there."""
    out, err = process.communicate(timeout=60)
    died = boot_clock_s() if died_s is None else died_s
    runs = folder / "footprint-runs"
    archive = open_archive([runs]) if runs.is_dir() else Archive({})
    return Ended(returncode=process.returncode, out=out, err=err, died_s=died, archive=archive)


def end_by(folder: Path, then: str, *, seconds: float = 0.4, arguments: str = "{}") -> Ended:
    """A program that ends by what ``then`` does."""
    return finish(start(folder, seconds=seconds, then=then, arguments=arguments), folder)


def signalled(folder: Path, number: signal.Signals, after_s: float, *, arguments: str = "{}") -> Ended:
    """A program that gets a signal some time after it began."""
    process = start(folder, seconds=30.0, arguments=arguments)
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(after_s)
    process.send_signal(number)
    process.wait(timeout=30)
    return finish(process, folder, boot_clock_s())


def random_kills(folder: Path, tries: int, seed: int = 0, at_once: int = 3) -> list[tuple[float, float, int]]:
    """Kill -9 at random moments: for each try, seconds the journal lacks, Wh it lacks, damaged lines.

    Moments reach from before the interpreter is up to long after the first flush.
    """
    rng = random.Random(seed)  # noqa: S311 - moments to kill at
    results: list[tuple[float, float, int]] = []
    waiting = [(rng.uniform(0.0, 1.6), folder / f"try-{n}") for n in range(tries)]
    running: list[tuple[float, Path, subprocess.Popen[str]]] = []
    while waiting or running:
        while waiting and len(running) < at_once:
            delay, place = waiting.pop()
            place.mkdir(parents=True)
            running.append((time.monotonic() + delay, place, start(place, seconds=60.0)))
        due, place, process = min(running, key=lambda item: item[0])
        time.sleep(max(0.0, due - time.monotonic()))
        died = boot_clock_s()
        process.kill()
        running.remove((due, place, process))
        process.communicate()
        results.append(_lost(place, died))
    return results


def _lost(place: Path, died_s: float) -> tuple[float, float, int]:
    """Seconds and Wh between the last line and the kill."""
    runs = place / "footprint-runs"
    if not runs.is_dir():
        return 0.0, 0.0, 0  # killed before the run began
    archive = open_archive([runs])
    if not archive.runs:
        return 0.0, 0.0, len(archive.problems)
    ((process,),) = archive.runs.values()
    read = process.kwh.get("node", [(process.started_s, 0.0)])[-1][1] * 1000
    used = WATTS * (died_s - process.started_s) / 3600
    return died_s - process.last_s, used - read, process.journal.damaged
