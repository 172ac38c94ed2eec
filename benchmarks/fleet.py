"""More runs than one machine holds: `python -m benchmarks.fleet [--rows 50000000] [--here] [--copies N]`.

A folder of Parquet by month is written, and `footprint report` adds it up by project and month, as a command
of its own, on a Dask scheduler of this machine with two worker processes (``--here``: without a scheduler).
Its seconds are printed, and the largest memory of the command and of each worker. The sums are compared with
those of the rows as they were made, in total and by month and project, and those of a sample of one month
with pandas' own. With ``--copies 3`` the last month has copies of runs of the first three months, each of
which counts once.

The numbers of all row groups are alike and their runs differ, so that the files are small and soon written.
They lie in a temporary folder, which is removed: at the end, at Ctrl-C and SIGTERM, and after `kill -9` when
this program is started again.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.report import rows

GROUP_ROWS = 500_000
MONTHS = [f"2026-{month:02d}" for month in range(1, 13)]
VALUES = 1_000
PREFIX = "footprint-fleet-"
MOST_GB = 2.0
"""Of the command and of each worker; the rows as pandas holds them would be more than ten times as much."""


def write(folder: Path, count: int, copies: int) -> pd.DataFrame:
    """A folder of so many rows; the sums of energy and CO2e by month and project, as they were made."""
    import pyarrow as pa
    from pyarrow import compute, parquet

    some = rows(min(GROUP_ROWS, count // len(MONTHS)), 0, 7)
    some = some.assign(**{name: np.resize(some[name].to_numpy()[:VALUES], len(some))
                          for name in some.columns if some[name].dtype == "float64"})  # fmt: skip
    day = some["started_at"].str.slice(7)
    made = []
    for number, month in enumerate(MONTHS):
        place = folder / f"month={month}"
        place.mkdir(parents=True)
        table = pa.Table.from_pandas(some.assign(started_at=month + day), preserve_index=False)
        index = table.column_names.index("run_id")
        with parquet.ParquetWriter(place / "runs.parquet", table.schema, compression="zstd") as file:
            for first in range(0, count // len(MONTHS), GROUP_ROWS):
                size = min(GROUP_ROWS, count // len(MONTHS) - first, len(some))
                numbers = pa.array(np.arange(first, first + size) + number * count).cast(pa.string())
                runs = compute.binary_join_element_wise("20260301", numbers, "-").cast(
                    table.schema[index].type
                )
                part = table.slice(0, size).set_column(index, table.schema[index], runs)
                file.write_table(part, row_group_size=GROUP_ROWS)
                made.append(some.iloc[:size].assign(month=month).groupby(["month", "name"])[
                    ["energy_kwh_mid", "co2e_kg_mid"]].sum())  # fmt: skip
    for month in MONTHS[:copies]:
        copied = parquet.ParquetFile(folder / f"month={month}" / "runs.parquet").read_row_group(0)
        parquet.write_table(
            copied, folder / f"month={MONTHS[-1]}" / f"copy-{month}.parquet", compression="zstd"
        )
    return pd.concat(made).groupby(level=[0, 1]).sum()


@contextmanager
def workers() -> Iterator[tuple[str, list[int]]]:
    """The address of a scheduler with two worker processes on loopback, and these processes."""
    from distributed import Client, LocalCluster

    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, host="127.0.0.1", dashboard_address=None
        ) as cluster,
        Client(cluster) as client,
    ):
        yield cluster.scheduler_address, list(client.run(os.getpid).values())


def most_gb(process: int) -> float:
    """The largest memory of a process that lives [GB]."""
    said = Path(f"/proc/{process}/status").read_text()
    return int(said.partition("VmHWM:")[2].split()[0]) * 1024 / 1e9


def report(folder: Path, *words: str) -> tuple[Any, float, float]:
    """What the command answers, its seconds, and its largest memory [GB]."""
    began = time.perf_counter()
    command = [sys.executable, "-m", "footprint", "report", str(folder), "--by", "month", "--by", "project",
               "--format", "json", *words]  # fmt: skip
    with tempfile.TemporaryFile() as answer:
        running = subprocess.Popen(command, stdout=answer)
        try:
            _, code, used = os.wait4(running.pid, 0)
        except BaseException:
            running.kill()
            running.wait()
            raise
        if code:
            raise SystemExit(f"the report ended with {os.waitstatus_to_exitcode(code)}")
        answer.seek(0)
        found = json.load(answer)
    return found, time.perf_counter() - began, used.ru_maxrss * 1024 / 1e9


def agrees(found: Any, made: pd.DataFrame, runs: int) -> bool:
    """Whether runs and sums are those of the rows as they were made."""
    (total,) = found["totals"]
    apart = [abs(total[name]["mid"] / made[f"{name}_mid"].sum() - 1) for name in ("energy_kwh", "co2e_kg")]
    for one in found["groups"]:
        wanted = made.loc[(one["by"]["month"], one["by"]["project"])]
        apart += [abs(one[name]["mid"] / wanted[f"{name}_mid"] - 1) for name in ("energy_kwh", "co2e_kg")]
    print(f"{total['runs']:,} runs of {runs:,}; {len(found['groups'])} groups of {len(made)}; "
          f"sums differ by at most {max(apart):.1e}")  # fmt: skip
    return total["runs"] == runs and len(found["groups"]) == len(made) and max(apart) < 1e-9


def sample_agrees(folder: Path) -> bool:
    """Whether a row group, as a file of its own, adds up as pandas adds it."""
    from pyarrow import parquet

    some = parquet.ParquetFile(folder / f"month={MONTHS[2]}" / "runs.parquet").read_row_group(0)
    with tempfile.TemporaryDirectory(dir=folder.parent) as name:
        path = Path(name) / "sample.parquet"
        parquet.write_table(some, path)
        (total,) = report(path)[0]["totals"]
    frame = some.to_pandas()
    failed = frame.loc[frame["status"] == "failed", "energy_kwh_mid"].sum()
    pairs = [(total["energy_kwh"][end], frame[f"energy_kwh_{end}"].sum()) for end in ("low", "mid", "high")]
    pairs += [(total["cost_usd"]["mid"], frame["cost_usd_mid"].sum()), (total["failed_energy_kwh"], failed)]
    apart = max(abs(one / other - 1) for one, other in pairs)
    print(f"a sample of {len(frame):,} rows: sums differ from pandas' by at most {apart:.1e}")
    return apart < 1e-9


def main(count: int, *, here: bool, copies: int, folder: Path) -> bool:
    """Whether everything agrees, in bounded memory."""
    began = time.perf_counter()
    count -= count % len(MONTHS)
    made = write(folder, count, copies)
    size = sum(path.stat().st_size for path in folder.rglob("*.parquet"))
    print(
        f"{count:,} rows in {size / 1e9:.2f} GB of Parquet, written in {time.perf_counter() - began:.0f} s",
        flush=True,
    )
    if here:
        found, took_s, client_gb = report(folder)
        memory_gb = [client_gb]
    else:
        with workers() as (address, processes):
            found, took_s, client_gb = report(folder, "--scheduler", address)
            memory_gb = [client_gb, *map(most_gb, processes)]
    read = found["inputs"][0]["rows_count"]
    words = ", ".join(f"{gb:.2f} GB" for gb in memory_gb)
    print(f"{read:,} rows read in {took_s:.0f} s, {read / took_s:,.0f} rows/s; at most {words} "
          f"({'the command' if here else 'the command, then the workers'})", flush=True)  # fmt: skip
    fine = [agrees(found, made, count), sample_agrees(folder), max(memory_gb) < MOST_GB]
    return all(fine)


@contextmanager
def own_folder(parent: Path | None) -> Iterator[Path]:
    """A temporary folder with the number of this process, and none of processes that were killed."""
    place = parent or Path(tempfile.gettempdir())
    for old in place.glob(f"{PREFIX}*-*"):
        number = old.name.removeprefix(PREFIX).partition("-")[0]
        if number.isdigit() and not Path(f"/proc/{number}").exists():
            shutil.rmtree(old, ignore_errors=True)
    with tempfile.TemporaryDirectory(dir=place, prefix=f"{PREFIX}{os.getpid()}-") as name:
        yield Path(name)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rows", type=int, default=50_000_000)
    parser.add_argument("--here", action="store_true", help="without a scheduler")
    parser.add_argument("--copies", type=int, default=0, help="months of which the last one has copies")
    parser.add_argument("--folder", type=Path, help="where the files are written and removed again")
    given = parser.parse_args()
    # As at Ctrl-C, the blocks that are open are left, and so the folder is removed.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with own_folder(given.folder) as folder:
        done = main(given.rows, here=given.here, copies=given.copies, folder=folder / "runs")
    sys.exit(0 if done else 1)
