"""The steps of many jobs at once: one model on machines of one kind, for many counts and batches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from footprint.performance.layouts.columns import LayoutColumns
from footprint.performance.layouts.habits import sixteen_bit_states
from footprint.performance.predict import busy_share, software_factor, with_software
from footprint.performance.roofline.machine import Machine
from footprint.performance.step import StepPrediction, busy_quantity, predict, timed
from footprint.performance.step_facts import StepFacts
from footprint.records import record, replace

Array = Any


@record
class StepColumns:
    """One step on clusters of several machines of one kind.

    ``facts`` are those of one batch on every cluster: numbers that differ among the clusters are arrays over
    them, with two more axes of length 1 for batches and places.
    """

    facts: StepFacts
    machines: Sequence[Machine | None]
    counts: Sequence[Sequence[int]]
    """The counts of each machine; together they are the clusters."""


def is_like(one: StepFacts, other: StepFacts) -> bool:
    """Whether two steps differ in nothing but the cluster and its rates, so that they can be joined."""
    if one.machine is None or other.machine is None:
        same = one.machine is other.machine
    else:
        same = one.machine.is_like(other.machine)
    return (
        same
        and one.work is other.work
        and (one.flop, one.precision, one.given, one.flash)
        == (other.flop, other.precision, other.given, other.flash)
        and (one.sequence_length, one.spread, one.busy) == (other.sequence_length, other.spread, other.busy)
    )


def predict_columns(step: StepColumns, scales: Array, wanted: Array | None = None) -> StepPrediction:
    """Predictions for each cluster (first axis) and batch (second); the third axis has length 1.

    The facts describe one batch; ``scales`` are the batches divided by it. Where no layout fits, only
    the ``wanted`` steps (clusters, batches) get the layout that is nearest to fitting. Where no layout of a
    count has the given sizes, its numbers are NaN.
    """
    import numpy as np

    scales = np.asarray(scales, float)
    facts = replace(step.facts, flop=step.facts.flop * scales[:, None])
    machines = [one for one in step.machines if one is not None]
    if facts.work is None or not machines:
        prediction = predict(facts)
        return replace(prediction, fits=np.ones(np.shape(prediction.step_time_s.mid), bool))
    work, machine = facts.work, machines[0]
    wanted = np.ones((1, 1), bool) if wanted is None else wanted
    job: dict[str, Any] = {
        "given": facts.given, "flash": facts.flash, "sequence_length": facts.sequence_length,
    }  # fmt: skip
    layouts = LayoutColumns(work, machines, step.counts, scales, **job)
    choice = layouts.chosen(np.broadcast_to(wanted.T, layouts.crowded.shape))
    if sixteen_bit_states(machine) and not choice.fits.all():
        others = LayoutColumns(work, machines, step.counts, scales, **job, sixteen_bit_states=True)
        choice = choice.or_else(others.chosen(np.zeros(layouts.crowded.shape, bool)))
    terms, fits, least_byte, split = (_with_axis(part) for part in choice)
    factor = software_factor(
        work, facts.cluster, facts.precision, machine.year, machine.native,
        None if "tp" in facts.given else split, machine.constants,
    )  # fmt: skip
    terms, seconds = with_software(terms, factor)
    step_time_s, mfu = timed(facts, seconds)
    return StepPrediction(
        step_time_s=step_time_s, mfu=mfu, busy_share=busy_quantity(busy_share(terms), facts.busy),
        assumptions=(), terms=terms, fits=fits, least_byte=least_byte * facts.memory_spread.mid,
    )  # fmt: skip


def _with_axis(part: Any) -> Any:
    """An array, or a mapping of arrays, with one more axis for places."""
    if isinstance(part, dict):
        return {name: seconds[..., None] for name, seconds in part.items()}
    return part[..., None]
