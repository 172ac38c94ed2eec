"""How tokens get to their experts and back: against torch's operations and products, and published runs."""

from __future__ import annotations

from typing import Any

import pytest

from footprint import estimate
from footprint.flops import count_step
from footprint.performance.predict import predict_raw, work_of
from footprint.performance.roofline.communication import exchange_s
from footprint.performance.roofline.constants import load_constants
from footprint.performance.roofline.layout import Layout
from footprint.performance.roofline.machine import Machine
from footprint.performance.roofline.sums import sum_lines
from footprint.performance.stacks import software_of
from footprint.validation.cases import of_its_software, throughput_cases
from tests.performance.helpers import QWEN3_30B, cluster, work
from tests.performance.test_experts_software import WITHOUT_TRAFFIC

ROWS, WIDTH, EXPERTS, CHOSEN = 512, 64, 16, 8
ATOMIC = 2.0
"""Further passes of an addition to scattered rows: each row reads and writes the one that it adds to."""


def _permuted(torch: Any) -> tuple[float, float]:
    """Passes of a forward and a backward pass over what torchtitan's layer sorts, by torch's bytes.

    The operations are those of its MoE, TokenReorderer, _permute and _unpermute, without the experts.
    """
    from torch.utils._python_dispatch import TorchDispatchMode
    from torch.utils._pytree import tree_leaves

    moved = [0.0]
    adding = {"scatter_add", "index_add", "index_add_"}

    class Count(TorchDispatchMode):
        def __torch_dispatch__(self, function, types, arguments=(), options=None):
            result = function(*arguments, **(options or {}))
            name = function._schema.name.split("::")[1]
            if name not in {*WITHOUT_TRAFFIC, "new_empty"}:
                tensors = [x for x in tree_leaves((arguments, result)) if isinstance(x, torch.Tensor)]
                # Indices are one number a row: next to nothing.
                moved[0] += sum(x.numel() * x.element_size() for x in tensors if x.is_floating_point())
                moved[0] += ATOMIC * routed_byte if name in adding else 0.0
            return result

    routed_byte = ROWS * CHOSEN * WIDTH * 2
    x = torch.randn(ROWS, WIDTH, dtype=torch.bfloat16, requires_grad=True)
    scores = torch.rand(ROWS, CHOSEN, requires_grad=True)
    chosen = torch.rand(ROWS, EXPERTS).topk(CHOSEN).indices
    order = torch.argsort(chosen.view(-1), stable=True)
    rows = (order // CHOSEN).reshape(-1, 1).expand(-1, WIDTH)
    local = torch.randperm(ROWS * CHOSEN)

    def forward() -> Any:
        weights = scores.view(-1)[order]
        routed = torch.gather(x, 0, rows)
        routed = (routed.to(torch.float32) * weights.reshape(-1, 1)).to(x.dtype)
        padded = torch.vstack((routed, routed.new_zeros(WIDTH)))
        sent = torch.index_select(padded, 0, local)
        back = sent.new_empty(sent.shape)
        back = back.index_put((local,), sent)
        return torch.zeros_like(x).scatter_add(0, rows, back)

    with Count():
        out = forward()
    first, moved[0] = moved[0], 0.0
    gradient = torch.ones_like(out)
    with Count():
        out.backward(gradient)
    return first / routed_byte, moved[0] / routed_byte


def test_sorting_by_operations_moves_what_torch_moves():
    first, second = _permuted(pytest.importorskip("torch"))
    constants = load_constants()
    assert constants["passes_sorted_eager_forward"] == pytest.approx(first, rel=0.15)
    assert constants["passes_sorted_eager"] == pytest.approx(first + second, rel=0.15)


def _machine(stack: str | None, hw: str = "h100:8", **own: float) -> Machine:
    constants = software_of(stack, None).constants(load_constants()).but(**own)
    return Machine(cluster(hw), "bf16", 2026, constants, software_of(stack, None).native)


def test_each_kind_of_stack_sorts_in_its_way():
    passes = {
        stack: _machine(stack).passes_sorted for stack in ("megatron", "torchtitan", "torchtitan-eager")
    }
    assert passes["megatron"] < passes["torchtitan"] < passes["torchtitan-eager"]
    # XLA is on every TPU, whatever the stack; on GPUs it is MaxText's.
    assert _machine("maxtext").passes_sorted == _machine(None, "tpu-v6e:8").passes_sorted


def _with_capacity(row: str, capacity: float) -> float:
    """Predicted seconds of a published row, with experts of so many times their share of tokens."""
    case = next(case for case in throughput_cases(errors=[]) if case.id == row)
    config = {key: value for key, value in case.config.items() if key != "capacity_factor"}
    if capacity:
        config["capacity_factor"] = capacity
    flops = count_step(config, case.shape, case.training, case.objective)
    return predict_raw(
        work_of(flops.operations, case.training), case.cluster, case.precision, case.year, given=case.given,
        flash=True, sequence_length=float(case.shape.sequence_length), native=case.native,
        constants=of_its_software(case, None),
    ).seconds  # fmt: skip


@pytest.mark.parametrize(("capacity", "longer"), [(2.0, 1191 / 918), (4.0, 1191 / 566)])
def test_more_capacity_takes_maxtext_as_much_longer_as_published(capacity, longer):
    # DeepSeek-V3 on 64 MI355X, 8 sequences each: 1191, 918 and 566 tokens/s at capacities of 1.25, 2 and 4
    # (maxtext-slurm's sweep; the last two are in no fit).
    assert _with_capacity("t1822", capacity) / _with_capacity("t1822", 1.25) == pytest.approx(longer, rel=0.1)


def test_dropping_tokens_is_slower_where_sequences_are_long():
    # Hunyuan 3 on 256 v5p, 8,192 tokens: 34.67 s with grouped products, 46.16 s with a capacity of 1; the
    # second is in no fit.
    assert _with_capacity("t1851", 1.0) / _with_capacity("t1851", 0.0) == pytest.approx(
        46.16 / 34.67, rel=0.08
    )


def test_dispatch_is_the_products_that_torch_counts():
    torch = pytest.importorskip("torch")
    from torch.utils.flop_counter import FlopCounterMode

    batch, length, width, experts, places = 2, 64, 16, 4, 32
    x = torch.randn(batch, length, width, requires_grad=True)
    mask = torch.randn(batch, length, experts, places)
    weights = torch.randn(batch, length, experts, places, requires_grad=True)
    with FlopCounterMode(display=False) as counted:
        sent = torch.einsum("bsm,bsec->ebcm", x, mask)
        torch.einsum("ebcm,bsec->bsm", sent, weights).sum().backward()
    # experts * places are the rows of one sequence after routing.
    job = work({**QWEN3_30B, "capacity_factor": 1.0}, 8, 4096)
    padded, plain = (
        sum_lines(job, _machine("maxtext", **own), 1, flash=True) for own in ({}, {"expert_tile_rows": 0.0})
    )
    assert padded == plain  # no tiles: nothing is grouped
    machine = _machine("maxtext")
    grouped = sum_lines(job, _machine("megatron"), 1, flash=True)
    flop = (padded.compute - grouped.compute) * machine.peak * machine.rate
    per_row = counted.get_total_flops() / (batch * experts * places * width * length)
    assert flop == pytest.approx(per_row * job.routed * 4096, rel=0.02)


def test_expert_ranks_of_maxtext_take_buffers_for_the_worst_case():
    job = {"model": "qwen3-30b-a3b", "hw": "tpu-v6e:64", "stack": "maxtext", "tokens": 1e9, "batch_size": 256}

    def seconds(**layout: int) -> float:
        step = estimate(**job, seq_len=4096, tp=1, **layout).step_time_s
        assert step is not None
        return step.mid

    # A user of TPUs measured 3.4 times the step time with 4 expert ranks (gpu-tpu-pedia).
    assert seconds(ep=4) > 1.05 * seconds(ep=1)


def test_torchtitan_adds_gradients_up_in_32_bits():
    job, layout = work(QWEN3_30B, 512, 4096), Layout(dp=512, zero=3)
    whole, half = (
        exchange_s(job, layout, _machine("torchtitan", "h100:512", reduced_byte=byte), 1.0)
        for byte in (4.0, 2.0)
    )
    # Two gathers in 16 bits and one sum in 32 instead of 16: 8 bytes a parameter instead of 6.
    assert whole / half == pytest.approx(8 / 6, rel=0.02)
