"""How a run ended, from the exception that left its block."""

from __future__ import annotations

import sys


class BudgetReachedError(Exception):
    """Leaves the training loop at a budget's step; the run's ``with`` block takes it."""


def how_it_ended(error: BaseException | None) -> tuple[str, str]:
    """The status of a run whose block ended with this exception."""
    if error is None:
        return "completed", ""
    if isinstance(error, BudgetReachedError):
        return "stopped_by_budget", str(error)
    if isinstance(error, SystemExit):
        return ("completed", "") if error.code in (None, 0) else ("failed", f"SystemExit({error.code!r})")
    text = f"{type(error).__name__}: {error}"
    cancelled = getattr(sys.modules.get("asyncio"), "CancelledError", KeyboardInterrupt)
    return ("interrupted" if isinstance(error, KeyboardInterrupt | cancelled) else "failed"), text[:300]
