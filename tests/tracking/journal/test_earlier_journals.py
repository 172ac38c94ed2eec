"""Journals that version 0.1.0 wrote are read for ever, with what that version read from them.

``journals/`` holds its files, one folder a case; ``journals/as_read.json`` the totals and the
measurement that it made of them. Neither is ever written again. The measurements of ``completed``,
``failed`` and ``phases`` hold data of the catalogue, which may change: of these only the rest is held.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from footprint.tracking.report.archive import Archive, open_archive

FOLDER = Path(__file__).parent / "journals"
HELD = json.loads((FOLDER / "as_read.json").read_text(encoding="utf-8"))
TOTALS = (
    "steps", "tokens", "samples", "duration_s", "given", "step_s", "phases", "accelerators_used",
    "accelerators_allocated", "unused_kwh", "nodes", "host_share", "segment_kwh", "lost_s", "status",
    "forecasts",
)  # fmt: skip
NOT_OF_THE_JOURNAL = ("footprint_version", "data_version", "created_at", "assumptions", "warnings")
NOT_OF_DATA = (
    "run_id", "status", "started_at", "duration_h", "step_time_s", "goodput", "segments", "phases", "faults"
)  # fmt: skip


def what_is_read(archive: Archive) -> dict[str, Any]:
    """The numbers of the one run of a folder, as JSON has them."""
    report = archive.report("last")
    totals, measured = report.totals, report.measurement.to_json()
    uses_data = "hw" in totals.given or "cpu" in totals.components
    kept = NOT_OF_DATA if uses_data else measured.keys() - set(NOT_OF_THE_JOURNAL)
    read = {
        "totals": {name: getattr(totals, name) for name in TOTALS},
        "components": {name: asdict(part) for name, part in totals.components.items()},
        "faults": len(totals.faults),
        "missing": totals.missing,
        "estimate": totals.estimate,
        "segments": [
            {
                "started_at": segment.started_at, "duration_s": segment.duration_s, "steps": segment.steps,
                "status": segment.status, "ranks": sorted(process.rank for process in segment.processes),
            }
            for segment in totals.segments
        ],
        "processes": [
            {
                "host": p.host, "rank": p.rank, "status": p.status, "run_s": p.run_s, "last_s": p.last_s,
                "steps": p.steps, "first_step_s": p.first_step_s, "cpu_s": p.cpu_s,
                "busy_share": p.busy_share, "kwh": p.kwh, "device_kwh": p.device_kwh,
                "unseen_s": p.unseen_s, "channels": p.channels,
                "used": sorted(p.used), "joined": p.joined, "damaged": p.journal.damaged,
                "initial_step": p.initial_step, "forecasts": p.forecasts, "fault_count": p.fault_count,
            }
            for p in sorted(totals.processes, key=lambda p: (p.started_s, p.rank))
        ],
        "measurement": {name: measured[name] for name in sorted(kept)},
    }  # fmt: skip
    return json.loads(json.dumps(read))


def alike(one: Any, other: Any, where: str = "") -> list[str]:
    """Where two JSON values differ, numbers by more than rounding."""
    if isinstance(one, dict) and isinstance(other, dict):
        names = sorted({*one, *other})
        return [line for name in names for line in alike(one.get(name), other.get(name), f"{where}.{name}")]
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        return [
            line
            for n, pair in enumerate(zip(one, other, strict=True))
            for line in alike(*pair, f"{where}[{n}]")
        ]
    if isinstance(one, float) and isinstance(other, int | float):
        return [] if other == pytest.approx(one, rel=1e-9) else [f"{where}: {one} was read as {other}"]
    return [] if one == other else [f"{where}: {one!r} was read as {other!r}"]


@pytest.mark.parametrize("case", sorted(HELD))
def test_a_journal_of_0_1_0_says_what_it_said(case: str) -> None:
    assert alike(HELD[case], what_is_read(open_archive([FOLDER / case]))) == []


def test_every_case_is_held() -> None:
    assert sorted(HELD) == sorted(folder.name for folder in FOLDER.iterdir() if folder.is_dir())
