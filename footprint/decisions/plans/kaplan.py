"""What Kaplan's law says besides size and tokens."""

from __future__ import annotations

from collections.abc import Iterator

from footprint.catalog.laws import ScalingLaw
from footprint.decisions.plans.laws import FLOP_PER_PARAMETER, Sizes, kaplan_limits, kaplan_schedule, loss_of
from footprint.results import Assumption


def kaplan_rows(law: ScalingLaw, sizes: Sizes) -> Iterator[Assumption]:
    """The rest of Kaplan's answer: steps, batch, losses of its other equations, 6 N D beside C."""
    steps, batch = kaplan_schedule(law, sizes.training_flop)
    of_n, of_d, overfits = kaplan_limits(law, sizes.parameters, sizes.tokens)
    for name, value, unit in (
        ("steps of the law", steps, "steps"),
        ("batch of the law", batch, "tokens"),
        ("loss of these parameters with tokens without end", of_n, "nat"),
        ("loss of these tokens with parameters without end", of_d, "nat"),
        ("loss of these parameters and tokens together", loss_of(law, sizes.parameters, sizes.tokens), "nat"),
        ("tokens below which these parameters overfit", overfits, "tokens"),
        ("6 N D over C", FLOP_PER_PARAMETER * sizes.parameters * sizes.tokens / sizes.training_flop, "1"),
    ):
        yield Assumption(name=name, value=value, unit=unit, basis="derived", source=law.source)
