"""The share of wall-clock time in which a long run makes progress."""

from __future__ import annotations

from footprint.catalog.assumptions import assumed
from footprint.results import Assumption, Quantity
from footprint.schema import Cluster
from footprint.units import HOURS_PER_DAY

MIDDLE_SCALE = 128
"""Accelerators up to which a multi-node run counts as middling (chips)."""


def goodput(*, cluster: Cluster, hours_without_loss: float) -> tuple[Quantity, Assumption]:
    """Share of wall-clock time that makes progress [1], and the assumption it rests on.

    Restarts, lost steps, evaluation and checkpoints grow with chips and duration: one node or
    less than a day loses little, month-long runs on hundreds of chips lose much.
    """
    if cluster.nodes <= 1 or hours_without_loss < HOURS_PER_DAY:
        tier = "small"
    elif cluster.count <= MIDDLE_SCALE:
        tier = "middle"
    else:
        tier = "large"
    number = assumed(f"goodput.{tier}")
    share = Quantity.between(number.low, number.value, number.high, "goodput")
    return share, number.row("--goodput")
