"""Corrects predictions of step time, or of memory, with measured steps of the user's own software.

Errors of the step-time model are mostly bias between software stacks, so a measurement on the same stack
removes part of the error, and more where the two jobs are alike. The logs of measured over predicted time
of two jobs of one stack correlate by `likeness`. Several measurements are combined by these correlations
(kriging): near ones count more, and those that repeat each other share their weight. The correlation and
the width of what remains are fitted on published rows (``calibration/anchor.py``,
``calibration/nearness.py``). A measurement on another named stack says nothing.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from footprint.arithmetic import Z90, Number, exp, summed, where
from footprint.catalog.assumptions import assumed_values
from footprint.named_tuples import NamedTuple
from footprint.records import record, replace
from footprint.results import Assumption, Quantity
from footprint.schema import Cluster

if TYPE_CHECKING:
    from footprint.flops import StepFlops

NEAR = 0.5
"""Correlation from which a measurement counts as near."""
LEAST = 0.05
"""A measurement that correlates less with a step than this says nothing of it."""
MOST_ALIKE = 0.98
"""Largest correlation: two measurements of one job never agree wholly."""
SAME_SIZE = 1e-3
"""Relative difference of parameters up to which two models are one."""
APART = 2.576
"""Standard deviations between two measurements from which they contradict each other: 99 % lie closer."""
STEP, MEMORY = "step time", "memory"
"""What an anchor says: its measured over its predicted step time, or memory."""
DIFFERENCES = ("other_chip", "other_precision", "other_method", "other_recompute", "other_split")
"""What makes two steps less alike, by the name of its fitted factor."""


@record
class Job:
    """What makes two steps alike."""

    accelerator: str
    precision: str
    count: int
    parameters: float
    sequence_length: float
    method: str
    recompute: str
    split: tuple[int, int]
    """Tensor- and pipeline-parallel sizes that are given; 1 where they are not."""
    micro_batch: float = 0.0
    """Sequences that a replica takes at once, where given; else 0."""


@record
class Anchor:
    """A measured step and its ratio to the predicted one."""

    name: str
    of: str = STEP
    ratio: float
    """Measured over predicted step time, or memory [1]."""
    job: Job
    stack: str | None = None
    spread: Quantity
    """The error of the prediction, as a factor, before anything was measured."""
    noise: float = 0.0
    """Variance that a layout which is not given adds, over that of the prediction's error [1]."""

    def row(self, weight: float) -> Assumption:
        """The assumption row of this anchor, applied with this weight."""
        return Assumption(
            name=f"anchor {self.name}: measured over predicted {self.of}, taken at {weight:.0%}",
            value=self.ratio, unit="1", basis="measured", source="your own measurement", option="--anchor",
        )  # fmt: skip


def split_of(given: Mapping[str, Any]) -> tuple[int, int]:
    """Tensor- and pipeline-parallel sizes of a layout of which some sizes are given."""
    return int(given.get("tp") or 1), int(given.get("pp") or 1)


def job_of(step_flop: StepFlops, cluster: Cluster, precision: str, given: Mapping[str, Any]) -> Job:
    """What a step is compared with others by; ``given`` holds the given sizes of its layout."""
    training = step_flop.training
    return Job(
        accelerator=cluster.accelerator.id, precision=precision, count=cluster.count,
        parameters=float(step_flop.parameters.total),
        sequence_length=float((step_flop.shape.sequence_length if step_flop.shape else None) or 0),
        method=training.method, recompute=training.recompute, split=split_of(given),
        micro_batch=float(given.get("micro_batch") or 0),
    )  # fmt: skip


class Apart(NamedTuple):
    """How far two steps are from each other: numbers, or arrays of them for many pairs."""

    size: Number
    """Absolute log ratio of their parameters [1]."""
    length: Number
    count: Number
    micro_batch: Number
    other_chip: Number
    """1 where it differs, else 0."""
    other_precision: Number
    other_method: Number
    other_recompute: Number
    other_split: Number


def apart(one: Job, other: Job) -> Apart:
    """How far two jobs are from each other."""
    return Apart(
        size=_distance(one.parameters, other.parameters),
        length=_distance(one.sequence_length, other.sequence_length),
        count=_distance(one.count, other.count),
        micro_batch=_distance(one.micro_batch, other.micro_batch),
        other_chip=float(one.accelerator != other.accelerator),
        other_precision=float(one.precision != other.precision),
        other_method=float(one.method != other.method),
        other_recompute=float(one.recompute != other.recompute),
        other_split=float(one.split != other.split),
    )


def _distance(one: float, other: float) -> float:
    """Absolute log ratio; 0 where either is unknown."""
    return abs(math.log(one / other)) if one > 0 and other > 0 else 0.0


@functools.cache
def nearness() -> Mapping[str, float]:
    """The fitted numbers of `correlation`."""
    return {**assumed_values("anchor_fitted"), **assumed_values("nearness_fitted")}


def correlation(apart: Apart, fitted: Mapping[str, float]) -> Number:
    """Correlation of the logs of measured over predicted time, or memory, of two steps of one stack [1].

    Each factor alone is a valid correlation, so that any set of steps has a valid matrix of them.
    """
    same_model = where(apart.size <= SAME_SIZE, min(fitted["same_model"], MOST_ALIKE / fitted["share"]), 1.0)
    distance = apart.size / fitted["size_scale"] + apart.length / fitted["length_scale"]
    distance = distance + apart.count / fitted["count_scale"]
    if "micro_batch_scale" in fitted:
        distance = distance + apart.micro_batch / fitted["micro_batch_scale"]
    found = fitted["share"] * same_model * exp(-distance)
    for name in DIFFERENCES:
        found = found * fitted[name] ** getattr(apart, name)
    return found


def likeness(one: Job, other: Job, fitted: Mapping[str, float] | None = None) -> float:
    """Correlation of two steps of one stack [1]."""
    return float(correlation(apart(one, other), nearness() if fitted is None else fitted))


def weights_of(
    near: Sequence[float], between: Sequence[Sequence[float]], noise: Sequence[float] = ()
) -> tuple[list[float], float]:
    """Weights of some measurements for a step, and the share of the variance that remains [1].

    ``near`` are their correlations with the step, ``between`` those with each other, ``noise`` the variances
    that the measurements have of their own. The weights are the best linear ones that are not negative.
    """
    noise = noise or [0.0] * len(near)
    weights = [0.0] * len(near)
    kept = [i for i, one in enumerate(near) if one >= LEAST]
    while kept:
        found = _solved([[between[i][j] if i != j else 1.0 + noise[i] for j in kept] for i in kept],
                        [near[i] for i in kept])  # fmt: skip
        if min(found) >= 0.0:
            for i, weight in zip(kept, found, strict=True):
                weights[i] = weight
            break
        kept = [i for i, weight in zip(kept, found, strict=True) if weight > 0.0]
    # With the best weights, the explained share is the product of weights and correlations.
    explained = summed(weight * one for weight, one in zip(weights, near, strict=True))
    return weights, min(1.0, max(0.0, 1.0 - explained))


def _solved(matrix: list[list[float]], right: list[float]) -> list[float]:
    """The solution of a small system of equations whose diagonal dominates enough to need no pivot."""
    rows = [[*line, value] for line, value in zip(matrix, right, strict=True)]
    size = len(rows)
    for pivot in range(size):
        best = max(range(pivot, size), key=lambda row: abs(rows[row][pivot]))
        rows[pivot], rows[best] = rows[best], rows[pivot]
        for row in range(pivot + 1, size):
            factor = rows[row][pivot] / rows[pivot][pivot]
            rows[row] = [a - factor * b for a, b in zip(rows[row], rows[pivot], strict=True)]
    found = [0.0] * size
    for row in reversed(range(size)):
        known = summed(rows[row][column] * found[column] for column in range(row + 1, size))
        found[row] = (rows[row][size] - known) / rows[row][row]
    return found


@record
class Anchored:
    """What some measurements make of the prediction of a step."""

    spread: Quantity
    """The factor on the predicted time, with the error that remains."""
    weights: tuple[float, ...]
    rows: tuple[Assumption, ...] = ()
    warnings: tuple[str, ...] = ()


def anchored(
    spread: Quantity,
    anchors: Sequence[Anchor],
    job: Job,
    stack: str | None,
    fitted: Mapping[str, float] | None = None,
    of: str = STEP,
) -> Anchored:
    """The error of a prediction, shifted and narrowed by measurements of other steps of the same stack.

    ``spread`` is the error before: a factor with one cause or several. Of the anchors, those ``of`` the
    predicted quantity count.
    """
    fitted = nearness() if fitted is None else fitted
    anchors = [one for one in anchors if one.of == of]
    near = [0.0 if _elsewhere(one, stack) else likeness(job, one.job, fitted) for one in anchors]
    between = [[likeness(one.job, other.job, fitted) for other in anchors] for one in anchors]
    weights, left = weights_of(near, between, [one.noise for one in anchors])
    warnings = tuple(
        f"anchor {one.name} says nothing of {'' if of == STEP else f'the {of} of '}{_named(job, stack)}"
        for one, likes in zip(anchors, near, strict=True)
        if likes < LEAST
    )
    if not any(weights):
        return Anchored(spread=spread, weights=tuple(weights), warnings=warnings)
    used = [pair for pair in zip(anchors, weights, strict=True) if pair[1] > 0.0]
    disagreement, apart = contradictions([one for one, _ in used], fitted)
    # Measurements that scatter more than those of one stack do say less.
    narrower = min(1.0, disagreement * math.sqrt(left) * fitted["width"])
    shift = math.exp(summed(w * math.log(one.ratio) for w, one in zip(weights, anchors, strict=True)))
    ends = {cause: (low * narrower, high * narrower) for cause, (low, high) in spread.spread.items()}
    return Anchored(
        spread=Quantity(spread.mid * shift, ends), weights=tuple(weights),
        rows=tuple(one.row(weight) for one, weight in used),
        warnings=(*warnings, *apart),
    )  # fmt: skip


def anchored_mfu(mfu: Quantity, anchors: Sequence[Anchor], job: Job, stack: str | None) -> Anchored:
    """The same for a typical MFU, where no step is predicted: the time goes as one over the MFU."""
    found = anchored(1.0 / mfu, anchors, job, stack)
    return replace(found, spread=1.0 / found.spread)


def _elsewhere(anchor: Anchor, stack: str | None) -> bool:
    return anchor.stack is not None and stack is not None and anchor.stack != stack


def _named(job: Job, stack: str | None) -> str:
    return f"{job.accelerator} in {job.precision}" + (f" with {stack}" if stack is not None else "")


def contradictions(
    anchors: Sequence[Anchor], fitted: Mapping[str, float] | None = None
) -> tuple[float, list[str]]:
    """How far measurements are apart over the scatter of published ones of one stack, at least 1 [1].

    Beside it a warning for each pair that is further apart than this scatter.
    """
    most, found = 1.0, []
    for place, one in enumerate(anchors):
        for other in anchors[place + 1 :]:
            limit = scatter_of(one, other, nearness() if fitted is None else fitted)
            apart = abs(math.log(one.ratio / other.ratio))
            if apart > limit:
                most = max(most, apart / limit)
                found.append(
                    f"anchors {one.name} and {other.name} contradict each other: the measured {one.of} is "
                    f"{one.ratio:.3g} and {other.ratio:.3g} times the predicted one, {math.exp(apart):.3g} "
                    f"apart, and measurements of one stack lie within {math.exp(limit):.3g}: is one of "
                    "another stack, batch or count? The interval is wider for it"
                )
    return most, found


def scatter_of(one: Anchor, other: Anchor, fitted: Mapping[str, float]) -> float:
    """Log ratio within which 99 of 100 pairs of measurements of one stack lie [1]."""
    first, second = (
        fitted["width"] * max(abs(end) for ends in anchor.spread.spread.values() for end in ends) / Z90
        for anchor in (one, other)
    )
    shared = 2.0 * likeness(one.job, other.job, fitted) * first * second
    return APART * math.sqrt(first**2 * (1.0 + one.noise) + second**2 * (1.0 + other.noise) - shared)
