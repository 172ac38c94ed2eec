"""Journals as a large and shared place: what many ranks, long runs and thousands of runs cost whoever reads.

    python -m benchmarks.journals                  # some minutes
    python -m benchmarks.journals --quick
    python -m benchmarks.journals --write          # the table of docs/live-faults.md

Journals are written here line by line as a run of so many hours leaves them; of many ranks those are hard
links to one file. Processor time and memory are of a process of their own. Exit code 1 above a limit.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from footprint.tracking.journal.codec import encode
from footprint.tracking.journal.lines import SCHEMA
from footprint.tracking.process.clock import boot_clock_s
from footprint.tracking.process.identity import identify

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "live-faults.md"
BEGIN, END = "<!-- begin: journals -->", "<!-- end: journals -->"
FLUSH_S = 5.0
DAY_S, WEEK_S = 86_400.0, 604_800.0
WALL = "2026-03-01T10:00:00.000+00:00"

AT_THE_END = """
import json, resource, sys, time
import footprint
options = {"meter": "constant:360W", "flush_s": 5.0, "quiet": True, "run_id": sys.argv[1], "csv": "runs.csv"}
with footprint.track(**{**options, "run_id": "first", "csv": "first.csv", "journal_dir": "alone"}) as run:
    run.step()
def memory():
    return int(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1]) * 1024
open("/proc/self/clear_refs", "w").write("5")
before, made = memory(), []
with footprint.track(**options) as run:
    time.sleep(0.5)
    run.step()
    took, cpu = time.perf_counter(), time.process_time()
print(json.dumps({"s": time.perf_counter() - took, "cpu_s": time.process_time() - cpu,
                  "byte": memory() - before, "rows": open("runs.csv").read().count("measurement")}))
"""
TOGETHER = """
import os, sys, time
import footprint
with footprint.track(meter="constant:360W", flush_s=5.0, quiet=True, run_id="big", csv="runs.csv") as run:
    run.step()
    time.sleep(12)  # as any run after a day, it has written two lines
    open(f"ready-{os.getpid()}", "w").close()
    while not os.path.exists("go"):
        time.sleep(0.05)
    before = time.process_time()
open(f"spent-{os.getpid()}", "w").write(str(time.process_time() - before))
"""
LISTING = """
import contextlib, io, json, resource, sys, time
from footprint.cli import main
cpu = time.process_time()
with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.suppress(SystemExit):
    sys.argv[0] = "footprint"
    main()
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
print(json.dumps({"cpu_s": time.process_time() - cpu, "byte": peak, "lines": out.getvalue().count("\\n")}))
"""
ROWS = """
import json, sys, time
from pathlib import Path
from footprint.results.row_reader import read_rows
cpu = time.process_time(); rows, _ = read_rows(Path(sys.argv[1]), kind=None); ours = time.process_time() - cpu
count = len(rows); del rows
import pandas
cpu = time.process_time(); pandas.read_csv(sys.argv[1]); theirs = time.process_time() - cpu
print(json.dumps({"ours_s": ours, "pandas_s": theirs, "rows": count}))
"""


def python(code: str, *arguments: str, folder: Path) -> dict[str, Any]:
    """What a fresh interpreter prints in last place."""
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(done.stderr[-3000:])
    return dict(json.loads(done.stdout.splitlines()[-1]))


def lines(
    run_id: str, seconds: float, *, began_s: float, ended: bool = True, flush_s: float = FLUSH_S, **who: Any
) -> Iterator[bytes]:
    """The journal of a run of so long at 360 W."""
    process = {**identify({}).to_json(), "pid": 2**22 + 1, "launch": f"{run_id}.1#1", **who}
    start = {
        "n": 0, "run_id": run_id, "process": process, "started_at": WALL, "boot_s": began_s,
        "flush_s": flush_s, "given": {"hw": "v100:1", "region": "FRA"}, "schema": SCHEMA, "type": "start",
    }  # fmt: skip
    channels = [{"component": "node", "how": "measured", "source": "constant"}]
    yield encode(start)
    meter = encode({"n": 1, "boot_s": began_s, "channels": channels, "devices": [], "type": "meter"})
    yield meter
    marks = [len(encode(start))]
    count = max(1, int(seconds / flush_s))
    for n in range(1, count + 1):
        passed = n * flush_s
        kwh = 360.0 * passed / 3.6e6
        state = {
            "n": n + 1, "boot_s": began_s + passed, "run_s": passed, "suspended_s": 0.0, "steps": 50 * n,
            "tokens": 204_800 * n, "samples": 0, "step_s": 0.1, "kwh": {"node": kwh},
            "unseen_s": {"node": 0.0}, "cpu_s": passed, "waited_s": 0.1, "machine_share": 0.5,
            "phases": {"train": {"s": passed, "kwh": kwh}}, "marks": marks, "type": "state",
        }  # fmt: skip
        yield encode(state)
    if ended:
        yield encode({**state, "n": count + 2, "status": "completed", "type": "end"})


def write(path: Path, content: Iterator[bytes]) -> Path:
    """A journal."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.writelines(content)
    return path


def end_beside(ranks: int, seconds: float, folder: Path) -> dict[str, Any]:
    """The end of one process in a folder with the journals of ``ranks`` others."""
    began_s = max(0.0, boot_clock_s() - seconds + 60.0)  # all are of one launch
    first = write(
        folder / "footprint-runs" / "big" / "n-0-1-1.journal.jsonl",
        lines("big", seconds, began_s=began_s, ended=True),
    )
    for rank in range(1, ranks):
        first.with_name(f"n-{rank}-1-1.journal.jsonl").hardlink_to(first)
    return python(AT_THE_END, "big", folder=folder)


def end_together(ranks: int, seconds: float, folder: Path) -> tuple[float, float, int]:
    """So many live processes that end at one moment, beside as many journals of ``seconds``.

    Returns the wall time from that moment until the last process has left [s], the processor time of all
    [s], and the number of rows.
    """
    began_s = max(0.0, boot_clock_s() - seconds + 60.0)
    first = write(
        folder / "footprint-runs" / "big" / "n-0-1-1.journal.jsonl", lines("big", seconds, began_s=began_s)
    )
    for rank in range(1, ranks):
        first.with_name(f"n-{rank}-1-1.journal.jsonl").hardlink_to(first)
    environment = {
        **os.environ, "PYTHONPATH": str(ROOT), "TORCHELASTIC_RUN_ID": "big", "WORLD_SIZE": str(ranks),
        "LOCAL_WORLD_SIZE": str(ranks),
    }  # fmt: skip
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", TOGETHER], cwd=folder, stderr=subprocess.DEVNULL,
            env={**environment, "RANK": str(rank), "LOCAL_RANK": str(rank)},
        )
        for rank in range(ranks)
    ]  # fmt: skip
    while len(list(folder.glob("ready-*"))) < ranks:
        if any(process.poll() is not None for process in processes):
            raise SystemExit("a process ended before all were ready")
        time.sleep(0.1)
    (folder / "go").touch()
    start = time.monotonic()
    if any(process.wait() for process in processes):
        raise SystemExit("a process failed at its end")
    took_s = time.monotonic() - start
    spent_s = sum(float(path.read_text(encoding="utf-8")) for path in folder.glob("spent-*"))
    return took_s, spent_s, (folder / "runs.csv").read_text(encoding="utf-8").count("measurement")


def list_of(runs: int, folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Two lists of so many runs of ten minutes: the first that anybody asks for, and the next."""
    for n in range(runs):
        write(
            folder / "footprint-runs" / f"run-{n:05}" / "n-0-1-1.journal.jsonl",
            lines(f"run-{n:05}", 600.0, began_s=700.0 * n),
        )
    first = python(LISTING, "runs", "list", folder=folder)
    return first, python(LISTING, "runs", "list", folder=folder)


def recovery_of(runs: int, report: Path, folder: Path) -> tuple[dict[str, Any], int]:
    """The recovery of so many cut-off runs into a copy of a report CSV, and the rows that it adds."""
    for n in range(runs):
        journal = folder / "footprint-runs" / f"cut-{n:05}" / "n-0-1-1.journal.jsonl"
        write(journal, lines(journal.parent.name, 600.0, began_s=700.0 * n, ended=False))
    before = shutil.copy(report, folder / "rows.csv").read_bytes().count(b"\n")
    took = python(LISTING, "recover", "-o", "rows.csv", folder=folder)
    return took, (folder / "rows.csv").read_bytes().count(b"\n") - before


def rows_of(rows: int, folder: Path) -> dict[str, Any]:
    """Reading so many report rows, and pandas beside it."""
    from footprint.results.rows import csv_text, report_row
    from footprint.tracking.report.archive import open_archive

    write(folder / "one" / "r" / "n.journal.jsonl", lines("r", 600.0, began_s=0.0))
    measurement = open_archive([folder / "one"]).report("r").measurement.to_json()
    header, row = csv_text(
        [report_row(measurement, kind="measurement", run_id="RUN", started_at=WALL)]
    ).splitlines()
    path = folder / "rows.csv"
    with path.open("w") as file:
        file.write(header + "\n")
        file.writelines(row.replace(",RUN,", f",run-{n},", 1) + "\n" for n in range(rows))
    return python(ROWS, str(path), folder=folder)


def main(arguments: list[str] | None = None) -> int:
    """Print the table, or write it into the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of everything")
    parser.add_argument("--write", action="store_true", help="write the table of docs/live-faults.md")
    options = parser.parse_args(arguments)
    least = 10 if options.quick else 1
    table = ["| what | processor time | memory | limit |", "|---|---|---|---|"]
    above = 0

    def say(what: str, seconds: float, most_s: float, byte: float | None, most_mb: float, limit: str) -> None:
        nonlocal above
        above += seconds > most_s or (byte is not None and byte > most_mb * 1e6)
        memory = "" if byte is None else f"{byte / 1e6:.0f} MB"
        table.append(f"| {what} | {seconds:.2f} s | {memory} | {limit} |")
        print(table[-1], flush=True)

    with tempfile.TemporaryDirectory() as name:
        for n, (ranks, seconds, words) in enumerate(
            ((1, DAY_S, "a day"), (64, DAY_S, "a day"), (511, WEEK_S, "a week"))
        ):
            place = Path(name) / f"ranks-{n}"
            found = end_beside(ranks, seconds / least, place)
            what = f"the end of a process beside {ranks} journals of {words}"
            say(what, found["cpu_s"], 2.0, found["byte"], 50.0, "2 s, 50 MB")
        ranks = 64 // (2 if options.quick else 1)
        busy = os.getloadavg()[0]
        took_s, spent_s, rows_made = end_together(ranks, DAY_S, Path(name) / "together")
        what = f"the ends of {ranks} live processes after a day, wall time"
        spent = f"{spent_s:.1f} s of processor time; {rows_made} row; {os.cpu_count()} cores, load {busy:.1f}"
        say(f"{what} ({spent})", took_s, 5.0, None, 0, "5 s")
        above += rows_made != 1
        runs = 5000 // least
        first, again = list_of(runs, Path(name) / "runs")
        began = f"`footprint runs list` of {runs:,} runs"
        say(f"{began}, the first time", first["cpu_s"], 1e9, None, 0, "")
        say(began, again["cpu_s"], 2.0, again["byte"], 200.0, "2 s, 200 MB")
        rows = rows_of(100_000 // least, Path(name))
        limit = f"2 x pandas' {rows['pandas_s']:.2f} s"
        say(f"reading {rows['rows']:,} report rows", rows["ours_s"], 2 * rows["pandas_s"], None, 0, limit)
        cut, half_s = 1_000 // least, None
        for count in (cut // 2, cut):
            took, added = recovery_of(count, Path(name) / "rows.csv", Path(name) / f"cut-{count}")
            what = f"`footprint recover` of {count:,} runs into a CSV of {rows['rows']:,} rows"
            most_s, limit = (1e9, "") if half_s is None else (2.2 * half_s, "2.2 x that of half as many")
            say(what, took["cpu_s"], most_s, took["byte"], 400.0, limit)
            half_s = took["cpu_s"]
            above += added != count
    if options.write:
        head, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
        tail = rest.partition(END)[2]
        PAGE.write_text(f"{head}{BEGIN}\n" + "\n".join(table) + f"\n{END}{tail}", encoding="utf-8")
    return 1 if above else 0


if __name__ == "__main__":
    sys.exit(main())
