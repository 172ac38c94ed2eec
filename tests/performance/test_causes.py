"""Causes of step time beside products and traffic: waiting nodes, clocks, tuned stacks, searched layouts."""

from __future__ import annotations

import math

import pytest

from footprint.catalog.assumptions import assumed
from footprint.catalog.hardware import parse_cluster
from footprint.estimator import estimate
from footprint.flops import count_step
from footprint.performance.predict import predict_raw, software_factor, work_of
from footprint.performance.roofline.constants import load_constants, memory_constants
from footprint.performance.roofline.layout import Layout
from footprint.performance.roofline.machine import Machine
from footprint.performance.roofline.terms import step_terms
from footprint.performance.roofline.work import Work
from footprint.schema import StepShape, TrainingMethod
from tests.performance.helpers import LLAMA_8B

MIXTRAL = {
    "model_type": "mixtral", "hidden_size": 4096, "intermediate_size": 14336, "num_hidden_layers": 32,
    "num_attention_heads": 32, "num_key_value_heads": 8, "vocab_size": 32000, "num_local_experts": 8,
    "num_experts_per_tok": 2,
}  # fmt: skip
BERT = {
    "model_type": "bert", "hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16,
    "intermediate_size": 4096, "vocab_size": 30522,
}  # fmt: skip


def counted(config: dict[str, object], sequences: int, length: int, method: str = "pretrain") -> Work:
    training = TrainingMethod(method=method, attention="flash")  # type: ignore[arg-type]
    step = count_step(config, StepShape(sequences=sequences, sequence_length=length), training)
    assert step.operations is not None
    return work_of(step.operations, step.training)


def machine(text: str, precision: str = "bf16", native: bool | None = False) -> Machine:
    cluster, _ = parse_cluster(text)
    return Machine(cluster, precision, 2025, load_constants(), native)


@pytest.mark.parametrize(("nodes", "doublings"), [(1, 0), (2, 1), (64, 6)])
def test_nodes_wait_for_the_slowest_by_doublings(nodes: int, doublings: int) -> None:
    m = machine(f"h100-sxm5-80gb:{8 * nodes}")
    terms = step_terms(counted(LLAMA_8B, 512, 1024), Layout(dp=8 * nodes), m)
    assert terms["waiting"] == pytest.approx(doublings * load_constants()["node_wait_s"])


def test_waiting_is_once_a_step_and_not_of_a_slice_of_tpus() -> None:
    m = machine("tpu-v5p:512")
    assert step_terms(counted(LLAMA_8B, 512, 1024), Layout(dp=512), m)["waiting"] == 0.0
    m = machine("h100-sxm5-80gb:64")
    once, often = (
        step_terms(counted(LLAMA_8B, batch, 1024), Layout(dp=64), m)["waiting"] for batch in (64, 4096)
    )
    assert once == often > 0


def test_dense_models_in_16_bits_are_at_the_power_limit_of_blackwell() -> None:
    constants = load_constants()
    m = machine("b200-sxm-180gb:8")
    dense, experts = counted(LLAMA_8B, 8, 4096), counted(MIXTRAL, 8, 4096)
    for work, rate in (
        (dense, constants["matmul_rate_blackwell_dense"]),
        (experts, constants["matmul_rate_blackwell"]),
    ):
        flop = sum(line.dense_flop * (1 + line.gradients) for line in work.blocks if line.weights)
        layout = Layout(dp=8) if work is dense else Layout(dp=8, ep=8)
        bare = Machine(m.cluster, "bf16", 2025, constants.but(ramp_depth=0.0), False)
        matmul_s = step_terms(work, layout, bare)["matmul"]
        # The router's products are thin and run in 16 bits either way.
        slower = 1.0 if work is dense else constants["software_experts"]
        assert matmul_s == pytest.approx(slower * flop / 8 / (m.peak * rate), rel=2e-3)
    narrow = machine("b200-sxm-180gb:8", "fp8")
    assert narrow.sustained_rate == narrow.rate
    assert machine("h100-sxm5-80gb:8").sustained_rate == machine("h100-sxm5-80gb:8").rate


def test_a_year_changes_the_defaults_and_not_a_stack_that_was_tuned() -> None:
    cluster, _ = parse_cluster("a100-sxm4-80gb:8")
    layout = {"tp": 1, "pp": 1, "zero": 0, "recompute": "none", "micro_batch": 8}

    def gain(work: Work, native: bool | None) -> float:
        before, after = (
            predict_raw(work, cluster, "bf16", year, given=layout, native=native).seconds
            for year in (2022, 2023)
        )
        return before / after

    encoder = counted(BERT, 64, 512)
    # MLPerf's ResNet-50 took 1.03 times as long on the same A100s the year before.
    assert gain(encoder, False) == pytest.approx(1.0, abs=0.03)
    assert gain(encoder, False) < gain(encoder, None) < gain(encoder, True)
    assert gain(counted(LLAMA_8B, 64, 512), False) > 1.08


def test_a_layout_that_is_found_costs_what_people_lose_where_many_are_possible() -> None:
    cluster, _ = parse_cluster("h100-sxm5-80gb:64")
    work, constants = counted(LLAMA_8B, 64, 4096), load_constants()
    given, replicas, split = (
        software_factor(work, cluster, "bf16", 2025, False, searched, constants)
        for searched in (None, False, True)
    )
    assert replicas / given == pytest.approx(assumed("time_fitted.layout_replicas").value)
    assert split / given == pytest.approx(assumed("time_fitted.layout_split").value)
    assert 1.0 <= replicas / given < split / given
    alone, _ = parse_cluster("h100-sxm5-80gb:1")
    assert software_factor(work, alone, "bf16", 2025, False, False, constants) == given


def test_the_estimate_takes_the_factor_of_the_layout_that_it_found() -> None:
    run = {"model": "llama3.1-8b", "seq_len": 4096, "steps": 100, "batch_size": 512, "precision": "bf16"}
    found = estimate(hw="h100:8", **run)
    layout = found.parallelism
    same = estimate(
        hw="h100:8", **run, tp=layout.tp, pp=layout.pp, cp=layout.cp, micro_batch=layout.micro_batch
    )
    is_split = layout.tp * layout.pp * layout.cp > 1
    factor = assumed(f"time_fitted.layout_{'split' if is_split else 'replicas'}").value
    assert same.parallelism.dp == layout.dp
    assert found.step_time_s.mid / same.step_time_s.mid == pytest.approx(factor, rel=1e-6)


def test_4_bit_weights_cost_their_de_quantisation_on_every_pass() -> None:
    cluster, _ = parse_cluster("a10g:1")
    work = counted(LLAMA_8B, 4, 512, "qlora")
    times = {}
    for method in ("lora", "qlora"):
        m = Machine(cluster, "bf16", 2025, memory_constants("adam", method), True)
        times[method] = step_terms(work, Layout(micro_batch=1), m)["streaming"]
    # Forward and input gradients of each of four micro-batches; adapters are no frozen weights.
    frozen = sum(
        line.k * line.n * max(line.weights, 1) * line.times * (1 + line.gradients)
        for line in work.blocks
        if line.weights and not line.owned
    )
    byte = assumed("time.dequantise_qlora").value
    assert times["qlora"] - times["lora"] == pytest.approx(4 * frozen * byte / m.memory, rel=1e-6)
    assert frozen == pytest.approx(2 * 32 * 218.1e6, rel=0.01)  # two passes over 32 blocks of Llama 3 8B


def test_deepseeks_exchange_is_hidden() -> None:
    """DeepSeek-AI 2024 (arXiv:2412.19437), table 1: 2,664 thousand H800-hours of pre-training on 2,048."""
    job = {"model": "deepseek-v3", "hw": "h800:2048", "tokens": 14.8e12, "precision": "fp8", "region": "CHN"}
    unsaid, said = (estimate(**job, stack=stack).accelerator_h for stack in ("tuned", "hai-llm"))
    assert said.low < 2.664e6 < said.high
    assert abs(math.log(said.mid / 2.664e6)) < math.log(1.3)
    assert unsaid.mid > 1.3 * said.mid


@pytest.mark.parametrize(("model", "length"), [("bert-base", 512), ("llama3.1-8b", 8192), ("t5-base", 512)])
@pytest.mark.parametrize("year", [2023, 2024, 2026])
def test_an_unknown_stack_lies_between_both_kinds(model: str, length: int, year: int) -> None:
    job = {"model": model, "hw": "h100:8", "tokens": 1e9, "batch_size": 256, "seq_len": length, "year": year}
    native, unknown, tuned = (
        # The layout is given: the factor of those that are found depends on whether they split the model.
        estimate(**job, region="SE", recompute="none", stack=stack, tp=2, pp=1).step_time_s.mid  # type: ignore[arg-type]
        for stack in ("native", None, "tuned")
    )
    assert min(native, tuned) < unknown < max(native, tuned)
