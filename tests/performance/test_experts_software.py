"""Experts and adapters as software computes them: against torch, counts by hand and published pairs."""

from __future__ import annotations

import csv
import math
import random
from typing import Any

import numpy as np
import pytest

from footprint import estimate, sweep
from footprint.catalog.files import reference_folder
from footprint.flops import count_step
from footprint.performance.layouts.candidates import Candidates
from footprint.performance.layouts.shapes import habits_of
from footprint.performance.predict import software_factor, work_of
from footprint.performance.roofline.adapters import backward_traffic, forward_traffic
from footprint.performance.roofline.communication import exchange_s
from footprint.performance.roofline.constants import load_constants, memory_constants
from footprint.performance.roofline.layout import Layout
from footprint.performance.roofline.linear import Slopes
from footprint.performance.roofline.machine import Machine
from footprint.performance.roofline.sums import sum_lines
from footprint.performance.roofline.terms import head_beyond, kernels_of, step_terms
from footprint.performance.stacks import software_of
from footprint.validation.cases import throughput_cases
from footprint.validation.published.throughput import predict_case
from tests.performance.helpers import LLAMA_8B, LLAMA_70B, QWEN3_30B, cluster, work

WITHOUT_TRAFFIC = {
    "view", "_unsafe_view", "t", "transpose", "permute", "expand", "slice", "select", "unsqueeze", "squeeze",
    "detach", "alias", "unbind", "split", "as_strided", "_local_scalar_dense",
}  # fmt: skip
"""Operations of torch that only describe a tensor anew."""


def _counted(run: Any) -> tuple[list[str], float]:
    """Names of the operations that torch dispatches, and the bytes that they read and write."""
    torch = pytest.importorskip("torch")
    from torch.utils._python_dispatch import TorchDispatchMode
    from torch.utils._pytree import tree_leaves

    names: list[str] = []
    moved = [0.0]

    class Count(TorchDispatchMode):
        def __torch_dispatch__(self, function, types, arguments=(), options=None):
            result = function(*arguments, **(options or {}))
            name = function._schema.name.split("::")[1]
            if name not in WITHOUT_TRAFFIC:
                names.append(name)
                tensors = [x for x in tree_leaves((arguments, result)) if isinstance(x, torch.Tensor)]
                moved[0] += sum(x.numel() * x.element_size() for x in tensors)
            return result

    with Count():
        run()
    return names, moved[0]


def _loop(experts: int) -> int:
    """Operations of a forward and a backward pass of the block of Mixtral before transformers 5."""
    torch = pytest.importorskip("torch")
    functional = torch.nn.functional
    rows, width, inner = 64, 16, 32
    x = torch.randn(rows, width, requires_grad=True)
    gate = torch.randn(experts, width, requires_grad=True)
    weights = [[torch.randn(inner, width, requires_grad=True) for _ in range(3)] for _ in range(experts)]

    def run() -> None:
        share, chosen = torch.topk(torch.softmax(functional.linear(x, gate), 1), 2, -1)
        out, mask = torch.zeros(rows, width), functional.one_hot(chosen, experts).permute(2, 1, 0)
        for expert, (w1, w2, w3) in enumerate(weights):
            place, row = torch.where(mask[expert])
            own = x[None, row].reshape(-1, width)
            y = (functional.silu(functional.linear(own, w1)) * functional.linear(own, w3)) @ w2
            out.index_add_(0, row, y * share[row, place, None])
        out.sum().backward()

    return len(_counted(run)[0])


def test_a_loop_over_experts_launches_what_torch_dispatches():
    counted = (_loop(12) - _loop(4)) / 8
    job, constants = work(QWEN3_30B, 8, 4096), load_constants()
    assert constants["loop_kernels"] * job.expert_launches / job.layers == pytest.approx(counted, rel=0.1)
    looped = software_of("hf", None).constants(constants)
    kernels = {
        year: kernels_of(job, Layout(dp=8), Machine(cluster("h100:8"), "bf16", year, looped, True))
        for year in (2025, 2026)
    }
    # 127 experts after the first, in 48 layers.
    assert kernels[2025] == pytest.approx(job.launches + 127 * 48 * counted, rel=0.1)
    assert kernels[2026] < 0.4 * kernels[2025]


def test_tiles_that_experts_share_are_computed_for_each():
    # What megablox visits: the tiles from an expert's first row to its last one, for experts of random sizes.
    tile, experts, rows = 512, 128, 131_072
    draw = random.Random(1)  # noqa: S311 - sizes of experts, no secret
    cuts = sorted(draw.sample(range(1, rows), experts - 1))
    ends = zip([0, *cuts], [*cuts, rows], strict=True)
    visited = tile * sum(math.ceil(end / tile) - start // tile for start, end in ends)
    job, constants = work(QWEN3_30B, 4, 4096), load_constants()
    assert rows == 4 * 4096 * 8
    machine = Machine(cluster("tpu-v6e:1"), "bf16", 2026, constants)
    tiled, even = (
        sum_lines(job, Machine(cluster("tpu-v6e:1"), "bf16", 2026, own), 1, flash=True)
        for own in (constants, constants.but(expert_tile_rows=0.0))
    )
    filled_s = sum(
        line.dense_flop * (1 + line.gradients) / (machine.peak * machine.rate)
        for line in job.blocks
        if line.component == "experts"
    )
    more = (tiled.expert_weights - even.expert_weights) / filled_s
    assert more == pytest.approx(visited / rows - 1.0, rel=0.02)
    # On GPUs nothing is added, and each of two devices of a chip has tiles of its own.
    two = cluster("tpu-v7x:1")
    assert Machine(two, "bf16", 2026, constants).devices == 2


def _published(*ids: str) -> list[float]:
    """Measured and predicted seconds of rows of the table, one after the other."""
    found = []
    cases = {case.id: case for case in throughput_cases(errors=[]) if case.id in ids}
    for name in ids:
        case = cases[name]
        flops = count_step(case.config, case.shape, case.training, case.objective)
        row = predict_case(case, work_of(flops.operations, case.training), None, found=False)
        found += [row.published, row.predicted]
    return found


def test_tokens_that_are_sent_to_each_expert_take_longer_than_with_deepep():
    # XTuner, Qwen3-235B-A22B on 256 H800, 32 expert ranks: 35.4 s without DeepEP, 25.7 s with it.
    slow, slow_predicted, fast, fast_predicted = _published("t1471", "t1472")
    assert slow / fast == pytest.approx(1.375, rel=0.01)
    assert 1.1 < slow_predicted / fast_predicted < slow / fast


def test_experts_of_june_2026_are_one_product_on_blackwell():
    job = {"model": "qwen3-30b-a3b", "tokens": 1e9, "batch_size": 512, "seq_len": 4096, "precision": "fp8"}

    def seconds(hw: str, month: str) -> float:
        step = estimate(**job, hw=hw, stack="megatron-bridge", stack_date=month, ep=8).step_time_s
        assert step is not None
        return step.mid

    # Published on 8 GB200, releases 26.04.01 and 26.06: 1.5 times as fast; on H100 not faster.
    with (reference_folder() / "published" / "throughput.csv").open(encoding="utf-8") as file:
        rows = {
            row["source"]: float(row["tokens_per_s_per_accelerator"])
            for row in csv.DictReader(file)
            if row["model"].lower().startswith("qwen3_30b") and row["accelerator"] == "gb200"
        }
    published = rows["megatron-bridge-26.06"] / rows["megatron-bridge-26.04.01"]
    faster = seconds("gb200:8", "2026-05") / seconds("gb200:8", "2026-06")
    assert 1.08 < faster < published
    assert seconds("h100:8", "2026-05") / seconds("h100:8", "2026-06") < 1.01


@pytest.mark.parametrize(("layers", "stages"), [(94, 32), (96, 32), (61, 16), (48, 1)])
def test_a_layer_less_makes_room_for_the_head(layers, stages):
    job = work({**LLAMA_8B, "num_hidden_layers": layers}, 64, 4096)
    machine = Machine(cluster("h100:64"), "bf16", 2026, load_constants(), False)
    sums = sum_lines(job, machine, 1, flash=True)
    layer_s, head_s = (sums.compute + sums.attention) / layers, sums.head_compute
    # The fullest stages set the pace; the last one has a layer less where not all can have as many.
    most = math.ceil(layers / stages)
    last = most - 1 if layers % stages else most
    pace_s = max(most * layer_s, last * layer_s + head_s)
    assert head_s * head_beyond(sums, job, Layout(pp=stages)) == pytest.approx(
        pace_s - most * layer_s, rel=1e-9, abs=1e-12
    )


def test_adapters_in_32_bits_move_what_torch_moves():
    torch = pytest.importorskip("torch")
    functional = torch.nn.functional
    rows, width, rank = 512, 256, 1
    wide = {"dtype": torch.float32, "requires_grad": True}
    first, second = torch.randn(rank, width, **wide), torch.randn(width, rank, **wide)
    base = torch.randn(rows, width, dtype=torch.bfloat16, requires_grad=True)
    x = torch.randn(rows, width, dtype=torch.bfloat16, requires_grad=True)
    given = torch.randn(rows, width, dtype=torch.bfloat16)
    result: list[Any] = []

    def forward() -> None:
        y = functional.linear(functional.linear(x.to(torch.float32), first), second) * 2.0
        result.append((base + y).to(torch.bfloat16))

    def backward() -> None:
        # The base product gives a gradient to the same inputs, which are added up.
        torch.autograd.grad(result[0], (base, x, first, second), given)
        x.detach() + given

    for run, traffic in ((forward, forward_traffic), (backward, backward_traffic)):
        moved = traffic(4.0, 2.0)
        assert rows * width * (moved.read + moved.written) == pytest.approx(_counted(run)[1], rel=0.1)


def test_wide_adapters_slow_a_step_of_peft_and_of_no_other():
    job = work(LLAMA_8B, 2, 8192, method="lora", lora_targets=("all-linear",))
    hopper = cluster("h100:1")

    def moved(stack: str, year: int) -> float:
        constants = software_of(stack, None).constants(load_constants())
        return sum_lines(job, Machine(hopper, "bf16", year, constants, True), 1, flash=True).moved

    assert moved("hf-peft", 2025) > 1.5 * moved("hf-peft", 2024)
    assert moved("unsloth", 2025) == moved("unsloth", 2024)


def test_a_mask_costs_fused_attention_its_skipped_half_and_its_rate():
    machine = Machine(cluster("a100:1"), "bf16", 2025, load_constants(), True)
    times = {
        attention: step_terms(work(LLAMA_8B, 2, 8192, attention=attention), Layout(flash=True), machine)
        for attention in ("flash", "masked")
    }
    # A causal mask leaves one half of the pairs; FlashAttention-2 is about twice as fast as the kernel with a
    # mask (arXiv:2307.08691, figures 4 to 6).
    assert times["masked"]["attention"] / times["flash"]["attention"] == pytest.approx(4.0, rel=0.01)
    assert times["masked"]["elementwise"] == times["flash"]["elementwise"]


def test_the_command_takes_a_mask_and_says_a_longer_step():
    job = {"model": "llama3.1-8b", "hw": "a100-sxm4-80gb:8", "tokens": 1e8, "batch_size": 16, "seq_len": 8192}
    steps = {kind: estimate(**job, attention=kind).step_time_s.mid for kind in ("flash", "masked", "eager")}
    assert 1.1 * steps["flash"] < steps["masked"] < steps["eager"]


def test_expert_ranks_above_the_replicas_divide_an_expert_once():
    job, constants = work(QWEN3_30B, 64, 4096), load_constants()
    machine = Machine(cluster("h100:32"), "bf16", 2025, constants, False)
    # 16 replicas of 2 tensor ranks: 32 ranks hold the experts, however the expert ranks lie over them.
    above, equal = (step_terms(job, Layout(tp=2, dp=16, ep=ep), machine) for ep in (32, 16))
    assert above["streaming"] == equal["streaming"]
    assert above["data_parallel"] == equal["data_parallel"]
    # The search reads the same times from its linear form.
    given = {"tp": 2, "pp": 1, "ep": 32, "zero": 1, "recompute": "none"}
    habits = habits_of(job, machine, flash=True, sequence_length=4096)
    found = Candidates([habits], given, [[32]], 1.0, 64.0)
    sums = sum_lines(job, machine, 2, flash=True)
    slopes = Slopes(sums, job, found.shapes, machine, found.shape_of, found.rows, machine)
    linear = slopes.at(np.array([0]), is_selective=False, is_full=False)
    assert float(linear.seconds(1.0, 4.0, 0.0)[0]) == pytest.approx(sum(above.values()), rel=1e-9)


def test_embeddings_of_qlora_are_gathered_in_16_bits():
    job = work(LLAMA_70B, 8, 2048, method="qlora", lora_rank=1)
    assert job.other_parameters == 2 * 128256 * 8192 + 8192
    constants = memory_constants("adamw", "qlora")
    layout, eight = Layout(dp=8, zero=3), cluster("h100:8")
    free = {"link_hop_s": 0.0, "network_hop_s": 0.0}
    machine = Machine(eight, "bf16", 2024, constants.but(**free), True)
    held, trained = constants["frozen_weight_byte"], job.trained_share
    blocks = job.block_parameters * (trained * 2.0 + (1.0 - trained) * held)
    local = job.parameters * trained * 2.0
    volume = (2.0 * (blocks + job.other_parameters * 2.0) + local) * 7 / 8
    exchanged_s = machine.around_products * volume / machine.link
    assert exchange_s(job, layout, machine, 1.0) == pytest.approx(exchanged_s, rel=1e-9)


@pytest.mark.parametrize(
    ("chips", "job"),
    [
        (("h100:64", "gb300:64"), {"precision": "fp8", "stack": "megatron-bridge", "stack_date": "2026-07"}),
        (("tpu-v6e:64", "tpu-v7x:64"), {"stack": "maxtext"}),
    ],
)
def test_a_sweep_over_chips_gives_each_its_own_experts(chips, job):
    job = {"model": "qwen3-30b-a3b", "tokens": 1e9, "batch_size": 512, "seq_len": 4096, **job}
    swept = sweep(hw=list(chips), **job)
    alone = [estimate(hw=chip, **job).duration_h.mid for chip in chips]
    assert list(swept["duration_h_mid"]) == pytest.approx(alone, rel=1e-9)


def test_experts_do_not_slow_down_fused_attention():
    constants = load_constants()
    machine = Machine(cluster("h100:8"), "bf16", 2026, constants, False)
    experts = work(QWEN3_30B, 8, 4096)
    terms = step_terms(experts, Layout(dp=8), machine)
    # Two products forward, five backward, half of the pairs: 48 layers of 32 heads of 128.
    flop = 7 * 4096**2 * 32 * 128 * 48
    assert terms["attention"] == pytest.approx(flop / (989.5e12 * machine.flash_rate), rel=0.01)
    # What is on the whole step is the factor of dense models.
    dense, most = work(LLAMA_8B, 8, 4096), cluster("h100:8")
    assert software_factor(experts, most, "bf16", 2026, False, None, constants) == pytest.approx(
        software_factor(dense, most, "bf16", 2026, False, None, constants), rel=1e-12
    )
