"""Many jobs at once give what one job at a time gives: the same layouts, times and intervals."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from footprint.errors import FootprintError
from footprint.estimator.request import EstimateRequest
from footprint.estimator.resolve import resolve
from footprint.performance.columns import StepColumns, predict_columns
from footprint.performance.layouts.finder import _whole as whole_of_one
from footprint.performance.layouts.finder import next_whole
from footprint.performance.layouts.micro_batches import MicroBatches, next_batches, whole_batches
from footprint.performance.step import StepPrediction, predict
from footprint.performance.step_facts import StepFacts
from footprint.records import replace

EQUAL = 1e-12
TEXT = {"tokens": 1e10, "seq_len": 2048}
JOBS = [
    ("bert-base", "v100", {"tokens": 1e10, "seq_len": 512}),
    ("llama2-7b", "h100", TEXT),
    ("llama2-70b", "a100", TEXT),
    ("gpt3-175b", "h100", {**TEXT, "precision": "fp8"}),
    ("gpt3-175b", "a100", {**TEXT, "year": 2021}),
    ("llama2-7b", "tpu-v4", TEXT),
    ("mixtral-8x7b", "h200", TEXT),
    ("deepseek-v3", "h100", TEXT),
    ("t5-base", "a100", {"tokens": 1e10, "seq_len": 512, "tgt_seq_len": 114}),
    ("resnet-50", "v100", {"samples": 1e7}),
    ("llama2-7b", "h100", {**TEXT, "seq_len": 65536}),
    ("llama2-7b", "a100", {**TEXT, "attention": "eager", "recompute": "selective"}),
    ("llama2-7b", "h100", {**TEXT, "tp": 4, "micro_batch": 2}),
    ("llama2-13b", "h100", {**TEXT, "method": "lora"}),
    ("qwen2.5-32b", "h100", {**TEXT, "method": "finetune"}),
    ("llama2-13b", "a100", {**TEXT, "method": "finetune", "stack": "hf"}),
    ("llama2-7b", "h100", {**TEXT, "stack": "maxtext"}),
    ("llama2-7b", "h100", {**TEXT, "stack": "megatron", "year": 2024}),
]
BATCHES = (1, 8, 96, 100, 1024, 3000)
COUNTS = (8, 24, 64, 512, 2048)


def facts(model: str, hw: str, batch: int, more: dict) -> StepFacts:
    return resolve(EstimateRequest(model=model, hw=hw, batch_size=batch, **more), possible=False).steps[0]


def columns(
    model: str, chips: list[str], counts: list[int], batches: list[int], more: dict
) -> StepPrediction:
    """The steps on all counts of the chips; the first axis is that of the chips, each with its counts."""
    steps = [facts(model, f"{chip}:8", batches[-1], more) for chip in chips]
    count = np.tile(np.array(counts, float), len(chips))[:, None, None]
    peaks = np.repeat([step.peak_flop_per_s for step in steps], len(counts))[:, None, None]
    cluster = replace(steps[0].cluster, count=count, nodes=count / 8)
    joined = StepColumns(
        facts=replace(steps[0], cluster=cluster, peak_flop_per_s=peaks),
        machines=[step.machine for step in steps],
        counts=[counts] * len(chips),
    )
    return predict_columns(joined, np.array(batches) / batches[-1])


@pytest.mark.slow
@pytest.mark.parametrize(("model", "chip", "more"), JOBS, ids=lambda value: str(value)[:40])
def test_columns_choose_what_the_finder_chooses(model: str, chip: str, more: dict) -> None:
    found = columns(model, [chip], COUNTS, BATCHES, more)
    compared = 0
    for i, count in enumerate(COUNTS):
        for j, size in enumerate(BATCHES):
            try:
                one = predict(facts(model, f"{chip}:{count}", size, more))
            except FootprintError:
                assert math.isnan(found.step_time_s.mid[i, j, 0])
                continue
            assert found.fits[i, j, 0] == one.fits
            assert found.least_byte[i, j, 0] == pytest.approx(one.least_byte, rel=EQUAL)
            for name in ("step_time_s", "mfu", "busy_share"):
                scalar, many = getattr(one, name), getattr(found, name)
                assert many.mid[i, j, 0] == pytest.approx(scalar.mid, rel=EQUAL)
                assert np.broadcast_to(many.low, found.fits.shape)[i, j, 0] == pytest.approx(
                    scalar.low, rel=EQUAL
                )
                assert np.broadcast_to(many.high, found.fits.shape)[i, j, 0] == pytest.approx(
                    scalar.high, rel=EQUAL
                )
            compared += 1
    assert compared >= len(COUNTS), "nothing was compared"


@pytest.mark.slow
@given(
    batches=st.lists(st.integers(1, 5000), min_size=1, max_size=4, unique=True),
    counts=st.lists(st.integers(1, 300), min_size=1, max_size=3, unique=True),
)
@settings(max_examples=25)
def test_any_counts_and_batches(batches: list[int], counts: list[int]) -> None:
    chips = ["h100", "a100-pcie-80gb"]
    found = columns("llama2-7b", chips, counts, batches, TEXT)
    for i, (chip, count) in enumerate((chip, count) for chip in chips for count in counts):
        for j, batch in enumerate(batches):
            try:
                one = predict(facts("llama2-7b", f"{chip}:{count}", batch, TEXT))
            except FootprintError:  # 33 accelerators are no product of heads, layers and parts of a sequence
                assert math.isnan(found.step_time_s.mid[i, j, 0])
                continue
            assert found.step_time_s.mid[i, j, 0] == pytest.approx(one.step_time_s.mid, rel=EQUAL)
            assert found.fits[i, j, 0] == one.fits


@given(
    batch=st.integers(1, 4096),
    replicas=st.integers(1, 512),
    most=st.floats(0.1, 5000, allow_subnormal=False),
)
def test_whole_micro_batches_are_those_of_one(batch: int, replicas: int, most: float) -> None:
    local = batch / replicas
    most = max(1.0, min(most, math.ceil(local)))
    shares, first = np.array([local]), np.array([0])
    found = whole_batches(shares, first, np.array([most]))
    assert found[0] == whole_of_one(local, most)
    tables = MicroBatches(shares)
    assert tables.at(first, np.array([most]))[0] == found[0]
    for kept in (0.0, found[0]):
        following = next_whole(local, kept)
        assert next_batches(shares, first, np.array([kept]))[0] == following
        assert tables.above(first, np.array([kept]))[0] == following
        assert following > kept or kept >= local
