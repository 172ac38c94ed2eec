"""How a run ended, from the exception that left its block."""

from __future__ import annotations

import sys


class BudgetReachedError(Exception):
    """Leaves the training loop at a budget's step; the run's ``with`` block takes it."""


def described(error: BaseException) -> str:
    """An exception as text, even one that has none."""
    try:
        text = str(error)
    except BaseException as failed:  # noqa: BLE001 - the exception is the user's, and so is its text
        text = f"its text raised {type(failed).__name__}"
    return f"{type(error).__name__}: {text}"[:300]


def how_it_ended(error: BaseException | None) -> tuple[str, str]:
    """The status of a run whose block ended with this exception."""
    if error is None:
        return "completed", ""
    if isinstance(error, BudgetReachedError):
        return "stopped_by_budget", described(error)
    if isinstance(error, SystemExit):
        return ("completed", "") if error.code in (None, 0) else ("failed", described(error))
    text = described(error)
    cancelled = getattr(sys.modules.get("asyncio"), "CancelledError", KeyboardInterrupt)
    return ("interrupted" if isinstance(error, KeyboardInterrupt | cancelled) else "failed"), text
