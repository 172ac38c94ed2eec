"""The search for constants and the widths of intervals, against closed forms, tables and brute force."""

from __future__ import annotations

import math

import numpy as np
import pytest

from calibration import fit as density
from calibration import search
from calibration.fit import (
    BIAS,
    FREEDOM,
    SCATTER,
    Prepared,
    base_constants,
    bias_of,
    development_cases,
    loss,
    objective,
    prepare_cases,
    priors,
)
from calibration.search import Linear, linearised
from footprint.performance.predict import predict_raw
from footprint.validation.cases import of_its_software


@pytest.fixture(scope="module")
def few() -> list[Prepared]:
    cases = [case for case in development_cases() if case.family in ("fms", "megatron-core")]
    return prepare_cases(cases, base_constants())


def test_small_residuals_have_the_normal_posterior_in_closed_form(monkeypatch):
    # One constant with a normal prior, one family whose bias is far inside its own, where Student's t is a
    # normal with (n + 1) / n of the inverse variance for n degrees of freedom: two linear equations.
    monkeypatch.setattr(search, "priors", lambda: {"a": density.Prior(1.0, 0.2)})
    slopes = np.array([1.0, 0.5, 0.25])
    residuals = 1e-4 * np.array([0.03, -0.01, 0.02])
    linear = Linear(("a",), np.zeros(1), residuals, slopes[:, None], np.ones(3), np.ones((3, 1)))
    x = np.column_stack([slopes, -np.ones(3)])
    inverse = np.diag([0.2**-2, (FREEDOM + 1.0) / FREEDOM * BIAS**-2])
    expected = np.linalg.solve(x.T @ x / SCATTER**2 + inverse, -x.T @ residuals / SCATTER**2)
    assert math.log(linear.solve()["a"]) == pytest.approx(expected[0], rel=1e-6)


@pytest.mark.parametrize("rows", [[(0.05, 1.0)], [(0.3, 1.0), (-0.1, 0.5), (0.02, 2.0)], [(0.9, 3.0)] * 4])
def test_the_bias_of_a_family_is_the_least_of_its_loss(rows):
    def huber(z: float) -> float:
        return 0.5 * z * z if z <= density.HUBER else density.HUBER * (z - density.HUBER / 2)

    def cost(bias: float) -> float:
        far = sum(weight * huber(abs(residual - bias) / SCATTER) for residual, weight in rows)
        # The density of Student's t with 3 degrees of freedom is proportional to (1 + t^2 / 3)^-2.
        return 2.0 * math.log(1.0 + (bias / BIAS) ** 2 / 3.0) + far

    grid = [place / 10_000 for place in range(-10_000, 10_001)]
    best = min(grid, key=cost)
    assert bias_of(rows) == pytest.approx(best, abs=1e-3)
    values, weights = zip(*rows, strict=True)
    assert loss(values, weights, ["one"] * len(rows)) == pytest.approx(cost(best), rel=1e-4)


def test_the_fit_sees_each_case_as_it_is_predicted():
    # Rows of 2020 to 2026 whose stacks replace constants of the roofline or of the factor.
    families = ("mlperf-small", "dle", "torchtitan", "nanogpt")
    cases = [case for case in development_cases() if case.family in families and "tp" in case.given]
    items = prepare_cases(cases, base_constants())
    sums = density.log_sums(items, base_constants())
    factors = density.log_factors(items, base_constants())
    assert len({item.case.software for item in items}) == 5
    for item, a_sum, a_factor in zip(items, sums, factors, strict=True):
        case = item.case
        raw = predict_raw(
            item.work, case.cluster, case.precision, case.year, given=case.given,
            flash=case.training.attention == "flash", sequence_length=float(case.shape.sequence_length or 0),
            native=case.native, constants=of_its_software(case, base_constants()),
        )  # fmt: skip
        assert math.exp(a_sum + a_factor) * case.measured_s == pytest.approx(raw.seconds, rel=1e-9), case.id


def test_a_linear_case_predicts_a_small_move(few):
    values = {name: prior.mid for name, prior in priors().items()}
    linear = linearised(few, values)
    moved = {name: value * 1.02 for name, value in values.items()}
    expected = linear.residuals + linear.slopes @ np.full(len(linear.names), math.log(1.02))
    constants = base_constants().but(**moved)
    found = np.array(density.log_sums(few, constants)) + np.array(density.log_factors(few, constants))
    # One step lies near the kink where computation hides all traffic of gradients.
    apart = np.sort(np.abs(found - expected))
    assert apart[-2] < 3e-4
    assert apart[-1] < 5e-3


def test_the_search_ends_where_no_small_move_of_a_constant_betters_the_fit(few):
    values, linear = search.fit(few)

    def cost(trial: dict[str, float]) -> float:
        return objective(few, trial, density.log_sums(few, base_constants().but(**trial)))

    best = cost(values)
    assert best < cost({name: prior.mid for name, prior in priors().items()})
    for name in values:
        for factor in (1.03, 1 / 1.03):
            assert cost({**values, name: values[name] * factor}) > best - 5e-3, name
    folds = search.fold_values(few, linear, "family")
    assert set(folds) == {"fms", "megatron-core"}
    # Without the rows of PyTorch's own stack nothing is known of it but the prior.
    assert folds["fms"]["software_native"] == pytest.approx(priors()["software_native"].mid, rel=1e-3)
