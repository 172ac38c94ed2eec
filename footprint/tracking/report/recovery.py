"""Segments that a kill left without a report, finished later from their journals."""

from __future__ import annotations

from pathlib import Path

from footprint.records import record
from footprint.tracking.report.archive import Archive
from footprint.tracking.report.csv_rows import write_missing_rows
from footprint.tracking.report.report_claim import is_reported, settle
from footprint.tracking.report.run_report import RunReport, report_on
from footprint.tracking.totals.process_totals import KILLED, RUNNING
from footprint.tracking.totals.segments import Segment, segments_of


@record
class Recovered:
    """One segment that ended without its report, and what is known of it now."""

    run_id: str
    status: str
    report: RunReport
    csvs: tuple[Path, ...]
    unseen_s: float
    """The longest that any of its processes can have gone on after its last line."""
    damaged: int


def recover(archive: Archive, csv: Path | None = None) -> list[Recovered]:
    """Finish every segment that nobody reported: its rows go to ``csv``, else where its run was told.

    Segments that still run are left alone; one that was recovered is not recovered again.

    Raises:
        FootprintError: a report CSV that cannot take the rows (the segment stays unreported).
    """
    done = []
    for run_id, processes in archive.runs.items():
        segments = segments_of(processes)
        for index, segment in enumerate(segments):
            if any(process.status == RUNNING for process in segment.processes):
                continue
            folder = segment.processes[0].journal.path.parent
            if is_reported(folder, segment):
                continue
            done.append(_recover(archive, run_id, segment, folder, csv, first=index == 0))
    return done


def _recover(
    archive: Archive, run_id: str, segment: Segment, folder: Path, csv: Path | None, *, first: bool
) -> Recovered:
    others = [p for other, group in archive.runs.items() if other != run_id for p in group]
    report = report_on(run_id, segment.processes, others)
    targets = [csv] if csv is not None else report.csvs
    for target in targets:
        write_missing_rows(report, target, first_segment=first)
    settle(folder, segment)
    killed = [process for process in segment.processes if process.status == KILLED]
    return Recovered(
        run_id=run_id,
        status=report.measurement.status,
        report=report,
        csvs=tuple(targets),
        unseen_s=max((process.lost_s for process in killed), default=0.0),
        damaged=sum(process.journal.damaged for process in segment.processes),
    )
