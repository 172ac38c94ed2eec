"""The report of a run, or of a segment of one: totals, measurement, comparison."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from footprint.records import value
from footprint.results.measurement import Comparison, Measurement
from footprint.tracking.chain.estimator_calls import estimate_of_done
from footprint.tracking.chain.run_chain import is_processor
from footprint.tracking.journal.files import own_user
from footprint.tracking.report.absent_hardware import is_left_out
from footprint.tracking.report.comparison import compare
from footprint.tracking.report.measurement import measure
from footprint.tracking.totals.process_totals import ProcessTotals
from footprint.tracking.totals.run_totals import RunTotals, merge


@value
class RunReport:
    """One run, or one segment of it: totals, measurement, and the comparison with its estimate."""

    totals: RunTotals
    measurement: Measurement
    comparison: Comparison | None

    @property
    def csvs(self) -> list[Path]:
        """The report CSVs that its processes were given; a program that joined may have its own.

        What journals of other users say is not used: where we write is not theirs to say.
        """
        return csvs_of(self.totals.processes)


def csvs_of(processes: Sequence[ProcessTotals]) -> list[Path]:
    """The report CSVs that some processes were given, by the journals of this user."""
    journals = [process.journal for process in processes]
    told = [journal.given.get("csv") for journal in journals if journal.owner in (-1, own_user())]
    return [Path(csv) for csv in dict.fromkeys(told) if csv]


def report_on(
    run_id: str,
    processes: list[ProcessTotals],
    others: Sequence[ProcessTotals] = (),
    elsewhere: Sequence[ProcessTotals] = (),
) -> RunReport:
    """The report of some processes of a run.

    ``others`` belong to runs that may share its nodes; ``elsewhere`` to its launch, with rows of their own.
    """
    totals = merge(run_id, processes, others, elsewhere)
    late = totals.given.get("traced") or any(process.by_hooks for process in processes)
    if totals.estimate is None and late:  # what is trained was found in a step
        totals.estimate = estimate_of_done(totals.given, totals.steps)
    measurement = measure(totals)
    comparison = None
    if totals.estimate and not is_left_out(totals):
        processor = is_processor(totals.given.get("hw"))
        comparison = compare(measurement, totals.estimate, processor=processor)
    return RunReport(totals, measurement, comparison)
