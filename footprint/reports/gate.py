"""Limits on an estimate, for the option ``--fail-over``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from footprint.errors import FootprintError, LimitExceededError
from footprint.parsing import Limit
from footprint.results import Quantity
from footprint.results.estimate import Estimate
from footprint.results.human import amount

if TYPE_CHECKING:
    from footprint.decisions.scenario_table import ScenarioTable

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
        exceeded.append(f"no limit holds for a run that cannot be: {result.misfit}")
    for limit in limits:
        value = getattr(_limited(result, limit), bound)
        if value > limit.value:
            word, unit = _WORDS[limit.quantity], _UNITS[limit.quantity]
            exceeded.append(
                f"{word} ({bound}) {amount(value, unit)} is over the limit of {amount(limit.value, unit)}"
            )
    if exceeded:
        raise LimitExceededError("; ".join(exceeded))


def require_rows_within(table: ScenarioTable, limits: Sequence[Limit]) -> None:
    """Return if the median of every row is at most each of the limits.

    Raises LimitExceededError (exit code 3), which names the rows that are over a limit or have no number.
    """
    exceeded = []
    for row in table.rows:
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


def _limited(result: Estimate, limit: Limit) -> Quantity:
    """The quantity that a limit applies to; FootprintError if it is unknown."""
    repeated = limit.quantity != "duration_h" and (result.repeats.runs > 1 or result.repeats.failed_share > 0)
    quantity: Quantity | None = getattr(result.total if repeated else result, limit.quantity)
    if quantity is None:
        raise FootprintError(
            f"--fail-over {limit.text!r}: the {_WORDS[limit.quantity]} of this run is unknown"
        )
    return quantity
