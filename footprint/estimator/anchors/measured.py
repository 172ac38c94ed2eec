"""What a measured scenario says of the model: how far its step and its memory are off the predictions."""

from __future__ import annotations

import math
from collections.abc import Sequence

from footprint.arithmetic import summed
from footprint.errors import FootprintError, MissingFactError
from footprint.estimator.facts import Facts
from footprint.estimator.predict import Amounts, amounts_of, known_step_time_s, predicted_step
from footprint.estimator.prediction import fullest, too_little
from footprint.estimator.request import AMOUNT_FIELDS, EstimateRequest
from footprint.estimator.resolve import resolve
from footprint.estimator.resolve.method import given_layout
from footprint.estimator.workload import samples_of
from footprint.performance.anchoring import MEMORY, Anchor, Job, job_of
from footprint.performance.memory_anchoring import noise_of, unsaid_sizes
from footprint.performance.peaks import beyond_gib
from footprint.performance.roofline.layout import Layout
from footprint.records import record, replace

MOST_OFF = 20.0
"""A measurement further than this from the prediction, either way, is a slip of units."""


@record
class Measured:
    """What one measured scenario says of the model."""

    job: Job
    stack: str | None
    time: Anchor | None = None
    memory: Anchor | None = None
    warnings: tuple[str, ...] = ()

    @property
    def anchors(self) -> list[Anchor]:
        """What it says of the step time and of the memory."""
        return [one for one in (self.time, self.memory) if one is not None]


def measured_by(name: str, request: EstimateRequest, stack: str | None = None) -> Measured:
    """What a measured scenario says of the model: measured over predicted step time, and memory.

    ``stack`` is the software of the estimate, which is that of a measurement that names none.

    Raises FootprintError where no hardware can be so fast, or where a measurement is so far from its
    prediction that it must be a slip.
    """
    own = request.stack
    try:
        facts = _resolved(replace(request, stack=own or stack))
    except FootprintError as error:
        if request.memory_gib is None or "memory_gib" not in error.fields:
            raise
        raise FootprintError(f"anchor {name}: {error}") from None
    workload = facts.workload
    if workload is None:
        raise FootprintError(f"anchor {name}: the step of {request.model} cannot be predicted")
    main = max(range(len(workload.phases)), key=lambda place: samples_of(workload.phases[place]))
    job = job_of(facts.step_flops[main], facts.cluster, facts.precision, given_layout(request))
    amounts = amounts_of(workload, facts.steps)
    measured = known_step_time_s(request, amounts, facts)
    if measured is not None:
        _require_possible(name, facts, amounts, measured.mid)
    predicted, layouts = predicted_step(facts)
    found = Measured(job=job, stack=own)
    if measured is not None:
        ratio = measured.mid / predicted.mid
        _require_near(name, facts, f"step of {measured.mid:.4g} s", f"{predicted.mid:.4g} s", ratio)
        # Without an operation list the spread is that of the MFU, and the time goes as one over it.
        step = facts.steps[main]
        spread = step.spread if step.work is not None else 1.0 / step.spread
        found = replace(found, time=Anchor(name=name, ratio=ratio, job=job, stack=own, spread=spread))
    if request.memory_gib is not None:
        found = _with_memory(found, name, facts, layouts, main)
    if measured is None and not (found.memory or found.warnings):
        raise FootprintError(
            f"anchor {name}: the memory of a step of {request.model} on {request.hw} is not predicted: give "
            "the time as well, or another chip"
        )
    return found


def _with_memory(
    found: Measured, name: str, facts: Facts, layouts: Sequence[Layout | None], main: int
) -> Measured:
    """What a measurement says, with what its peak says of the memory, if this is predicted."""
    request, most, layout = facts.request, fullest(facts, layouts), layouts[main]
    if request.memory_gib is None or most is None or layout is None:
        return found
    wrong = too_little(facts, layouts)
    if wrong:
        return replace(found, warnings=(f"anchor {name} says nothing of memory: {wrong}",))
    predicted_gib = most.needed_gib.mid + beyond_gib(request.memory_scope)
    ratio = request.memory_gib / predicted_gib
    _require_near(name, facts, f"peak of {request.memory_gib:.4g} GiB", f"{predicted_gib:.4g} GiB", ratio)
    spread, given = facts.steps[main].memory_spread, given_layout(request)
    noise = noise_of(spread, given, facts.cluster.count)
    memory = Anchor(
        name=name, of=MEMORY, ratio=ratio, job=found.job, stack=found.stack, spread=spread, noise=noise
    )
    missing = [f"`{size}=`" for size in unsaid_sizes(given, facts.cluster.count)]
    said = (
        f"anchor {name}: its memory counts for less, as its layout is not said, and is compared with that of "
        f"{layout.text}: add {', '.join(missing)} of what was measured",
    )
    return replace(found, memory=memory, warnings=said if missing else ())


def _resolved(request: EstimateRequest) -> Facts:
    """The facts of a measured scenario, of any number of steps where nobody says how many."""
    try:
        return resolve(request, alternatives=False)
    except MissingFactError:
        if any(getattr(request, name) is not None for name in (*AMOUNT_FIELDS, "schedule")):
            raise
        return resolve(replace(request, steps=1000.0), alternatives=False)


def _require_near(name: str, facts: Facts, measured: str, predicted: str, ratio: float) -> None:
    """FootprintError for a measurement that is too far from its prediction, unless forced."""
    if abs(math.log(ratio)) > math.log(MOST_OFF) and not facts.request.force:
        raise FootprintError(
            f"anchor {name}: the measured {measured} is {ratio:.3g} times the predicted {predicted}: check "
            "units, batch and count, or insist with `force=True`"
        )


def _require_possible(name: str, facts: Facts, amounts: Amounts, measured_s: float) -> None:
    """FootprintError for a step in which the products within the masks alone exceed the peak."""
    flop = summed(
        steps * step.training_flop_causal for steps, step in zip(amounts.steps, facts.step_flops, strict=True)
    )
    peak = facts.steps[0].peak_flop_per_s
    least_s = flop / amounts.all_steps / (facts.cluster.count * peak)
    if measured_s < least_s:
        raise FootprintError(
            f"anchor {name}: the measured step of {measured_s:.4g} s means an MFU of "
            f"{least_s / measured_s:.3g}, and none is above 1: {facts.cluster.count} x "
            f"{facts.cluster.accelerator.id} need at least {least_s:.4g} s in {facts.precision}: check "
            "units, batch, count and `precision=`"
        )
