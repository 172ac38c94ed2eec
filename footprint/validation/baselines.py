"""Baselines: predictions of the same rows by simpler published rules.

Lacoste et al. 2019, arXiv:1910.09700 (ML CO2 Impact): TDP x hours. Lannelongue et al. 2021,
10.1002/advs.202100707 (Green Algorithms): cores and 0.3725 W per GB of memory at full use. Epoch AI:
TDP x 1.82 for the server, at a load of three quarters. Faiz et al. 2024, arXiv:2309.14393 (LLMCarbon):
throughput as a quadratic of the parameters, fitted to Narayanan et al. 2021, Table 1.
Kaplan et al. 2020, arXiv:2001.08361: 6ND, here at a constant MFU.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence

from footprint import equations
from footprint.catalog.files import read_csv, reference_folder
from footprint.schema import Cluster
from footprint.validation.report import ValidationReport, ValidationRow

W_A_GB = 0.3725
SERVER, LOAD = 1.82, 0.75
REFERENCE_PEAK = 312e12
"""Peak of the A100, to which LLMCarbon's throughputs refer [FLOP/s]."""


def scores(rows: Sequence[ValidationRow]) -> dict[str, float]:
    """The scores of a baseline, whose rows have no intervals."""
    report = ValidationReport(dataset="baseline", rows=tuple(rows))
    return {
        "median_error": report.median_error,
        "median_over_folds": report.median_over_folds,
        "within_1_25": report.within(1.25),
        "within_1_5": report.within(1.5),
        "within_2": report.within(2.0),
    }


def beside(
    rows: Sequence[ValidationRow], rules: Mapping[str, Callable[[ValidationRow], float | None]]
) -> dict[str, dict[str, float]]:
    """The scores of each rule on the rows that it can predict."""
    result = {}
    for name, rule in rules.items():
        guesses = [(row, rule(row)) for row in rows]
        simple = [
            ValidationRow(id=row.id, published=row.published, predicted=guess, unit=row.unit, fold=row.fold)
            for row, guess in guesses
            if guess
        ]
        if simple:
            result[name] = scores(simple)
    return result


def beside_table(
    rows: Sequence[ValidationRow], guesses: Mapping[str, Mapping[str, float]]
) -> dict[str, dict[str, float]]:
    """The scores of predictions given as row id -> rule name -> value."""
    names = dict.fromkeys(name for rules in guesses.values() for name in rules)

    def rule(name: str) -> Callable[[ValidationRow], float | None]:
        return lambda row: guesses[row.id].get(name)

    return beside(rows, {name: rule(name) for name in names})


def node_w(cluster: Cluster) -> dict[str, float]:
    """Power of a busy node by the rules that do not use the workload [W]; empty without a TDP."""
    chip, node = cluster.accelerator, cluster.node
    if not chip.tdp_w:
        return {}
    boards = chip.tdp_w * node.accelerators
    rules = {
        "sum of the TDPs (ML CO2 Impact)": boards,
        "Green Algorithms": boards + node.cpu_w + W_A_GB * (node.memory_gib or 0.0),
        "Epoch: TDP x 1.82 x 0.75": boards * SERVER * LOAD,
    }
    return {**rules, "rated maximum of the node": node.max_w} if node.max_w else rules


def llmcarbon_s(parameters: float, tokens: float, cluster: Cluster, precision: str) -> float | None:
    """Seconds by LLMCarbon's regression [s]; None where its quadratic gives no positive throughput."""
    a, b, c = _quadratic()
    billions = parameters / 1e9
    rate = a + b * billions + c * billions**2
    if rate <= 0:
        return None
    rate *= cluster.accelerator.peak_flop_per_s[precision] / REFERENCE_PEAK
    return float(equations.flop_6nd(parameters, tokens)) / (cluster.count * rate)


@functools.cache
def _quadratic() -> tuple[float, float, float]:
    """Least-squares fit of achieved FLOP/s on 1, P and P^2 (P in billions) to Narayanan's ten rows."""
    points = []
    for row in read_csv(reference_folder() / "published" / "throughput.csv"):
        if row["source"] == "narayanan2021-table1" and not row["excluded"]:
            layers, width = float(row["layers"]), float(row["hidden_size"])
            parameters = 12.0 * layers * width**2 + float(row["vocabulary"]) * width
            points.append((parameters / 1e9, float(row["flop_per_s_reported"])))
    sums = [sum(p**k for p, _ in points) for k in range(5)]
    right = [sum(rate * p**k for p, rate in points) for k in range(3)]
    matrix = [[*sums[i : i + 3], right[i]] for i in range(3)]
    for i in range(3):
        for j in range(i + 1, 3):
            factor = matrix[j][i] / matrix[i][i]
            matrix[j] = [x - factor * y for x, y in zip(matrix[j], matrix[i], strict=True)]
    solved = [0.0, 0.0, 0.0]
    for i in (2, 1, 0):
        known = sum(matrix[i][k] * solved[k] for k in range(i + 1, 3))
        solved[i] = (matrix[i][3] - known) / matrix[i][i]
    return solved[0], solved[1], solved[2]
