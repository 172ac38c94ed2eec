"""What the software of a step changes, against published ratios, data sheets and counts by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from footprint import estimate
from footprint.performance import predict_step
from footprint.performance.roofline.constants import is_halved, load_constants
from footprint.performance.roofline.layout import Layout
from footprint.performance.roofline.machine import Machine
from footprint.performance.roofline.terms import kernels_of, step_terms
from footprint.performance.stacks import software_of
from tests.performance.helpers import LLAMA_8B, QWEN3_30B, cluster, step, work

GEFORCE = ("rtx3090", "rtx4090", "rtx5090")
OTHERS = ("rtxa6000", "rtx6000ada", "l40s", "rtxpro6000", "a100-sxm4-80gb", "h100-sxm5-80gb")


def test_boards_whose_matrix_units_are_halved():
    # NVIDIA's white papers of GA102, AD102 and GB202: 16-bit products with 32-bit sums run at half of the
    # rate on GeForce boards alone.
    assert all(is_halved(cluster(f"{chip}:1").accelerator) for chip in GEFORCE)
    assert not any(is_halved(cluster(f"{chip}:1").accelerator) for chip in OTHERS)


def test_channels_first_slow_convolutions_as_published():
    # NVIDIA's example on A100, channels last: 2,470 images/s; Lambda runs it with PyTorch's order: 1,582.
    job = {"model": "resnet-50", "hw": "a100-sxm4-80gb:1", "precision": "fp16", "year": 2022, "samples": 1e6}
    tuned, native = (
        estimate(**job, batch_size=256, stack=kind).step_time_s.mid for kind in ("tuned", "native")
    )
    assert native / tuned == pytest.approx(2470 / 1582, rel=0.25)


def test_torchtitan_recomputes_by_default_and_not_where_it_is_said():
    job = step(LLAMA_8B, 128, 4096, attention="flash")
    default, none = (
        predict_step(
            step_flop=job, cluster=cluster("h100:64"), precision="bf16", year=2025, stack="torchtitan",
            recompute=said,
        )
        for said in (None, "none")
    )  # fmt: skip
    assert default.layout is not None
    assert none.layout is not None
    # Every second product of a block, by the policy of its code: 0.36 to 0.39 of the forward FLOPs.
    assert default.layout.recompute_share == pytest.approx(0.4)
    assert none.layout.recompute_share == 0.0
    # A forward pass is a quarter of a step with full recomputation: 0.4 of a third more at most.
    assert 1.05 < default.step_time_s.mid / none.step_time_s.mid < 1.0 + 0.4 / 3


@pytest.mark.parametrize("stack", ["primus", "nemo-automodel"])
def test_grouped_experts_are_one_kernel(stack):
    job, typical = work(QWEN3_30B, 8, 4096), load_constants()
    grouped, apart = (
        kernels_of(job, Layout(dp=8, ep=8), Machine(cluster("h100:8"), "bf16", 2026, constants, False))
        for constants in (software_of(stack, None).constants(typical), typical)
    )
    assert grouped == job.launches
    # 128 experts over 8 ranks: fifteen more products where each has its own.
    assert apart == pytest.approx(job.launches + 15 * typical["expert_kernels"] * job.expert_launches)


def test_a_loss_that_nothing_fuses_reads_the_logits_three_times_as_often():
    typical = load_constants()
    whole = software_of("hf", None).constants(typical)
    fused = software_of("torchtitan", None).constants(typical)
    assert whole["passes_logits"] == 3 * fused["passes_logits"] == 3 * typical["passes_logits"]


def test_compiled_biases_of_experts_are_fused():
    # Two layers with the widths of gpt-oss, with and without the biases of its experts: under torch.compile
    # the biases cost little, elsewhere they cross memory on their own, as its published times tell.
    shape = {
        "model_type": "gpt_oss", "hidden_size": 2880, "num_hidden_layers": 2, "num_attention_heads": 64,
        "num_key_value_heads": 8, "head_dim": 64, "intermediate_size": 2880, "num_local_experts": 32,
        "num_experts_per_tok": 4, "vocab_size": 201088,
    }  # fmt: skip
    job, typical = work(shape, 8, 4096), load_constants()
    assert job.biased > 0
    plain = replace(job, biased=0.0)
    added = {}
    for stack in ("torchtitan", "eager", "megatron-bridge"):
        machine = Machine(
            cluster("b200:8"),
            "bf16",
            2026,
            software_of(stack, None).constants(typical),
            stack != "megatron-bridge",
        )
        with_biases, without = (
            step_terms(one, Layout(dp=8, flash=True), machine)["elementwise"] for one in (job, plain)
        )
        added[stack] = with_biases - without
    assert 0 < added["torchtitan"] < 0.2 * added["eager"]
    assert added["eager"] == pytest.approx(added["megatron-bridge"])
