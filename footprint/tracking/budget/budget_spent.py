"""What a budget has lost already: earlier segments of a run, or the other runs of a folder."""

from __future__ import annotations

from pathlib import Path

from footprint.errors import FootprintError
from footprint.tracking.journal.process_record import ProcessRecord
from footprint.tracking.process.identity import Identity
from footprint.tracking.recorder.recorder import Recorder

QUANTITIES = ("energy_kwh", "co2e_kg", "cost_usd", "duration_h")


def spent_before(folder: Path, recorder: Recorder, *, whole_folder: bool) -> dict[str, float]:
    """Used so far besides this segment, by quantity (medians of measurements)."""
    from footprint.tracking.report.archive import open_archive
    from footprint.tracking.report.run_report import report_on

    used = dict.fromkeys(QUANTITIES, 0.0)
    try:
        archive = open_archive([folder])
    except FootprintError:
        return used
    for run_id, processes in archive.runs.items():
        if run_id == recorder.run_id:
            others = _earlier(processes, recorder.who)
        else:
            others = processes if whole_folder else []
        if not others:
            continue
        measured = report_on(run_id, others).measurement
        for name in QUANTITIES:
            quantity = getattr(measured, name)
            if quantity is not None:
                used[name] += quantity.mid
    return used


def _earlier(processes: list[ProcessRecord], who: Identity) -> list[ProcessRecord]:
    """The processes of other segments; those of this one (ranks, the supervisor, the program) use it now."""
    from footprint.tracking.journal.segments import segments_of

    earlier = []
    for segment in segments_of(processes):
        if not any((p.boot_id, p.launch) == (who.boot_id, who.launch) for p in segment.processes):
            earlier += segment.processes
    return earlier
