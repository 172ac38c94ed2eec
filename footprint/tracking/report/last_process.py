"""Which process of a launch is the last to end, and so reports it."""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from footprint.tracking.journal.files import UnreadableJournalError, journal_files
from footprint.tracking.journal.reader import middle_lines_of
from footprint.tracking.process.liveness import boot_id
from footprint.tracking.totals.process_totals import RUNNING, ProcessTotals, read_process
from footprint.tracking.totals.run_totals import runs_of
from footprint.tracking.totals.segments import Segment, segments_of

STALE_FLUSHES = 10


def segment_to_report(folder: Path, own: ProcessTotals) -> tuple[Segment, bool] | None:
    """This launch's segment, if all its processes that are still alive have ended; if it is the run's first.

    The last process to end writes the rows; a claim keeps it to one. One that joined `footprint run` does so
    only if it outlives a supervisor that ended. ``own`` is this process as it knows itself; of the others
    only the ends of their journals are read. A rank without a journal is not waited for, as it may never
    track: if it begins later, it reports itself.
    """
    others = []
    for other in _others(folder, own):
        if not own.joined and _of_one_launch(own, other) and _still_going(other):
            return None  # so most ranks of a launch read a few journals only
        others.append(other)
    others.sort(key=lambda process: process.journal.path)
    everyone = [process for group in runs_of([own, *others]).values() for process in group]
    segments = segments_of(everyone)
    segment = next(s for s in segments if any(process is own for process in s.processes))
    if own.joined and not any(not p.joined and p.journal.end is not None for p in segment.processes):
        return None  # the supervisor reports, or `footprint recover` if it was killed
    if any(_still_going(process) for process in segment.processes):
        return None
    return segment, segment is segments[0]


def _others(folder: Path, own: ProcessTotals) -> Iterator[ProcessTotals]:
    """The other processes of a run's folder, from the ends of their journals.

    Each process begins elsewhere, so that ranks that end together do not all read the same journals first.
    """
    paths, _ = journal_files(folder)
    start = random.randrange(max(1, len(paths)))  # noqa: S311 - where to begin is no secret
    for path in (*paths[start:], *paths[:start]):
        with contextlib.suppress(UnreadableJournalError):
            process = None if path == own.journal.path else read_process(path, 0)
            if process is not None and process.journal.process != own.journal.process:
                yield process


def _of_one_launch(own: ProcessTotals, other: ProcessTotals) -> bool:
    """Whether another process certainly belongs to the segment of this one; those of a supervisor may not."""
    return not other.joined and (own.run_id, own.boot_id, own.launch) == (
        other.run_id, other.boot_id, other.launch,
    )  # fmt: skip


def read_again(processes: Sequence[ProcessTotals], known: ProcessTotals | None = None) -> list[ProcessTotals]:
    """Some processes with all that their report needs; one that is ``known`` is taken as it is."""
    lines = middle_lines_of(len(processes))
    return [process if process is known else _read_again(process, lines) for process in processes]


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
