"""Calls of `footprint slurm`, and what its fixture holds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.cli.run import Outcome, footprint

SACCT = Path(__file__).with_name("sacct")
JOBS = str(SACCT / "jobs.psv")
PLACE = ("--pue", "1.2", "--grid-g-per-kwh", "50", "--usd-per-hour", "2")
JOULES = {"slurm-1": 3_467_059_200, "slurm-10+0": 26_820_000, "slurm-10+1": 82_800_000}
# accelerator-hours of each launch: GPUs x ElapsedRaw / 3600
HOURS = {
    "slurm-1": 32 * 79.2, "slurm-3_0": 2.0, "slurm-3_1": 4.0, "slurm-3_2": 0.5, "slurm-4": 2 * 1.5,
    "slurm-7-launch1": 2 * 3.0, "slurm-7-launch2": 2 * 6.0, "slurm-8": 1.0, "slurm-10+0": 4 * 5.0,
    "slurm-10+1": 8 * 5.0,
}  # fmt: skip


def slurm(*args: str) -> Outcome:
    return footprint("slurm", *args)


def records(*args: str) -> list[dict[str, Any]]:
    done = slurm(*args, *PLACE, "--format", "json")
    assert done.code == 0, done.err
    found: list[dict[str, Any]] = json.loads(done.out)
    return found


def of(kind: str, found: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {record["run_id"]: record for record in found if record["kind"] == kind}


def one_job(tmp_path: Path, tres: str, *, nodes: int = 1, energy: str = "", elapsed: int = 36_000) -> str:
    file = tmp_path / "one.txt"
    file.write_text(
        "JobID|State|ElapsedRaw|AllocTRES|ConsumedEnergyRaw|NNodes\n"
        f"500|COMPLETED|{elapsed}|{tres}|{energy}|{nodes}\n"
    )
    return str(file)
