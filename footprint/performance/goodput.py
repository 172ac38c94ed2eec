"""The share of wall-clock time in which a long run makes progress."""

from __future__ import annotations

from math import exp, log

from footprint.catalog.assumptions import assumed
from footprint.results import Assumption, Quantity
from footprint.schema import Cluster
from footprint.units import HOURS_PER_DAY

MIDDLE_SCALE = 128
"""Accelerators up to which a multi-node run counts as middling (chips)."""
BLEND = 4.0
"""From a quarter of a limit to four times it, one scale passes into the next: no run falls off a step."""


def goodput(*, cluster: Cluster, hours_without_loss: float) -> tuple[Quantity, Assumption]:
    """Share of wall-clock time that makes progress [1], and the assumption it rests on.

    Restarts, lost steps, evaluation and checkpoints grow with chips and duration: one node or
    less than a day loses little, month-long runs on hundreds of chips lose much.
    """
    shares = scales(cluster, hours_without_loss)
    numbers = {scale: assumed(f"goodput_fitted.{scale}") for scale, share in shares.items() if share > 0}
    low, value, high = (
        exp(sum(shares[scale] * log(getattr(number, end)) for scale, number in numbers.items()))
        for end in ("low", "value", "high")
    )
    main = max(numbers, key=lambda scale: shares[scale])
    return Quantity.between(low, value, high, "goodput"), Assumption(
        name=f"goodput.{main}", value=value, unit=numbers[main].unit, basis=numbers[main].basis,
        source=numbers[main].source, option="--goodput",
    )  # fmt: skip


def scales(cluster: Cluster, hours_without_loss: float) -> dict[str, float]:
    """How far a run is of each of the three scales, small, middle and large; together 1."""
    if cluster.nodes <= 1:
        return {"small": 1.0, "middle": 0.0, "large": 0.0}
    long = _above(hours_without_loss, HOURS_PER_DAY)
    wide = _above(cluster.count, MIDDLE_SCALE)
    return {"small": 1.0 - long, "middle": long * (1.0 - wide), "large": long * wide}


def _above(value: float, limit: float) -> float:
    """How far a value lies above a limit, from 0 to 1, evenly in logarithms."""
    return min(1.0, max(0.0, 0.5 + 0.5 * log(max(value, 1e-9) / limit) / log(BLEND)))
