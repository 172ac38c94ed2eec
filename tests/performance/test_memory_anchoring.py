"""Measured peaks of memory combine as step times do, and improve the prediction of published ones."""

import math
import statistics

import numpy as np
import pytest

from footprint.catalog.assumptions import assumed_values
from footprint.performance.anchoring import (
    MEMORY,
    STEP,
    Anchor,
    Job,
    anchored,
    likeness,
    nearness,
    weights_of,
)
from footprint.performance.memory_anchoring import (
    anchored_memory,
    deviation_of,
    memory_nearness,
    noise_of,
    unsaid_sizes,
)
from footprint.performance.peaks import beyond_gib, memory_error
from footprint.records import replace
from footprint.validation.published.memory_anchored import known_peaks, predicted

JOB = Job(
    accelerator="h100", precision="bf16", count=8, parameters=8e9, sequence_length=8192, method="pretrain",
    recompute="none", split=(1, 1), micro_batch=2.0,
)  # fmt: skip
SAID = {"tp": 2, "pp": 1, "cp": 1, "zero": 3, "micro_batch": 2, "recompute": "none"}


def peak(ratio: float, *, job: Job = JOB, noise: float = 0.0) -> Anchor:
    return Anchor(name="x", of=MEMORY, ratio=ratio, job=job, spread=memory_error(said=False), noise=noise)


@pytest.mark.parametrize("said", [True, False])
def test_another_micro_batch_makes_peaks_less_alike_and_step_times_not(said: bool) -> None:
    numbers = memory_nearness(said=said)
    other = replace(JOB, micro_batch=16.0)
    assert likeness(JOB, other, numbers) / likeness(JOB, JOB, numbers) == pytest.approx(
        8 ** (-1 / numbers["micro_batch_scale"])
    )
    assert likeness(JOB, other) == likeness(JOB, JOB)
    assert likeness(JOB, JOB, numbers) == pytest.approx(likeness(JOB, JOB))


def test_each_of_the_two_corrects_its_own_prediction_only() -> None:
    error, numbers = memory_error(said=False), memory_nearness(said=False)
    time = replace(peak(2.0), of=STEP)
    assert anchored_memory(error, [time], JOB, None, numbers).spread == error
    assert anchored(error, [peak(2.0)], JOB, None).spread == error
    both = anchored_memory(error, [time, peak(1.5)], JOB, None, numbers)
    assert math.log(both.spread.mid) == pytest.approx(likeness(JOB, JOB) * math.log(1.5))


@pytest.mark.parametrize("noise", [(0.0, 0.0), (2.0, 0.0), (17.0, 0.3)])
def test_the_weights_are_those_of_a_linear_solver_with_the_noise_on_the_diagonal(noise) -> None:
    near, between = [0.8, 0.7], [[0.8, 0.6], [0.6, 0.8]]
    exact = np.linalg.solve([[1 + noise[0], 0.6], [0.6, 1 + noise[1]]], near)
    weights, left = weights_of(near, between, noise)
    assert weights == pytest.approx(exact)
    assert left == pytest.approx(1 - near @ exact)


def test_a_layout_that_is_not_said_has_the_scatter_of_published_over_found_ones() -> None:
    error = memory_error(said=False)
    noise = noise_of(error, {}, 8)
    assert math.sqrt(noise) * deviation_of(error) == pytest.approx(
        assumed_values("memory_fitted")["layout_deviation"]
    )
    assert noise_of(error, SAID, 8) == 0.0
    alike = likeness(JOB, JOB)
    found = anchored_memory(error, [peak(0.5, noise=noise)], JOB, None, memory_nearness(said=False))
    assert math.log(found.spread.mid) == pytest.approx(alike / (1 + noise) * math.log(0.5))


@pytest.mark.parametrize(
    ("given", "count", "missing"),
    [
        ({}, 1, ["micro_batch", "recompute"]),
        ({"micro_batch": 4, "recompute": "full"}, 1, []),
        ({"micro_batch": 4, "recompute": "full"}, 8, ["tp", "pp", "cp", "zero"]),
        ({"micro_batch": 4, "recompute": "full", "dp": 8, "zero": 3}, 8, []),
        ({"micro_batch": 4, "recompute": "full", "dp": 4, "zero": 3}, 8, ["tp", "pp", "cp"]),
        ({"micro_batch": 4, "recompute": "full", "dp": 4, "tp": 2, "zero": 1}, 8, []),
        (SAID, 8, []),
    ],
)
def test_what_of_a_layout_is_to_be_said(given, count, missing) -> None:
    assert unsaid_sizes(given, count) == missing


def test_peaks_that_contradict_each_other_are_a_warning_with_both_numbers() -> None:
    error, numbers = memory_error(said=False), memory_nearness(said=False)
    apart = anchored_memory(error, [peak(0.6), replace(peak(2.4), name="y")], JOB, None, numbers)
    near = anchored_memory(error, [peak(1.0), replace(peak(1.1), name="y")], JOB, None, numbers)
    assert "the measured memory is 0.6 and 2.4 times the predicted one" in apart.warnings[0]
    assert near.warnings == ()
    assert apart.spread.high / apart.spread.low > near.spread.high / near.spread.low


def test_the_scopes_are_what_the_allocator_and_the_context_of_a_process_take() -> None:
    # nanotron's logs: 0.35 to 2.8 GiB between allocated and reserved; 1,343 MiB (three digits) on a V100
    assert beyond_gib(None) == beyond_gib("allocated") == 0.0
    assert 0.35 <= beyond_gib("reserved") <= 2.8
    assert beyond_gib("device") - beyond_gib("reserved") == pytest.approx(1343 / 1024, rel=5e-3)


def test_the_nearest_published_peak_of_a_source_lowers_the_error_of_its_others() -> None:
    """The constants are fitted without the source of the target."""
    for said, most, least_covered in ((True, 0.03, 0.88), (False, 0.085, 0.85)):
        peaks = known_peaks(said=said)
        before, after = (
            predicted(peaks, number, nearest=number > 0) if number else predicted(peaks, 0)
            for number in (0, 1)
        )
        errors = [statistics.median(row.error for row in rows) for rows in (before, after)]
        assert errors[1] < most
        assert errors[1] < 0.75 * errors[0]
        inside = [row.low <= row.published <= row.high for row in after]
        assert least_covered < statistics.mean(inside) <= 0.97
        widths = [statistics.median(row.high / row.low for row in rows) for rows in (before, after)]
        assert widths[1] < widths[0]


def test_the_scale_of_micro_batches_is_the_likeliest_and_better_than_none() -> None:
    from calibration.memory import SCALES, at

    def worth(scale: float) -> float:
        return sum(at(scale, said=said)[0] for said in (True, False))

    shipped = assumed_values("memory_fitted")["micro_batch_scale"]
    assert shipped == min(SCALES, key=worth)
    assert worth(shipped) < worth(1e9) - 5
    # The correlation of step times beats one that is the same for all pairs of a source.
    flat = {"size_scale": 1e9, "length_scale": 1e9, "count_scale": 1e9, "same_model": 1.0}
    flat |= {name: 1.0 for name in nearness() if name.startswith("other_")}
    assert _likelihood({}) < _likelihood(flat) - 5


def _likelihood(numbers: dict[str, float]) -> float:
    """Negative log likelihood of the published peaks with these numbers and the best share."""
    from calibration.memory import groups
    from calibration.nearness import part_of, whole_of

    shares = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
    return sum(
        min(
            whole_of([part_of(one, {**nearness(), **numbers, "share": share}) for one in groups(said=said)])[
                0
            ]
            for share in shares
        )
        for said in (True, False)
    )
