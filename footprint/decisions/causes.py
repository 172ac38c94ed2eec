"""Which causes of two intervals are the same error, so that a ratio cancels what is shared and nothing else.

An estimate names its causes for one run: ``time_model`` is the error of the step time, whatever the chip.
Between two scenarios a part of it is another error, and so is the price of another chip or the PUE of
another site. Here each cause is divided into independent parts, whose names say what they belong to; parts
of one name cancel in a quotient. The shares are fitted on pairs of published runs and of offers
(``reference_data/assumptions/comparison_fitted.toml``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import exp, sqrt

from footprint.catalog.assumptions import assumed
from footprint.estimator.resolve.generic import CAUSE as GENERIC
from footprint.performance.goodput import CAUSE as GOODPUT
from footprint.performance.power import CAUSE as POWER_MODEL
from footprint.performance.step_facts import CAUSE as TIME_MODEL
from footprint.records import record, replace
from footprint.results import Quantity

OF_BOARD = (POWER_MODEL, "busy_share", "host_power", "network_power")
"""Errors of the power of one kind of node; no pairs were published that show what two kinds share."""

ROUNDING = 1e-9
PRICE = "price:"
SHARED = (
    GOODPUT, GENERIC, "grid:", "prices.", "power.fed_share", "time.busy_share", "workload.",
    "searches.",
)  # fmt: skip
"""Beginnings of the names of causes that are one error in every scenario that has them: how one user's runs
are interrupted, one grid, one owner's terms, one size that is not known."""


@record
class Identity:
    """What a scenario is, as far as its errors depend on it."""

    model: str
    chip: str
    """Chip and precision."""
    job: str
    """Model, cluster, sizes and method: all but place and price."""
    place: str
    stack: str = ""
    """Training software; empty where none is named."""


def divided(quantity: Quantity, identity: Identity) -> Quantity:
    """The quantity with each cause in parts; its interval is the same."""
    spread = {}
    for cause, (low, high) in quantity.spread.items():
        for name, share in parts_of(cause, identity).items():
            if share > 0:
                root = sqrt(share)
                spread[name] = (root * low, root * high)
    return Quantity(quantity.mid, spread)


def summable(quantity: Quantity, identity: Identity) -> Quantity:
    """The quantity with each cause divided into parts for which it was measured how much two scenarios share.

    In a sum every other cause is one error of all its parts: what is not known to be independent does not
    average out. (In a ratio it is the other way round: what is not known to be shared does not cancel. So
    the software is left out of account here, and counts there.)
    """
    identity = replace(identity, stack="")
    measured = {c: ends for c, ends in quantity.spread.items() if c == TIME_MODEL or c.startswith(PRICE)}
    others = {c: ends for c, ends in quantity.spread.items() if c not in measured}
    return Quantity(quantity.mid, others | dict(divided(Quantity(quantity.mid, measured), identity).spread))


def parts_of(cause: str, identity: Identity) -> Mapping[str, float]:
    """The names of a cause's parts, with their shares of its variance, which sum to 1."""
    if cause == TIME_MODEL:
        job, chip, model = (
            assumed(f"comparison_fitted.time_{part}").value for part in ("job", "chip", "model")
        )
        # What two jobs share was measured on pairs of one release of software; two stacks share nothing.
        of = f"{cause} on {identity.stack}" if identity.stack else cause
        return {
            of: max(0.0, 1.0 - job - chip - model),
            f"{of} of {identity.job}": job,
            f"{of} of {identity.chip}": chip,
            f"{of} of {identity.model}": model,
        }
    if cause in OF_BOARD:
        return {f"{cause} of {identity.chip}": 1.0}
    if cause == "pue":
        return {f"{cause} of {identity.place}": 1.0}
    if cause.startswith(PRICE):
        shared = assumed("comparison_fitted.price_shared").value
        return {cause: shared, f"{cause} of {identity.chip}": 1.0 - shared}
    if cause.startswith(SHARED):
        return {cause: 1.0}
    return {f"{cause} of {identity.job}": 1.0}  # nobody said that two jobs share it


def ratio(one: Quantity, other: Quantity) -> Quantity:
    """One quantity over another, both `divided`; identical ones give 1 without an interval."""
    quotient = one / other
    kept = {cause: ends for cause, ends in quotient.spread.items() if max(map(abs, ends)) > 1e-12}
    return Quantity(quotient.mid, kept)


def perturbed(
    of: Callable[[float, float], float | None], one: Quantity, other: Quantity
) -> tuple[float, float, float] | None:
    """Low, mid and high of a function of two quantities, both `divided`; None where it has no value.

    The causes are moved one after the other, in both quantities at once, and the deviations combine in
    quadrature, as in `Quantity.bounds`.
    """
    mid = of(one.mid, other.mid)
    if mid is None:
        return None
    below = above = 0.0
    for cause in {*one.spread, *other.spread}:
        deviations = [0.0]
        for end in (0, 1):
            ends = (q.mid * exp(q.spread.get(cause, (0.0, 0.0))[end]) for q in (one, other))
            moved = of(*ends)
            if moved is None:
                return None
            deviations.append(moved - mid)
        below, above = below + min(deviations) ** 2, above + max(deviations) ** 2
    # A difference of two numbers that are the same but for rounding is none.
    low, high = mid - sqrt(below), mid + sqrt(above)
    least = ROUNDING * max(abs(low), abs(high))
    return low if abs(low) > least else 0.0, mid, high if abs(high) > least else 0.0
