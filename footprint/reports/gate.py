"""A limit on an estimate: what ``--fail-over`` asks."""

from __future__ import annotations

from footprint.errors import FootprintError, LimitExceededError
from footprint.parsing import Limit
from footprint.reports.human import amount
from footprint.results import Quantity
from footprint.results.estimate import Estimate

_UNITS = {"energy_kwh": "kwh", "co2e_kg": "kg", "cost_usd": "usd", "duration_h": "h"}
_WORDS = {
    "energy_kwh": "facility energy",
    "co2e_kg": "operational CO2e",
    "cost_usd": "cost",
    "duration_h": "duration",
}


def require_within(result: Estimate, limit: Limit, bound: str) -> None:
    """Return if the estimate's ``bound`` (low, mid or high) is at most the limit.

    All runs together count where repeats were asked for.

    Raises
    ------
    LimitExceededError
        If it is above (exit code 3).
    FootprintError
        If the quantity could not be computed, so that nothing can be promised.
    """
    repeated = limit.quantity != "duration_h" and (result.repeats.runs > 1 or result.repeats.failed_share > 0)
    quantity: Quantity | None = getattr(result.total if repeated else result, limit.quantity)
    word = _WORDS[limit.quantity]
    if quantity is None:
        raise FootprintError(f"--fail-over {limit.text!r}: the {word} of this run is unknown")
    value = getattr(quantity, bound)
    if value > limit.value:
        unit = _UNITS[limit.quantity]
        raise LimitExceededError(
            f"{word} ({bound}) {amount(value, unit)} is over the limit of {amount(limit.value, unit)}"
        )
