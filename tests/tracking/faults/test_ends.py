"""The end of a run: a meter that starts late, and signals that come while the last line is written."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from footprint.meters import Channel, Reading
from footprint.tracking import Run
from footprint.tracking.journal.codec import encode
from footprint.tracking.journal.lines import SCHEMA
from footprint.tracking.process.identity import identify
from footprint.tracking.report.archive import open_archive
from tests.tracking.fault_harness import ENDS, ROOT, end_by, only, planned_hits, slow_meter

Quick = Callable[..., Run]
KWH_PER_J = 1 / 3.6e6


class Late:
    """A meter of some watts that takes its time to start."""

    def __init__(self, start_s: float, watts: float = 100.0) -> None:
        self.start_s, self.watts, self.began = start_s, watts, 0.0

    def start(self) -> tuple[Channel, ...]:
        time.sleep(self.start_s)
        self.began = time.monotonic()
        return (Channel(component="node", how="measured", source="late"),)

    def read(self) -> Reading:
        return Reading(energy_kwh={"node": self.watts * (time.monotonic() - self.began) * KWH_PER_J})

    def stop(self) -> None: ...


@pytest.mark.parametrize(
    ("run_s", "start_s"),
    [(0.6, 1.2), (0.6, 0.58), (0.6, 0.3), (0.02, 0.6), (0.02, 0.0), (1.5, 2.0)],
)
def test_a_run_shorter_than_the_start_up_has_the_power_read_right_after_it(
    quick: Quick, run_s: float, start_s: float
) -> None:
    entered = time.monotonic()
    with quick(meter=Late(start_s), pue=1.0) as run:
        began = time.monotonic()
        time.sleep(run_s)
        over = time.monotonic()
    measured = run.measurement
    assert measured is not None
    own_s = measured.duration_h.mid * 3600
    # The block and nothing after it; a busy machine may keep us waiting between two lines.
    assert over - began - 0.001 < own_s < over - entered + 0.25
    energy = measured.it_energy_kwh
    assert energy is not None
    assert energy.mid == pytest.approx(100.0 * own_s * KWH_PER_J, rel=0.05)
    (meter,) = [m for m in measured.meters if m.component == "node"]
    if start_s >= own_s:
        assert meter.unseen_s == pytest.approx(own_s, rel=0.05)
        assert energy.low < 0.7 * energy.mid  # nobody saw the run itself
        assert energy.high > 1.4 * energy.mid


def test_nothing_grows_out_of_a_glimpse(tmp_path: Path) -> None:
    """A meter's first milliseconds may read kilowatts: 10 J in 2 ms say nothing of the 30 s before them."""
    lines = [
        {
            "type": "start", "schema": SCHEMA, "run_id": "r", "process": identify({}).to_json(),
            "boot_s": 0.0, "started_at": "2026-03-01T10:00:00.000+00:00", "flush_s": 5.0, "given": {},
        },
        {"type": "meter", "boot_s": 29.998,
         "channels": [{"component": "node", "how": "measured", "source": "s"}]},
        {"type": "state", "boot_s": 30.0, "run_s": 30.0, "steps": 5, "kwh": {"node": 10 * KWH_PER_J},
         "unseen_s": {"node": 29.998}},
    ]  # fmt: skip
    (tmp_path / "r").mkdir()
    path = tmp_path / "r" / "p.journal.jsonl"
    path.write_bytes(b"".join(encode({"n": n, **line}) for n, line in enumerate(lines)))
    assert open_archive([tmp_path]).report("r").measurement.it_energy_kwh is None


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_while_the_end_waits_for_a_slow_meter(tmp_path: Path, number: signal.Signals) -> None:
    """The block is over, the meter still starts: the journal says so before the signal ends us."""
    kill = f"import threading; threading.Timer(0.3, os.kill, (os.getpid(), {int(number)})).start()"
    began = time.monotonic()
    ended = end_by(tmp_path, kill, seconds=0.0, arguments=f"{{{slow_meter(50)}}}")
    assert time.monotonic() - began < 40
    assert ended.returncode == -number
    assert only(ended).measurement.status == "completed"


def test_signals_at_random_moments_of_runs_that_never_see_their_meter(tmp_path: Path) -> None:
    for number, statuses in ENDS.items():
        if number == signal.SIGKILL:
            continue
        kill = f"os.kill(os.getpid(), {int(number)}); time.sleep(9)"
        hits = planned_hits(tmp_path, kill, 2, flush_s=0.1, arguments=slow_meter(20))
        assert [hit.status for hit in hits] == [(statuses - {"completed"}).pop()] * 2
        assert [hit.returncode for hit in hits] == [-number] * 2
        assert [hit.measurement_rows for hit in hits] == [1] * 2


NESTED = """
import os, signal, sys, time
import footprint
options = {"meter": "constant:360W", "flush_s": 0.1, "quiet": True}
with footprint.track(run_id="outer", **options):
    with footprint.track(run_id="inner", **options) as run:
        run.step()
        %s
"""


@pytest.mark.parametrize(
    "then",
    [
        "os.kill(os.getpid(), signal.SIGTERM); time.sleep(9)",
        "import ctypes, threading; lock, c = ctypes.create_string_buffer(64), ctypes.CDLL(None)\n"
        "        threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGTERM)).start()\n"
        "        c.pthread_mutex_lock(lock); c.pthread_mutex_lock(lock)",
    ],
    ids=["in Python", "blocked in C"],
)
def test_sigterm_ends_a_run_inside_a_run_as_terminated(tmp_path: Path, then: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", NESTED % then], cwd=tmp_path, timeout=60, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == -signal.SIGTERM, done.stderr
    archive = open_archive([tmp_path / "footprint-runs"])
    assert {name: archive.report(name).measurement.status for name in archive.runs} == {
        "outer": "terminated", "inner": "terminated",
    }  # fmt: skip


def test_footprint_run_writes_its_last_line_under_a_signal(tmp_path: Path) -> None:
    """The program has ended and the meter still starts, when the scheduler asks us to end too."""
    process = subprocess.Popen(
        [sys.executable, "-c", SUPERVISED, f"{{{slow_meter(20)}}}"], cwd=tmp_path, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "the program is done\n"
    time.sleep(0.5)
    began = time.monotonic()
    process.terminate()
    _, err = process.communicate(timeout=30)
    assert time.monotonic() - began < 12, err  # the meter needs 20 s
    assert process.returncode == 0, err
    assert open_archive([tmp_path / "footprint-runs"]).report("last").measurement.status == "completed"


SUPERVISED = """
import sys, time
from footprint.tracking import make_run_settings
from footprint.tracking.run.supervised_program import Supervised
given = eval(sys.argv[1])
program = [sys.executable, "-c", "print('the program is done', flush=True)"]
sys.exit(Supervised(make_run_settings(**given), program).execute())
"""


def test_a_run_of_no_time_has_the_power_of_its_meter(quick: Quick) -> None:
    for _ in range(10):
        with quick(meter="constant:100W", pue=1.0) as run:
            time.sleep(0)
        measured = run.measurement
        assert measured is not None
        assert measured.it_power_w is not None
        # a millisecond to the microsecond
        assert measured.it_power_w.mid == pytest.approx(100.0, rel=0.02)
