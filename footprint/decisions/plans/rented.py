"""Which rented chips make a budget go furthest: the clusters that ``hw="auto"`` chooses from."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from footprint.catalog.laws import ScalingLaw
from footprint.decisions.plans.hardware import Cluster, SizesOf
from footprint.decisions.rentable import rentable_chips
from footprint.errors import FootprintError
from footprint.parsing import Limit
from footprint.results.report_columns import AMOUNTS

USUAL_TIME = Limit(quantity="duration_h", value=30 * 24.0, text="30d")
"""The time that a plan may take where no budget says so."""
FIRST_COUNT = 8
TRIED = 6
"""Chips whose plans are computed: those that look best on one size."""


def best_rented(
    fields: Mapping[str, Any], law: ScalingLaw, budgets: Sequence[Limit], sizes_of: SizesOf
) -> tuple[str, str]:
    """The cluster of rented chips on which the budgets buy most training FLOP, and a note about it.

    Raises FootprintError where no budget limits the number of chips, or no chip takes the training.
    """
    spent = [one for one in budgets if one.quantity in AMOUNTS]
    if not spent:
        raise FootprintError(
            "`hw='auto'` needs a budget of money, energy or CO2e: with days or FLOP alone, more chips are "
            "always better"
        )
    time = next((one for one in budgets if one.quantity == "duration_h"), USUAL_TIME)
    guesses = sorted(_guesses(fields, law, spent, time, sizes_of), reverse=True)[:TRIED]
    found: list[tuple[float, str]] = []
    last: FootprintError | None = None
    for _, chip, count, most in guesses:
        while count <= most:
            name = f"{chip}:{count}"
            try:
                cluster = Cluster({**fields, "hw": name}, law)
                flop, sizes = min(
                    (cluster.sizes_for(one, sizes_of) for one in (*spent, time)), key=lambda x: x[0]
                )
                cluster.estimate(sizes)
            except FootprintError as error:  # such as too little memory: more chips may hold it
                last, count = error, count * 2
                continue
            found.append((flop, name))
            break
    if not found:
        raise last or FootprintError("`hw='auto'`: no chip that is rented out takes this training")
    found.sort(reverse=True)
    others = ", ".join(f"{name} {flop / found[0][0]:.0%}" for flop, name in found[1:4])
    within = "" if time is not USUAL_TIME else f" within {USUAL_TIME.text}"
    note = f"`hw='auto'`: {found[0][1]} buys most training FLOP{within}"
    return found[0][1], f"{note}; next of these: {others}" if others else note


def _guesses(
    fields: Mapping[str, Any], law: ScalingLaw, spent: Sequence[Limit], time: Limit, sizes_of: SizesOf
) -> list[tuple[float, str, int, int]]:
    """For each chip the FLOP that the budgets buy about, the count that needs the time, and the largest."""
    found = []
    for chip, most in rentable_chips():
        name = f"{chip}:{FIRST_COUNT}"
        try:
            flop, hours = Cluster({**fields, "hw": name}, law).about(spent, sizes_of)
        except FootprintError:
            continue
        chips = FIRST_COUNT * hours / time.value
        count = 2 ** max(0, math.ceil(math.log2(chips)))
        found.append((flop * min(1.0, most / count), chip, min(count, most), most))
    return found
