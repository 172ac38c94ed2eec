"""Real programs that track themselves and meet a real end; what their journals still know."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from footprint.results.row_reader import read_rows
from footprint.tracking.process.clock import boot_clock_s
from footprint.tracking.report.archive import Archive, open_archive
from footprint.tracking.report.recovery import recover
from footprint.tracking.report.run_report import RunReport

ROOT = Path(__file__).resolve().parents[2]
WATTS, FLUSH_S = 360.0, 0.1
AT_ONCE = 3
USUAL_S = 2.4
"""In which a program starts and its run ends, on a machine with nothing else to do."""
LATE_S = 1.0
"""A loaded machine may keep a thread waiting; energy may be missing for one interval and that."""

PROGRAM = """
import os, signal, struct, sys, threading, time
import footprint
def beat():
    pulse, waited = os.open("pulse", os.O_WRONLY | os.O_CREAT), {}
    while True:
        time.sleep(0.02)
        try:
            for task in os.listdir("/proc/self/task"):
                with open(f"/proc/self/task/{task}/schedstat") as file:
                    waited[task] = int(file.read().split()[1]) / 1e9
        except OSError: pass  # a thread that has ended, or no Linux
        os.pwrite(pulse, struct.pack("dd", time.clock_gettime(time.CLOCK_BOOTTIME), sum(waited.values())), 0)
threading.Thread(target=beat, daemon=True).start()
options = {"meter": "constant:360W", "flush_s": 0.1, "csv": "runs.csv", **eval(sys.argv[1])}
with footprint.track(**options) as run:
    print("started", flush=True)
    end = time.monotonic() + float(sys.argv[2])
    while time.monotonic() < end:
        time.sleep(0.002)
        run.step(tokens=10)
    exec(sys.argv[3])
print("after", flush=True)
"""
"""A thread of its own writes down when it last woke, and how long threads have waited for a processor."""


def slow_meter(start_s: float) -> str:
    """The argument for a meter of 360 W that needs so long to start."""
    return (
        "'meter': type('Slow', (), {"
        f"'start': lambda self: time.sleep({start_s}) or self.__dict__.update(began=time.monotonic()) or "
        "[__import__('footprint').meters.Channel(component='node', how='measured', source='slow')], "
        "'read': lambda self: __import__('footprint').meters.Reading("
        "energy_kwh={'node': (time.monotonic() - self.began) / 1e4}), 'stop': lambda self: None})()"
    )


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
        preexec_fn=_usual_signals,
    )  # fmt: skip


def _usual_signals() -> None:
    """A shell's ``&`` leaves SIGINT ignored and ``nohup`` SIGHUP, and that is inherited."""
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """What a signal at a random moment did to one program, and what was found afterwards."""

    began: bool
    """Whether the user's own code in the block had begun."""
    journaled: bool
    status: str
    """Of the run by its journal; empty without one."""
    unseen_s: float
    """Time of the run that no line of the journal covers, where the signal cut it off."""
    stalled_s: float
    """How long its threads, which could run, waited for a processor of a busy machine."""
    lost_wh: float
    damaged: int
    returncode: int
    measurement_rows: int
    """In the report CSV once `footprint recover` has run, twice."""
    err: str


def only(ended: Ended) -> RunReport:
    """The report of the one run that a program left."""
    (run_id,) = ended.archive.runs
    return ended.archive.report(run_id)


def lost_wh(ended: Ended) -> float:
    """Energy of a 360 W node that no line of the journal holds.

    A run that wrote its last line was over then, however long its program took to end on a busy machine.
    """
    ((process,),) = ended.archive.runs.values()
    over_s = process.last_s if process.journal.end else ended.died_s
    return WATTS * (over_s - process.started_s) / 3600 - process.kwh["node"][-1][1] * 1000


@contextlib.contextmanager
def lateness() -> Iterator[list[float]]:
    """How late this machine wakes a thread that sleeps for a flush interval [s], time and again."""
    late_s: list[float] = []
    over = threading.Event()

    def sleep() -> None:
        while not over.is_set():
            due = time.monotonic() + FLUSH_S
            time.sleep(FLUSH_S)
            late_s.append(time.monotonic() - due)

    sleeper = threading.Thread(target=sleep, daemon=True)
    sleeper.start()
    try:
        yield late_s
    finally:
        over.set()
        sleeper.join()


def random_hits(
    folder: Path,
    number: signal.Signals,
    tries: int,
    *,
    seed: int = 0,
    flush_s: float = FLUSH_S,
    arguments: str = "",
) -> list[Hit]:
    """One signal a program, at a random moment: from before the interpreter is up to after the run's end.

    Each of as many equal parts of that time has one moment. It is twice what a start takes here, if that is
    more than usual. For every third the moment counts from the start of its loop.
    """
    rng = random.Random(f"{seed}-{number.name}")  # noqa: S311 - moments to hit at
    parts = rng.sample(range(tries), tries)
    waiting = [
        (n % 3 == 0, (part + rng.random()) / tries, folder / f"{number.name}-{n}")
        for n, part in enumerate(parts)
    ]
    running: list[tuple[float, Path, subprocess.Popen[str], str]] = []
    hits: list[Hit] = []
    starts_s: list[float] = []
    while waiting or running:
        while waiting and len(running) < AT_ONCE:
            from_loop, share, place = waiting.pop()
            place.mkdir(parents=True)
            given = f"{{'flush_s': {flush_s}, {arguments}}}"
            begun_s = time.monotonic()
            program = start(place, arguments=given, seconds=rng.uniform(0.5, 2.5))
            said, delay = "", share * max(USUAL_S, 2 * median(starts_s or [0.0]))
            if from_loop and program.stdout is not None:
                said, delay = program.stdout.readline(), 0.2 * share * USUAL_S
                starts_s.append(time.monotonic() - begun_s)
            running.append((time.monotonic() + delay, place, program, said))
        due, place, process, said = min(running, key=lambda item: item[0])
        time.sleep(max(0.0, due - time.monotonic()))
        running.remove((due, place, process, said))
        process.send_signal(number)
        sent_s = boot_clock_s()
        hits.append(_found(place, process, sent_s, said))
        shutil.rmtree(place)
    return hits


def planned_hits(folder: Path, then: str, tries: int, *, flush_s: float, arguments: str = "") -> list[Hit]:
    """Programs that end by what ``then`` does, each after a random time."""
    rng = random.Random(then)  # noqa: S311
    hits = []
    for n in range(tries):
        place = folder / f"planned-{n}"
        place.mkdir(parents=True)
        given = f"{{'flush_s': {flush_s}, {arguments}}}"
        process = start(place, arguments=given, seconds=rng.uniform(0.2, 1.5), then=then)
        process.wait(timeout=60)
        hits.append(_found(place, process, boot_clock_s()))
        shutil.rmtree(place)
    return hits


def _found(place: Path, process: subprocess.Popen[str], sent_s: float, said: str = "") -> Hit:
    """What is there after the signal; ``said`` was read from the program before."""
    rest, err = process.communicate(timeout=60)
    out = said + rest
    status, unseen_s, stalled_s, lost_wh, damaged, rows = "", 0.0, 0.0, 0.0, 0, 0
    runs, pulse = place / "footprint-runs", place / "pulse"
    archive = open_archive([runs]) if runs.is_dir() else Archive({})
    if pulse.is_file() and len(beat := pulse.read_bytes()) == 16:
        last_s, waited_s = struct.unpack("dd", beat)
        stalled_s = waited_s + max(0.0, sent_s - last_s)
    if archive.runs:
        ((record,),) = archive.runs.values()
        status, damaged = record.status, record.journal.damaged
        if record.journal.end is None:
            read_wh = record.kwh.get("node", [(record.started_s, 0.0)])[-1][1] * 1000
            unseen_s = max(0.0, sent_s - record.last_s)
            lost_wh = max(0.0, WATTS * (sent_s - record.started_s) / 3600 - read_wh)
        for _ in range(2):
            recover(open_archive([runs]))
        rows = len(read_rows(place / "runs.csv", kind="measurement")[0])
    return Hit(
        began="started" in out, journaled=bool(archive.runs), status=status, unseen_s=unseen_s,
        lost_wh=lost_wh, damaged=damaged, returncode=process.returncode, measurement_rows=rows, err=err,
        stalled_s=stalled_s,
    )  # fmt: skip


ENDS = {
    signal.SIGKILL: {"killed", "completed"},
    signal.SIGTERM: {"terminated", "completed"},
    signal.SIGINT: {"interrupted", "completed"},
}


def broken_promises(number: signal.Signals, hits: list[Hit], within_s: float) -> list[str]:
    """What should not have happened, a line each: the promises of a run that may be cut off anywhere.

    At most ``within_s`` of the run may be missing: a flush interval, and as long as the machine keeps a
    thread waiting, by what the program itself found.
    """
    wrong = []
    if not any(hit.status in ENDS[number] - {"completed"} for hit in hits):
        wrong.append(f"no {number.name} ended a run")
    for n, hit in enumerate(hits):
        if hit.began and not hit.journaled:
            wrong.append(f"try {n}: the loop had begun and there is no journal")
        if hit.journaled and hit.status not in ENDS[number]:
            wrong.append(f"try {n}: {number.name} left the status {hit.status}")
        if hit.journaled and hit.measurement_rows != 1:
            wrong.append(f"try {n}: {hit.measurement_rows} rows after recovery, status {hit.status}")
        most_s = within_s + hit.stalled_s
        if hit.unseen_s > most_s or hit.lost_wh > WATTS * most_s / 3600:
            wrong.append(f"try {n}: {hit.unseen_s:.2f} s and {hit.lost_wh * 1000:.0f} mWh lost")
        if hit.journaled and hit.returncode not in (0, -number, 128 + number):
            wrong.append(f"try {n}: exit code {hit.returncode}: {hit.err[-300:]}")
    return wrong
