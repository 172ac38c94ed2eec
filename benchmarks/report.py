"""How fast reports are: `python -m benchmarks.report [--rows 1000000]`.

A report CSV of so many rows, full and short, is added up by project and month, beside pandas' own `read_csv`
of the same file in the same run; the limit is twice pandas' processor time. `benchmarks.fleet` is for more
rows than one machine holds.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import footprint
from footprint.results.report_columns import COLUMNS, SCHEMA, SHORT_SCHEMA

LIMIT = 2.0


def rows(count: int, first: int, seed: int, *, short: bool = False) -> pd.DataFrame:
    """Measurements such as the tracker writes, with the columns of the report."""
    rng = np.random.default_rng(seed)
    energy = rng.lognormal(1, 1, count)
    day, month = rng.integers(1, 28, count), rng.integers(1, 13, count)
    stamps = np.array(
        [f"2026-{m:02d}-{d:02d}T10:00:00.000+00:00" for m in range(1, 13) for d in range(1, 28)]
    )
    made: dict[str, Any] = {
        "kind": "measurement", "boundary": "facility",
        "run_id": np.char.add("20260301-", np.arange(first, first + count).astype(str)),
        "started_at": stamps[(month - 1) * 27 + day - 1],
        "name": rng.choice(["speech", "translation", "retrieval"], count),
        "status": rng.choice(["completed", "failed"], count, p=[0.9, 0.1]),
        "model" if short else "model_name": rng.choice(["gpt2", "bert-base"], count),
        "region" if short else "place_key": rng.choice(["FRA", "DEU", "SWE"], count),
        "hardware" if short else "cluster_accelerator": "v100-sxm2-16gb" + (":8" if short else ""),
    }  # fmt: skip
    for name, factor in (("duration_h", 0.1), ("energy_kwh", 1.0), ("co2e_kg", 0.3), ("cost_usd", 2.0)):
        made |= {f"{name}_{end}": energy * factor * part for end, part in
                 (("low", 0.8), ("mid", 1.0), ("high", 1.3))}  # fmt: skip
    return pd.DataFrame(made)


def write_csv(path: Path, count: int, schema: str) -> None:
    """A report CSV of some measurements."""
    frame = rows(count, 0, 1, short=schema == SHORT_SCHEMA)
    frame["schema"] = schema
    from pyarrow import Table, csv

    table = Table.from_pandas(frame.reindex(columns=list(COLUMNS[schema])), preserve_index=False)
    csv.write_csv(table, path, csv.WriteOptions(quoting_style="none", quoting_header="none"))


def least_s(call: Callable[[], object], times: int = 3) -> float:
    """The least processor time of some calls [s], which other programs change less than the clock's."""
    found = []
    for _ in range(times):
        began = time.process_time()
        call()
        found.append(time.process_time() - began)
    return min(found)


def compared(folder: Path, count: int, schema: str) -> bool:
    """Whether a report of a CSV stays within the limit."""
    path = folder / "runs.csv"
    write_csv(path, count, schema)
    pandas_s = least_s(lambda: pd.read_csv(path))
    ours_s = least_s(lambda: footprint.report(path, by=["project", "month"]))
    ratio = ours_s / pandas_s
    size = f"{count:,} rows, {path.stat().st_size / 1e6:,.0f} MB"
    print(f"{schema}, {size}: pandas reads it in {pandas_s:.1f} CPU s, the report takes {ours_s:.1f} CPU s "
          f"({count / ours_s:,.0f} rows/s): x{ratio:.2f} of {LIMIT:g}")  # fmt: skip
    return ratio <= LIMIT


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, help="where the files are written and removed again")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as name:
        fine = [compared(Path(name), given.rows, schema) for schema in (SCHEMA, SHORT_SCHEMA) if given.rows]
        most_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        print(f"largest memory of all this: {most_gb:.1f} GB")
    sys.exit(0 if all(fine) else 1)
