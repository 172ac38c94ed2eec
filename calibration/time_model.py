"""Writes ``time_fitted.toml`` from published tables: constants, factors and residuals by regime."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from calibration.early import fit_early
from calibration.fit import (
    FACTORS,
    PHYSICS,
    Z90,
    Prepared,
    base_constants,
    development_cases,
    fit,
    fold_values,
    log_factors,
    log_sums,
    prepare_cases,
    priors,
    quantile,
    residuals_by_fold,
)
from footprint.performance.predict import regime

FOLDS = ("family", "publisher", "generation", "stack", "model")
"""Kinds of folds that are left out in turn; the last two apply only to mixtures of experts."""
LEAST_ROWS = 8
"""Least number of rows of a regime; with fewer, the spread of all rows is used."""
KINDS = ("dense", "narrow", "early", "experts", "small")
UNSEEN_STACK = 0.10
"""Standard deviation added for an unknown stack: half the log distance between the two kinds [1]."""
POWER = 0.25
"""Exponent of the weights of residuals: a row of a family with n rows has weight n^-0.25."""


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
    values = fit(given)
    constants = base.but(**values)
    found = prepare_cases(cases, constants, found=True)
    by_id = {item.case.id: item for item in found}
    shared = [
        item
        for item in given
        if item.case.id in by_id and item.case.cluster.count > 1 and "tp" in item.case.given
    ]
    partners = [by_id[item.case.id] for item in shared]
    gaps = [b - a for a, b in zip(log_sums(shared, constants), log_sums(partners, constants), strict=True)]
    layout_found = math.exp(-quantile(gaps, [item.weight for item in shared], 0.5))
    layout_found = min(max(layout_found, 1.0), 1.2)
    rows = [Fitted(name, values[name], *_interval(name, values[name])) for name in (*FACTORS, *PHYSICS)]
    rows.append(
        Fitted("layout_found", layout_found, 1.0, 1.2, "what people run over the fastest layout that fits")
    )
    folds = {by: fold_values(given, by, values) for by in FOLDS}
    out_given = residuals_by_fold(given, "family", folds["family"])
    shift = {item.case.id: r for item, r in zip(given, out_given, strict=True)}
    full = log_sums(given, constants), log_factors(given, constants)
    inside = {item.case.id: a + b for item, a, b in zip(given, *full, strict=True)}
    sums = log_sums(found, constants)
    factors = log_factors(found, constants)
    out_found = [
        # A refit changes the factors of a fold but not its layouts, so its change with given layouts is used.
        a
        + b
        + math.log(layout_found if item.case.cluster.count > 1 else 1.0)
        + shift[item.case.id]
        - inside[item.case.id]
        for item, a, b in zip(found, sums, factors, strict=True)
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


def _interval(name: str, value: float) -> tuple[float, float]:
    """An interval with the width of the prior about the fitted value."""
    sigma = priors()[name].sigma
    return value * math.exp(-Z90 * sigma * 0.5), value * math.exp(Z90 * sigma * 0.5)


def _residuals(items: Sequence[Prepared], residuals: Sequence[float], known: str) -> list[Fitted]:
    """Measured over predicted, 5th and 95th percentile by regime, for known and unknown stacks."""
    groups: dict[str, list[tuple[float, float, str]]] = {kind: [] for kind in KINDS}
    everything: list[tuple[float, float, str]] = []
    sizes = Counter(item.case.family for item in items)
    for item, residual in zip(items, residuals, strict=True):
        name = regime(item.work, item.case.precision, item.case.year, True, known == "given")
        # The interval is that of true over predicted time.
        entry = (-residual, sizes[item.case.family] ** -POWER, item.case.family)
        groups[name.removesuffix(f"_{known}")].append(entry)
        everything.append(entry)
    rows = []
    for kind in KINDS:
        entries = groups[kind]
        families = {family for _, _, family in entries}
        note = f"{len(entries)} rows of {len(families)} source families"
        low, high = _ends(entries if len(entries) >= LEAST_ROWS else everything)
        rows.append(Fitted(f"residual_{kind}_{known}", 1.0, math.exp(low), math.exp(high), note))
        extra = Z90 * UNSEEN_STACK
        low, high = -math.hypot(low, extra), math.hypot(high, extra)
        rows.append(
            Fitted(f"residual_{kind}_{known}_stack_unknown", 1.0, math.exp(low), math.exp(high), note)
        )
    return rows


def _ends(entries: Sequence[tuple[float, float, str]]) -> tuple[float, float]:
    """5th and 95th percentile of log residuals, weighted."""
    values = [value for value, _, _ in entries]
    weights = [weight for _, weight, _ in entries]
    return min(-0.05, quantile(values, weights, 0.05)), max(0.05, quantile(values, weights, 0.95))


def render(rows: Sequence[Fitted]) -> str:
    """The fitted numbers as the text of their file."""
    lines = [
        "# Written by `python -m calibration --write`; never by hand.",
        "# Fitted on reference_data/published/throughput.csv and throughput_small.csv, sealed sources apart.",
        "# residual_*: true over predicted step time, out of sample by source family; ends bound 90 %.",
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


UNITS: Mapping[str, str] = {"cast_byte": "B"}


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
