"""Writes ``time_fitted.toml`` from published tables: constants, factors and residuals by regime."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from calibration.early import fit_early
from calibration.fit import (
    FACTORS,
    PHYSICS,
    Z90,
    Prepared,
    base_constants,
    development_cases,
    log_sums,
    prepare_cases,
    priors,
    residuals_by_fold,
)
from calibration.search import fit, fold_values
from calibration.tables import quantile
from calibration.widths import ends
from footprint.performance.layouts.habits import NO_HABITS, is_short
from footprint.performance.regimes import regime
from footprint.performance.roofline.constants import Constants
from footprint.validation.cases import Case
from footprint.vocabulary import ADAPTED

FOLDS = ("family", "publisher", "generation", "stack", "model")
"""Kinds of folds that are left out in turn; the last two apply only to mixtures of experts."""
UNSEEN_STACK = 0.10
"""Standard deviation added for an unknown stack: half the log distance between the two kinds [1]."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """One fitted number with its 90 % interval."""

    name: str
    value: float
    low: float
    high: float
    note: str = ""


@dataclass(frozen=True, slots=True)
class Calibration:
    """The result of a calibration: the numbers of the file, and the constants of each fold."""

    rows: list[Fitted]
    folds: dict[str, dict[str, dict[str, float]]]


def calibrate() -> Calibration:
    """Every fitted number, in the order of the file, and the constants of each fold."""
    base = base_constants()
    cases = development_cases()
    given = prepare_cases(cases, base)
    values, linear = fit(given)
    constants = base.but(**values)
    habits = {
        name: habit_of_adapters(cases, constants, short=short)
        for name, short in (("recompute_habit_adapters", False), ("recompute_habit_adapters_short", True))
    }
    constants = constants.but(**{name: habit for name, (habit, _) in habits.items()})
    found = prepare_cases(cases, constants, found=True)
    rows = [Fitted(name, values[name], *_interval(name, values[name])) for name in (*FACTORS, *PHYSICS)]
    of_search = dict(_found_over_given(given, found, constants))
    for split, name, note in (
        (
            True,
            "layout_split",
            "what people run over the fastest layout that fits, where that one splits the model",
        ),
        (False, "layout_replicas", "the same, where it is plain data parallelism"),
    ):
        gaps = of_search[split]
        factor = min(
            max(math.exp(quantile([gap for gap, _ in gaps], [weight for _, weight in gaps], 0.5)), 1.0), 1.2
        )
        rows.append(Fitted(name, factor, 1.0, 1.2, f"{note}; {len(gaps)} rows"))
    for name, (habit, families) in habits.items():
        note = f"{families} families of rows, and one half for a family that is not seen"
        rows.append(Fitted(name, habit, 0.0, 1.0, note))
    constants = constants.but(**{row.name: row.value for row in rows})
    folds = {by: fold_values(given, linear, by) for by in FOLDS}
    out_given = residuals_by_fold(given, "family", folds["family"])
    out_found = [
        residual + math.log(_of_search(item, constants))
        for item, residual in zip(found, residuals_by_fold(found, "family", folds["family"]), strict=True)
    ]
    early, low, high, runs = fit_early(constants)
    note = f"{runs} runs on the stacks of before 2020; their extremes, widened"
    rows.append(Fitted("software_before_2020", early, early * low, early * high, note))
    rows += [
        Fitted(f"residual_before_2020_{suffix}", 1.0, low, high, note)
        for suffix in ("given", "found", "given_stack_unknown", "found_stack_unknown")
    ]
    for known, items, residuals in (("given", given, out_given), ("found", found, out_found)):
        rows += _residuals(items, residuals, known)
    return Calibration(rows, folds)


def habit_of_adapters(cases: Sequence[Case], constants: Constants, *, short: bool) -> tuple[float, int]:
    """Share of the recipes with adapters on PyTorch's own stacks that recompute without need [1].

    ``short`` is whether those with short sequences are meant, or those with long ones.

    The mean over source families, of which one more is taken to do so in half of its recipes; and how many.
    """
    said = [
        case for case in cases
        if case.native and case.training.method in ADAPTED and "recompute" in case.given
    ]  # fmt: skip
    shares: dict[str, list[float]] = {}
    for item in prepare_cases(said, constants.but(**NO_HABITS), found=True):
        needed = item.layout.recompute_share
        if needed < 1.0 and is_short(item.work) == short:
            published = float(item.case.given.get("recomputed", 1.0)) * (
                item.case.given["recompute"] == "full"
            )
            beyond = max(0.0, published - needed) / (1.0 - needed)
            shares.setdefault(item.case.family, []).append(beyond)
    means = [statistics.fmean(rows) for rows in shares.values()]
    return (sum(means) + 0.5) / (len(means) + 1), len(means)


def _found_over_given(
    given: Sequence[Prepared], found: Sequence[Prepared], constants: Constants
) -> Iterator[tuple[bool, list[tuple[float, float]]]]:
    """Whether the layout found splits the model; log time of the published layout over it, and weights."""
    partners = {item.case.id: item for item in found}
    shared = [item for item in given if item.case.cluster.count > 1 and "tp" in item.case.given]
    others = [partners[item.case.id] for item in shared]
    gaps = [a - b for a, b in zip(log_sums(shared, constants), log_sums(others, constants), strict=True)]
    for split in (True, False):
        yield (
            split,
            [
                (gap, item.weight)
                for gap, item, other in zip(gaps, shared, others, strict=True)
                if other.layout.is_split == split
            ],
        )


def _of_search(item: Prepared, constants: Constants) -> float:
    """The factor of a step whose layout was searched [1]."""
    if item.case.cluster.count == 1:
        return 1.0
    return constants["layout_split" if item.layout.is_split else "layout_replicas"]


def _interval(name: str, value: float) -> tuple[float, float]:
    """An interval with the width of the prior about the fitted value."""
    sigma = priors()[name].sigma
    return value * math.exp(-Z90 * sigma * 0.5), value * math.exp(Z90 * sigma * 0.5)


def _residuals(items: Sequence[Prepared], residuals: Sequence[float], known: str) -> list[Fitted]:
    """Measured over predicted, 5th and 95th percentile by regime, for known and unknown stacks."""
    is_found = known == "found"

    def name_of(item: Prepared, native: bool | None) -> str:
        case = item.case
        count = case.cluster.count
        return regime(item.work, case.precision, case.year, native, count, layout_given=not is_found)

    # The interval is that of true over predicted time.
    entries = [(-residual, item.case.family) for item, residual in zip(items, residuals, strict=True)]
    said = [name_of(item, item.case.native) for item in items]
    unsaid = [name_of(item, None) for item in items]
    rows = []
    intervals: dict[str, tuple[float, float]] = {}
    for names in (said, unsaid):
        for name in sorted(set(names)):
            own = [place for place, other in enumerate(names) if other == name]
            low, high = ends([entries[place] for place in own], entries)
            if names is unsaid:
                low, high = of_unknown_stack((low, high), [intervals[said[place]] for place in own])
            intervals[name] = low, high
            note = f"{len(own)} rows of {len({entries[place][1] for place in own})} source families"
            rows.append(Fitted(f"residual_{name}", 1.0, math.exp(low), math.exp(high), note))
    return rows


def of_unknown_stack(
    all_stacks: tuple[float, float], each: Sequence[tuple[float, float]]
) -> tuple[float, float]:
    """The interval where the stack is unknown: wider than that of all stacks, no narrower than one's of them.

    Logarithms; ``each`` are the intervals of the kinds of stacks that it may be.
    """
    extra = Z90 * UNSEEN_STACK
    return (
        min(-math.hypot(all_stacks[0], extra), *(low for low, _ in each)),
        max(math.hypot(all_stacks[1], extra), *(high for _, high in each)),
    )


def render(rows: Sequence[Fitted]) -> str:
    """The fitted numbers as the text of their file."""
    lines = [
        "# Written by `python -m calibration --write`; never by hand.",
        "# Fitted on reference_data/published/throughput.csv and throughput_small.csv, sealed sources apart.",
        "# residual_*: true over predicted step time, of a source family that was not seen; ends bound 90 %.",
    ]
    for row in rows:
        lines += [
            "",
            f"[{row.name}]",
            f"value = {row.value:.6g}",
            f"low = {min(row.low, row.value):.6g}",
            f"high = {max(row.high, row.value):.6g}",
            f'unit = "{UNITS.get(row.name, "1")}"',
            'basis = "fitted"',
            'source = "published-throughput"',
        ]
        if row.note:
            lines.append(f'note = "{row.note}"')
    return "\n".join(lines) + "\n"


UNITS: Mapping[str, str] = {"cast_byte": "B", "node_wait_s": "s", "gap_s": "s", "gap_captured_s": "s"}


def render_folds(folds: Mapping[str, Mapping[str, Mapping[str, float]]]) -> str:
    """The constants of each fold as the text of their table."""
    lines = ["by,fold,name,factor,source,basis"]
    lines += [
        f"{by},{fold},{name},{value:.6g},published-throughput,fitted"
        for by, one in folds.items()
        for fold, values in one.items()
        for name, value in values.items()
    ]
    return "\n".join(lines) + "\n"
