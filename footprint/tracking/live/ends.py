"""The two ends of a run: the meter that it starts with, and what is said of how it ended."""

from __future__ import annotations

import os
import sys
from typing import Any

from footprint.meters import Meter, meter_from
from footprint.tracking.arguments.settings import Settings


class BudgetReachedError(Exception):
    """Leaves the training loop at a budget's step; the run's ``with`` block takes it."""


def meter_of(settings: Settings, counts_node: bool, local_world_size: int, options: dict[str, Any]) -> Meter:
    """The meter of this process: the asked one on the rank that counts the node.

    Other ranks read only boards that no one else of the node sees: where each rank was given
    its own (``CUDA_VISIBLE_DEVICES`` shorter than the ranks of the node).
    """
    if counts_node:
        return meter_from(settings.meter, options)
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    bound = visible is not None and len(visible.split(",")) < local_world_size
    parent_counts = "FOOTPRINT_PARENT_RUN" in os.environ
    return (
        meter_from(settings.meter, options)
        if bound and not parent_counts and settings.meter == "codecarbon"
        else meter_from("none")
    )


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
