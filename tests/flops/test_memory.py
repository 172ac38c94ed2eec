"""Bytes kept and moved: Korthikanti's and ZeRO's published formulas, and sums done by hand."""

from __future__ import annotations

from typing import Any

import pytest

from footprint.errors import FootprintError
from footprint.flops.count import operation_list
from footprint.flops.memory import Plan, activation_byte, kept, memory, moved_byte, state_byte
from footprint.flops.passes.gradients import passes
from footprint.flops.passes.methods import prepare
from footprint.schema import StepShape, TrainingMethod
from tests.flops.small_configs import GROUPED

GPT3: dict[str, Any] = {
    "model_type": "gpt2",
    "n_embd": 12288,
    "n_layer": 96,
    "n_head": 96,
    "vocab_size": 51200,
    "n_positions": 2048,
}
LENGTH, WIDTH, HEADS = 2048, 12288, 96
SBH = LENGTH * WIDTH


def prepared(config: dict[str, Any], training: TrainingMethod | None = None, **shape: Any) -> Any:
    model = operation_list(config, StepShape(**{"sequences": 1, "sequence_length": LENGTH, **shape}))
    return prepare(model, training or TrainingMethod())


def block_byte(tensor: int, *, sequence_parallel: bool, **options: Any) -> float:
    """Bytes of one GPT-3 block in 16 bit, as a plan splits them."""
    model, trained = prepared(GPT3)
    layer, _, steps = next(group for group in passes(model, trained) if group.layer.part == "decoder")
    part = kept(layer, steps, **options)
    loose = 2 * float(part.values - part.sharded) + float(part.masks - part.sharded_masks)
    inner = 2 * float(part.sharded) + float(part.sharded_masks)
    return loose / (tensor if sequence_parallel else 1) + inner / tensor


@pytest.mark.parametrize("tensor", [1, 2, 8])
def test_activations_of_a_block(tensor: int) -> None:
    """Korthikanti et al. 2022, table 2: all five rows."""
    scores = 5 * HEADS * LENGTH / WIDTH
    only_tensor = block_byte(tensor, sequence_parallel=False)
    both = block_byte(tensor, sequence_parallel=True)
    assert only_tensor == SBH * (10 + 24 / tensor + scores / tensor)
    assert both == SBH * (34 + scores) / tensor
    selective = {"recompute": "selective"}
    assert block_byte(tensor, sequence_parallel=False, **selective) == SBH * (10 + 24 / tensor)
    assert block_byte(tensor, sequence_parallel=True, **selective) == SBH * 34 / tensor
    model, trained = prepared(GPT3)
    full = activation_byte(model, trained, recompute="full", attention="eager")
    none = activation_byte(model, trained, recompute="none", attention="eager")
    one_block = SBH * (34 + scores)
    assert none - full == pytest.approx(96 * (one_block - 2 * SBH) - one_block, rel=1e-12)


def test_fused_attention_keeps_no_scores() -> None:
    assert block_byte(1, sequence_parallel=True, attention="flash") == SBH * 34


@pytest.mark.parametrize(("zero", "published"), [(0, 120.0), (1, 31.4), (2, 16.6), (3, 1.88)])
def test_zero_stages(zero: Any, published: float) -> None:
    """Rajbhandari et al. 2020, figure 1: 7.5B parameters on 64 devices, GB a device."""
    # 12 l h^2 of weight matrices; a vocabulary and biases that stay small beside them
    config = {**GPT3, "n_embd": 4096, "n_layer": 37, "n_head": 32, "vocab_size": 100, "n_positions": 8}
    model, trained = prepared(config, sequence_length=8)
    states = state_byte(model, trained, Plan(data=64, zero=zero), precision="fp16")
    parameters = sum(
        len(layer.positions) * o.parameters for s in model.stages for layer in s for o in layer.operations
    )
    assert parameters == pytest.approx(7.5e9, rel=0.01)
    assert states.total_byte / parameters == pytest.approx(published / 7.5, rel=0.01)


def test_states_of_plain_single_precision_are_16_bytes_a_parameter() -> None:
    model, trained = prepared({"model_type": "llama", **GROUPED}, sequence_length=8)
    parameters = sum(
        len(layer.positions) * o.parameters for s in model.stages for layer in s for o in layer.operations
    )
    assert state_byte(model, trained, precision="fp32").total_byte == 16 * parameters
    assert state_byte(model, trained, precision="bf16").total_byte == 16 * parameters
    assert state_byte(model, trained, precision="fp32", optimizer="sgd").total_byte == 8 * parameters


def test_adapters_need_states_for_themselves_only() -> None:
    config = {"model_type": "llama", **GROUPED}
    model, trained = prepared(config, TrainingMethod(method="qlora", lora_rank=8), sequence_length=8)
    plain = state_byte(model, trained)
    small = state_byte(model, trained, quantised=True)
    trainable = plain.gradients_byte / 2
    assert plain.optimiser_byte == 12 * trainable
    assert small.gradients_byte == plain.gradients_byte
    blocks = 3 * (256 * (384 + 2 * 96) + 384 * 256 + 3 * 256 * 640)
    assert plain.weights_byte - small.weights_byte == pytest.approx(blocks * (2 - 0.5 - 1 / 32), rel=1e-12)


def test_pipeline_stages_hold_as_many_micro_batches_as_there_are_stages() -> None:
    model, trained = prepared(GPT3, sequences=64)
    one = activation_byte(model, trained, Plan(micro_batches=64), attention="flash")
    eight = activation_byte(model, trained, Plan(pipeline=8, micro_batches=64), attention="flash")
    # an eighth of the layers for eight micro-batches: the blocks' share stays
    assert eight == pytest.approx(one, rel=1e-9)
    few = activation_byte(model, trained, Plan(pipeline=8, micro_batches=2), attention="flash")
    assert few > 0
    assert activation_byte(model, trained, Plan(data=8, micro_batches=8), attention="flash") == pytest.approx(
        one
    )


def test_experts_are_split_over_expert_parallel_devices() -> None:
    config = {"model_type": "mixtral", **GROUPED, "num_local_experts": 8, "num_experts_per_tok": 2}
    model, trained = prepared(config, sequence_length=8)
    whole = state_byte(model, trained, Plan(data=8))
    split = state_byte(model, trained, Plan(data=8, expert=8))
    experts = 3 * 8 * 3 * 256 * 640
    assert whole.weights_byte - split.weights_byte == pytest.approx(2 * experts * 7 / 8, rel=1e-12)


def test_bytes_moved_by_one_product_are_its_three_operands() -> None:
    config = {"model_type": "llama", **GROUPED, "num_hidden_layers": 1}
    model, trained = prepared(config, sequence_length=16)
    expected = 0.0
    for m, k, n in [
        (16, 256, 384),
        (16, 256, 96),
        (16, 256, 96),
        (16, 384, 256),
        (16, 256, 640),
        (16, 256, 640),
        (16, 640, 256),
        (16, 256, 1000),
    ]:
        expected += 3 * (m * k + k * n + m * n)
    core = 8 * 16 * 48 + 2 * 16 * 48  # queries of 8 heads, keys (or values) of 2
    flash = expected + 2 * 3 * core
    eager = expected + 2 * 3 * (core + 8 * 16 * 16)
    assert moved_byte(model, trained, precision="bf16") == 2 * flash
    assert moved_byte(model, trained, precision="fp32", attention="eager") == 4 * eager


def test_whether_it_fits() -> None:
    model, trained = prepared({**GPT3, "n_layer": 12, "n_embd": 768, "n_head": 12})
    need = memory(model, trained, Plan(), attention="flash")
    assert need.fits(need.total_byte)
    assert not need.fits(0.99 * need.total_byte)


@pytest.mark.parametrize("plan", [Plan(data=0), Plan(tensor=-1), Plan(pipeline=float("nan")), Plan(zero=4)])  # type: ignore[arg-type]
def test_impossible_plans(plan: Plan) -> None:
    model, trained = prepared({"model_type": "llama", **GROUPED}, sequence_length=8)
    with pytest.raises(FootprintError):
        memory(model, trained, plan)
    with pytest.raises(FootprintError, match="precision"):
        memory(model, trained, precision="fp12")
    with pytest.raises(FootprintError, match="optimizer"):
        memory(model, trained, optimizer="magic")
