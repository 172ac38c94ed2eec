"""The report of a run that is still here: from its own journal, the record of truth, or from memory."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

from footprint.errors import FootprintError
from footprint.tracking.journal.reader import UnreadableJournalError, journals_in, read_journal
from footprint.tracking.journal.writer import SUFFIX
from footprint.tracking.recorder.recorder import Recorder
from footprint.tracking.report.csv_rows import write_rows
from footprint.tracking.report.last_process import segment_to_report
from footprint.tracking.report.report_claim import settle
from footprint.tracking.report.run_report import RunReport, report_journals, report_on
from footprint.tracking.run.spoken_lines import end_line, own_line
from footprint.tracking.totals.process_totals import ProcessTotals, process_totals

CLOCK_GRACE_S = 3600.0


def whole_report(recorder: Recorder) -> RunReport | None:
    """The report over every journal of the run's folder; one made of memory where there is no folder."""
    if recorder.journal.folder is not None:
        journals, _ = journals_in(recorder.journal.folder)
        report = report_journals(journals, recorder.run_id)
        if report is not None:
            return report
    return report_journals([recorder.journal.from_memory()], recorder.run_id)


def end_report(recorder: Recorder) -> str:
    """Write the report rows if this is the launch's last process; the line to print."""
    if recorder.journal.folder is None:
        report = report_journals([recorder.journal.from_memory()], recorder.run_id)
        if report is None:
            return ""
        return end_line(recorder, report, written=_rows(recorder, report, first_segment=True))
    # a line that the disk did not take is still known here
    own = recorder.journal.from_memory() if recorder.journal.is_cut else None
    last = segment_to_report(recorder.journal.folder, own, recorder.who.launch, recorder.who.boot_id)
    if last is None:
        return own_line(recorder) if recorder.who.rank == 0 else ""
    segment, first_segment = last
    report = report_on(recorder.run_id, segment.processes, _neighbours(recorder))
    written = _rows(recorder, report, first_segment=first_segment)
    if len(written) == len(_csvs(recorder, report)):
        settle(recorder.journal.folder, segment)  # else `footprint recover --csv` may write them elsewhere
    if recorder.who.rank != 0 and report.totals.missing:
        return ""  # a node without a common disk: what it knows is a part
    return end_line(recorder, report, written=written)


def _neighbours(recorder: Recorder) -> list[ProcessTotals]:
    """Processes of other runs of the same folder that were on this node at the same time."""
    if recorder.journal.folder is None:
        return []
    found = []
    started_s, started_wall_s = recorder.journal.start.boot_s, time.time() - recorder.clock.run_s()
    for folder in recorder.journal.folder.parent.iterdir():
        if folder == recorder.journal.folder or not folder.is_dir():
            continue
        for path in folder.glob(f"*{SUFFIX}"):
            # an hour of grace for a clock that was set back; older files cannot overlap
            if path.stat().st_mtime < started_wall_s - CLOCK_GRACE_S:
                continue
            with contextlib.suppress(UnreadableJournalError):
                process = process_totals(read_journal(path))
                if process.boot_id == recorder.who.boot_id and process.last_s > started_s:
                    found.append(process)
    return found


def _rows(recorder: Recorder, report: RunReport, *, first_segment: bool) -> list[Path]:
    """Write the report rows to each CSV that was asked for; those that have them."""
    written = []
    for csv in _csvs(recorder, report):
        try:
            write_rows(report, csv, first_segment=first_segment)
        except FootprintError as error:
            recorder.problems.add(f"report: {error}")
        else:
            written.append(csv)
    return written


def _csvs(recorder: Recorder, report: RunReport) -> list[Path]:
    own = [recorder.settings.csv.absolute()] if recorder.settings.csv is not None else []
    return list(dict.fromkeys([*own, *report.csvs]))
