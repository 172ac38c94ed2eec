"""The facts of an estimate with the measurements of the user's own stack."""

from __future__ import annotations

from footprint.estimator.anchors.kept import read_anchor
from footprint.estimator.anchors.measured import measured_by
from footprint.estimator.anchors.written import anchors_in
from footprint.estimator.facts import Facts
from footprint.estimator.resolve import resolve
from footprint.estimator.resolve.method import given_layout
from footprint.estimator.resolve.shared import Shared
from footprint.performance.anchoring import NEAR, job_of, likeness
from footprint.records import replace
from footprint.results import Assumption


def anchored(facts: Facts, *, possible: bool = True, shared: Shared | None = None) -> Facts:
    """The facts with the measurements of the user's own stack that the request names.

    Of the nearest anchor, if it is near (`NEAR`), the board power is taken as well, where it has one and
    the request has none.
    """
    request = facts.request
    known = []
    for text in anchors_in(request.anchor or ""):
        name, scenario = read_anchor(text)
        known.append((name, measured_by(name, scenario, request.stack), scenario.accelerator_power_w))
    rows: tuple[Assumption, ...] = ()
    given = request.accelerator_power_w is not None or request.it_power_w is not None
    if facts.step_flops and not given:
        job = job_of(facts.step_flops[0], facts.cluster, facts.precision, given_layout(request))
        alike, watts, name, chip = max(
            (likeness(job, measured.job), watts or 0.0, name, measured.job.accelerator)
            for name, measured, watts in known
        )
        if watts and chip == job.accelerator and alike >= NEAR:
            request = replace(request, accelerator_power_w=watts)
            row = Assumption(
                name=f"anchor {name}: power of one board", value=watts, unit="W", basis="measured",
                source="your own measurement", option="--accelerator-power-w",
            )  # fmt: skip
            rows = (row,)
    anchors = tuple(one for _, measured, _ in known for one in measured.anchors)
    resolved = resolve(request, anchors, possible=possible, shared=shared)
    said = tuple(warning for _, measured, _ in known for warning in measured.warnings)
    return replace(resolved, anchor_rows=rows, anchors=anchors, warnings=(*resolved.warnings, *said))
