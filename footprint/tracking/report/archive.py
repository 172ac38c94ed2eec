"""Folders of journals: every run in them, and their sum.

Journals may lie in several folders (nodes without a shared disk) and may have been copied; the
same process is never read twice, and no interval of a component or board is added twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from footprint.catalog.version import headed
from footprint.errors import FootprintError, UnknownNameError
from footprint.records import field, record, state
from footprint.results import Quantity, total
from footprint.spelling import in_file
from footprint.tracking.process.ending import described
from footprint.tracking.report.neighbours import Neighbours
from footprint.tracking.report.run_report import RunReport, report_on
from footprint.tracking.totals.process_totals import ProcessTotals, processes_in
from footprint.tracking.totals.run_totals import runs_of

_Made = TypeVar("_Made")
MOST_IDS = 10
SUMMED = ("it_energy_kwh", "energy_kwh", "co2e_kg", "cost_usd", "accelerator_h")


@state
class Archive:
    """The runs of some folders, oldest first."""

    runs: dict[str, list[ProcessTotals]]
    problems: list[str] = field(default_factory=list)
    _neighbours: Neighbours[ProcessTotals] | None = None

    def report(self, run_id: str) -> RunReport:
        """The report of one run; its share of anything that other runs used at the same time.

        Raises:
            UnknownNameError: no such run here, with the nearest.
            FootprintError: its journals say what no report can be made of.
        """
        name = self.resolve(run_id)
        report = self.try_report(name, self.runs[name])
        if report is None:
            raise FootprintError(self.problems[-1])
        return report

    def beside(self, run_id: str, processes: Sequence[ProcessTotals]) -> list[ProcessTotals]:
        """The processes of other runs that were on the same nodes at the same time."""
        self._neighbours = self._neighbours or Neighbours(self.runs)
        return self._neighbours.of(run_id, processes)

    def resolve(self, run_id: str) -> str:
        """The identifier of a run by its identifier or the beginning of one, ``last``, or its name.

        Raises:
            UnknownNameError: no such run here, with the nearest.
            FootprintError: several runs have that name; all are named by their identifiers.
        """
        if run_id in self.runs:
            return run_id
        if run_id == "last" and self.runs:
            return next(reversed(self.runs))
        named = self._named(run_id)
        if len(named) > 1:
            ids = ", ".join(named[:MOST_IDS]) + (", ..." if len(named) > MOST_IDS else "")
            raise FootprintError(f"{len(named)} runs are named {run_id[:80]!r}, give the id of one: {ids}")
        if named:
            return named[0]
        matches = [name for name in self.runs if name.startswith(run_id)] if run_id else []
        if len(matches) == 1:
            return matches[0]
        from footprint.catalog.names import nearest

        close = matches[:5] or nearest(run_id, self.runs)
        hint = "an id or a name of footprint runs list, or 'last'"
        if not self.runs:
            hint = "none is recorded yet: footprint run -- PROGRAM records one"
        raise UnknownNameError("run", run_id[:80], close, hint)

    def _named(self, name: str) -> list[str]:
        """The runs that were given this name, else those whose model and hardware make it."""
        given = [
            run_id
            for run_id, processes in self.runs.items()
            if name and any(process.journal.given.get("name") == name for process in processes)
        ]
        if given or " " not in name:  # such as "gpt2 on a100-sxm4-80gb:8"
            return given
        reports = {run_id: self.try_report(run_id, processes) for run_id, processes in self.runs.items()}
        return [run_id for run_id, report in reports.items() if report and report.measurement.name == name]

    def reports(self) -> list[RunReport]:
        """The report of every run; of one that cannot be made, a line in `problems`."""
        found = (self.try_report(name, processes) for name, processes in self.runs.items())
        return [report for report in found if report is not None]

    def try_report(
        self, run_id: str, processes: list[ProcessTotals], elsewhere: Sequence[ProcessTotals] = ()
    ) -> RunReport | None:
        """The report of some processes of a run; None, with a line in `problems`, where none can be made."""
        return self.attempt(
            processes, lambda: report_on(run_id, processes, self.beside(run_id, processes), elsewhere)
        )

    def attempt(self, processes: Iterable[ProcessTotals], call: Callable[[], _Made]) -> _Made | None:
        """What is made of some processes; None, with a line that names their files, where that fails."""
        try:
            return call()
        except Exception as error:  # noqa: BLE001 - whatever strange values do, the other runs go on
            where = ", ".join(sorted({str(process.journal.path) for process in processes})[:3])
            self.problems.append(f"{where}: no report can be made of it: {in_file(described(error))}")
            return None


def open_archive(folders: Sequence[Path]) -> Archive:
    """Every run below some folders.

    Raises:
        FootprintError: a folder that does not exist.
    """
    found: list[ProcessTotals] = []
    problems: list[str] = []
    for folder in folders:
        check_folder(folder)
        processes, wrong = processes_in(folder)
        found += processes
        problems += wrong
    return archive_of(found, problems)


def archive_of(processes: Iterable[ProcessTotals], problems: Iterable[str] = ()) -> Archive:
    """The archive of some processes."""
    runs = runs_of(_once(processes))
    ordered = sorted(runs.items(), key=lambda item: min(p.started_wall_s for p in item[1]))
    return Archive(dict(ordered), list(problems))


def check_folder(folder: Path) -> None:
    """FootprintError for a folder that does not exist."""
    if not folder.is_dir():
        raise FootprintError(
            f"{folder}: no such folder of journals; runs are recorded in ./footprint-runs "
            "unless journal_dir= or FOOTPRINT_DIR says otherwise"
        )


def _once(processes: Iterable[ProcessTotals]) -> list[ProcessTotals]:
    """Each process once; of two copies of a journal, the one that goes further."""
    kept: dict[tuple[Any, ...], ProcessTotals] = {}
    for process in processes:
        who = process.journal.process
        key = (who.boot_id, who.pid, who.process_start, process.started_s, process.run_id)
        if key not in kept or _how_far(process) > _how_far(kept[key]):
            kept[key] = process
    return list(kept.values())


def _how_far(process: ProcessTotals) -> tuple[float, bool]:
    return process.last_s, process.journal.end is not None


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
        record: dict[str, Any] = {**headed("footprint/total/1"), "kind": "measurement", "runs": self.runs}
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
