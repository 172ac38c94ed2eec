"""Anchors combine as the best linear prediction of correlated errors, on published rows too."""

import itertools
import math

import numpy as np
import pytest

from footprint.performance.anchoring import (
    Anchor,
    Job,
    anchored,
    contradictions,
    likeness,
    nearness,
    weights_of,
)
from footprint.records import replace
from footprint.results import Quantity
from footprint.validation.published.anchored import known_rows, nearness_without

JOB = Job(
    accelerator="h100", precision="bf16", count=64, parameters=7e9, sequence_length=4096, method="pretrain",
    recompute="none", split=(1, 1),
)  # fmt: skip
OTHERS = (
    JOB,
    replace(JOB, count=8),
    replace(JOB, parameters=1e9),
    replace(JOB, sequence_length=8192),
    replace(JOB, accelerator="a100"),
    replace(JOB, recompute="full"),
    replace(JOB, split=(4, 2), parameters=7e10),
    replace(JOB, method="lora"),
)
SPREAD = Quantity.between(0.7, 1.0, 1.5, "time_model")


def anchor(job: Job, ratio: float, name: str = "x") -> Anchor:
    return Anchor(name=name, ratio=ratio, job=job, spread=SPREAD)


def matrix_of(jobs: tuple[Job, ...]) -> np.ndarray:
    return np.array(
        [[1.0 if i == j else likeness(a, b) for j, b in enumerate(jobs)] for i, a in enumerate(jobs)]
    )


def test_every_difference_makes_two_steps_less_alike_and_the_order_does_not_matter():
    for other in OTHERS[1:]:
        assert 0 < likeness(JOB, other) < likeness(JOB, JOB) <= 1
        assert likeness(JOB, other) == pytest.approx(likeness(other, JOB), rel=1e-12)


def test_the_correlations_of_all_kinds_of_jobs_make_a_valid_matrix():
    values = ([8, 4096], [1e9, 7e9, 4e11], [512, 4096], ["h100", "a100"], ["none", "full"], [(1, 1), (8, 4)])
    jobs = tuple(
        replace(JOB, count=n, parameters=p, sequence_length=s, accelerator=a, recompute=r, split=t)
        for n, p, s, a, r, t in itertools.product(*values)
    )
    assert np.linalg.eigvalsh(matrix_of(jobs)).min() > 0


@pytest.mark.parametrize("number", [1, 2, 3, 5])
def test_the_weights_are_those_of_a_linear_solver_where_none_is_negative(number):
    jobs = OTHERS[1 : number + 1]
    between = matrix_of(jobs)
    near = np.array([likeness(JOB, job) for job in jobs])
    exact = np.linalg.solve(between, near)
    weights, left = weights_of(list(near), between.tolist())
    if exact.min() >= 0:
        assert weights == pytest.approx(exact, rel=1e-9)
        assert left == pytest.approx(1 - near @ exact, rel=1e-9)
    else:
        assert min(weights) >= 0
    # No small step that keeps the weights positive improves the expected square of the error.
    rng = np.random.default_rng(3)
    best = 1 - 2 * near @ weights + np.array(weights) @ between @ weights
    assert best == pytest.approx(left, abs=1e-9)
    for _ in range(200):
        moved = np.maximum(0.0, np.array(weights) + rng.normal(0, 0.05, len(weights)))
        assert 1 - 2 * near @ moved + moved @ between @ moved >= best - 1e-12


def test_one_that_is_repeated_approaches_its_mean_as_equally_correlated_readings_do():
    alike = likeness(JOB, JOB)
    for number in (1, 2, 4, 16):
        weights, left = weights_of([alike] * number, [[alike] * number] * number)
        assert sum(weights) == pytest.approx(number * alike / (1 + (number - 1) * alike), rel=1e-9)
        assert left == pytest.approx(1 - alike * sum(weights), rel=1e-9)


def test_the_interval_is_what_sampling_the_correlated_errors_leaves():
    jobs = (JOB, OTHERS[1], OTHERS[2])
    deviation = 0.2
    symmetric = Quantity.between(math.exp(-1.645 * deviation), 1.0, math.exp(1.645 * deviation), "time_model")
    draws = np.random.default_rng(1).multivariate_normal(np.zeros(3), deviation**2 * matrix_of(jobs), 20000)
    errors = []
    for truth, *known in draws[:4000]:
        found = anchored(
            symmetric, [anchor(job, math.exp(v)) for job, v in zip(jobs[1:], known, strict=True)], JOB, None
        )
        errors.append(truth - math.log(found.spread.mid))
    ends = found.spread.spread["time_model"]
    # 4,000 draws: a quantile is known to about 3 %
    assert np.std(errors) * 1.645 * nearness()["width"] == pytest.approx(ends[1], rel=0.05)


def test_a_measurement_of_another_stack_or_an_unlike_job_changes_nothing():
    far = replace(JOB, sequence_length=2**60, precision="fp8")
    for one, stack in ((replace(anchor(JOB, 2.0), stack="a"), "b"), (anchor(far, 2.0), None)):
        found = anchored(SPREAD, [one], JOB, stack)
        assert found.spread == SPREAD
        assert "says nothing of h100 in bf16" in found.warnings[0]


def test_what_contradicts_is_said_and_scatter_is_not():
    assert contradictions([anchor(JOB, 1.0), anchor(JOB, 1.2)]) == (1.0, [])
    _, (said,) = contradictions([anchor(JOB, 1.0, "one"), anchor(JOB, 3.0, "two")])
    assert "one and two" in said
    assert "1 and 3 times" in said


def test_measurements_that_contradict_each_other_narrow_the_interval_less():
    widths = [
        math.log(found.spread.high / found.spread.low)
        for ratio in (1.0, 1.2, 2.0, 4.0, 1000.0)
        for found in [anchored(SPREAD, [anchor(JOB, 1.0), anchor(JOB, ratio)], JOB, None)]
    ]
    assert widths[1] == pytest.approx(widths[0])
    assert widths[1] < widths[2] < widths[3] <= widths[4]
    assert widths[4] == pytest.approx(math.log(SPREAD.high / SPREAD.low))


def test_published_rows_of_one_source_rarely_contradict_each_other():
    by_stack = {}
    for row in known_rows():
        by_stack.setdefault(row.case.stack, []).append(row.anchor)
    rng = np.random.default_rng(7)
    said = total = 0
    for anchors in by_stack.values():
        for _ in range(40 if len(anchors) > 1 else 0):
            one, two = rng.choice(len(anchors), 2, replace=False)
            total += 1
            said += len(contradictions([anchors[one], anchors[two]])[1])
    assert total > 900
    assert said / total < 0.08


@pytest.mark.slow
@pytest.mark.parametrize("number", [1, 2, 3, 5])
def test_intervals_hold_out_of_sample_whatever_the_number_of_anchors(number):
    # Time model, correlations and width are fitted without the family of the target.
    rows = known_rows()
    rng = np.random.default_rng(20190605 + number)
    hits, before, after, scores = [], [], [], []
    for target in rows:
        pool = [o for o in rows if o is not target and o.case.stack == target.case.stack]
        if len(pool) < number:
            continue
        chosen = [pool[n].anchor for n in rng.choice(len(pool), number, replace=False)]
        fitted = nearness_without(target.case.family)
        found = anchored(target.spread, chosen, target.job, target.case.stack, fitted)
        truth = math.exp(target.log_ratio)
        low, high = found.spread.bounds
        hits.append(low <= truth <= high)
        before.append(abs(target.log_ratio))
        after.append(abs(target.log_ratio - math.log(found.spread.mid)))
        scores.append(math.log(high / low) / math.log(target.spread.high / target.spread.low))
    assert 0.87 <= np.mean(hits) <= 0.96
    assert np.median(after) < np.median(before)
    assert np.mean(scores) < 0.97
