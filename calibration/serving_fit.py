"""Least squares for the constants of serving engines and of boards that serve.

The fit minimises squared log ratios of predicted over measured time, with outliers held back, and pulls each
constant weakly to a prior, which decides where rows say nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from footprint.serving.engine import Constants
from footprint.serving.power import PowerConstants
from footprint.serving.steps import Ideal, decode_terms, products_s
from footprint.validation.published.serving_rows import ServingCase

Vector = NDArray[np.float64]
PRIOR = Constants(
    memory_share=0.75, matmul_share=0.5, step_host_s=1e-3, layer_host_s=3e-5, sequence_host_s=3e-5,
    hop_s=1.5e-5, expert_factor=1.2, narrow_factor=1.0, divided_factor=1.2, quantise_s=1e-5, word_host_s=1e-5,
    overlap_exponent=1.5,
)  # fmt: skip
"""Where the search begins, and what a constant stays near if no row says anything of it."""
WIDTH = Constants(
    memory_share=0.15, matmul_share=0.4, step_host_s=1.5, layer_host_s=1.0, sequence_host_s=1.5, hop_s=1.0,
    expert_factor=0.5, narrow_factor=0.3, divided_factor=0.15, quantise_s=1.5, word_host_s=1.5,
    overlap_exponent=0.7,
)  # fmt: skip
"""Standard deviations of the logarithms of the prior."""
MOST = Constants(
    memory_share=0.95, matmul_share=0.9, step_host_s=1.0, layer_host_s=1.0, sequence_host_s=1.0, hop_s=1.0,
    expert_factor=10.0, narrow_factor=10.0, divided_factor=3.0, quantise_s=1.0, word_host_s=1.0,
    overlap_exponent=12.0,
)  # fmt: skip
"""No engine reaches more than the data sheet; 5 % go to refresh and row changes."""
LEAST = Constants(
    memory_share=0.05, matmul_share=0.02, step_host_s=1e-6, layer_host_s=1e-8, sequence_host_s=1e-8,
    hop_s=1e-7, expert_factor=1.0, narrow_factor=0.5, divided_factor=1.0, quantise_s=1e-8, word_host_s=1e-9,
    overlap_exponent=1.0,
)  # fmt: skip
AMONG_SOURCES = 0.3
"""Standard deviation of a source's constants about its engine's, over that of engines about the prior."""
EAGER = ("transformers-2023", "transformers-2025", "accelerate-2022")
"""Engines that launch each operation from Python, ahead of the device; only of them is the overlap fitted."""
ROW_ERROR = 0.1
"""Error of one row at which an outlier begins to count less."""


def search(residuals: Callable[[Vector], Vector], start: Vector, low: Vector, high: Vector) -> Vector:
    """Least squares by Gauss and Newton with a damping that adapts; derivatives by differences."""
    at, damping = start.copy(), 1e-2
    here = residuals(at)
    for _ in range(60):
        slopes = np.column_stack([(residuals(at + step) - here) / 1e-5 for step in 1e-5 * np.eye(len(at))])
        square = slopes.T @ slopes
        moved = False
        for _ in range(8):
            step = np.linalg.solve(square + damping * np.diag(np.diag(square) + 1e-9), -slopes.T @ here)
            trial = np.clip(at + step, low, high)
            there = residuals(trial)
            if there @ there < here @ here:
                moved = bool(here @ here - there @ there > 1e-9 * (here @ here))
                at, here, damping = trial, there, max(damping / 5, 1e-9)
                break
            damping *= 5
        if not moved:
            break
    return at


def softened(ratio: Vector) -> Vector:
    """Residuals whose squares grow linearly beyond 1."""
    signed: Vector = np.sign(ratio) * np.sqrt(2 * (np.sqrt(1 + ratio**2) - 1))
    return signed


class Rows:
    """Many cases as one: each field of their steps is an array, which the formulas take as it is."""

    def __init__(self, cases: Sequence[ServingCase]) -> None:
        self.measured_s = np.array([case.measured_s for case in cases])
        columns: list[Any] = [np.array(column, float) for column in zip(*(c.one for c in cases), strict=True)]
        self.steps, self.prompts_s = Ideal(*columns), np.array([case.prompts_s for case in cases])

    def time_s(self, reached: Constants) -> Vector:
        """Predicted time in which each sequence gets one token, of each case [s]."""
        prompts: Any = self.prompts_s
        times: Any = decode_terms(self.steps, reached).time_s + products_s(prompts, self.steps, reached)
        return np.asarray(times)


def fit_engine(cases: Sequence[ServingCase]) -> Constants:
    """The constants of an engine: the mean over the sources of these rows."""
    return fit_sources(cases)[0]


def fit_sources(cases: Sequence[ServingCase]) -> tuple[Constants, dict[str, Constants]]:
    """The constants of an engine, and those of each source.

    A source's constants scatter about the engine's as `AMONG_SOURCES` says, and the engine's about the
    prior. So many rows of one server do not outweigh another, and what a source says nothing of is the mean.
    """
    # Of other engines the step is the sum of host and device.
    count = len(PRIOR) if all(case.engine in EAGER for case in cases) else len(PRIOR) - 1
    prior, width = np.log(PRIOR)[:count], np.array(WIDTH)[:count]
    sources = sorted({case.source for case in cases})
    rows = [Rows([case for case in cases if case.source == source]) for source in sources]
    if len(rows) == 1:
        only = constants_of(fit_rows(rows[0], prior, width, prior))
        return only, {sources[0]: only}
    among = AMONG_SOURCES * width
    mean, own = prior, [prior for _ in rows]
    for _ in range(30):
        own = [fit_rows(one, mean, among, start) for one, start in zip(rows, own, strict=True)]
        weight = 1 / width**2 + len(rows) / among**2
        moved = (prior / width**2 + np.sum(own, axis=0) / among**2) / weight
        near, mean = bool(np.max(np.abs(moved - mean)) < 0.003), moved
        if near:
            break
    found = {source: constants_of(at) for source, at in zip(sources, own, strict=True)}
    return constants_of(mean), found


def fit_rows(rows: Rows, mean: Vector, width: Vector, start: Vector) -> Vector:
    """Logarithms of the constants of one source, drawn to a mean."""
    measured, count = np.log(rows.measured_s), len(mean)

    def residuals(at: Vector) -> Vector:
        apart = np.log(rows.time_s(Constants(*np.exp(at)))) - measured
        return np.concatenate([softened(apart / ROW_ERROR), (at - mean) / width])

    return search(residuals, start, np.log(LEAST)[:count], np.log(MOST)[:count])


def constants_of(logs: Vector) -> Constants:
    """Constants from their logarithms, to four digits."""
    return Constants(*(float(f"{value:.4g}") for value in np.exp(logs)))


def typical(engines: Sequence[tuple[int, Constants]]) -> Constants:
    """Geometric mean of the engines' constants; an engine of the year before counts half as much."""
    newest = max(year for year, _ in engines)
    weights = [2.0 ** (year - newest) for year, _ in engines]
    means = np.average(np.log([constants for _, constants in engines]), axis=0, weights=weights)
    return Constants(*(float(f"{v:.4g}") for v in np.exp(means)))


def for_so_few(groups: int) -> float:
    """How much wider an interval is whose errors were seen on few models or sources [1].

    The rows of one model share their error. So the spread is known from as many values as there are models,
    and that of the next one follows Student's t instead of a normal distribution (90 %).
    """
    quantiles = {2: 6.314, 3: 2.920, 4: 2.353, 5: 2.132, 6: 2.015, 7: 1.943, 8: 1.895, 9: 1.860, 10: 1.833}
    quantile = quantiles.get(groups, 1.645 + 1.9 / groups)
    return float(quantile / 1.645)


def fit_power(cases: Sequence[ServingCase]) -> PowerConstants:
    """Board power from bandwidth and compute shares at the measured speed, on the rows that measured it."""
    used = [case for case in cases if case.board_w]
    shares = np.array([case.shares(case.measured_s) for case in used])
    measured = np.log([(case.board_w or 1.0) / (case.chips * (case.chip.tdp_w or 1.0)) for case in used])

    def residuals(at: Vector) -> Vector:
        return softened((np.log(np.minimum(at[0] + shares @ at[1:], 1.0)) - measured) / ROW_ERROR)

    start, high = np.array([0.2, 0.8, 1.9, 0.1]), np.array([1.0, 2.0, 4.0, 4.0])
    low = np.array([0.05, 0.0, 0.0, 0.0])
    return PowerConstants(*(float(f"{v:.4g}") for v in search(residuals, start, low, high)))
