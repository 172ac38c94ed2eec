"""Which process of a launch is the last to end, and so reports it."""

from __future__ import annotations

import time
from pathlib import Path

from footprint.tracking.journal.files import UnreadableJournalError
from footprint.tracking.journal.reader import middle_lines_of
from footprint.tracking.process.liveness import boot_id
from footprint.tracking.report.report_claim import Claim, claim
from footprint.tracking.totals.process_totals import RUNNING, ProcessTotals, processes_in, read_process
from footprint.tracking.totals.run_totals import runs_of
from footprint.tracking.totals.segments import Segment, segments_of

STALE_FLUSHES = 10


def segment_to_report(folder: Path, own: ProcessTotals) -> tuple[Segment, Claim, bool] | None:
    """This launch's segment, if all its processes that are still alive have ended and nobody reported it yet.

    The last process to end writes the rows; a claim keeps it to one. One that joined `footprint run` does so
    only if it outlives a supervisor that ended. Also says whether it is the run's first segment. ``own`` is
    this process as it knows itself; of the others only the ends of their journals are read.
    """
    others = [p for p in processes_in(folder, 0)[0] if p.journal.process != own.journal.process]
    everyone = [process for group in runs_of([own, *others]).values() for process in group]
    segments = segments_of(everyone)
    segment = next(s for s in segments if any(process is own for process in s.processes))
    if own.joined and not any(not p.joined and p.journal.end is not None for p in segment.processes):
        return None  # the supervisor reports, or `footprint recover` if it was killed
    if any(_still_going(process) for process in segment.processes):
        return None
    right = claim(folder, segment)
    return None if right is None else (segment, right, segment is segments[0])


def read_again(segment: Segment, known: ProcessTotals | None = None) -> list[ProcessTotals]:
    """The processes of a segment with all that its report needs; one that is ``known`` is taken as it is."""
    lines = middle_lines_of(len(segment.processes))
    return [process if process is known else _read_again(process, lines) for process in segment.processes]


def _read_again(process: ProcessTotals, lines: int) -> ProcessTotals:
    try:
        return read_process(process.journal.path, lines)
    except UnreadableJournalError:  # not on disk: all that is known is here
        return process


def _still_going(process: ProcessTotals) -> bool:
    if process.status == RUNNING:
        return True
    if process.journal.end is not None or process.boot_id == boot_id():
        return False
    flush_s = process.journal.start.flush_s or 5.0
    try:
        age_s = time.time() - process.journal.path.stat().st_mtime
    except OSError:
        return False
    return age_s < max(60.0, STALE_FLUSHES * flush_s)
