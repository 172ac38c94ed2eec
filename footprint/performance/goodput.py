"""The share of wall-clock time in which a long run makes progress."""

from __future__ import annotations

from collections.abc import Mapping

from footprint.arithmetic import Number, exp, is_array, log, maximum, minimum, summed, where
from footprint.catalog.assumptions import Assumed, assumed
from footprint.records import record
from footprint.results import Assumption, Quantity
from footprint.schema import Cluster
from footprint.units import HOURS_PER_DAY

CAUSE = "goodput"
SCALES = ("small", "middle", "large")
MIDDLE_SCALE = 128
"""Accelerators up to which a multi-node run counts as middling (chips)."""
BLEND = 4.0
"""One scale passes gradually into the next, from a quarter of the limit to four times the limit."""


@record
class GoodputFacts:
    """The goodput of each scale of run, or the value that the user gave."""

    by_scale: Mapping[str, Assumed]
    given: Quantity | None = None


def goodput_facts(given: float | None = None) -> GoodputFacts:
    """The fitted goodput of each scale, looked up."""
    return GoodputFacts(
        by_scale={scale: assumed(f"goodput_fitted.{scale}") for scale in SCALES},
        given=None if given is None else Quantity(given),
    )


def goodput(
    *, cluster: Cluster, hours_without_loss: Number, facts: GoodputFacts | None = None
) -> tuple[Quantity, Assumption | None]:
    """Share of wall-clock time that makes progress [1], and its assumption row.

    Losses to restarts, lost steps, evaluation and checkpoints grow with chips and duration: a run on
    one node or of less than a day loses little, a month-long run on hundreds of chips loses much. The
    row is None for arrays and for a given goodput.
    """
    facts = facts or goodput_facts()
    if facts.given is not None:
        return facts.given, None
    shares = scales(cluster, hours_without_loss)
    low, value, high = (
        exp(summed(shares[scale] * log(getattr(facts.by_scale[scale], end)) for scale in SCALES))
        for end in ("low", "value", "high")
    )
    quantity = Quantity.between(low, value, high, CAUSE)
    if is_array(value):
        return quantity, None
    main = max(SCALES, key=lambda scale: shares[scale])
    number = facts.by_scale[main]
    return quantity, Assumption(
        name=f"goodput.{main}", value=value, unit=number.unit, basis=number.basis, source=number.source,
        option="--goodput",
    )  # fmt: skip


def scales(cluster: Cluster, hours_without_loss: Number) -> dict[str, Number]:
    """Weights of the scales small, middle and large for a run; they sum to 1."""
    long = where(cluster.nodes > 1, _above(hours_without_loss, HOURS_PER_DAY), 0.0)
    wide = _above(cluster.count, MIDDLE_SCALE)
    return {"small": 1.0 - long, "middle": long * (1.0 - wide), "large": long * wide}


def _above(value: Number, limit: float) -> Number:
    """0 below the limit / `BLEND`, 1 above the limit x `BLEND`, linear in the logarithm between them."""
    return minimum(1.0, maximum(0.0, 0.5 + 0.5 * log(maximum(value, 1e-9) / limit) / log(BLEND)))
