"""What a budget has lost already: earlier segments of a run, or the other runs of a folder."""

from __future__ import annotations

from pathlib import Path

from footprint.errors import FootprintError
from footprint.tracking.recorder import Recorder

QUANTITIES = ("energy_kwh", "co2e_kg", "cost_usd", "duration_h")


def spent_before(folder: Path, recorder: Recorder, *, whole_folder: bool) -> dict[str, float]:
    """Used so far besides this launch, by quantity (medians of measurements)."""
    from footprint.tracking.archive import open_archive
    from footprint.tracking.report import report_on

    used = dict.fromkeys(QUANTITIES, 0.0)
    try:
        archive = open_archive([folder])
    except FootprintError:
        return used
    who = recorder.who
    for run_id, processes in archive.runs.items():
        if run_id != recorder.run_id and not whole_folder:
            continue
        others = [p for p in processes if (p.boot_id, p.launch) != (who.boot_id, who.launch)]
        if run_id == recorder.run_id:
            others = [p for p in others if p.restart != who.restart or p.launcher == "none"]
        if not others:
            continue
        measured = report_on(run_id, others).measurement
        for name in QUANTITIES:
            quantity = getattr(measured, name)
            if quantity is not None:
                used[name] += quantity.mid
    return used
