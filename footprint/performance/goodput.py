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
    scale = tier(cluster, hours_without_loss)
    number = assumed(f"goodput_fitted.{scale}")
    share = Quantity.between(number.low, number.value, number.high, "goodput")
    return share, Assumption(
        name=f"goodput.{scale}", value=number.value, unit=number.unit, basis=number.basis,
        source=number.source, option="--goodput",
    )  # fmt: skip


def tier(cluster: Cluster, hours_without_loss: float) -> str:
    """Which of the three scales a run is of: small, middle or large."""
    if cluster.nodes <= 1 or hours_without_loss < HOURS_PER_DAY:
        return "small"
    return "middle" if cluster.count <= MIDDLE_SCALE else "large"
