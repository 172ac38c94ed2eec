"""Fits how the errors of two steps of one software stack correlate, by maximum likelihood.

The logs of measured over predicted time, each over the width of its regime, are normal with the correlation
of `footprint.performance.anchoring`. ``calibration/anchor.py`` has fitted the share and the scales of size
and length; here the other factors follow, and the width of what remains. A stack counts with the square
root of its rows. The folds leave a family of sources out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from footprint.catalog.assumptions import assumed_values
from footprint.performance.anchoring import Apart, Job, apart, correlation
from footprint.validation.published.anchored import Known, known_rows

GRIDS: dict[str, tuple[float, ...]] = {
    "same_model": (1.0, 1.1, 1.2, 1.3, 1.4),
    "other_chip": (0.0, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0),
    "other_precision": (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0),
    "other_method": (0.0, 0.2, 0.4, 0.6, 0.8, 1.0),
    "other_recompute": (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0),
    "other_split": (0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0),
    "count_scale": (2.5, 5.0, 10.0, 20.0, 40.0, 80.0),
}
START = {
    "same_model": 1.1, "other_chip": 0.9, "other_precision": 0.2, "other_method": 0.6, "other_recompute": 0.5,
    "other_split": 0.7, "count_scale": 20.0,
}  # fmt: skip


class Group(NamedTuple):
    """The rows of one stack."""

    family: str
    apart: Apart
    z: Any
    """Logs of measured over predicted time, over the standard deviation of their regime [1]."""


class Fit(NamedTuple):
    """The best factors and the width of what remains [1]."""

    factors: dict[str, float]
    width: float


def groups_of(rows: Sequence[Known]) -> list[Group]:
    """The rows by stack, with the distances of their pairs as arrays."""
    by_stack: dict[str, list[Known]] = {}
    for row in rows:
        by_stack.setdefault(row.case.stack, []).append(row)
    return [
        Group(
            members[0].case.family,
            distances([row.job for row in members]),
            np.array([row.log_ratio / row.deviation for row in members]),
        )
        for members in by_stack.values()
    ]


def distances(jobs: Sequence[Job]) -> Apart:
    """The distances of all pairs of some jobs, as arrays."""
    pairs = [[apart(one, other) for other in jobs] for one in jobs]
    return Apart(*(np.array([[getattr(p, name) for p in line] for line in pairs]) for name in Apart._fields))


def part_of(group: Group, fitted: Mapping[str, float]) -> tuple[float, float, float]:
    """Weight of its rows, weighted sum of squares, weighted log determinant of one group."""
    matrix = correlation(group.apart, fitted)
    np.fill_diagonal(matrix, 1.0)
    root = np.linalg.cholesky(matrix)
    white = np.linalg.solve(root, group.z)
    weight = 1.0 / math.sqrt(len(group.z))
    return (
        weight * len(group.z),
        weight * float(white @ white),
        weight * float(np.log(np.diag(root)).sum()),
    )


def whole_of(parts: Sequence[tuple[float, float, float]]) -> tuple[float, float]:
    """Negative log likelihood of groups at the best width, and that width."""
    rows, squares, logs = (sum(column) for column in zip(*parts, strict=True))
    return 0.5 * rows * math.log(squares / rows) + logs, math.sqrt(squares / rows)


class Likelihood:
    """The likelihood of some groups; what one group gives at some factors is computed once."""

    def __init__(self, groups: Sequence[Group]) -> None:
        self._groups = groups
        self._base = assumed_values("anchor_fitted")
        self._kept: dict[tuple[float, ...], list[tuple[float, float, float]]] = {}

    def _parts(self, factors: Mapping[str, float]) -> list[tuple[float, float, float]]:
        """Weight of rows, weighted sum of squares, weighted log determinant; a group each."""
        key = tuple(factors[name] for name in GRIDS)
        if key not in self._kept:
            self._kept[key] = [part_of(group, {**self._base, **factors}) for group in self._groups]
        return self._kept[key]

    def at(self, factors: Mapping[str, float], without: str | None = None) -> tuple[float, float]:
        """Negative log likelihood at the best width, and that width, without a family of sources."""
        parts = [
            part
            for part, group in zip(self._parts(factors), self._groups, strict=True)
            if group.family != without
        ]
        return whole_of(parts)

    def best(self, without: str | None = None) -> Fit:
        """The most likely factors of the grids: each in turn until none improves."""
        factors, best = dict(START), self.at(START, without)[0]
        improved = True
        while improved:
            improved = False
            for name, grid in GRIDS.items():
                for value in grid:
                    found = self.at({**factors, name: value}, without)[0]
                    if found < best - 1e-9:
                        factors[name], best, improved = value, found, True
        return Fit(factors, self.at(factors, without)[1])


def fit_nearness() -> tuple[Fit, dict[str, Fit], str]:
    """The fit on all rows, those without one family of sources each, and what they rest on."""
    rows = known_rows()
    groups = groups_of(rows)
    likelihood = Likelihood(groups)
    families = sorted({group.family for group in groups})
    note = f"{len(rows)} rows of {len(groups)} stacks"
    return likelihood.best(), {family: likelihood.best(family) for family in families}, note


def render(fit: Fit, folds: Mapping[str, Fit], note: str) -> str:
    """The fitted numbers as the text of their file; low and high are those of the folds."""
    lines = [
        "# Written by `python -m calibration --write`; never by hand.",
        "# Factors on the correlation of two steps of one stack, where they differ so; width: standard",
        "# deviation of what remains over that of the regime. low and high: without one family of sources.",
    ]
    for name in (*GRIDS, "width"):
        value, *others = (
            one.width if name == "width" else one.factors[name] for one in (fit, *folds.values())
        )
        lines += [
            "", f"[{name}]", f"value = {value:.6g}", f"low = {min(value, *others):.6g}",
            f"high = {max(value, *others):.6g}", 'unit = "1"', 'basis = "fitted"',
            'source = "published-throughput"', f'note = "{note}"',
        ]  # fmt: skip
    return "\n".join(lines) + "\n"


def render_folds(folds: Mapping[str, Fit]) -> str:
    """The factors fitted without each family, as the text of their table."""
    lines = ["by,fold,name,factor,source,basis"]
    for family, fit in folds.items():
        numbers = {**{name: fit.factors[name] for name in GRIDS}, "width": fit.width}
        lines += [
            f"family,{family},{name},{number:.6g},published-throughput,fitted"
            for name, number in numbers.items()
        ]
    return "\n".join(lines) + "\n"
