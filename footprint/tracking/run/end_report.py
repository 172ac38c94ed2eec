"""The report of a run that is still here: from its own journal, the record of truth, or from memory."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from footprint.errors import FootprintError
from footprint.tracking.journal.files import UnreadableJournalError, journal_files
from footprint.tracking.process.ending import described
from footprint.tracking.recorder.recorder import Recorder
from footprint.tracking.report.calibration import offer
from footprint.tracking.report.csv_rows import write_rows
from footprint.tracking.report.last_process import read_again, segment_to_report
from footprint.tracking.report.report_claim import Claim, Claims
from footprint.tracking.report.run_report import RunReport, report_on
from footprint.tracking.report.summaries import keep_summary
from footprint.tracking.run.spoken_lines import end_lines, own_line
from footprint.tracking.totals.process_totals import (
    RUNNING,
    ProcessTotals,
    process_totals,
    processes_in,
    read_process,
    read_processes,
)

CLOCK_GRACE_S = 3600.0


def whole_report(recorder: Recorder) -> RunReport | None:
    """The report over every journal of the run's folder; one made of memory where there is no folder."""
    processes = [process_totals(recorder.journal.from_memory())]
    folder = recorder.journal.folder
    if folder is not None:
        mine = [process for process in processes_in(folder)[0] if process.run_id == recorder.run_id]
        processes = mine or processes
    return _report(recorder, processes, _neighbours(recorder))


def end_report(recorder: Recorder) -> tuple[str, RunReport | None]:
    """Write the report rows if this is the launch's last process; the text to print, and what was reported.

    The report is None where this process knows a part alone, or keeps no journals.
    """
    own, folder = process_totals(recorder.journal.from_memory()), recorder.journal.folder
    if folder is None:
        report = report_on(recorder.run_id, [own])
        written = _rows(recorder, report, _csvs(recorder, report), first_segment=True)
        return end_lines(recorder, report, written=written), None
    last = segment_to_report(folder, own)
    claims, said = Claims(), None
    while last is not None and (right := claims.claim(last[0], folder=folder)) is not None:
        # first what a killed process had claimed of this launch, then the rest of it, with this process
        said = _reported(recorder, right, own, first_segment=last[1])
    if said is None:
        return own_line(recorder) if recorder.who.rank == 0 else "", None
    report, written = said
    if recorder.who.rank != 0 and report.totals.missing:
        return "", None  # a node without a common disk: what it knows is a part
    return end_lines(recorder, report, written=written), report


def _reported(
    recorder: Recorder, right: Claim, own: ProcessTotals, *, first_segment: bool
) -> tuple[RunReport, list[Path]]:
    """The report of the processes of a claim, and where its rows are."""
    # a line that the disk did not take is still known here
    processes = read_again(right.processes, own if recorder.journal.is_cut else None)
    beside = _neighbours(recorder)
    report = _report(recorder, processes, beside, right.others)
    csvs = _csvs(recorder, report)
    written = _rows(recorder, report, csvs, right, first_segment=first_segment)
    if len(written) == len(csvs):
        right.settle(written)  # else `footprint recover --csv` may write them elsewhere
    if not beside and not recorder.journal.is_cut:
        keep_summary(report.measurement, processes)
    return report, written


def end_offer(recorder: Recorder, report: RunReport | None) -> str:
    """How to use what was measured; "" where there is nothing, and whatever goes wrong here."""
    folder = recorder.journal.folder
    try:
        return "" if report is None or folder is None else offer(report, folder)
    except Exception:  # noqa: BLE001 - the run and its report are done
        return ""


def _report(
    recorder: Recorder,
    processes: list[ProcessTotals],
    beside: list[ProcessTotals],
    elsewhere: Sequence[ProcessTotals] = (),
) -> RunReport:
    """The report; without the other runs, where what their journals say allows none."""
    try:
        return report_on(recorder.run_id, processes, beside, elsewhere)
    except Exception as error:
        if not beside:
            raise
        recorder.problems.add(f"report: the runs beside it are left out: {described(error)}")
        return report_on(recorder.run_id, processes, elsewhere=elsewhere)


def _neighbours(recorder: Recorder) -> list[ProcessTotals]:
    """Processes of other runs of the same folder that were on this node at the same time."""
    if recorder.journal.folder is None:
        return []
    paths = []
    started_s, started_wall_s = recorder.journal.start.boot_s, time.time() - recorder.clock.run_s()
    for path in _written_since(recorder.journal.folder, started_wall_s - CLOCK_GRACE_S):
        with contextlib.suppress(UnreadableJournalError):
            ends = read_process(path, 0)
            if ends.boot_id == recorder.who.boot_id and (ends.last_s > started_s or ends.status == RUNNING):
                paths.append(path)
    now_s = recorder.clock.boot_s()
    return [_until(process, now_s) for process in read_processes(paths, [])]


def _written_since(folder: Path, since_s: float) -> Iterator[Path]:
    """Journals of other runs that were written to since a moment; older ones cannot overlap."""
    for other in folder.parent.iterdir():
        with contextlib.suppress(OSError):
            if other != folder and other.is_dir() and not other.is_symlink():
                # an hour of grace for a clock that was set back
                yield from (path for path in journal_files(other)[0] if path.lstat().st_mtime >= since_s)


def _until(process: ProcessTotals, now_s: float) -> ProcessTotals:
    """A process that lives goes on after its last line, as it did before."""
    ahead_s = now_s - process.last_s
    if process.status == RUNNING and ahead_s > 0:
        for series in (process.cpu_s, *process.device_kwh.values()):
            if len(series) > 1:
                (begin_s, first), (end_s, last) = series[0], series[-1]
                rate = (last - first) / (end_s - begin_s) if end_s > begin_s else 0.0
                series.append((now_s, last + rate * ahead_s))
    return process


def _rows(
    recorder: Recorder,
    report: RunReport,
    csvs: list[Path],
    right: Claim | None = None,
    *,
    first_segment: bool,
) -> list[Path]:
    """Write the report rows to each CSV that was asked for; those that have them."""
    written, started_at = [], ""
    if right is not None:
        started_at, first_segment = right.started_at, first_segment and right.first
    for csv in csvs:
        try:
            write_rows(report, csv, first_segment=first_segment, started_at=started_at)
        except FootprintError as error:
            recorder.problems.add(f"report: {error}")
        else:
            written.append(csv)
    return written


def _csvs(recorder: Recorder, report: RunReport) -> list[Path]:
    own = [recorder.settings.csv.absolute()] if recorder.settings.csv is not None else []
    return list(dict.fromkeys([*own, *report.csvs]))
