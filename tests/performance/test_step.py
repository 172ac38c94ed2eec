"""Whole predictions: published runs inside the interval, what-ifs in the right direction and size."""

from __future__ import annotations

import itertools

import pytest

from footprint.catalog.assumptions import assumed
from footprint.performance import predict_step
from tests.performance.helpers import BERT_BASE, GPT_1B, LLAMA_8B, LLAMA_70B, LLAMA_405B, cluster, step


def seconds(config, sequences, length, text, precision="bf16", year=2024, attention="flash", **options):
    flops = step(config, sequences, length, attention=attention, **options.pop("training", {}))
    return predict_step(step_flop=flops, cluster=cluster(text), precision=precision, year=year, **options)


def test_llama_3_405b_on_8192_h100():
    # arXiv:2407.21783 Table 4: 430 TFLOP/s a GPU, BF16 MFU 43 %, 8,192 GPUs, 16 M tokens a batch.
    found = seconds(LLAMA_405B, 2048, 8192, "h100-sxm5-80gb:8192", stack="tuned")
    given = seconds(
        LLAMA_405B, 2048, 8192, "h100-sxm5-80gb:8192", stack="tuned", layout={"tp": 8, "pp": 16, "cp": 1}
    )
    for prediction in (found, given):
        assert prediction.mfu.low <= 0.43 <= prediction.mfu.high
    assert given.layout is not None
    assert (given.layout.tp, given.layout.pp, given.layout.dp) == (8, 16, 64)


def test_mfu_and_step_time_agree():
    prediction = seconds(GPT_1B, 512, 2048, "a100-sxm4-80gb:8")
    flop = float(step(GPT_1B, 512, 2048).training_flop)
    assert prediction.mfu.mid == pytest.approx(flop / (prediction.step_time_s.mid * 8 * 312e12), rel=1e-9)
    assert sum(prediction.terms.values()) == pytest.approx(prediction.step_time_s.mid, rel=1e-9)


def test_twice_the_chips_are_at_most_twice_as_fast():
    times = [
        seconds(LLAMA_8B, 256, 8192, f"h100-sxm5-80gb:{n}").step_time_s.mid for n in (8, 16, 32, 64, 128)
    ]
    ratios = [a / b for a, b in itertools.pairwise(times)]
    # Sharding over more chips frees memory for larger micro-batches: a little above two is possible. A layout
    # that splits the model has its own fitted factor, and 16 chips split it, where 32 do not.
    split = assumed("time_fitted.layout_split").value / assumed("time_fitted.layout_replicas").value
    assert all(1.2 < ratio <= 2.05 * split for ratio in ratios), ratios


def test_an_h100_node_beats_an_a100_node_by_about_two_and_a_half():
    # llm-foundry, MPT-7B at 2048 on 8 GPUs: 10,000 against 4,300 tokens/s a GPU, about 2.3 times.
    a100 = seconds(LLAMA_8B, 64, 4096, "a100-sxm4-80gb:8").step_time_s.mid
    h100 = seconds(LLAMA_8B, 64, 4096, "h100-sxm5-80gb:8").step_time_s.mid
    assert 2.0 < a100 / h100 < 3.2


def test_fp8_gains_less_than_its_peak_says():
    # torchtitan, Llama 3.1 8B on 8 H100: 6,667 tokens/s in bf16, 8,532 in fp8, 1.28 times.
    plain = seconds(LLAMA_8B, 16, 8192, "h100-sxm5-96gb:8", stack="native").step_time_s.mid
    narrow = seconds(LLAMA_8B, 16, 8192, "h100-sxm5-96gb:8", "fp8", stack="native").step_time_s.mid
    assert plain / narrow == pytest.approx(8532 / 6667, rel=0.15)


def test_recompute_costs_about_a_quarter():
    # Full recomputation repeats the forward pass: 1.24 to 1.33 by FLOPs.
    plain = seconds(GPT_1B, 256, 2048, "a100-sxm4-80gb:8", layout={"tp": 1, "pp": 1, "micro_batch": 4})
    full = seconds(
        GPT_1B, 256, 2048, "a100-sxm4-80gb:8", layout={"tp": 1, "pp": 1, "micro_batch": 4}, recompute="full"
    )
    assert 1.15 < full.step_time_s.mid / plain.step_time_s.mid < 1.36


def test_lora_saves_a_quarter_to_a_third():
    # LoRA paper, footnote 5: 43.1 against 32.5 tokens/s a V100 on GPT-3 175B, time x 0.754. Micro-batches are
    # large, since adding up the gradients of many small ones costs whole models more.
    full = seconds(LLAMA_8B, 64, 2048, "a100-sxm4-80gb:8", layout={"tp": 1, "pp": 1, "micro_batch": 4})
    lora = seconds(
        LLAMA_8B, 64, 2048, "a100-sxm4-80gb:8", training={"method": "lora"}, recompute="none",
        layout={"tp": 1, "pp": 1, "micro_batch": 4},
    )  # fmt: skip
    assert lora.step_time_s.mid / full.step_time_s.mid == pytest.approx(0.754, abs=0.09)


def test_longer_sequences_cost_more_than_their_tokens():
    short = seconds(LLAMA_8B, 512, 2048, "h100-sxm5-80gb:64").step_time_s.mid
    long = seconds(LLAMA_8B, 32, 32768, "h100-sxm5-80gb:64").step_time_s.mid
    assert 1.2 < long / short < 2.5


def test_a_model_too_big_for_the_cluster_is_said_to_be():
    prediction = seconds(LLAMA_405B, 64, 8192, "a100-sxm4-40gb:8")
    assert "does not fit" in prediction.warnings[0]
    # Nothing that one option changes would make it fit.
    assert "use more accelerators" in prediction.warnings[0]


def test_early_large_models_recompute_and_split():
    prediction = seconds(LLAMA_70B, 1536, 2048, "a100-sxm4-80gb:512", "fp16", 2021, "eager")
    assert prediction.layout is not None
    assert prediction.layout.tp >= 4
    assert prediction.layout.recompute == "full"


def test_small_runs_carry_a_wide_interval():
    prediction = seconds(BERT_BASE, 256, 128, "v100:8", "fp16", 2026, "eager")
    # One source tells of small models, but 46 MLPerf results of seven others lie about it as wide.
    assert prediction.step_time_s.high / prediction.step_time_s.low > 1.8
