"""Kills and crashes programs under track() and checks what their journals still contain.

    python -m benchmarks.faults                    # some ten minutes: 200 of each signal
    python -m benchmarks.faults --tries 20
    python -m benchmarks.faults --write            # the table of docs/live-faults.md

Every program is a separate training loop under ``footprint.track()`` with a meter of constant power
(360 W, so that the energy is known), flushed every half second. Signals come at random moments, from the
start of the interpreter to after the end of the run. The exit code is 1 if a promise is broken: a loop
that had begun has a journal; the status is right; after recovery (run twice) the report has one row; and
at most one flush interval plus the delay of a waiting thread is lost.
"""

from __future__ import annotations

import argparse
import signal
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tests.tracking.fault_harness import (
    ENDS,
    WATTS,
    Hit,
    broken_promises,
    planned_hits,
    random_hits,
    slow_meter,
)

PAGE = Path(__file__).resolve().parents[1] / "docs" / "live-faults.md"
BEGIN, END = "<!-- begin: measured -->", "<!-- end -->"
FLUSH_S, LATE_S = 0.5, 0.5
SLOW_S = 2.0
KILL = "os.kill(os.getpid(), signal.SIGKILL)"
PLANNED = {
    "`sys.exit(5)`": "sys.exit(5)",
    "an exception": "raise ValueError('mine')",
    "`os._exit(4)`": "os._exit(4)",
    "`os.abort()`": "os.abort()",
    "a segmentation fault": "import ctypes; ctypes.string_at(0)",
    "SIGHUP": "os.kill(os.getpid(), signal.SIGHUP); time.sleep(9)",
    "SIGTERM inside a step": (
        "with run._counts._phase_lock, run._counts._sum_lock:\n"
        "    os.kill(os.getpid(), signal.SIGTERM); time.sleep(9)"
    ),
    "a forked child trains on, then SIGKILL": (
        "pid = os.fork()\n"
        "if pid == 0:\n"
        "    for _ in range(5000): run.step(tokens=10**6)\n"
        "    os._exit(0)\n"
        f"os.waitpid(pid, 0); {KILL}"
    ),
    "journal folder deleted, SIGKILL a second later": (
        f"import shutil; shutil.rmtree('footprint-runs'); time.sleep(1.1); {KILL}"
    ),
    "stopped (SIGSTOP) for a second, then SIGKILL": (
        "import subprocess\n"
        "subprocess.Popen(['sh', '-c', f'sleep 1; kill -CONT {os.getpid()}'])\n"
        f"os.kill(os.getpid(), signal.SIGSTOP); time.sleep(0.8); {KILL}"
    ),
    "SIGKILL while the report is being written": (
        "import footprint.tracking.run.end_report as end_report; "
        f"end_report.write_rows = lambda *a, **k: {KILL}"
    ),
}  # fmt: skip


def all_hits(tries: int, folder: Path) -> Iterator[tuple[str, list[Hit], list[str]]]:
    """Each fault with the results of its tries and the broken promises."""
    for number in ENDS:
        hits = random_hits(folder, number, tries, flush_s=FLUSH_S)
        yield f"{number.name} at a random moment", hits, broken_promises(number, hits, FLUSH_S + LATE_S)
    for number in (signal.SIGTERM, signal.SIGINT):
        name = f"{number.name} at a random moment, the meter {SLOW_S:g} s late"
        hits = random_hits(folder, number, tries // 2, flush_s=FLUSH_S, arguments=slow_meter(SLOW_S))
        yield name, hits, broken_promises(number, hits, FLUSH_S + LATE_S)
    for name, then in PLANNED.items():
        hits = planned_hits(folder, then, max(3, tries // 10), flush_s=FLUSH_S)
        yield name, hits, [f"{name}: {text}" for text in _broken(hits)]


def _broken(hits: list[Hit]) -> Iterator[str]:
    for hit in hits:
        if not hit.journaled or hit.measurement_rows != 1 or hit.unseen_s > FLUSH_S + LATE_S:
            found = f"journal {hit.journaled}, {hit.measurement_rows} rows, {hit.unseen_s:.2f} s lost"
            yield f"{found}: {hit.err[-300:]}"


def row(name: str, hits: list[Hit]) -> tuple[str, ...]:
    """One line of the table."""
    runs = [hit for hit in hits if hit.began or hit.journaled]
    journaled = sum(hit.journaled for hit in runs)
    whole = sum(hit.measurement_rows == 1 for hit in runs)
    cut = [hit for hit in runs if hit.status in ("killed", "running")]
    lost = "none" if not cut else _lost(cut)
    statuses = ", ".join(
        f"{count} {status}" for status, count in Counter(h.status for h in runs).most_common()
    )
    return name, str(len(hits)), f"{journaled} of {len(runs)}", f"{whole} of {len(runs)}", lost, statuses


def _lost(cut: list[Hit]) -> str:
    interval_wh = WATTS * FLUSH_S / 3600
    shares = [hit.lost_wh / interval_wh for hit in cut]
    return f"{statistics.median(shares):.2f}, {max(shares):.2f}"


HEADING = (
    "fault", "tries", "runs begun that have a journal", "one row after recovery",
    "energy lost, in flush intervals (median, most)", "status",
)  # fmt: skip


def main(arguments: list[str] | None = None) -> int:
    """Print the table, or write it into the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tries", type=int, default=200, help="programs for each of the three signals")
    parser.add_argument("--write", action="store_true", help="write the table of docs/live-faults.md")
    options = parser.parse_args(arguments)
    began = time.monotonic()
    lines = ["| " + " | ".join(HEADING) + " |", "|" + "---|" * len(HEADING)]
    broken: list[str] = []
    with tempfile.TemporaryDirectory() as name:
        for fault, hits, wrong in all_hits(options.tries, Path(name)):
            lines.append("| " + " | ".join(row(fault, hits)) + " |")
            broken += wrong
            print(lines[-1], flush=True)
    for text in broken:
        print(f"BROKEN: {text}", file=sys.stderr)
    print(f"{time.monotonic() - began:.0f} s, {len(broken)} promises broken")
    if options.write:
        head, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
        tail = rest.partition(END)[2]
        PAGE.write_text(f"{head}{BEGIN}\n" + "\n".join(lines) + f"\n{END}{tail}", encoding="utf-8")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
