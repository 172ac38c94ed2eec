"""Segments that a kill left without a report, finished later from their journals, each once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from footprint.errors import FootprintError
from footprint.records import record
from footprint.results.rows import append_rows, csv_text
from footprint.tracking.process.ending import described
from footprint.tracking.report.archive import Archive
from footprint.tracking.report.csv_rows import in_columns, report_rows
from footprint.tracking.report.report_claim import Claim, Claims
from footprint.tracking.report.run_report import RunReport, csvs_of
from footprint.tracking.totals.process_totals import KILLED, RUNNING
from footprint.tracking.totals.segments import segments_of

AT_ONCE = 200
"""Segments whose rows are written together: a report CSV is read once for so many."""


@record
class Recovered:
    """One segment that ended without its report, or what is left of one, and what is known of it now."""

    run_id: str
    status: str
    report: RunReport
    csvs: tuple[Path, ...]
    unseen_s: float
    """The longest that any of its processes can have gone on after its last line."""
    damaged: int


def recover(archive: Archive, csv: Path | None = None, columns: str | None = None) -> list[Recovered]:
    """Finish every segment that nobody reported: its rows go to ``csv``, else where its run was told.

    ``columns`` (full or short) replaces what the run was given.

    Segments that still run are left alone, and so are those that somebody else finishes at this moment; one
    that was recovered is not recovered again.

    Raises:
        FootprintError: a report CSV that cannot take the rows (the segments stay unreported).
    """
    done: list[Recovered] = []
    claims = Claims()
    unfinished = _unfinished(archive, claims, csv)
    while True:
        group = _some(archive, unfinished, csv)
        if not group:
            return done
        _write([(right, in_columns(rows, columns), item.csvs) for item, right, rows in group])
        done += [item for item, *_ in group]


def _unfinished(archive: Archive, claims: Claims, csv: Path | None) -> Iterator[tuple[str, Claim, bool]]:
    """What nobody reported of segments that ended, claimed; whether each segment is the first of its run."""
    for run_id, processes in archive.runs.items():
        for index, segment in enumerate(segments_of(processes)):
            over = all(process.status != RUNNING for process in segment.processes)
            csvs = csvs_of(segment.processes) if csv is None else [csv]
            while over and (right := claims.claim(segment, csvs)) is not None:
                yield run_id, right, index == 0


def _some(
    archive: Archive, unfinished: Iterator[tuple[str, Claim, bool]], csv: Path | None
) -> list[tuple[Recovered, Claim, list[dict[str, Any]]]]:
    """The next parts of segments that are ours to finish, with their rows."""
    group = []
    for run_id, right, first in unfinished:
        report = archive.try_report(run_id, list(right.processes), right.others)
        if report is None:
            right.give_up()
            continue
        item = _recovered(run_id, right, report, csv)
        group.append((item, right, _rows(archive, report, right, first=first)))
        if len(group) >= AT_ONCE:
            break
    return group


def _rows(archive: Archive, report: RunReport, right: Claim, *, first: bool) -> list[dict[str, Any]]:
    """The rows of a report; without the estimate's where its record in the journal makes none."""
    try:
        rows = report_rows(report, first_segment=first and right.first, started_at=right.started_at)
        csv_text(rows)
    except Exception as error:  # noqa: BLE001 - the record is whatever the journal holds
        archive.problems.append(f"{report.totals.run_id}: the estimate has no row: {described(error)}")
        return report_rows(report, first_segment=False, started_at=right.started_at)
    return rows


def _recovered(run_id: str, right: Claim, report: RunReport, csv: Path | None) -> Recovered:
    killed = [process for process in right.processes if process.status == KILLED]
    return Recovered(
        run_id=run_id,
        status=report.measurement.status,
        report=report,
        csvs=(csv,) if csv is not None else tuple(report.csvs),
        unseen_s=max((process.lost_s for process in killed), default=0.0),
        damaged=sum(process.journal.damaged for process in right.processes),
    )


def _write(group: list[tuple[Claim, list[dict[str, Any]], tuple[Path, ...]]]) -> None:
    by_csv: dict[Path, list[dict[str, Any]]] = defaultdict(list)
    for _, rows, csvs in group:
        for target in csvs:
            by_csv[target] += rows
    failed: dict[Path, FootprintError] = {}
    for target, rows in by_csv.items():
        try:
            append_rows(target, rows, once=True)
        except FootprintError as error:
            failed[target] = error
    for right, _, csvs in group:
        if failed.keys() & set(csvs):
            right.give_up()
        else:
            right.settle(csvs)
    if failed:
        raise next(iter(failed.values()))
