"""Journals of schema footprint/journal/1 are read for ever, with the result that was read at first.

The folders of ``journals_v1`` were recorded by the first release's code: runs that completed, were
killed, resumed, stopped by a budget, that had two ranks, phases, no hardware profile, codecarbon. Beside
each stands what that code read from it; neither is written again.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from footprint.tracking.report.archive import open_archive

FOLDER = Path(__file__).with_name("journals_v1")
CASES = sorted(path.name for path in FOLDER.iterdir() if path.is_dir())
NOT_HELD = ("created_at", "footprint_version", "data_version", "assumptions", "warnings")
CHANGED = {"energy_components_kwh.cooling": "PUE - 1 has the interval of the PUE, as an estimate has it"}


def read(case: str) -> dict[str, Any]:
    """Measurement and comparison of the one run of a folder."""
    archive = open_archive([FOLDER / case])
    (run_id,) = archive.runs
    report = archive.report(run_id)
    compared = report.comparison
    found = report.measurement.to_json()
    return {
        **{name: value for name, value in found.items() if name not in NOT_HELD},
        "comparison": None if compared is None else compared.to_json(),
    }


def differences(before: Any, now: Any, name: str = "") -> list[str]:
    """The numbers and texts that are not what they were."""
    if name.startswith(tuple(CHANGED)) and isinstance(before, dict):
        before, now = before.get("mid"), now.get("mid")
    if isinstance(before, dict) and isinstance(now, dict):
        keys = before.keys() | now.keys()
        return [
            d for key in keys for d in differences(before.get(key), now.get(key), f"{name}.{key}".strip("."))
        ]
    if isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        return [
            d
            for i, (a, b) in enumerate(zip(before, now, strict=True))
            for d in differences(a, b, f"{name}[{i}]")
        ]
    if isinstance(before, float) and isinstance(now, int | float):
        same = math.isclose(before, now, rel_tol=1e-9, abs_tol=1e-12)
    else:
        same = before == now
    return [] if same else [f"{name}: {before} -> {now}"]


@pytest.mark.parametrize("case", CASES)
def test_a_journal_of_the_first_release_says_what_it_said(case: str) -> None:
    expected = json.loads((FOLDER / f"{case}.json").read_text("utf-8"))
    assert differences(expected, json.loads(json.dumps(read(case)))) == []


def test_all_kinds_of_runs_are_here() -> None:
    statuses = {json.loads(path.read_text("utf-8"))["status"] for path in FOLDER.glob("*.json")}
    assert {"completed", "killed", "stopped_by_budget"} <= statuses
