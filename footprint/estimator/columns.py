"""Many scenarios through the rooms at once: one job on many clusters, batches, sites and prices.

The model and the method are resolved once for each machine. Clusters (a machine and a count) are the first
axis of the arrays, batches the second, sites and prices the third. Prediction and chain are those of one
scenario.
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
from footprint.performance.columns import StepColumns, is_like, predict_columns
from footprint.performance.layouts.feeding import feeds
from footprint.performance.power import power_factors
from footprint.performance.step import StepFacts, StepPrediction
from footprint.records import names_of, record, replace
from footprint.results import Quantity
from footprint.schema import Cluster

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


@record
class OnMachine:
    """A job on one machine: its facts with one count and batch, all its counts, and the places it runs at.

    ``site``, ``price`` and ``interruptions`` hold one value for each place (see `stacked`), or plain numbers.
    """

    facts: Facts
    counts: Sequence[int]
    site: Site
    price: Price | None
    interruptions: Quantity


def can_be_joined(first: OnMachine, second: OnMachine) -> bool:
    """Whether one request on two machines differs only in what `columns_of` joins."""
    tariffs = [None if on.price is None else on.price.electricity_usd_per_kwh for on in (first, second)]
    if (tariffs[0] is None) != (tariffs[1] is None):
        return False
    one, other = first.facts, second.facts
    if one.alternatives or other.alternatives or len(one.steps) != len(other.steps):
        return False
    powers = one.power, other.power
    return (
        (one.precision, one.training, one.workload) == (other.precision, other.training, other.workload)
        and (one.flop_spread, one.goodput) == (other.flop_spread, other.goodput)
        and (one.busy_share, one.fed_share) == (other.busy_share, other.fed_share)
        and len({None if power is None else power.depends_on_work for power in powers}) == 1
        and all(is_like(mine, its) for mine, its in zip(one.steps, other.steps, strict=True))
        and all(mine is its for mine, its in zip(one.step_flops, other.step_flops, strict=True))
    )


def columns_of(machines: Sequence[OnMachine], batches: Sequence[float] | None) -> Columns:
    """Prediction and outcome of one job on machines that can be joined, for many batches and places.

    ``batches`` of None keeps the batch of the facts.
    """
    import numpy as np

    facts = _joined(machines)
    sizes = [len(one.counts) for one in machines]
    fits = possible = np.ones((sum(sizes), 1, 1), bool)
    if facts.workload is None:
        prediction = typical(facts)
    else:
        prediction, fits, possible, needed_byte = _predicted(facts, machines, batches)
        prediction = with_alternatives(
            facts, prediction, lambda other: _at_other_sizes(facts, other, machines, batches)
        )
        if prediction.mfu is not None and not facts.request.force:
            possible = possible & ~(prediction.mfu.mid > HIGHEST_CREDIBLE_MFU)
            possible = possible & (fits | (not _layout_is_given(facts)))
            clear = [clear_byte(one.facts.cluster) for one in machines]
            possible = possible & ~(needed_byte > _along(clear, sizes))
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
    facts: Facts, other: Facts, machines: Sequence[OnMachine], batches: Sequence[float] | None
) -> Prediction:
    """The prediction with the sizes of other facts; NaN where these are impossible."""
    import numpy as np

    (machine,) = machines  # machines with alternatives are not joined
    there = [replace(machine, facts=other)]
    steps = _joined_steps(there, facts.cluster)
    here = replace(facts, workload=other.workload, steps=steps, step_flops=other.step_flops)
    prediction, _, possible, _ = _predicted(here, there, batches)
    known = np.where(possible, 1.0, np.nan)
    quantities = {name: getattr(prediction, name) for name in RESPONDING}
    return replace(prediction, **{n: q if q is None else q * known for n, q in quantities.items()})


def _predicted(
    facts: Facts, machines: Sequence[OnMachine], batches: Sequence[float] | None
) -> tuple[Prediction, Array, Array, Array]:
    """The prediction on each cluster at each batch; whether the step fits; whether it is possible at all.

    The last array is the memory that an accelerator needs at least (see `least_needed_byte`).
    """
    import numpy as np

    if facts.workload is None:
        raise AssertionError("steps are those of a workload")
    base = facts.workload.phases[0].sequences_per_step or 1.0
    scales = np.ones(1) if batches is None else np.asarray(batches, float) / base
    wanted = np.concatenate([_possible(one.facts, one.counts, scales) for one in machines])
    amounts = _scaled(amounts_of(facts.workload, facts.steps), scales, fixed=facts.request.steps is not None)
    known = known_step_time_s(facts.request, amounts, facts)
    counts = [one.counts for one in machines]

    def parts() -> list[StepPrediction]:
        return [
            predict_columns(
                StepColumns(
                    facts=step, machines=[one.facts.steps[phase].machine for one in machines], counts=counts
                ),
                scales,
                wanted[..., 0],
            )
            for phase, step in enumerate(facts.steps)
        ]

    if known is not None:
        fits = np.ones((len(wanted), 1, 1), bool)
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


# ------------------------------------------------------------------- several machines


def _joined(machines: Sequence[OnMachine]) -> Facts:
    """The facts of several machines as one, with arrays over their clusters where they differ."""
    first = machines[0].facts
    sizes = [len(one.counts) for one in machines]
    cluster = _joined_cluster(machines, sizes)
    power = None
    if first.power is not None:
        powers = []
        for one in machines:
            own = _joined_cluster([one], [len(one.counts)])
            powers.append(power_factors(own, one.facts.request.accelerator_power_w))
        power = _along(powers, sizes)
    return replace(
        first,
        cluster=cluster,
        power=power,
        steps=_joined_steps(machines, cluster),
        site=_along([one.site for one in machines], sizes),
        price=_along([one.price for one in machines], sizes),
        embodied=_along([one.facts.embodied for one in machines], sizes),
        interruptions=_along([one.interruptions for one in machines], sizes),
    )


def _joined_cluster(machines: Sequence[OnMachine], sizes: Sequence[int]) -> Cluster:
    """The clusters of several machines as one."""
    import numpy as np

    count = np.concatenate([np.asarray(one.counts, float) for one in machines])[:, None, None]
    nodes = count / _along([one.facts.cluster.node.accelerators for one in machines], sizes)
    return replace(machines[0].facts.cluster, count=count, nodes=nodes)


def _joined_steps(machines: Sequence[OnMachine], cluster: Cluster) -> tuple[StepFacts, ...]:
    """The step of each phase on the joined cluster."""
    sizes = [len(one.counts) for one in machines]
    phases = zip(*(one.facts.steps for one in machines), strict=True)
    return tuple(
        replace(
            steps[0], cluster=cluster, peak_flop_per_s=_along([one.peak_flop_per_s for one in steps], sizes)
        )
        for steps in phases
    )


def _along(parts: Sequence[Any], sizes: Sequence[int]) -> Any:
    """Numbers, quantities or records of machines as one: the first if all are equal, else with arrays.

    ``sizes`` says how many clusters each machine has. An array has one value for each of them, or for each
    place. What a machine lacks is NaN; a cause that it lacks does not move it. Texts are those of the first.
    """
    import numpy as np

    first = next((part for part in parts if part is not None), None)
    if first is None or all(part is first for part in parts):
        return first
    if isinstance(first, Quantity):
        spreads = [{} if part is None else part.spread for part in parts]
        spread = {}
        for cause in dict.fromkeys(cause for own in spreads for cause in own):
            lows, highs = zip(*(own.get(cause, (0.0, 0.0)) for own in spreads), strict=True)
            spread[cause] = (_along(lows, sizes), _along(highs, sizes))
        return Quantity(_along([np.nan if part is None else part.mid for part in parts], sizes), spread)
    if isinstance(first, bool | str | tuple):
        return first
    if hasattr(first, "_record_names"):
        names = names_of(first)
        fields = {
            name: _along([None if part is None else getattr(part, name) for part in parts], sizes)
            for name in names
        }
        return replace(first, **fields)
    if not any(map(is_array, parts)) and all(part == first for part in parts):
        return first
    values = [np.asarray(np.nan if part is None else part, float) for part in parts]
    width = max(value.shape[-1] if value.ndim else 1 for value in values)
    return np.concatenate(
        [np.broadcast_to(value, (size, 1, width)) for value, size in zip(values, sizes, strict=True)]
    )


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
