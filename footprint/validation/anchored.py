"""Validation of anchors: how much one measured row of a software stack improves the predictions of others.

Errors are mostly bias between software stacks, which a measurement on the same stack removes. Here each
row of a source (one release of one publisher's software) serves as the anchor in turn. The other rows of
that source are predicted with the step time shifted by the error of the anchor.
"""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from footprint.performance.anchoring import NEAR, Anchor, anchored_factor, weight_of
from footprint.performance.predict import predict_raw
from footprint.validation.cases import Case
from footprint.validation.report import ValidationReport, ValidationRow
from footprint.validation.throughput import Counted, countable_cases, fold_constants

SEED = 20190605
CLOSE = ", near"
SAME, OTHER = "same chip and precision", "another chip or precision"


def log_residuals(*, sealed: bool = False) -> list[tuple[Counted, float]]:
    """Each step-level case with the log of measured over predicted time, out of sample by family [1]."""
    constants = fold_constants("family")
    result = []
    for one in countable_cases():
        case = one.case
        if case.scope != "step" or case.sealed != sealed or not (sealed or case.family in constants):
            continue
        raw = predict_raw(
            one.work, case.cluster, case.precision, case.year, given=case.given,
            flash=case.training.attention == "flash",
            sequence_length=float(case.shape.sequence_length or 0), native=case.native,
            constants=None if sealed else constants[case.family],
        )  # fmt: skip
        result.append((one, math.log(case.measured_s / raw.seconds)))
    return result


def relation(anchor: Case, target: Case) -> str | None:
    """Whether target and anchor have the same chip and precision; None for another stack or the same row."""
    if anchor.id == target.id or anchor.stack != target.stack:
        return None
    same = anchor.cluster.accelerator.id == target.cluster.accelerator.id
    return SAME if same and anchor.precision == target.precision else OTHER


def pairs(*, sealed: bool = False) -> Iterator[Pair]:
    """Every pair of a target and an anchor of the same stack."""
    by_stack: dict[str, list[tuple[Counted, float]]] = {}
    for one, residual in log_residuals(sealed=sealed):
        by_stack.setdefault(one.case.stack, []).append((one, residual))
    for members in by_stack.values():
        for target, truth in members:
            for anchor, shift in members:
                how = relation(anchor.case, target.case)
                if how is not None:
                    yield Pair(target, anchor, how, truth, shift)


class Pair(NamedTuple):
    """A target and an anchor: a row of the same stack whose measurement is known."""

    target: Counted
    anchor: Counted
    how: str
    truth: float
    """Log of measured over predicted time of the target [1]."""
    shift: float
    """Log of measured over predicted time of the anchor [1]."""

    def apart(self) -> tuple[float, float]:
        """Absolute log ratios of their sequence lengths and of their parameters [1]."""
        return tuple(
            abs(math.log(a / b)) if a > 0 and b > 0 else 0.0
            for a, b in (
                (_length(self.target), _length(self.anchor)),
                (_parameters(self.target), _parameters(self.anchor)),
            )
        )  # type: ignore[return-value]


def _length(one: Counted) -> float:
    return float(one.case.shape.sequence_length or 0)


def _parameters(one: Counted) -> float:
    work = one.work
    return float(work.parameters)


def validate_anchored() -> ValidationReport:
    """Step times with one known row of the same stack, chip and precision, drawn with a fixed seed."""
    draw = random.Random(SEED)  # noqa: S311 - which row is revealed, not a secret
    offered: dict[str, list[Pair]] = {}
    for pair in pairs():
        if pair.how == SAME:
            offered.setdefault(pair.target.case.id, []).append(pair)
    rows = [_row(draw.choice(choices)) for choices in offered.values()]
    nearest = ValidationReport(
        dataset="anchored", rows=tuple(_row(max(choices, key=_worth)) for choices in offered.values())
    )
    notes = [
        f"90 % within {_ninety(rows):.2f}x",
        f"with the nearest row as the anchor: median {nearest.median_error:.1%}, 90 % within "
        f"{_ninety(nearest.rows):.2f}x, interval covers {nearest.coverage:.0%}",
    ]
    for kind in sorted({row.note for row in rows}):
        errors = [row.error for row in rows if row.note == kind]
        notes.append(f"{kind}: {len(errors)} rows, median {statistics.median(errors):.1%}")
    near = [row.error for row in rows if row.id.endswith(CLOSE)]
    if near:
        notes.append(f"near anchors: {len(near)} rows, median {statistics.median(near):.1%}")
    return ValidationReport(dataset="anchored", rows=tuple(rows), notes=tuple(notes))


def _worth(pair: Pair) -> tuple[float, float]:
    """Sort key of an anchor: its weight for the target, then the closeness of their chip counts."""
    weight = weight_of(_parameters(pair.target), _length(pair.target), _anchor(pair))
    counts = [one.case.cluster.count for one in (pair.target, pair.anchor)]
    return weight, -abs(math.log(counts[0] / counts[1]))


def _ninety(rows: Sequence[ValidationRow]) -> float:
    """The factor within which nine of ten rows lie [1]."""
    factors = sorted(row.factor for row in rows)
    return factors[math.ceil(0.9 * len(factors)) - 1]


def _anchor(pair: Pair) -> Anchor:
    case = pair.target.case
    return Anchor(
        name=pair.anchor.case.id, ratio=math.exp(pair.shift), accelerator=case.cluster.accelerator.id,
        precision=case.precision, parameters=_parameters(pair.anchor), sequence_length=_length(pair.anchor),
    )  # fmt: skip


def _row(pair: Pair) -> ValidationRow:
    """The target's row, predicted with this anchor."""
    case = pair.target.case
    anchor = _anchor(pair)
    weight = weight_of(_parameters(pair.target), _length(pair.target), anchor)
    plain = case.measured_s / math.exp(pair.truth)
    step = plain * anchored_factor(weight, anchor, "time_model")
    return ValidationRow(
        id=f"{case.id} by {pair.anchor.case.id}{CLOSE if weight >= NEAR else ''}",
        published=case.measured_s, predicted=step.mid, low=step.low, high=step.high,
        unit="s", fold=case.stack, note=case.kind,
    )  # fmt: skip
