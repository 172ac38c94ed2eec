"""Limits on an estimate, for the option ``--fail-over``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from footprint.errors import FootprintError, LimitExceededError
from footprint.parsing import Limit
from footprint.results import Quantity
from footprint.results.decisions.inference import Inference
from footprint.results.estimate import Estimate
from footprint.results.human import amount
from footprint.results.misfit import misfits_in

if TYPE_CHECKING:
    from footprint.decisions.ranking import Ranking
    from footprint.decisions.scenario_table import ScenarioTable
    from footprint.decisions.streams import Part
    from footprint.decisions.when.record import Timing
    from footprint.projects.record import Project
    from footprint.reports.exports.shared.filed import Filed
    from footprint.reports.exports.shared.reader import Bounds

_UNITS = {"energy_kwh": "kwh", "co2e_kg": "kg", "cost_usd": "usd", "duration_h": "h"}
_WORDS = {
    "energy_kwh": "facility energy",
    "co2e_kg": "operational CO2e",
    "cost_usd": "cost",
    "duration_h": "duration",
}


def require_within(result: Estimate, limits: Sequence[Limit], bound: str) -> None:
    """Return if the estimate's ``bound`` (low, mid or high) is at most each of the limits.

    Where the run is repeated, the total of all runs is compared.

    Raises
    ------
    LimitExceededError
        If a limit is exceeded (exit code 3); the message names all exceeded limits. A step that clearly
        does not fit is within none.
    FootprintError
        If a limited quantity could not be computed.
    """
    exceeded = []
    if result.misfit is not None:
        exceeded.append(f"--fail-over does not pass for a step that does not fit: {result.misfit}")

    def of_all(name: str) -> Quantity | None:
        repeated = name != "duration_h" and result.repeats.is_several
        found: Quantity | None = getattr(result.total if repeated else result, name)
        return found

    _require(limits, bound, of_all, "this run", exceeded)


def require_served_within(result: Inference, limits: Sequence[Limit], bound: str) -> None:
    """As `require_within`, for all requests of a serving answer, or for 1,000 where no number was given.

    A batch that does not fit is within none.
    """

    def of_requests(name: str) -> Quantity | None:
        whole = result if name == "duration_h" else result.total or result.per_1000_requests
        found: Quantity | None = getattr(whole, name)
        return found

    misfits: list[str] = [*misfits_in(result.warnings)]
    _require(limits, bound, of_requests, "these requests", misfits)


def require_project_within(result: Project, limits: Sequence[Limit], bound: str) -> None:
    """As `require_within`, for the total of a project; a run whose step does not fit is within none."""
    misfits: list[str] = [*misfits_in(result.warnings)]
    _require(limits, bound, lambda name: getattr(result.total, name), "this project", misfits)


def require_filed_within(record: Filed, limits: Sequence[Limit], bound: str) -> None:
    """As `require_within`, for a record that was read from a file, or a measurement."""
    misfits: list[str] = [*misfits_in(record.warnings)]
    _require(limits, bound, lambda name: getattr(record, name), "this record", misfits)


def _require(
    limits: Sequence[Limit],
    bound: str,
    find: Callable[[str], Quantity | Bounds | None],
    whose: str,
    exceeded: list[str],
) -> None:
    """Raise LimitExceededError if something is exceeded, or a quantity is above its limit.

    Raises FootprintError for a limited quantity that is unknown.
    """
    for limit in limits:
        word, unit = _WORDS[limit.quantity], _UNITS[limit.quantity]
        found = find(limit.quantity)
        if found is None:
            raise FootprintError(f"--fail-over {limit.text!r}: the {word} of {whose} is unknown")
        value = getattr(found, bound)
        if value > limit.value:
            exceeded.append(
                f"{word} ({bound}) {amount(value, unit)} is over the limit of {amount(limit.value, unit)}"
            )
    if exceeded:
        raise LimitExceededError("; ".join(exceeded))


def require_each_within(answer: Ranking | Timing, limits: Sequence[Limit]) -> None:
    """Return if the median of every region, or of every schedule, is at most each of the limits.

    Raises LimitExceededError (exit code 3), which names those that are over, and FootprintError for a limit
    on what these rows do not have.
    """
    from footprint.decisions.when.record import TimingRow

    exceeded: list[str] = [*misfits_in(answer.warnings)]
    for limit in limits:
        word, unit = _WORDS[limit.quantity], _UNITS[limit.quantity]
        for row in answer.rows:
            value: Quantity | None = getattr(row, limit.quantity, None)
            name = row.name if isinstance(row, TimingRow) else row.place
            if value is None:
                raise FootprintError(f"--fail-over {limit.text!r}: these rows have no {word}")
            if value.mid > limit.value:
                exceeded.append(
                    f"{name}: {word} {amount(value.mid, unit)} is over {amount(limit.value, unit)}"
                )
    if exceeded:
        raise LimitExceededError("; ".join(exceeded))


class SweepGate:
    """Counts, part by part, the scenarios of a sweep that are over a limit, and those that cannot be."""

    def __init__(self, limits: Sequence[Limit], bound: str) -> None:
        self._limits, self._bound = limits, bound
        self._over = [0] * len(limits)
        self._impossible = self._scenarios = 0

    def add(self, part: Part) -> None:
        """Take the scenarios of a part into account."""
        self._scenarios += len(part)
        self._impossible += int((~part.feasible).sum())
        for number, limit in enumerate(self._limits):
            values = part.numbers[f"{limit.quantity}_{self._bound}"]
            # What is not known is within no limit.
            self._over[number] += int((part.feasible & ~(values <= limit.value)).sum())

    def require(self) -> None:
        """Return if every scenario is feasible and within each limit; else LimitExceededError (code 3)."""
        said = [
            f"{over:,} of {self._scenarios:,} scenarios are over {limit.text!r}, or theirs is unknown"
            for limit, over in zip(self._limits, self._over, strict=True)
            if over
        ]
        if self._impossible:
            said.append(f"{self._impossible:,} cannot be or do not fit")
        if said:
            raise LimitExceededError("; ".join(said))


def require_rows_within(table: ScenarioTable, limits: Sequence[Limit]) -> None:
    """Return if the median of every row is at most each of the limits.

    Raises LimitExceededError (exit code 3), which names the rows that are over a limit or have no number.
    """
    exceeded = []
    for row in table.rows:
        exceeded += [f"row {row.id}: {misfit}" for misfit in misfits_in([row.reason])]
        for limit in limits:
            value: Quantity | None = getattr(row, limit.quantity)
            word, unit = _WORDS[limit.quantity], _UNITS[limit.quantity]
            if value is None:
                exceeded.append(
                    f"row {row.id}: its {word} is unknown" if row.feasible else f"row {row.id} cannot be"
                )
            elif value.mid > limit.value:
                exceeded.append(
                    f"row {row.id}: {word} {amount(value.mid, unit)} is over {amount(limit.value, unit)}"
                )
    if exceeded:
        raise LimitExceededError("; ".join(dict.fromkeys(exceeded)))
