"""Folders of journals: every run in them, their sum.

Journals may lie in several folders (nodes without a shared disk) and may have been copied; the
same process is never read twice, and no interval of a component or board is added twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import field
from pathlib import Path
from typing import Any

from footprint.errors import FootprintError, UnknownNameError
from footprint.records import record, state
from footprint.results import Quantity, total
from footprint.tracking.journal.reader import Journal, journals_in
from footprint.tracking.report.run_report import RunReport, report_on
from footprint.tracking.totals.process_totals import ProcessTotals
from footprint.tracking.totals.run_totals import runs_of

SUMMED = ("it_energy_kwh", "energy_kwh", "co2e_kg", "cost_usd", "accelerator_h")


@state
class Archive:
    """The runs of some folders, oldest first."""

    runs: dict[str, list[ProcessTotals]]
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
        who = journal.process
        key = (who.boot_id, who.pid, who.process_start, journal.start.boot_s, journal.run_id)
        if key not in kept or len(journal.lines) > len(kept[key].lines):
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
