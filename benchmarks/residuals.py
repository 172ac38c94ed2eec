"""Tables of the validation page on the causes of the remaining error."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterable, Sequence

from calibration import fit as fitting
from calibration.fit import (
    FACTORS,
    PHYSICS,
    base_constants,
    development_cases,
    log_factors,
    log_sums,
    prepare_cases,
)
from calibration.search import fit
from footprint.performance.regimes import regime
from footprint.performance.roofline import terms as roofline
from footprint.performance.roofline.constants import load_constants
from footprint.validation import ValidationReport, ValidationRow
from footprint.validation.published.throughput import Counted, chip_of, countable_cases, rows

TERMS = (
    "streaming", "attention", "casts", "head", "elementwise", "tensor_parallel", "expert_parallel",
    "pipeline_bubble", "data_parallel", "optimiser", "launch", "waiting",
)  # fmt: skip
Line = tuple[str, ...]


def percent(share: float) -> str:
    """A share for people."""
    return f"{100 * share:.1f} %" if share < 0.1 else f"{100 * share:.0f} %"


def table(heading: Sequence[str], lines: Iterable[Sequence[str]]) -> Iterable[str]:
    """Lines of a Markdown table."""
    yield "| " + " | ".join(heading) + " |"
    yield "|" + "---|" * len(heading)
    for line in lines:
        yield "| " + " | ".join(line) + " |"
    yield ""


def groups(report: ValidationReport, key: Callable[[str], str]) -> Iterable[Line]:
    """(name, rows, median, bias, 90 % within, covers) of each group of rows."""
    found: dict[str, list[ValidationRow]] = {}
    for row in report.rows:
        found.setdefault(key(row.id), []).append(row)
    for name, members in sorted(found.items()):
        part = ValidationReport(dataset=name, rows=tuple(members))
        bias = statistics.median(row.predicted / row.published for row in members)
        yield (
            name, str(len(members)), percent(part.median_error), f"{bias:.2f}",
            f"{part.ninety_percent_factor:.2f}x", percent(part.coverage or 0),
        )  # fmt: skip


def by_id() -> dict[str, Counted]:
    """The counted cases by their ids."""
    return {one.case.id: one for one in countable_cases()}


def kind_of(one: Counted) -> str:
    """The regime of a case where its layout is given and its stack is not."""
    case = one.case
    kind = regime(one.work, case.precision, case.year, None, case.cluster.count, layout_given=True)
    return kind.removesuffix("_given_stack_unknown")


LEVELS: tuple[tuple[str, Callable[[Counted], object]], ...] = (
    ("the source family's bias", lambda one: one.case.family),
    ("the release's bias", lambda one: one.case.stack),
    ("and the chip's and precision's in it", lambda one: (one.case.stack, *chip_of(one))),
    ("and the model's in it", lambda one: (one.case.stack, *chip_of(one), one.case.model)),
)


def layers(report: ValidationReport) -> Iterable[Line]:
    """The remaining error after the median bias of smaller and smaller groups is removed."""
    cases = by_id()
    logs = {row.id: math.log(row.predicted / row.published) for row in report.rows}
    yield _left("nothing taken away", list(logs.values()), 1)
    for name, key in LEVELS:
        found: dict[object, list[str]] = {}
        for row_id in logs:
            found.setdefault(key(cases[row_id]), []).append(row_id)
        left = []
        for members in found.values():
            bias = statistics.median(logs[i] for i in members)
            left += [logs[i] - bias for i in members]
        yield _left(name, left, len(found))


def _left(name: str, logs: Sequence[float], count: int) -> Line:
    factors = sorted(math.exp(abs(x)) for x in logs)
    return (
        name, str(count), percent(statistics.median(abs(math.expm1(x)) for x in logs)),
        f"{factors[math.ceil(0.9 * len(factors)) - 1]:.2f}x",
    )  # fmt: skip


def missing(report: ValidationReport) -> Iterable[Line]:
    """The error of rows, by unpublished facts."""
    cases = by_id()

    parts: tuple[tuple[str, Callable[[Counted], bool]], ...] = (
        ("layout and micro-batch published", lambda o: {"tp", "micro_batch"} <= o.case.given.keys()),
        ("micro-batch not published", lambda o: "micro_batch" not in o.case.given),
        ("layout not published", lambda o: "tp" not in o.case.given),
        ("recomputation not published", lambda o: "recompute" not in o.case.given),
    )
    for name, keep in parts:
        members = tuple(row for row in report.rows if keep(cases[row.id]))
        part = ValidationReport(dataset=name, rows=members)
        yield name, str(len(members)), percent(part.median_error), f"{part.ninety_percent_factor:.2f}x"


def mixtures() -> Iterable[Line]:
    """Errors of mixtures of experts, by the kind of fold left out of the fit."""
    for by, name in (("stack", "release"), ("model", "model"), ("generation", "chip generation"),
                     ("family", "family (all of them)")):  # fmt: skip
        members = tuple(row for row in rows(found=False, by=by) if row.note == "moe")
        part = ValidationReport(dataset=by, rows=members)
        yield (
            name, str(len(members)), percent(part.median_error), percent(part.within(1.25)),
            f"{part.ninety_percent_factor:.2f}x",
        )  # fmt: skip


def ablation() -> Iterable[Line]:
    """(term, median error, 90 % within) of fits without each term, and of the fit with all terms."""
    base = base_constants()
    prepared = prepare_cases(development_cases(), base)
    shipped = {name: load_constants()[name] for name in (*FACTORS, *PHYSICS)}
    plain = roofline.step_terms
    for left_out in ("", *TERMS):

        def without(*inputs, term=left_out):  # type: ignore[no-untyped-def]
            return {name: value for name, value in plain(*inputs).items() if name != term}

        fitting.step_terms = without
        constants = base.but(**fit(prepared, start=shipped, most=3)[0])
        pairs = zip(log_sums(prepared, constants), log_factors(prepared, constants), strict=True)
        logs = [a + b for a, b in pairs]
        fitting.step_terms = plain
        name, _, median, ninety = _left(left_out.replace("_", " ") or "nothing (all terms)", logs, 0)
        yield name, median, ninety
