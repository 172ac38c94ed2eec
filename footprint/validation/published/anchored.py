"""Validation of anchors: how much measured rows of a software stack improve the predictions of others.

Errors are mostly bias between software stacks, which a measurement on the same stack removes. Here rows of
a source (one release of one publisher's software) serve as anchors of its other rows. Time model, correlation
and width are fitted without the family of the source.
"""

from __future__ import annotations

import functools
import math
import random
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from footprint.arithmetic import Z90
from footprint.catalog.assumptions import assumed
from footprint.catalog.files import read_csv, reference_folder
from footprint.performance.anchoring import Anchor, Job, anchored, likeness, nearness, split_of
from footprint.performance.predict import predict_raw
from footprint.performance.step_facts import CAUSE
from footprint.records import record
from footprint.results import Quantity
from footprint.validation.cases import Case, of_its_software
from footprint.validation.published.throughput import Counted, countable_cases, fold_constants, regime_of
from footprint.validation.report import ValidationReport, ValidationRow

SEED = 20190605
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
            flash=case.training.fuses_attention,
            sequence_length=float(case.shape.sequence_length or 0), native=case.native,
            constants=of_its_software(case, None if sealed else constants[case.family]),
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


@record
class Known:
    """A row whose measurement is known, as an anchor or as a target."""

    case: Case
    job: Job
    log_ratio: float
    """Log of measured over predicted time, out of sample [1]."""
    spread: Quantity
    """The error of its regime as a factor."""

    @property
    def deviation(self) -> float:
        """Standard deviation of the regime's log error [1]."""
        low, high = self.spread.spread[CAUSE]
        return float((high - low) / 2.0 / Z90)

    @property
    def anchor(self) -> Anchor:
        """The row as an anchor."""
        return Anchor(
            name=self.case.id, ratio=math.exp(self.log_ratio), job=self.job, stack=self.case.stack,
            spread=self.spread,
        )  # fmt: skip


def known_rows(*, sealed: bool = False) -> list[Known]:
    """Each step-level row with its error out of sample by family."""
    found = []
    for one, log_ratio in log_residuals(sealed=sealed):
        case = one.case
        kind = regime_of(case, one.work, found=False, said=True)
        width = assumed(f"time_fitted.residual_{kind}")
        job = Job(
            accelerator=case.cluster.accelerator.id, precision=case.precision, count=case.cluster.count,
            parameters=_parameters(one), sequence_length=_length(one), method=case.training.method,
            recompute=case.training.recompute, split=split_of(case.given),
        )  # fmt: skip
        spread = Quantity.between(width.low, width.value, width.high, CAUSE)
        found.append(Known(case=case, job=job, log_ratio=log_ratio, spread=spread))
    return found


@functools.cache
def fold_nearness() -> dict[str, dict[str, float]]:
    """Family of sources -> the numbers of `correlation`, fitted without it where a fold has them."""
    folds: dict[str, dict[str, float]] = {}
    for row in read_csv(reference_folder() / "nearness_folds.csv"):
        folds.setdefault(row["fold"], dict(nearness()))[row["name"]] = float(row["factor"])
    return folds


def nearness_without(family: str) -> Mapping[str, float]:
    """The numbers of `correlation` without a family; one without a fold came after the fit."""
    return fold_nearness().get(family, nearness())


def validate_anchored() -> ValidationReport:
    """Step times with one known row of the same stack, chip and precision, drawn with a fixed seed."""
    draw = random.Random(SEED)  # noqa: S311 - which row is revealed, not a secret
    rows = known_rows()
    by_stack: dict[str, list[Known]] = {}
    for one in rows:
        by_stack.setdefault(one.case.stack, []).append(one)

    def drawn(how: Callable[[Known, Known], bool], number: int = 1) -> list[ValidationRow]:
        """Each target that has so many such rows, predicted with these, drawn."""
        found = []
        for target in rows:
            pool = [o for o in by_stack[target.case.stack] if o is not target and how(target, o)]
            if len(pool) >= number:
                found.append(_row(target, draw.sample(pool, number)))
        return found

    one_row = drawn(_same)
    nearest = [
        _row(target, [max(pool, key=functools.partial(_worth, target))])
        for target in rows
        if (pool := [o for o in by_stack[target.case.stack] if o is not target and _same(target, o)])
    ]
    others = (
        ("the nearest row", nearest),
        ("three rows", drawn(_same, 3)),
        ("five rows", drawn(_same, 5)),
        ("one row of the same model, recomputation and layout", alike := drawn(_alike)),
        ("the same, dense decoders", [row for row in alike if row.note == "decoder"]),
        ("one row of another chip", drawn(_other_chip)),
        ("one row in another precision", drawn(_other_precision)),
    )
    notes = [f"90 % within {_ninety(one_row):.2f}x"]
    for name, found in others:
        report = ValidationReport(dataset="anchored", rows=tuple(found))
        notes.append(
            f"{name}: {len(found)} rows, median {report.median_error:.1%}, over stacks "
            f"{report.median_over_folds:.1%}, 90 % within {_ninety(found):.2f}x, interval covers "
            f"{report.coverage:.0%} and is {_width(found):.2f}x wide"
        )
    for kind in sorted({row.note for row in one_row}):
        errors = [row.error for row in one_row if row.note == kind]
        notes.append(f"{kind}: {len(errors)} rows, median {statistics.median(errors):.1%}")
    notes.append(f"the interval of the {len(one_row)} rows is {_width(one_row):.2f}x wide; without an anchor "
                 f"{statistics.median(_wide(one.spread) for one in rows):.2f}x")  # fmt: skip
    return ValidationReport(dataset="anchored", rows=tuple(one_row), notes=tuple(notes))


def _same(target: Known, other: Known) -> bool:
    one, two = target.job, other.job
    return one.accelerator == two.accelerator and one.precision == two.precision


def _alike(target: Known, other: Known) -> bool:
    one, two = target.job, other.job
    same = one.parameters == two.parameters and one.recompute == two.recompute and one.split == two.split
    return same and _same(target, other)


def _other_chip(target: Known, other: Known) -> bool:
    one, two = target.job, other.job
    return one.accelerator != two.accelerator and one.precision == two.precision


def _other_precision(target: Known, other: Known) -> bool:
    one, two = target.job, other.job
    return one.accelerator == two.accelerator and one.precision != two.precision


def _worth(target: Known, other: Known) -> float:
    """How much a row says of a target: their correlation [1]."""
    return likeness(target.job, other.job, nearness_without(target.case.family))


def _ninety(rows: Sequence[ValidationRow]) -> float:
    """The factor within which nine of ten rows lie [1]."""
    factors = sorted(row.factor for row in rows)
    return factors[math.ceil(0.9 * len(factors)) - 1]


def _width(rows: Sequence[ValidationRow]) -> float:
    """Median ratio of the ends of the intervals [1]."""
    return statistics.median(row.high / row.low for row in rows if row.high and row.low)


def _wide(spread: Quantity) -> float:
    low, high = spread.bounds
    return float(high / low)


def _row(target: Known, known: Sequence[Known]) -> ValidationRow:
    """The target's row, predicted with these rows as anchors; nothing is fitted on its family."""
    case = target.case
    found = anchored(
        target.spread, [one.anchor for one in known], target.job, case.stack, nearness_without(case.family)
    )
    step = case.measured_s / math.exp(target.log_ratio) * found.spread
    return ValidationRow.of(
        id=f"{case.id} by {' '.join(one.case.id for one in known)}",
        published=case.measured_s, predicted=step,
        unit="s", fold=case.stack, note=case.kind,
    )  # fmt: skip
