"""The summed operation list against closed forms of the literature."""

from __future__ import annotations

import pytest

from tests.performance.helpers import GPT_1B, LLAMA_8B, step, work


def test_flops_of_the_lines_are_those_of_the_count():
    flops = step(LLAMA_8B, 4, 2048)
    summed = work(LLAMA_8B, 4, 2048)
    total = sum(line.full_flop * (1 + line.gradients) for line in (*summed.blocks, *summed.others))
    assert total == pytest.approx(float(flops.training_flop), rel=1e-12)


def test_parameters_are_those_of_llama_3_8b():
    # 8.03 B as published; embeddings and head apart from the blocks.
    summed = work(LLAMA_8B, 1, 128)
    assert summed.block_parameters + summed.other_parameters == pytest.approx(8.03e9, rel=1e-3)
    assert summed.other_parameters == pytest.approx(2 * 128256 * 4096, rel=1e-3)
    assert summed.trained_share == 1.0


def test_stored_activations_are_korthikantis_without_attention_scores():
    # arXiv:2205.05198 equation 1: s b h (34 + 5 a s / h) bytes a layer of which 34 are 16 two-byte
    # elements and two one-byte dropout masks; this model has no dropout, so 16 elements.
    length, width, layers = 1024, 2048, 24
    summed = work(GPT_1B, 1, length)
    assert summed.stored_block / (layers * length * width) == pytest.approx(16.0, rel=0.07)


def test_score_elements_are_heads_times_squares():
    summed = work(GPT_1B, 3, 512)
    assert summed.scores == 3 * 24 * 16 * 512 * 512


def test_two_sums_over_ranks_a_layer():
    # Megatron-LM: one all-reduce after attention, one after the MLP, in each direction.
    summed = work(GPT_1B, 1, 512)
    assert summed.reductions == 2 * 24
    assert summed.layers == 24
    assert (summed.rows, summed.width) == (512, 2048)


def test_lora_trains_little_and_keeps_input_gradients():
    full = work(LLAMA_8B, 1, 512)
    lora = work(LLAMA_8B, 1, 512, method="lora", lora_rank=16)
    assert lora.trained_share < 0.005
    frozen = [line for line in lora.blocks if line.weights and not line.owned]
    assert sum(line.dense_flop for line in frozen) == pytest.approx(
        sum(line.dense_flop for line in full.blocks if line.weights), rel=1e-9
    )


def nanotron_stages(layers: int, layer_cost: float, head_cost: float, stages: int) -> list[int]:
    """Layers of each stage by the rule of nanotron's code: the block that crosses a stage's share ends it."""
    costs = [layer_cost] * layers + [head_cost]
    whole, done, stage = sum(costs), 0.0, 0
    found = [0] * stages
    for place, cost in enumerate(costs):
        found[stage] += place < layers
        done += cost
        if done > whole * (stage + 1) / stages:
            stage += 1
    return found


@pytest.mark.parametrize("stages", [1, 2, 3, 4, 6, 8, 12])
def test_stages_balanced_by_cost_have_the_layers_that_nanotron_gives_the_first(stages):
    summed = work(LLAMA_8B, 1, 128)
    layer = summed.block_parameters / summed.layers
    first = nanotron_stages(summed.layers, layer, 128256 * 4096, stages)[0]
    assert summed.uneven(stages, head=True) * summed.layers / stages == pytest.approx(first)
    assert summed.uneven(stages) * summed.layers / stages == pytest.approx(-(-summed.layers // stages))
