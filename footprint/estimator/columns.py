"""Many scenarios through the rooms at once: one job on many counts, batches, sites and prices.

The model, the chip and the method are resolved once. Counts are the first axis of the arrays, batches
the second, sites and prices the third. Prediction and chain are those of one scenario.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from footprint.arithmetic import is_array
from footprint.errors import FootprintError
from footprint.estimator.alternatives import RESPONDING, with_alternatives
from footprint.estimator.chain import Outcome, chain
from footprint.estimator.facts import Facts, Price, Site
from footprint.estimator.predict import (
    HIGHEST_CREDIBLE_MFU,
    Amounts,
    amounts_of,
    from_known_time,
    from_steps,
    known_step_time_s,
    typical,
)
from footprint.estimator.prediction import Prediction
from footprint.estimator.request import LAYOUT_FIELDS
from footprint.estimator.resolve.method import (
    clear_byte,
    habits_of_step,
    held_once_byte,
    least_batch,
    least_needed_byte,
    require_layout,
)
from footprint.performance.columns import predict_columns
from footprint.performance.layouts.feeding import feeds
from footprint.performance.power import power_factors
from footprint.performance.step import StepFacts, StepPrediction
from footprint.records import record, replace
from footprint.results import Quantity

Array = Any


@record
class Columns:
    """The numbers of a job on each count (first axis), batch (second), site and price (third)."""

    facts: Facts
    prediction: Prediction
    outcome: Outcome
    possible: Array
    """Whether the count and the batch allow the job at all; where they do not, numbers are NaN."""
    fits: Array
    """Whether the step fits the accelerators' memory; True where no step was predicted."""


def columns_of(
    facts: Facts, counts: Sequence[int], batches: Sequence[float] | None, site: Site, price: Price | None
) -> Columns:
    """Prediction and outcome of one job for many counts and batches, at many sites and prices.

    ``facts`` are those of one count and batch; ``batches`` of None keeps that batch. ``site`` and
    ``price`` hold one value for each place on their last axis (see `stacked`), or plain numbers.
    """
    import numpy as np

    count = np.asarray(counts, float)[:, None, None]
    cluster = replace(facts.cluster, count=count, nodes=count / facts.cluster.node.accelerators)
    power = None
    if facts.power is not None:
        power = power_factors(cluster, facts.request.accelerator_power_w)
    facts = replace(facts, cluster=cluster, power=power, site=site, price=price)
    fits = possible = np.ones((len(counts), 1, 1), bool)
    if facts.workload is None:
        prediction = typical(facts)
    else:
        prediction, fits, possible, needed_byte = _predicted(facts, counts, batches)
        prediction = with_alternatives(
            facts, prediction, lambda other: _at_other_sizes(facts, other, counts, batches)
        )
        if prediction.mfu is not None and not facts.request.force:
            possible = possible & ~(prediction.mfu.mid > HIGHEST_CREDIBLE_MFU)
            possible = possible & (fits | (not _layout_is_given(facts)))
            possible = possible & ~(needed_byte > clear_byte(facts.cluster))
        # One factor of NaN makes every number of an impossible scenario NaN.
        prediction = replace(prediction, steps=prediction.steps * np.where(possible, 1.0, np.nan))
    return Columns(
        facts=facts,
        prediction=prediction,
        outcome=chain(facts, prediction),
        possible=possible,
        fits=fits,
    )


def _layout_is_given(facts: Facts) -> bool:
    return any(getattr(facts.request, name) is not None for name in LAYOUT_FIELDS)


def _at_other_sizes(
    facts: Facts, other: Facts, counts: Sequence[int], batches: Sequence[float] | None
) -> Prediction:
    """The prediction with the sizes of other facts; NaN where these are impossible."""
    import numpy as np

    here = replace(facts, workload=other.workload, steps=other.steps, step_flops=other.step_flops)
    prediction, _, possible, _ = _predicted(here, counts, batches)
    known = np.where(possible, 1.0, np.nan)
    quantities = {name: getattr(prediction, name) for name in RESPONDING}
    return replace(prediction, **{n: q if q is None else q * known for n, q in quantities.items()})


def _predicted(
    facts: Facts, counts: Sequence[int], batches: Sequence[float] | None
) -> tuple[Prediction, Array, Array, Array]:
    """The prediction on each count at each batch; whether the step fits; whether it is possible at all.

    The last array is the memory that an accelerator needs at least (see `least_needed_byte`).
    """
    import numpy as np

    if facts.workload is None:
        raise AssertionError("steps are those of a workload")
    base = facts.workload.phases[0].sequences_per_step or 1.0
    scales = np.ones(1) if batches is None else np.asarray(batches, float) / base
    wanted = _possible(facts, counts, scales)
    amounts = _scaled(amounts_of(facts.workload, facts.steps), scales, fixed=facts.request.steps is not None)
    known = known_step_time_s(facts.request, amounts, facts)

    def parts() -> list[StepPrediction]:
        return [_deep(predict_columns(step, counts, scales, wanted[..., 0])) for step in facts.steps]

    if known is not None:
        fits = np.ones((len(counts), 1, 1), bool)
        return from_known_time(facts, amounts, known, parts), fits, wanted, least_needed_byte(facts, None)
    found = parts()
    fits = np.logical_and.reduce([part.fits for part in found])
    return from_steps(facts, amounts, found), fits, wanted, least_needed_byte(facts, found)


def _scaled(amounts: Amounts, scales: Array, *, fixed: bool) -> Amounts:
    """The amounts at so many times the batch: in fewer steps, or with ``fixed`` in as many."""
    scales = scales[None, :, None]
    more = scales if fixed else 1.0
    return replace(
        amounts,
        steps=tuple(steps * more / scales for steps in amounts.steps),
        flop=tuple(flop * scales for flop in amounts.flop),
        samples=amounts.samples * more,
        tokens=amounts.tokens * more,
    )


def _possible(facts: Facts, counts: Sequence[int], scales: Array) -> Array:
    """Whether each count takes the layout that is given, and each batch feeds its replicas."""
    import numpy as np

    if facts.workload is None:
        raise AssertionError("steps are those of a workload")
    split = np.array([_takes_layout(facts, count) for count in counts])[:, None, None]
    state_byte = held_once_byte(facts.request, facts.model, facts.precision, facts.step_flops[0])
    for phase, step in zip(facts.workload.phases, facts.steps, strict=True):
        batches = (phase.sequences_per_step or 0.0) * scales
        split = split & _fed(facts, step, counts, batches, state_byte)[..., None]
    return split


def _fed(facts: Facts, step: StepFacts, counts: Sequence[int], batches: Array, state_byte: float) -> Array:
    """Whether each batch feeds some layout of each count."""
    import numpy as np

    habits = habits_of_step(step)
    if habits is not None:
        return feeds(habits, counts, step.given, batches)
    return np.array(
        [batches >= least_batch(facts.request, facts.cluster, count, state_byte) for count in counts]
    )


def _takes_layout(facts: Facts, count: int) -> bool:
    if not _layout_is_given(facts):
        return True
    try:
        require_layout(facts.request, count, facts.step_flops[0])
    except FootprintError:
        return False
    return True


def _deep(part: StepPrediction) -> StepPrediction:
    """A prediction on counts and batches with a third axis for sites and prices."""
    return replace(
        part,
        step_time_s=_deeper(part.step_time_s),
        mfu=_deeper(part.mfu),
        busy_share=_deeper(part.busy_share),
        terms={name: _with_axis(seconds) for name, seconds in part.terms.items()},
        fits=_with_axis(part.fits),
        least_byte=_with_axis(part.least_byte),
    )


def _deeper(quantity: Quantity) -> Quantity:
    ends = quantity.spread.items()
    return Quantity(_with_axis(quantity.mid), {c: (_with_axis(a), _with_axis(b)) for c, (a, b) in ends})


def _with_axis(value: Any) -> Any:
    return value[..., None] if is_array(value) else value


# ------------------------------------------------------------------- several sites and prices


def stacked_sites(sites: Sequence[Site]) -> Site:
    """Sites as one, with an array over them in each number; what a site lacks is NaN."""
    return Site(
        pue=stacked([site.pue for site in sites]),
        grid_g_per_kwh=stacked([site.grid_g_per_kwh for site in sites]),
        market_g_per_kwh=stacked([_known(site.market_g_per_kwh) for site in sites]).mid,
        wue_l_per_kwh=stacked([site.wue_l_per_kwh for site in sites]),
    )


def stacked_prices(prices: Sequence[Price | None]) -> Price:
    """Prices as one, with an array over them in each number; a price that nobody offers is NaN."""
    owned = any(price is not None and price.electricity_usd_per_kwh is not None for price in prices)
    # A rent holds the electricity, so its tariff beside those of owned hardware is nothing.
    tariffs = [None if price is None else price.electricity_usd_per_kwh or Quantity(0.0) for price in prices]
    return Price(
        usd_per_accelerator_h=stacked(
            [None if price is None else price.usd_per_accelerator_h for price in prices]
        ),
        electricity_usd_per_kwh=stacked(tariffs) if owned else None,
    )


def _known(value: Any) -> Quantity | None:
    return None if value is None else Quantity(value)


def stacked(quantities: Sequence[Quantity | None]) -> Quantity:
    """Quantities as one of arrays; a cause that one of them lacks does not move it, None is NaN."""
    import numpy as np

    causes = dict.fromkeys(cause for quantity in quantities if quantity for cause in quantity.spread)
    mids = np.array([np.nan if quantity is None else quantity.mid for quantity in quantities])
    spread = {}
    for cause in causes:
        ends = [quantity.spread.get(cause, (0.0, 0.0)) if quantity else (0.0, 0.0) for quantity in quantities]
        spread[cause] = (np.array([low for low, _ in ends]), np.array([high for _, high in ends]))
    return Quantity(mids, spread)
