"""The steps of many jobs at once: one model on one kind of node, for many counts and batches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from footprint.performance.layouts.columns import Choice, LayoutColumns
from footprint.performance.predict import busy_share, software_factor, with_software
from footprint.performance.roofline.machine import Machine
from footprint.performance.roofline.work import Work
from footprint.performance.step import StepFacts, StepPrediction, busy_quantity, predict, timed
from footprint.records import replace
from footprint.schema import Cluster

Array = Any


def cluster_columns(cluster: Cluster, counts: Sequence[int]) -> Cluster:
    """A cluster of one kind of node with a column of counts."""
    import numpy as np

    column = np.asarray(counts, float)[:, None]
    return replace(cluster, count=column, nodes=column / cluster.node.accelerators)


def _chosen(
    facts: StepFacts, work: Work, machine: Machine, counts: Sequence[int], scales: Array, wanted: Array | None
) -> Choice:
    """The layouts that are chosen for each count and batch.

    Unusual layouts, which are many, are tried only for the counts and batches that ask for them.
    """
    import numpy as np

    usual = LayoutColumns(
        work, machine, counts, scales, given=facts.given, flash=facts.flash,
        sequence_length=facts.sequence_length,
    )  # fmt: skip
    if not usual.crowded.any():
        return usual.chosen(wanted)
    terms, fits, least_byte, split = usual.chosen(
        ~usual.crowded if wanted is None else wanted & ~usual.crowded
    )
    rows, columns = usual.few
    place = np.ix_(rows, columns)
    every = LayoutColumns(
        work, machine, [counts[row] for row in rows], scales[:, columns], given=facts.given,
        flash=facts.flash, sequence_length=facts.sequence_length, unusual=True,
    )  # fmt: skip
    other_terms, other_fits, other_byte, other_split = every.chosen(
        None if wanted is None else np.broadcast_to(wanted, fits.shape)[place]
    )
    crowded = usual.crowded[place]
    merged = {}
    for name, seconds in terms.items():
        merged[name] = np.array(np.broadcast_to(seconds, fits.shape))
        merged[name][place] = np.where(crowded, other_terms[name], merged[name][place])
    for mine, other in ((fits, other_fits), (least_byte, other_byte), (split, other_split)):
        mine[place] = np.where(crowded, other, mine[place])
    return Choice(merged, fits, least_byte, split)


def predict_columns(
    facts: StepFacts, counts: Sequence[int], scales: Array, wanted: Array | None = None
) -> StepPrediction:
    """Predictions for each accelerator count (rows) and batch (columns); ``fits`` is an array.

    ``facts`` describe one batch; ``scales`` are the batches divided by it. Where no layout fits, only
    the ``wanted`` steps get the layout that is nearest to fitting. Where no layout of a count has the
    given sizes, its numbers are NaN.
    """
    import numpy as np

    scales = np.asarray(scales, float)[None, :]
    columns = replace(facts, flop=facts.flop * scales, cluster=cluster_columns(facts.cluster, counts))
    if facts.work is None or facts.machine is None:
        prediction = predict(columns)
        return replace(prediction, fits=np.ones(np.shape(prediction.step_time_s.mid), bool))
    work, machine = facts.work, facts.machine
    terms, fits, least_byte, split = _chosen(facts, work, machine, counts, scales, wanted)
    factor = software_factor(
        work, columns.cluster, facts.precision, machine.year, machine.native,
        None if "tp" in facts.given else split, machine.constants,
    )  # fmt: skip
    terms, seconds = with_software(terms, factor)
    step_time_s, mfu = timed(columns, seconds)
    return StepPrediction(
        step_time_s=step_time_s, mfu=mfu, busy_share=busy_quantity(busy_share(terms), facts.busy),
        assumptions=(), terms=terms, fits=fits, least_byte=least_byte,
    )  # fmt: skip
