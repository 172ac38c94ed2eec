"""What a budget has lost already: earlier segments of a run, or the other runs of a folder."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from footprint.errors import FootprintError
from footprint.tracking.process.identity import Identity
from footprint.tracking.totals.process_totals import ProcessTotals

QUANTITIES = ("energy_kwh", "co2e_kg", "cost_usd", "duration_h")


def spent_before(folder: Path, run_id: str, who: Identity, *, whole_folder: bool) -> dict[str, float]:
    """Used so far besides this segment, by quantity (medians of measurements)."""
    from footprint.tracking.report.archive import open_archive
    from footprint.tracking.report.run_report import report_on

    used = dict.fromkeys(QUANTITIES, 0.0)
    try:
        archive = open_archive([folder])
    except FootprintError:
        return used
    for other_id, processes in archive.runs.items():
        others = _earlier(processes, who) if other_id == run_id else processes
        if not others or (other_id != run_id and not whole_folder):
            continue
        report = archive.attempt(others, partial(report_on, other_id, others))
        if report is None:
            continue
        measured = report.measurement
        for name in QUANTITIES:
            quantity = getattr(measured, name)
            if quantity is not None:
                used[name] += quantity.mid
    return used


def _earlier(processes: list[ProcessTotals], who: Identity) -> list[ProcessTotals]:
    """The processes of other segments; those of this one (ranks, the supervisor, the program) use it now."""
    from footprint.tracking.totals.segments import segments_of

    earlier = []
    for segment in segments_of(processes):
        if not any((p.boot_id, p.launch) == (who.boot_id, who.launch) for p in segment.processes):
            earlier += segment.processes
    return earlier
