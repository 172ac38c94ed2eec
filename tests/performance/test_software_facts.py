"""Facts of single stacks and chips, against products and lanes counted by hand."""

from __future__ import annotations

from typing import Any

import pytest

from footprint.catalog.stacks import find_stack
from footprint.performance.predict import software_factor
from footprint.performance.roofline.constants import load_constants
from footprint.performance.roofline.layout import Layout
from footprint.performance.roofline.machine import Machine
from footprint.performance.roofline.memory import memory_byte
from footprint.performance.roofline.sums import Sums, sum_lines
from footprint.performance.roofline.terms import step_terms
from footprint.performance.stacks import software_of
from tests.performance.helpers import LLAMA_8B, LLAMA_70B, QWEN3_30B, cluster, work

LAYER = 4096 * (4096 + 1024 + 1024 + 4096) + 3 * 4096 * 14336
"""Weights of a block of Llama 3 8B: queries, keys, values, output, and the three products of the MLP."""
DOWN = 4096 * 14336
"""Weights of its last product."""


def machine(text: str, stack: str, year: int = 2025, precision: str = "bf16") -> Machine:
    constants = software_of(stack, None).constants(load_constants()).but(ramp_depth=0.0)
    return Machine(cluster(text), precision, year, constants, find_stack(stack).native)


def sums(text: str, stack: str, year: int = 2025, config: dict[str, Any] = LLAMA_8B, **how: Any) -> Sums:
    job = work(config, 8, 4096, attention="flash", **how)
    return sum_lines(job, machine(text, stack, year), 1, flash=True)


@pytest.mark.parametrize(
    ("text", "stack", "year", "repeated"),
    [
        # XLA removes the product that nothing reads, PyTorch's checkpoints stop before it since 2.1.
        ("tpu-v5p:8", "tuned", 2024, LAYER - DOWN),
        ("h100:8", "maxtext", 2023, LAYER - DOWN),
        ("h100:8", "native", 2024, LAYER - DOWN),
        ("h100:8", "torchtitan", 2025, LAYER - DOWN),
        ("h100:8", "native", 2023, LAYER),
        # Megatron and Transformers' default run the whole block again.
        ("h100:8", "megatron", 2025, LAYER),
        ("h100:8", "hf", 2025, LAYER),
    ],
)
def test_what_recomputing_a_block_runs_again(text, stack, year, repeated):
    found = sums(text, stack, year)
    # A step has one forward pass and two backward ones.
    assert found.compute_repeated / found.compute == pytest.approx(repeated / LAYER / 3, rel=1e-3)


def test_results_of_experts_and_of_frozen_products_are_needed():
    experts = sums("h100:8", "native", config=QWEN3_30B)
    assert experts.compute_repeated / experts.compute == pytest.approx(1 / 3, rel=1e-3)
    # Frozen products have a forward pass and one backward pass.
    frozen = sums("h100:8", "native", method="lora", lora_rank=1)
    assert frozen.compute_repeated / frozen.compute == pytest.approx(1 / 2, rel=1e-2)


@pytest.mark.parametrize(("chip", "padded"), [("tpu-v5p:8", 2.0), ("h100:8", 1.0)])
def test_heads_of_64_fill_half_of_the_lanes_of_a_tpu(chip, padded):
    narrow = LLAMA_8B | {"num_attention_heads": 64, "num_key_value_heads": 8, "head_dim": 64}
    wide, thin = (sums(chip, "maxtext", config=config).attention for config in (LLAMA_8B, narrow))
    assert thin / wide == pytest.approx(padded, rel=1e-3)


@pytest.mark.parametrize(
    ("config", "native", "years"),
    [(LLAMA_8B, False, 2), (LLAMA_8B, True, 2), (QWEN3_30B, False, 2), (QWEN3_30B, True, 0)],
)
def test_a_years_gain_of_software_is_that_of_gpus_and_not_of_new_experts(config, native, years):
    job, constants = work(config, 8, 4096), load_constants()
    for chip, ratio in (("tpu-v5p:8", 1.0), ("h100:8", constants["software_yearly"] ** years)):
        early, late = (
            software_factor(job, cluster(chip), "bf16", year, native, None, constants)
            for year in (2024, 2026)
        )
        assert late / early == pytest.approx(ratio)


def test_products_take_as_long_on_pytorchs_own_stacks_and_what_is_around_them_longer():
    job = work(LLAMA_8B, 64, 4096, attention="flash")
    layout = Layout(dp=16, zero=3, flash=True)
    native, tuned = (
        step_terms(job, layout, Machine(cluster("h100:16"), "bf16", 2025, load_constants(), kind))
        for kind in (True, False)
    )
    for term in ("matmul", "streaming", "head"):
        assert native[term] == tuned[term]
    for term in ("elementwise", "optimiser"):
        # A plain loop of PyTorch's Adam and its pointwise kernels, over fused ones.
        assert 1.1 < native[term] / tuned[term] < 2.0
    assert native["data_parallel"] > tuned["data_parallel"]
    before = [
        step_terms(job, layout, Machine(cluster("h100:16"), "bf16", 2022, load_constants(), kind))
        for kind in (True, False)
    ]
    assert {**before[0], "attention": 0.0} == {**before[1], "attention": 0.0}


def test_stages_balanced_by_cost_set_the_pace():
    # Llama 3 8B has 32 layers and a head that weighs as much as 2.4: of eight stages the first have five
    # layers by cost, and four where each has as many.
    job = work(LLAMA_8B, 8, 4096, attention="flash")
    by_cost, even = (
        step_terms(job, Layout(pp=8), machine("h100:8", stack))["matmul"] for stack in ("nanotron", "native")
    )
    assert by_cost / even == pytest.approx(5 / 4)


def test_a_loss_in_plain_pytorch_is_slow_and_keeps_what_megatrons_does():
    typical = load_constants()
    nanotron, megatron = (software_of(name, None).constants(typical) for name in ("nanotron", "megatron"))
    # Its operations (nanotron/parallel/tensor_parallel/functional.py) read and write 32 bits: copy 2 + 4,
    # largest 4, difference 8, exponential 8, sum 4, quotient 8, gradient 8, copy back 4 + 2; in 16 bits:
    assert nanotron["passes_logits"] == pytest.approx(52 / 2, rel=0.1)
    assert "logit_byte" not in nanotron.values
    assert "logit_byte" not in megatron.values


def test_the_loss_lies_on_the_last_stage():
    job = work(LLAMA_8B, 8, 4096, attention="flash")
    typical = load_constants()
    for stages in (1, 8):
        machines = (
            Machine(cluster("h100:8"), "bf16", 2025, constants, False)
            for constants in (typical, typical.but(passes_logits=0.0))
        )
        with_loss, without = (step_terms(job, Layout(pp=stages), one)["elementwise"] for one in machines)
        # Half of what the last stage has more than the mean is hidden.
        share = 1 / stages + 0.5 * (1 - 1 / stages)
        byte, byte_per_s = typical["passes_logits"] * 8 * 4096 * 128256 * 2, 3.35e12 * typical["memory_rate"]
        assert with_loss - without == pytest.approx(share * byte / byte_per_s, rel=1e-3)


def test_flash_attention_3_is_that_of_tuned_stacks():
    constants = load_constants()
    assert machine("h100:8", "nanochat").flash_rate == constants["flash_rate_hopper_tuned"]
    assert machine("h100:8", "modded-nanogpt").flash_rate == constants["flash_rate_hopper"]
    # Before Hopper both run the same kernels.
    assert machine("a100:8", "nanochat").flash_rate == machine("a100:8", "modded-nanogpt").flash_rate


def test_inputs_that_lie_on_the_host_leave_the_accelerator():
    # Llama 3 70B in full recomputation: 80 layers keep 8,192 numbers of 2 bytes a token, on the host alone
    # where the recipes of the software offload them.
    job = work(LLAMA_70B, 64, 8192)
    layout = Layout(dp=64, zero=3, micro_batch=1.0, recompute="full")
    needed = {
        offloads: memory_byte(
            job, layout, Machine(cluster("tpu-v5p:64"), "bf16", 2025, load_constants().but(**own), False)
        )
        for offloads, own in ((False, {}), (True, {"offloads_inputs": 1.0}))
    }
    assert needed[False] - needed[True] == pytest.approx(80 * 8192 * 8192 * 2, rel=0.02)
