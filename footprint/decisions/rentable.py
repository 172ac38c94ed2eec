"""The chips that somebody rents out, each with the smallest count that a run fits on."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from footprint.catalog.hardware import find_accelerator
from footprint.catalog.prices.offers import rented_out
from footprint.decisions.axes import Axes
from footprint.errors import FootprintError
from footprint.estimator.chain import Outcome, chain
from footprint.estimator.predict import predict_run
from footprint.estimator.request import EstimateRequest
from footprint.estimator.resolve.misfit import fits
from footprint.estimator.resolve.shared import Shared
from footprint.estimator.rooms import facts_of

MOST = 4096
"""Accelerators up to which a count is looked for; each count doubles the one before."""


def rentable_chips() -> Iterator[tuple[str, int]]:
    """Each chip with a current offer, processors left out, and the largest count that is sensible.

    Cards whose usual place is a desktop are rented out by the server: clusters of them have no fast network.
    """
    for chip in map(find_accelerator, rented_out()):
        forms = chip.nodes
        if chip.kind != "cpu":
            of_desktops = forms[0].id.startswith("desktop")
            yield chip.id, max(form.accelerators for form in forms) if of_desktops else MOST


def rentable_clusters(
    fixed: Mapping[str, Any], axes: Axes, max_hours: float | None = None, by: str = "cost_usd"
) -> list[str]:
    """A cluster of each chip with a current offer on which the run fits, within the hours if they are given.

    The least ``by`` (``duration_h``, ``energy_kwh``, ``co2e_kg`` or ``cost_usd``) comes first. ``axes`` count
    with their first values. Raises FootprintError where no chip takes the run.
    """
    scenario = {**{name: values[0] for name, values in axes.items()}, **fixed}
    if max_hours is not None and not max_hours > 0:
        raise FootprintError(f"`max_hours=` must be above 0, not {max_hours:g}")
    shared, found = Shared(), []
    wrong: FootprintError | None = None
    for chip, most in rentable_chips():
        try:
            taken = _smallest(chip, most, scenario, max_hours, shared)
        except FootprintError as error:
            wrong = wrong or error
            continue
        if taken is None:
            wrong = FootprintError(
                f"`hw='auto'`: no chip that is rented out takes the run within {max_hours:g} h"
            )
            continue
        count, outcome = taken
        answer = outcome.duration_h if by == "duration_h" else getattr(outcome.consequences, by)
        found.append((math.inf if answer is None else answer.mid, f"{chip}:{count}"))
    if not found and wrong is not None:
        raise wrong
    return [cluster for _, cluster in sorted(found)]


def _smallest(
    chip: str, most: int, scenario: Mapping[str, Any], max_hours: float | None, shared: Shared
) -> tuple[int, Outcome] | None:
    """The smallest count of a chip, and its outcome; None where no count is fast enough.

    Raises FootprintError where no count takes the run.
    """
    count, fitted = 1, False
    error = FootprintError("`hw='auto'`: no chip that is rented out has the memory for this run")
    while count <= most:
        request = EstimateRequest.from_mapping({**scenario, "hw": f"{chip}:{count}"}, "comparison")
        try:
            facts = facts_of(request, shared)
            if fits(facts):
                outcome = chain(facts, predict_run(facts))
                if max_hours is None or outcome.duration_h.mid <= max_hours:
                    return count, outcome
                fitted = True
        except FootprintError as wrong:
            error = wrong
        count *= 2
    if not fitted:
        raise error
    return None
