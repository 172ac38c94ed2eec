"""Corrects the predicted memory with measured peaks of the user's own software.

The peaks are combined as step times are (`footprint.performance.anchoring`), by the same correlation; steps
of another micro-batch are less alike besides. A peak whose layout is not given says less, as the layout that
the finder takes for it may hold more or less (``calibration/memory.py`` fits these numbers).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from footprint.arithmetic import Z90
from footprint.catalog.assumptions import assumed_values
from footprint.performance.anchoring import MEMORY, Anchor, Anchored, Job, anchored, nearness
from footprint.performance.peaks import CAUSE
from footprint.results import Quantity

_SPLIT = ("tp", "pp", "cp")
"""Sizes over which one replica is split; what remains of the accelerators are replicas."""


def memory_nearness(*, said: bool, fitted: Mapping[str, float] | None = None) -> dict[str, float]:
    """The numbers of the correlation of two measured peaks; ``said``: the stack is known."""
    own = assumed_values("memory_fitted") if fitted is None else fitted
    width = own["width_said" if said else "width_unsaid"]
    return {**nearness(), "micro_batch_scale": own["micro_batch_scale"], "width": width}


def anchored_memory(
    spread: Quantity, anchors: Sequence[Anchor], job: Job, stack: str | None, fitted: Mapping[str, float]
) -> Anchored:
    """The error of the predicted memory, shifted and narrowed by the peaks among some measurements."""
    return anchored(spread, anchors, job, stack, fitted, MEMORY)


def unsaid_sizes(given: Mapping[str, Any], count: int) -> list[str]:
    """What is not given of a layout, of that on which its memory depends most."""
    split = [] if math.prod(int(given.get(size, 1)) for size in (*_SPLIT, "dp")) == count else [*_SPLIT]
    sharding = ["zero"] if count > 1 else []
    return [size for size in (*split, *sharding, "micro_batch", "recompute") if size not in given]


def noise_of(spread: Quantity, given: Mapping[str, Any], count: int) -> float:
    """Variance that a layout which is not given adds to a peak, over that of the prediction's error [1]."""
    if not unsaid_sizes(given, count):
        return 0.0
    return (assumed_values("memory_fitted")["layout_deviation"] / deviation_of(spread)) ** 2


def deviation_of(spread: Quantity) -> float:
    """Standard deviation of the log error of a predicted memory [1]."""
    low, high = spread.spread[CAUSE]
    return float((high - low) / 2.0 / Z90)
