"""Step times of published benchmarks, each predicted without its own source family.

The layout is the published one (``throughput``) or is searched (``throughput-found``). The constants of
each fold are read from ``reference_data/fitted_folds.csv``, which the calibration writes.
"""

from __future__ import annotations

import functools
import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from footprint import equations
from footprint.catalog.assumptions import assumed, assumed_values
from footprint.catalog.files import read_csv, reference_folder
from footprint.errors import FootprintError
from footprint.flops import count_step
from footprint.performance.predict import predict_raw, work_of
from footprint.performance.regimes import is_layout_given, regime
from footprint.performance.roofline.constants import Constants, load_constants
from footprint.performance.roofline.limits import shortest_s
from footprint.performance.roofline.machine import Machine
from footprint.performance.roofline.work import Work
from footprint.performance.stacks import software_of
from footprint.performance.step_facts import CAUSE
from footprint.validation.baselines import beside_table, llmcarbon_s
from footprint.validation.cases import Case, of_its_software, throughput_cases
from footprint.validation.report import ValidationReport, ValidationRow

FOLDS = ("family", "publisher", "generation")


@functools.cache
def fold_constants(by: str) -> dict[str, Constants]:
    """Fold -> the constants fitted without it."""
    values: dict[str, dict[str, float]] = {}
    for row in read_csv(reference_folder() / "fitted_folds.csv"):
        if row["by"] == by:
            values.setdefault(row["fold"], {})[row["name"]] = float(row["factor"])
    base = {**assumed_values("time"), **assumed_values("time_fitted")}
    return {fold: Constants({**base, **fitted}) for fold, fitted in values.items()}


class Counted(NamedTuple):
    """A case with the work and the model FLOPs of its step."""

    case: Case
    work: Work
    flop: float


@functools.cache
def countable_cases() -> tuple[Counted, ...]:
    """Every usable case, counted."""
    result = []
    for case in throughput_cases(errors=[]):
        try:
            flops = count_step(case.config, case.shape, case.training, case.objective)
        except FootprintError:  # leave out models that cannot be counted
            continue
        if flops.operations is not None:
            work = work_of(flops.operations, case.training)
            result.append(Counted(case, work, float(flops.training_flop)))
    return tuple(result)


def predict_case(
    case: Case, work: Work, constants: Constants | None, *, found: bool, said: bool = True
) -> ValidationRow:
    """One case as a row: published and predicted step time with its interval [s].

    ``said`` is whether the software is known: a stack by its name, where the source names one.
    """
    native = case.native if said else None
    if said:
        constants = of_its_software(case, constants)
    raw = predict_raw(
        work, case.cluster, case.precision, case.year, given={} if found else case.given,
        flash=case.training.fuses_attention,
        sequence_length=float(case.shape.sequence_length or 0), native=native, constants=constants,
    )  # fmt: skip
    kind = regime_of(case, work, found=found, said=said)
    residual = assumed(f"time_fitted.residual_{kind}")
    spread = software_of(case.software if said else None, None).spread(residual, CAUSE)
    machine = Machine(case.cluster, case.precision, case.year, constants or load_constants(), native)
    shortest = min(raw.seconds, shortest_s(work, machine) / case.cluster.count)
    return ValidationRow(
        id=case.id,
        published=case.measured_s,
        predicted=raw.seconds,
        unit="s",
        fold=case.family,
        low=max(raw.seconds * spread.low, shortest),
        high=raw.seconds * spread.high,
        note=case.kind,
    )


def regime_of(case: Case, work: Work, *, found: bool, said: bool) -> str:
    """The regime of a case, whose residuals give its interval."""
    count = case.cluster.count
    given = not found and is_layout_given(case.given, count)
    native = case.native if said else None
    return regime(work, case.precision, case.year, native, count, layout_given=given)


def rows(
    *, found: bool, by: str = "family", sealed: bool = False, said: bool = True
) -> tuple[ValidationRow, ...]:
    """Rows of the step-level cases, out of sample; ``sealed`` selects those that are never used in a fit."""
    constants = fold_constants(by)
    return tuple(
        predict_case(case, work, None if sealed else constants[getattr(case, by)], found=found, said=said)
        for case, work, _ in countable_cases()
        if case.scope == "step" and case.sealed == sealed and (sealed or getattr(case, by) in constants)
    )


def validate_throughput() -> ValidationReport:
    """Step times with the published layout, leave-family-out."""
    return _report("throughput", found=False)


def validate_throughput_found() -> ValidationReport:
    """Step times with a searched layout, leave-family-out."""
    return _report("throughput-found", found=True)


def _report(name: str, *, found: bool) -> ValidationReport:
    main = rows(found=found)
    notes = []
    for by in FOLDS[1:]:
        other = ValidationReport(dataset=name, rows=rows(found=found, by=by))
        notes.append(
            f"leave-{by}-out: median {other.median_error:.1%}, within 1.25 {other.within(1.25):.0%}, "
            f"90 % within {other.ninety_percent_factor:.2f}x"
        )
    for kind in sorted({row.note for row in main}):
        part = ValidationReport(dataset=name, rows=tuple(row for row in main if row.note == kind))
        notes.append(
            f"{kind}: {len(part.rows)} rows, median {part.median_error:.1%}, "
            f"90 % within {part.ninety_percent_factor:.2f}x"
        )
    return ValidationReport(dataset=name, rows=main, baselines=baselines(), notes=tuple(notes))


def baselines() -> dict[str, dict[str, float]]:
    """The scores of the baselines on the same rows."""
    cases = [one for one in countable_cases() if one.case.scope == "step" and not one.case.sealed]
    published = [
        ValidationRow(
            id=one.case.id, published=one.case.measured_s, predicted=one.case.measured_s, unit="s",
            fold=one.case.family,
        )
        for one in cases
    ]  # fmt: skip
    chip_median = _ChipMedian(cases)
    rules: Mapping[str, Callable[[Counted], float | None]] = {
        "6ND at MFU 1.0": lambda one: _six_nd(one) / _peak(one),
        "6ND at MFU 0.4": lambda one: _six_nd(one) / (0.4 * _peak(one)),
        "LLMCarbon's regression": _llmcarbon,
        "exact FLOPs at MFU 0.4": lambda one: one.flop / (0.4 * _peak(one)),
        "median MFU of the chip and precision, leave-family-out": chip_median,
    }
    guesses = {
        one.case.id: {name: guess for name, rule in rules.items() if (guess := rule(one))} for one in cases
    }
    return beside_table(published, guesses)


def _llmcarbon(one: Counted) -> float | None:
    return llmcarbon_s(_active(one), one.work.rows, one.case.cluster, one.case.precision)


def _peak(one: Counted) -> float:
    cluster = one.case.cluster
    return cluster.count * cluster.accelerator.peak_flop_per_s[one.case.precision]


def _active(one: Counted) -> float:
    """Active parameters: those used for one token."""
    work = one.work
    parameters = work.block_parameters + work.other_parameters
    if work.experts:
        parameters += work.expert_parameters * work.chosen / work.experts
    return parameters


def _six_nd(one: Counted) -> float:
    return float(equations.flop_6nd(_active(one), one.work.rows))


class _ChipMedian:
    """The median MFU that other families reached on a chip in a precision."""

    def __init__(self, cases: Sequence[Counted]) -> None:
        self.known = [
            (one.case.family, chip_of(one), one.flop / (one.case.measured_s * _peak(one))) for one in cases
        ]

    def __call__(self, one: Counted) -> float:
        others = [(chip, mfu) for family, chip, mfu in self.known if family != one.case.family]
        same = [mfu for chip, mfu in others if chip == chip_of(one)]
        return one.flop / (statistics.median(same or [mfu for _, mfu in others]) * _peak(one))


def chip_of(one: Counted) -> tuple[str, str]:
    """The accelerator and the precision of a row."""
    return one.case.cluster.accelerator.id, one.case.precision
