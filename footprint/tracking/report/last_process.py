"""Which process of a launch is the last to end, and so reports it."""

from __future__ import annotations

import time
from pathlib import Path

from footprint.tracking.journal.reader import Journal, journals_in
from footprint.tracking.process.liveness import boot_id
from footprint.tracking.report.report_claim import claim
from footprint.tracking.totals.process_totals import RUNNING, ProcessTotals
from footprint.tracking.totals.run_totals import runs_of
from footprint.tracking.totals.segments import Segment, segments_of

STALE_FLUSHES = 10


def segment_to_report(
    folder: Path, own: Journal | None, launch: str, boot: str
) -> tuple[Segment, bool] | None:
    """This launch's segment, if all its processes that are still alive have ended and nobody reported it yet.

    The last process to end writes the rows; a file made exclusively keeps it to one. One that joined
    `footprint run` does so only if it outlives a supervisor that ended.
    Also says whether it is the run's first segment. ``own`` is this process's journal where its
    last lines did not reach the disk.
    """
    journals, _ = journals_in(folder)
    if own is not None:
        journals = [own, *(journal for journal in journals if journal.process != own.process)]
    everyone = [process for group in runs_of(journals).values() for process in group]
    mine = next((p for p in everyone if (p.boot_id, p.launch) == (boot, launch)), None)
    if mine is None:
        return None
    segments = segments_of(everyone)
    segment = next(s for s in segments if any(process is mine for process in s.processes))
    if mine.joined and not any(not p.joined and p.journal.end is not None for p in segment.processes):
        return None  # the supervisor reports, or `footprint recover` if it was killed
    if any(_still_going(process) for process in segment.processes) or not claim(folder, segment):
        return None
    return segment, segment is segments[0]


def _still_going(process: ProcessTotals) -> bool:
    if process.status == RUNNING:
        return True
    if process.journal.end is not None:
        return False
    flush_s = process.journal.start.flush_s or 5.0
    try:
        age_s = time.time() - process.journal.path.stat().st_mtime
    except OSError:
        return False
    return process.boot_id != boot_id() and age_s < max(60.0, STALE_FLUSHES * flush_s)
