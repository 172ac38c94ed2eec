"""What is said and written when a run, or a segment of one, is over."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from footprint.results.measurement import Comparison, Measurement
from footprint.results.rows import append_rows, read_rows, report_row
from footprint.tracking.journal.journal import Journal, journals_in
from footprint.tracking.journal.process_record import RUNNING, ProcessRecord
from footprint.tracking.journal.report_claim import claim
from footprint.tracking.journal.segments import Segment, segments_of
from footprint.tracking.report.compared import compare
from footprint.tracking.report.live_chain import is_processor
from footprint.tracking.report.measured import measure
from footprint.tracking.report.run_totals import RunTotals, merge, runs_of

STALE_FLUSHES = 10


@dataclass(frozen=True, slots=True)
class RunReport:
    """One run, or one segment of it: totals, measurement, and the comparison with its estimate."""

    totals: RunTotals
    measurement: Measurement
    comparison: Comparison | None

    @property
    def csvs(self) -> list[Path]:
        """The report CSVs that its processes were given; a program that joined may have its own."""
        told = [process.journal.given.get("csv") for process in self.totals.processes]
        return [Path(csv) for csv in dict.fromkeys(told) if csv]


def report_on(run_id: str, processes: list[ProcessRecord], others: Sequence[ProcessRecord] = ()) -> RunReport:
    """The report of some processes of a run; ``others`` belong to runs that may share its nodes."""
    totals = merge(run_id, processes, others)
    measurement = measure(totals)
    comparison = None
    if totals.estimate:
        processor = is_processor(totals.given.get("hw"))
        comparison = compare(measurement, totals.estimate, processor=processor)
    return RunReport(totals, measurement, comparison)


def report_journals(journals: Sequence[Journal], run_id: str) -> RunReport | None:
    """The report of one run among the journals of a folder, or None if it has none there."""
    runs = runs_of(journals)
    processes = runs.get(run_id)
    if not processes:
        return None
    return report_on(run_id, processes, [p for name, group in runs.items() if name != run_id for p in group])


def last_out(folder: Path, own: Journal | None, launch: str, boot: str) -> tuple[Segment, bool] | None:
    """This launch's segment, if all its processes that are still alive have ended and nobody reported it yet.

    The last process to end writes the rows; a marker file made exclusively keeps it to one. One that joined
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
    if mine.joined and not any(not p.joined and p.journal.ended is not None for p in segment.processes):
        return None  # the supervisor reports, or `footprint recover` if it was killed
    if any(_still_going(process) for process in segment.processes) or not claim(folder, segment):
        return None
    return segment, segment is segments[0]


def _still_going(process: ProcessRecord) -> bool:
    if process.status == RUNNING:
        return True
    if process.journal.ended is not None:
        return False
    flush_s = float(process.journal.start.get("flush_s") or 5.0)
    try:
        age_s = time.time() - process.journal.path.stat().st_mtime
    except OSError:
        return False
    from footprint.tracking.process.identity import boot_id

    return process.boot_id != boot_id() and age_s < max(60.0, STALE_FLUSHES * flush_s)


def write_rows(report: RunReport, csv: Path, *, first_segment: bool) -> None:
    """Add the estimate's row (once a run) and the measurement's row (once a segment) to a report CSV.

    Raises:
        FootprintError: the file cannot take them.
    """
    append_rows(csv, _rows(report, first_segment=first_segment))


def write_missing_rows(report: RunReport, csv: Path, *, first_segment: bool) -> None:
    """As `write_rows`, leaving out what a process that was killed meanwhile has written already.

    Raises:
        FootprintError: the file cannot be read or cannot take them.
    """
    there: set[tuple[str, ...]] = set()
    if csv.exists():
        there = {_key(row) for row in read_rows(csv, kind=None)[0]}
    append_rows(csv, [row for row in _rows(report, first_segment=first_segment) if _key(row) not in there])


def _rows(report: RunReport, *, first_segment: bool) -> list[dict[str, Any]]:
    measurement = report.measurement
    rows: list[dict[str, Any]] = []
    common = {"run_id": measurement.run_id, "started_at": measurement.started_at}
    if report.totals.estimate and first_segment:
        rows.append(report_row(report.totals.estimate, kind="estimate", **common))
    rows.append(report_row(measurement.to_json(), kind="measurement", **common))
    return rows


def _key(row: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(str(row[name]) for name in ("kind", "run_id", "started_at"))
