"""What the software of a step changes, against published ratios, data sheets and counts by hand."""

from __future__ import annotations

import statistics
from dataclasses import replace

import pytest

from footprint import estimate
from footprint.catalog.assumptions import assumed
from footprint.catalog.hardware import all_accelerators
from footprint.catalog.models import find_model
from footprint.flops import count_step
from footprint.performance import predict_step
from footprint.performance.roofline.communication import exchange_s
from footprint.performance.roofline.constants import is_halved, load_constants
from footprint.performance.roofline.layout import Layout
from footprint.performance.roofline.machine import Machine
from footprint.performance.roofline.techniques import techniques_of
from footprint.performance.roofline.terms import held_s, kernels_of, step_terms
from footprint.performance.stacks import software_of
from footprint.schema import StepShape, TrainingMethod
from tests.performance.helpers import BERT_BASE, LLAMA_8B, QWEN3_30B, cluster, step, work

GEFORCE = ("rtx3090", "rtx4090", "rtx5090")
BERT_LARGE = {
    **BERT_BASE, "hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16,
    "intermediate_size": 4096,
}  # fmt: skip
OTHERS = ("rtxa6000", "rtx6000ada", "l40s", "rtxpro6000", "a100-sxm4-80gb", "h100-sxm5-80gb")


def test_boards_whose_matrix_units_are_halved():
    # NVIDIA's white papers of GA102, AD102 and GB202: 16-bit products with 32-bit sums run at half of the
    # rate on GeForce boards alone.
    assert all(is_halved(cluster(f"{chip}:1").accelerator) for chip in GEFORCE)
    assert not any(is_halved(cluster(f"{chip}:1").accelerator) for chip in OTHERS)


def test_products_of_boards_agree_with_another_benchmark():
    # A second program on another RTX 2080 Ti (github.com/bewantbe/busy-gemm-benchmark): 44.9 TFLOP/s in fp16
    # and 11.4 in fp32. NVIDIA's forum: 24 TFLOP/s in fp16 is what 70 W allow a T4.
    board = cluster("rtx2080ti:1").accelerator
    assert board.product_flop_per_s["fp16"] == pytest.approx(44.9e12, rel=0.15)
    assert board.product_flop_per_s["fp32"] == pytest.approx(11.4e12, rel=0.15)
    small = cluster("t4:1").accelerator
    assert 24e12 < small.product_flop_per_s["fp16"] < 0.65 * small.peak_flop_per_s["fp16"]


def test_boards_without_a_benchmark_reach_what_those_with_one_do():
    ratios = [
        board.product_flop_per_s[name] / board.peak_flop_per_s[name]
        for board in all_accelerators()
        for name in ("bf16", "fp16")
        if is_halved(board) and name in board.product_flop_per_s
    ]
    assumed_share = assumed("time.halved_over_peak")
    assert len(ratios) >= 7
    assert assumed_share.value == pytest.approx(statistics.median(ratios), rel=0.02)
    assert assumed_share.low == pytest.approx(min(ratios), abs=0.015)
    assert assumed_share.high == pytest.approx(max(ratios), abs=0.015)


def test_exponentials_weigh_less_beside_fewer_matrix_units():
    # White papers: a multiprocessor of GA100 has 1,024 matrix operations a clock, one of GA102 512, and 256
    # on GeForce with 32-bit sums; each has 16 exponentials. So products take two and four times as long.
    # Rounded data sheets: a thousandth.
    typical, now = load_constants(), techniques_of(2024)
    chips = ("a100-sxm4-80gb", "a40", "rtx3090")
    whole, half, quarter = (cluster(f"{name}:1").accelerator for name in chips)
    rest = 1.0 / typical.flash_rate(whole, True, now) - 1.0
    assert typical.flash_rate(quarter, True, now) == pytest.approx(4.0 / (4.0 + rest), rel=1e-3)
    clock = typical.matmul_rate(half, "bf16") / typical.matmul_rate(whole, "bf16")
    assert typical.flash_rate(half, True, now) == pytest.approx(clock * 2.0 / (2.0 + rest), rel=1e-2)


def test_torch_compile_helps_a_small_model_as_published():
    # rasbt's GPT of 124 million parameters on one A100, 8 x 1,024 tokens: 89 ms a step, compiled 73 ms.
    job = {"model": "gpt2", "hw": "a100-sxm4-40gb:1", "precision": "bf16", "year": 2025, "tokens": 1e9}
    eager, compiled = (
        estimate(**job, batch_size=8, seq_len=1024, recompute="none", stack=stack).step_time_s.mid
        for stack in ("pytorch-eager", "native")
    )
    # The factors of stacks without fusion and of small models exceed what this program lost.
    assert 89 / 73 < eager / compiled < 1.6


def test_shards_of_gradients_are_scattered_in_every_micro_batch():
    # ZeRO (arXiv:1910.02054): an all-reduce is a scatter and a gather of as many bytes. With shards of the
    # gradients each of four micro-batches has a scatter, and the step has one gather.
    job = work(LLAMA_8B, 32, 4096)
    machine = Machine(cluster("h100-sxm5-80gb:8"), "bf16", 2024, load_constants(), True)
    reduced, scattered = (
        exchange_s(job, Layout(dp=8, zero=stage, flash=True), machine, 4.0) for stage in (1, 2)
    )
    assert scattered / reduced == pytest.approx((4 + 1) / 2)


def test_gradients_of_micro_batches_are_added_up():
    # By hand, of Llama 3 8B's 6.98 billion weights in blocks and four micro-batches. PyTorch's data
    # parallelism casts 32-bit weights (6 bytes) and gradients (6) in each, and adds three times (12).
    # Megatron-LM's products read and write a gradient of 32 bits (8) in place of writing one of 16 (2).
    job = work(LLAMA_8B, 32, 4096)
    by_hand = {"hf": 4 * 12 + 3 * 12, "megatron": 4 * 6}
    for stack, byte in by_hand.items():
        software = software_of(stack, None)
        machine = Machine(
            cluster("h100-sxm5-80gb:8"), "bf16", 2024, software.constants(load_constants()), software.native
        )
        seconds = {stage: held_s(job, Layout(dp=8, zero=stage, flash=True), machine, 4.0) for stage in (1, 2)}
        assert seconds[1] == pytest.approx(byte * 6.98e9 / (0.85 * 3.35e12), rel=0.01)
        assert seconds[2] == 0.0


def test_channels_first_slow_convolutions_as_published():
    # NVIDIA's example on A100, channels last: 2,470 images/s; Lambda runs it with PyTorch's order: 1,582.
    job = {"model": "resnet-50", "hw": "a100-sxm4-80gb:1", "precision": "fp16", "year": 2022, "samples": 1e6}
    tuned, native = (
        estimate(**job, batch_size=256, stack=kind).step_time_s.mid for kind in ("tuned", "native")
    )
    assert native / tuned == pytest.approx(2470 / 1582, rel=0.25)


def test_mlperfs_resnet_is_as_fast_as_logged():
    # Logs of MLPerf Training v4.0: 57,270 images/s on 8 H100 and 314,100 on 64 with the batch of 3,200; 6.9
    # million on 2,528 with 40,448, a step of 5.9 ms. Without what its stack fuses and captures the eight are
    # 1.8 times too slow, and 2,528 four times.
    logged = {8: (3200, 57270.0), 64: (3200, 314100.0), 2528: (40448, 6.9e6)}
    job = {"model": "resnet-50", "precision": "fp16", "year": 2024, "samples": 1e8}
    for count, (batch, rate) in logged.items():
        fused, tuned = (
            estimate(**job, hw=f"h100-sxm5-80gb:{count}", batch_size=batch, stack=stack).step_time_s.mid
            for stack in ("mlperf", "tuned")
        )
        assert batch / rate == pytest.approx(fused, rel=0.15), count
        assert tuned > 1.5 * fused, count


def test_graphs_are_captured_from_a_year_on():
    typical = load_constants()
    captured = software_of("mlperf", None).constants(typical)
    before, since = (Machine(cluster("a100:8"), "fp16", year, captured, False) for year in (2020, 2021))
    assert before.constants["gap_s"] == typical["gap_s"] > since.constants["gap_s"]
    assert before.constants["node_wait_s"] == typical["node_wait_s"] > since.constants["node_wait_s"] == 0.0


def test_convolutions_in_fp32_save_multiplications_of_three_by_three_kernels():
    # He et al. 2016: the 16 blocks of ResNet-50 have 3.97 billion multiply-adds (4.09 in all, less stem and
    # classifier), and each has one such product of 116 million. Winograd's F(2x2, 3x3) takes 16 for 36.
    blocks = 4.09e9 - 112 * 112 * 64 * 3 * 49 - 2048 * 1000
    three = 16 * 56 * 56 * 64 * 64 * 9.0
    shape = StepShape(sequences=64, image_size=224)
    job = count_step(find_model("resnet-50").config, shape, TrainingMethod())
    chip = cluster("v100-sxm2-16gb:1")
    terms = predict_step(step_flop=job, cluster=chip, precision="fp32", year=2021, stack="dle").terms
    rate = load_constants()["convolution_rate_wide"] * chip.accelerator.peak_flop_per_s["fp32"]
    multiplied = 64 * 3 * 2 * (blocks - three * (1.0 - 16 / 36))
    assert terms["matmul"] * rate == pytest.approx(multiplied, rel=0.01)


def test_operands_are_cast_to_8_bits_once():
    # By hand: queries, keys, values and the output of attention are 4 products of 1,024 by 1,024, the MLP has
    # 5,120 inputs and 5,120 results. Each input and each gradient of a result is cast once, each weight, too.
    tokens, layers, width = 48 * 512, 24, 1024
    elements = layers * (tokens * (4 * 2 * width + 2 * 5 * width) + 12 * width**2)
    chip = cluster("h100-sxm5-80gb:1")
    job = step(BERT_LARGE, 48, 512, "mlm+nsp", attention="flash")
    terms = predict_step(step_flop=job, cluster=chip, precision="fp8", year=2024, stack="mlperf").terms
    constants = load_constants()
    byte_per_s = constants["memory_rate"] * chip.accelerator.memory_byte_per_s
    assert terms["casts"] * byte_per_s == pytest.approx(constants["cast_byte"] * elements, rel=1e-6)
    # A cast reads 2 bytes and writes 2; kernels that write 8 bits themselves save the reading.
    assert 2.0 < constants["cast_byte"] < 5.0


def test_nvidias_resnet_keeps_channels_first_in_tf32():
    # Its README: 2,470 images/s in mixed precision and 938 in TF32 on one A100; its configs.yml asks for
    # channels last in mixed precision alone.
    job = {"model": "resnet-50", "hw": "a100-sxm4-80gb:1", "year": 2021, "samples": 1e6, "batch_size": 256}
    times = {
        (stack, precision): estimate(**job, precision=precision, stack=stack).step_time_s.mid
        for stack in ("dle", "tuned")
        for precision in ("fp16", "tf32")
    }
    published = 2470 / 938
    gained = {stack: times[stack, "tf32"] / times[stack, "fp16"] for stack in ("dle", "tuned")}
    assert times["dle", "fp16"] == times["tuned", "fp16"]
    assert abs(gained["dle"] - published) < abs(gained["tuned"] - published)
    assert gained["dle"] == pytest.approx(published, rel=0.25)


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
    # Every second product of a block, by the policy of its code: keys, output and one half of the gate.
    every = 4096 + 1024 + 1024 + 4096 + 3 * 14336
    assert default.layout.recompute_share == pytest.approx((1024 + 4096 + 14336) / every)
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
    for stack in ("torchtitan", "torchtitan-eager", "megatron-bridge"):
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
    assert 0 < added["torchtitan"] < 0.2 * added["torchtitan-eager"]
    # Both run them apart; PyTorch's own kernels take longer, as all that is around the products.
    assert 1.0 < added["torchtitan-eager"] / added["megatron-bridge"] < 2.0
