"""The nearest anchor that this user has, and what it would do to an estimate that names none."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator

from footprint.estimator.anchors.kept import Known, known_anchors
from footprint.estimator.request import TIME_FIELDS, EstimateRequest
from footprint.estimator.resolve import resolve
from footprint.estimator.resolve.method import given_layout
from footprint.performance.anchoring import NEAR, Job, job_of, likeness
from footprint.records import replace
from footprint.results import Quantity
from footprint.results.estimate import Estimate
from footprint.results.human import interval

LEAST_GAIN = 0.95
"""An anchor that leaves more than this share of the interval's width is not named [1]."""


def nearest_anchor(
    request: EstimateRequest, plain: Estimate, estimate: Callable[[EstimateRequest], Estimate]
) -> str:
    """A sentence on the nearest anchor of the user, and the hours and memory with it; "" if none is near.

    Files that are no anchors are passed over: nothing here can fail an estimate that has been made.
    """
    if request.anchor is not None or any(getattr(request, name) is not None for name in TIME_FIELDS):
        return ""
    try:
        known = [one for one in known_anchors() if request.stack in (None, one.stack) or one.stack is None]
        if not known:
            return ""
        facts = resolve(request, alternatives=False)
        if not facts.step_flops:
            return ""
        job = job_of(facts.step_flops[0], facts.cluster, facts.precision, given_layout(request))
        near = sorted(known, key=lambda one: (likeness(job, one.job), one.kept_s), reverse=True)
        best = next((one for one in near[:3] if one.path.is_file()), None)
        if best is None or likeness(job, best.job) < NEAR:
            return ""
        with_it = estimate(replace(request, anchor=best.name))
    except Exception:  # noqa: BLE001 - whatever the files hold, the estimate has been made
        return ""
    narrowed = [
        f"the {what} from {interval(before, unit)} to {interval(after, unit)}"
        for what, unit, before, after in _compared(plain, with_it)
        if 0 < math.log(after.high / after.low) < LEAST_GAIN * math.log(before.high / before.low)
    ]
    if not narrowed:
        return ""
    return (
        f"your measurement {best.name} of {_day(best.kept_s)} ({_like(job, best)}) would narrow "
        f"{' and '.join(narrowed)}: give `anchor={best.name}`"
    )


def _compared(plain: Estimate, other: Estimate) -> Iterator[tuple[str, str, Quantity, Quantity]]:
    """What an anchor may narrow: name, unit, and the quantity without and with it."""
    yield "duration", "h", plain.duration_h, other.duration_h
    if plain.memory is not None and other.memory is not None:
        yield "device memory", "gib", plain.memory.needed_gib, other.memory.needed_gib


def _like(job: Job, known: Known) -> str:
    same = abs(math.log(job.parameters / known.job.parameters)) < 1e-3 if known.job.parameters > 0 else False
    return f"{'the same model' if same else known.model}, {known.hw}"


def _day(kept_s: float) -> str:
    day = time.localtime(kept_s)
    return f"{day.tm_mday} {time.strftime('%b %Y', day)}"
