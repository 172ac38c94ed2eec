"""What measured scenarios say of the model, and the facts of an estimate with them."""

from __future__ import annotations

import math

from footprint.arithmetic import summed
from footprint.errors import FootprintError, MissingFactError
from footprint.estimator.anchors.kept import read_anchor
from footprint.estimator.anchors.written import anchors_in
from footprint.estimator.facts import Facts
from footprint.estimator.predict import Amounts, amounts_of, known_step_time_s, predicted_step_time_s
from footprint.estimator.request import AMOUNT_FIELDS, EstimateRequest
from footprint.estimator.resolve import resolve
from footprint.estimator.resolve.method import given_layout
from footprint.estimator.resolve.shared import Shared
from footprint.estimator.workload import samples_of
from footprint.performance.anchoring import NEAR, Anchor, job_of, likeness
from footprint.records import replace
from footprint.results import Assumption

MOST_OFF = 20.0
"""A measurement further than this from the prediction, either way, is a slip of units."""


def anchor_of(name: str, request: EstimateRequest, stack: str | None = None) -> Anchor:
    """What a measured scenario says of the model: measured over predicted step time.

    ``stack`` is the software of the estimate, which is that of a measurement that names none.

    Raises FootprintError where no hardware can be so fast, or where the two times are so far apart that the
    measurement must be a slip.
    """
    own = request.stack
    request = replace(request, stack=own or stack)
    facts = _resolved(request)
    workload = facts.workload
    amounts = None if workload is None else amounts_of(workload, facts.steps)
    measured = None if amounts is None else known_step_time_s(request, amounts, facts)
    if measured is None or workload is None or amounts is None:
        raise FootprintError(f"anchor {name}: the step of {request.model} cannot be predicted")
    _require_possible(name, facts, amounts, measured.mid)
    predicted = predicted_step_time_s(facts)
    ratio = measured.mid / predicted.mid
    if abs(math.log(ratio)) > math.log(MOST_OFF) and not request.force:
        raise FootprintError(
            f"anchor {name}: the measured step of {measured.mid:.4g} s is {ratio:.3g} times "
            f"the predicted {predicted.mid:.4g} s: check units, batch and count, or insist "
            "with `force=True`"
        )
    main = max(range(len(workload.phases)), key=lambda place: samples_of(workload.phases[place]))
    step = facts.steps[main]
    job = job_of(facts.step_flops[main], facts.cluster, facts.precision, given_layout(request))
    # Without an operation list the spread is that of the MFU, and the time goes as one over it.
    spread = step.spread if step.work is not None else 1.0 / step.spread
    return Anchor(name=name, ratio=ratio, job=job, stack=own, spread=spread)


def _resolved(request: EstimateRequest) -> Facts:
    """The facts of a measured scenario, of any number of steps where nobody says how many."""
    try:
        return resolve(request, alternatives=False)
    except MissingFactError:
        if any(getattr(request, name) is not None for name in (*AMOUNT_FIELDS, "schedule")):
            raise
        return resolve(replace(request, steps=1000.0), alternatives=False)


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


def anchored(facts: Facts, *, possible: bool = True, shared: Shared | None = None) -> Facts:
    """The facts with the measurements of the user's own stack that the request names.

    Of the nearest anchor, if it is near (`NEAR`), the board power is taken as well, where it has one and
    the request has none.
    """
    request = facts.request
    known = []
    for text in anchors_in(request.anchor or ""):
        name, measured = read_anchor(text)
        known.append((anchor_of(name, measured, request.stack), measured))
    anchors = [anchor for anchor, _ in known]
    rows: tuple[Assumption, ...] = ()
    given = request.accelerator_power_w is not None or request.it_power_w is not None
    if facts.step_flops and not given:
        job = job_of(facts.step_flops[0], facts.cluster, facts.precision, given_layout(request))
        alike, watts, name = max(
            (likeness(job, anchor.job), measured.accelerator_power_w or 0.0, anchor.name)
            for anchor, measured in known
        )
        same = any(anchor.job.accelerator == job.accelerator for anchor in anchors if anchor.name == name)
        if watts and same and alike >= NEAR:
            request = replace(request, accelerator_power_w=watts)
            row = Assumption(
                name=f"anchor {name}: power of one board", value=watts, unit="W", basis="measured",
                source="your own measurement", option="--accelerator-power-w",
            )  # fmt: skip
            rows = (row,)
    resolved = resolve(request, anchors, possible=possible, shared=shared)
    return replace(resolved, anchor_rows=rows)
