"""Sizes that nobody gave: every model answers, and each default is a cause of its own."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

import pytest

import footprint
from footprint.catalog.models import model_ids
from footprint.errors import FootprintError, MissingFactError

CONFIG = {
    "model_type": "llama", "hidden_size": 512, "num_hidden_layers": 4, "num_attention_heads": 8,
    "num_key_value_heads": 8, "intermediate_size": 1536, "vocab_size": 32000,
    "max_position_embeddings": 1024,
}  # fmt: skip


def row(answer: footprint.Estimate, name: str):
    return next(row for row in answer.assumptions if row.name == name)


@pytest.fixture
def own_model(tmp_path: Path) -> str:
    path = tmp_path / "own.json"
    path.write_text(json.dumps(CONFIG))
    return str(path)


@pytest.mark.slow
@pytest.mark.parametrize("model", model_ids())
def test_every_built_in_model_answers(model: str) -> None:
    """On 64 accelerators, or on the count that the error names."""
    hw = "h100:64"
    try:
        answer = footprint.estimate(model=model, hw=hw, region="FRA")
    except FootprintError as error:
        hw = re.findall(r"`hw=(h100-sxm5-80gb:\d+)` fits", str(error))[0]
        answer = footprint.estimate(model=model, hw=hw, region="FRA")
    assert hw == "h100:64" or not any("does not fit" in warning for warning in answer.warnings)
    assert 0 < answer.energy_kwh.low < answer.energy_kwh.high < math.inf


@pytest.mark.parametrize(
    ("given", "option"),
    [
        ({"model": "llama3.1-8b", "hw": "h100:256"}, "batch"),
        ({"model": "gemma3-1b", "hw": "h100:8", "batch_size": 256}, "sequence_length"),
        ({"model": "qwen3-8b", "hw": "h100:8", "method": "lora", "samples": 1e5, "seq_len": 512}, "batch"),
        ({"model": "qwen3-8b", "hw": "h100:8", "method": "finetune", "samples": 1e5, "batch_size": 64},
         "sequence_length"),
    ],
)  # fmt: skip
def test_the_interval_holds_what_the_other_sizes_would_give(given: dict, option: str) -> None:
    field = {"batch": "batch_size", "sequence_length": "seq_len"}[option]
    default = footprint.estimate(**given)
    taken = row(default, f"workload.{option}")
    said = footprint.estimate(**given, **{field: int(taken.value)})
    assert said.energy_kwh.mid == pytest.approx(default.energy_kwh.mid, rel=1e-12)
    cause = f"workload.{option}"
    assert cause not in said.duration_h.spread
    # The response is that of the steps alone: goodput and power follow from the median.
    number = {"batch": "batch_lora" if "method" in given else None}.get(option)
    if number is not None:
        for end, size in zip(default.step_time_s.spread[cause], (8, 128), strict=True):
            other = footprint.estimate(**given, batch_size=size)
            ratio = other.step_time_s.mid * other.workload.steps
            ratio /= default.step_time_s.mid * default.workload.steps
            assert end == pytest.approx(math.log(ratio), abs=1e-9)
    low, high = default.duration_h.spread[cause]
    assert low != high
    assert default.duration_h.low < said.duration_h.low or default.duration_h.high > said.duration_h.high


def test_a_length_scales_the_work_of_so_many_samples() -> None:
    given = {"model": "qwen3-8b", "hw": "h100:8", "method": "finetune", "samples": 1e5, "batch_size": 64}
    low, high = footprint.estimate(**given).duration_h.spread["workload.sequence_length"]
    assert low == pytest.approx(math.log(256 / 2048), rel=0.25)  # an eighth of the tokens
    assert high == pytest.approx(math.log(8192 / 2048), rel=0.25)


def test_positions_bound_the_usual_length(own_model: str) -> None:
    answer = footprint.estimate(model=own_model, hw="h100:8", tokens=1e9)
    assert row(answer, "workload.sequence_length").value == 1024
    assert answer.workload.phases[0].sequence_length == 1024


def test_the_amount_of_an_own_model_is_asked_for_with_an_example_that_runs(own_model: str) -> None:
    with pytest.raises(MissingFactError, match="`tokens=") as error:
        footprint.estimate(model=own_model, hw="h100:8")
    example = re.search(r"such as `tokens=([0-9.]+)([MB])`", str(error.value))
    assert example is not None
    tokens = float(example[1]) * {"M": 1e6, "B": 1e9}[example[2]]
    # 4 layers of attention and gated MLP, and two tables, by hand: 20 tokens each.
    parameters = 4 * (4 * 512**2 + 3 * 512 * 1536) + 2 * 32000 * 512
    assert tokens == pytest.approx(20 * parameters, rel=0.05)
    answer = footprint.estimate(model=own_model, hw="h100:8", tokens=tokens)
    assert answer.workload.tokens == pytest.approx(tokens)


@pytest.mark.parametrize("method", ["finetune", "lora", "qlora"])
def test_the_amount_of_a_fine_tuning_is_asked_for_in_samples(method: str) -> None:
    with pytest.raises(MissingFactError, match="such as `samples=10k`"):
        footprint.estimate(model="llama3.1-8b", hw="h100:8", method=method)
    answer = footprint.estimate(model="llama3.1-8b", hw="h100:8", method=method, samples="10k")
    length = answer.workload.phases[0].sequence_length
    assert answer.workload.tokens == pytest.approx(10_000 * length, rel=0.01)  # whole steps


def test_steps_of_an_unknown_batch_are_asked_for(own_model: str) -> None:
    with pytest.raises(MissingFactError, match="`batch_size=`"):
        footprint.estimate(model=own_model, hw="h100:8", steps=1000)


def test_a_model_without_a_published_amount_is_trained_compute_optimally() -> None:
    answer = footprint.estimate(model="gpt2-xl", hw="tpu-v3:32")
    assert row(answer, "workload.tokens").value == pytest.approx(20 * 1.558e9, rel=0.01)
    assert any("compute-optimal" in warning and "`tokens=`" in warning for warning in answer.warnings)


def test_a_batch_that_nobody_gave_feeds_every_replica() -> None:
    answer = footprint.estimate(model="gemma-2b", hw="h100:16384")
    assert answer.workload.phases[0].sequences_per_step >= 16384
