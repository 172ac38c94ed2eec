"""Many scenarios through the rooms at once: one job on many clusters, batches, sites and prices.

The model and the method are resolved once for each machine. Clusters (a machine and a count) are the first
axis of the arrays, batches the second, sites and prices the third. Prediction and chain are those of one
scenario.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from footprint.errors import FootprintError
from footprint.estimator.chain import Outcome, chain
from footprint.estimator.columns.joining import OnMachine, along, joined, joined_steps
from footprint.estimator.facts import Facts
from footprint.estimator.predict import (
    HIGHEST_CREDIBLE_MFU,
    Amounts,
    amounts_of,
    from_known_time,
    from_steps,
    known_step_time_s,
    typical,
)
from footprint.estimator.prediction import RESPONDING, Prediction, with_alternatives
from footprint.estimator.request import LAYOUT_FIELDS
from footprint.estimator.resolve.method import (
    habits_of_step,
    held_once_byte,
    least_batch,
    least_needed_byte,
    require_layout,
)
from footprint.estimator.resolve.shared import Shared
from footprint.estimator.workload import known
from footprint.performance.columns import StepColumns, predict_columns
from footprint.performance.layouts.feeding import feeds
from footprint.performance.step import StepPrediction
from footprint.performance.step_facts import StepFacts
from footprint.records import record, replace

Array = Any


@record
class Columns:
    """The numbers of a job on each cluster (first axis), batch (second), site and price (third)."""

    facts: Facts
    prediction: Prediction
    outcome: Outcome
    possible: Array
    """Whether the cluster and the batch allow the job at all; where they do not, numbers are NaN."""
    fits: Array
    """Whether the step fits the accelerators' memory; True where no step was predicted."""


def columns_of(machines: Sequence[OnMachine], batches: Sequence[float] | None, shared: Shared) -> Columns:
    """Prediction and outcome of one job on machines that can be joined, for many batches and places.

    ``batches`` of None keeps the batch of the facts; ``shared`` is that of the facts.
    """
    import numpy as np

    facts = joined(machines, shared)
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
            clear = [one.facts.clear_byte for one in machines]
            possible = possible & ~(needed_byte > along(clear, sizes))
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
    return bool(facts.request.among(LAYOUT_FIELDS))


def _at_other_sizes(
    facts: Facts, other: Facts, machines: Sequence[OnMachine], batches: Sequence[float] | None
) -> Prediction:
    """The prediction with the sizes of other facts; NaN where these are impossible."""
    import numpy as np

    (machine,) = machines  # machines with alternatives are not joined
    there = [replace(machine, facts=other)]
    steps = joined_steps(there, facts.cluster)
    here = replace(facts, workload=other.workload, steps=steps, step_flops=other.step_flops)
    prediction, _, possible, _ = _predicted(here, there, batches)
    of_the_possible = np.where(possible, 1.0, np.nan)
    quantities = {name: getattr(prediction, name) for name in RESPONDING}
    return replace(prediction, **{n: q if q is None else q * of_the_possible for n, q in quantities.items()})


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
    known_s = known_step_time_s(facts.request, amounts, facts)
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

    if known_s is not None:
        fits = np.ones((len(wanted), 1, 1), bool)
        return from_known_time(facts, amounts, known_s, parts), fits, wanted, least_needed_byte(facts, None)
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

    if facts.workload is None or facts.held is None:
        raise AssertionError("steps are those of a workload")
    split = np.ones((len(counts), 1, 1), bool)
    if _layout_is_given(facts):
        split = np.array([_takes_layout(facts, count) for count in counts])[:, None, None]
    state_byte = held_once_byte(facts.held, facts.step_flops[0])
    for phase, step in zip(facts.workload.phases, facts.steps, strict=True):
        batches = known(phase.sequences_per_step) * scales
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
    try:
        require_layout(facts.request, count, facts.step_flops[0])
    except FootprintError:
        return False
    return True
