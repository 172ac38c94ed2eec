"""Folders of journals: every run in them, their sum, and what a kill left unfinished.

Journals may lie in several folders (nodes without a shared disk) and may have been copied; the
same process is never read twice, and no interval of a component or board is added twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from footprint.errors import FootprintError, UnknownNameError
from footprint.records import record
from footprint.results import Quantity, total
from footprint.tracking.journal.journal import Journal, journals_in
from footprint.tracking.journal.process_record import KILLED, RUNNING, ProcessRecord
from footprint.tracking.journal.report_claim import is_reported, settle
from footprint.tracking.journal.segments import Segment, segments_of
from footprint.tracking.report.run_report import RunReport, report_on, write_missing_rows
from footprint.tracking.report.run_totals import runs_of

SUMMED = ("it_energy_kwh", "energy_kwh", "co2e_kg", "cost_usd", "accelerator_h")


@dataclass(slots=True)
class Archive:
    """The runs of some folders, oldest first."""

    runs: dict[str, list[ProcessRecord]]
    problems: list[str] = field(default_factory=list)

    def report(self, run_id: str) -> RunReport:
        """The report of one run; its share of anything that other runs used at the same time.

        Raises:
            UnknownNameError: no such run here, with the nearest.
        """
        name = self.resolve(run_id)
        others = [p for other, group in self.runs.items() if other != name for p in group]
        return report_on(name, self.runs[name], others)

    def resolve(self, run_id: str) -> str:
        """The full identifier that a name, or the beginning of one, stands for."""
        if run_id in self.runs:
            return run_id
        if run_id == "last" and self.runs:
            return next(reversed(self.runs))
        matches = [name for name in self.runs if name.startswith(run_id)] if run_id else []
        if len(matches) == 1:
            return matches[0]
        from footprint.catalog.names import nearest

        close = matches[:5] or nearest(run_id, self.runs)
        hint = "footprint runs list shows all; 'last' is the newest"
        raise UnknownNameError("run", run_id[:80], close, hint)

    def reports(self) -> list[RunReport]:
        """The report of every run."""
        return [self.report(name) for name in self.runs]


def open_archive(folders: Sequence[Path]) -> Archive:
    """Every run below some folders.

    Raises:
        FootprintError: a folder that does not exist.
    """
    journals: list[Journal] = []
    problems: list[str] = []
    for folder in folders:
        if not folder.is_dir():
            raise FootprintError(
                f"{folder}: no such folder of journals; runs are recorded in ./footprint-runs "
                "unless journal_dir= or FOOTPRINT_DIR says otherwise"
            )
        found, wrong = journals_in(folder)
        journals += found
        problems += wrong
    runs = runs_of(_once(journals))
    ordered = sorted(runs.items(), key=lambda item: min(p.started_wall_s for p in item[1]))
    return Archive(dict(ordered), problems)


def _once(journals: Iterable[Journal]) -> list[Journal]:
    """Each process once; of two copies of a journal, the longer."""
    kept: dict[tuple[Any, ...], Journal] = {}
    for journal in journals:
        process = journal.process
        key = (
            process.get("boot_id"), process.get("pid"), process.get("process_start"),
            journal.start.get("boot_s"), journal.run_id,
        )  # fmt: skip
        if key not in kept or len(journal.records) > len(kept[key].records):
            kept[key] = journal
    return list(kept.values())


@record
class Total:
    """Several runs together; ``counts`` says how many runs each sum holds."""

    runs: int
    sums: dict[str, Quantity]
    counts: dict[str, int]
    duration_h: float
    by_status: dict[str, int]

    def to_json(self) -> dict[str, Any]:
        """The record as JSON values."""
        record: dict[str, Any] = {"schema": "footprint/total/1", "kind": "measurement", "runs": self.runs}
        for name, quantity in self.sums.items():
            record[name] = quantity.to_json() if quantity.spread else {"mid": quantity.mid}
            record[f"{name}_runs"] = self.counts[name]
        return {**record, "duration_h": {"mid": self.duration_h}, "by_status": self.by_status}


def total_of(reports: Sequence[RunReport]) -> Total:
    """The sum of measurements; a run without a quantity is left out of that sum and said so."""
    sums, counts = {}, {}
    for name in SUMMED:
        present = [q for report in reports if (q := getattr(report.measurement, name)) is not None]
        counts[name] = len(present)
        if present:
            sums[name] = total(present)
    statuses: dict[str, int] = {}
    for report in reports:
        statuses[report.measurement.status] = statuses.get(report.measurement.status, 0) + 1
    return Total(
        runs=len(reports),
        sums=sums,
        counts=counts,
        duration_h=sum(report.measurement.duration_h.mid for report in reports),
        by_status=statuses,
    )


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
