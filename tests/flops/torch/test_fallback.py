"""Model types that no family describes, counted by torch: equal to the formula where both apply."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from footprint.errors import FootprintError, UnknownNameError
from footprint.flops import count_step
from footprint.flops.count import step_sums
from footprint.flops.torch.depth import Axis, with_depth
from footprint.flops.torch.fallback import counted_step
from footprint.performance.predict import work_of
from footprint.schema import StepShape, TrainingMethod
from tests.flops.small_configs import GROUPED, TEXT

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.filterwarnings("ignore")
PLAIN = TrainingMethod()


@pytest.mark.parametrize(("config", "shape"), [
    ({"model_type": "llama", **GROUPED, "num_hidden_layers": 20}, StepShape(sequences=4, sequence_length=33)),
    ({"model_type": "bert", **TEXT, "num_hidden_layers": 16}, StepShape(sequences=4, sequence_length=33)),
    ({"model_type": "convnext", "hidden_sizes": [12, 24, 48, 96], "depths": [2, 2, 3, 2]},
     StepShape(sequences=4, image_size=224)),
])  # fmt: skip
def test_torchs_count_is_the_formulas(config: dict[str, Any], shape: StepShape) -> None:
    """A deep homogeneous stack is extrapolated, a convolution's gradient is mended; both come out exact."""
    counted = counted_step(config, shape, PLAIN)
    exact = count_step(config, shape)
    assert counted.forward_flop == exact.forward_flop
    assert counted.backward_flop == exact.backward_flop
    assert counted.parameters.total == exact.parameters.total
    assert counted.parameters.non_embedding == exact.parameters.non_embedding
    assert counted.tokens == exact.tokens
    assert counted.basis == "counted"
    assert sum(counted.components.values()) == counted.training_flop


def test_an_uneven_stack_is_counted_whole() -> None:
    config = {
        "model_type": "qwen2_moe",
        **GROUPED,
        "num_hidden_layers": 14,
        "num_experts": 4,
        "num_experts_per_tok": 2,
        "moe_intermediate_size": 96,
        "shared_expert_intermediate_size": 128,
        "decoder_sparse_step": 2,
        "mlp_only_layers": [5],
    }
    del config["head_dim"]
    shape = StepShape(sequences=1, sequence_length=9)
    assert counted_step(config, shape, PLAIN).training_flop == count_step(config, shape).training_flop


def test_a_kind_of_layer_that_comes_later_is_not_extrapolated_over() -> None:
    """Three layers of linear attention, then one of another kind: the first three say nothing of it."""
    from footprint.flops.torch.torch_counter import count_with_torch

    config = {
        "model_type": "qwen3_next", **GROUPED, "num_hidden_layers": 16, "num_experts": 4,
        "num_experts_per_tok": 2, "moe_intermediate_size": 64, "shared_expert_intermediate_size": 64,
        "linear_num_key_heads": 2, "linear_num_value_heads": 4, "linear_key_head_dim": 16,
        "linear_value_head_dim": 16,
    }  # fmt: skip
    shape = StepShape(sequences=1, sequence_length=9)
    whole = count_with_torch(config, shape, mended=True)
    counted = counted_step(config, shape, PLAIN)
    assert (counted.forward_flop, counted.backward_flop) == (whole.forward_flop, whole.backward_flop)


def test_a_part_that_is_not_run_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Text without its images runs a vision-language model in part, which would count too little."""
    from footprint.flops.torch import whole
    from footprint.flops.torch.torch_counter import CannotCountError, _idle, count_with_torch

    nn = torch.nn
    tower = nn.Sequential(*(nn.Linear(4, 4) for _ in range(5)))
    model = nn.ModuleDict({"model": nn.ModuleDict({"text": nn.Linear(4, 4), "vision": tower})})
    model["model"]["text"](torch.zeros(1, 4)).sum().backward()  # type: ignore[index]
    assert _idle(model) == (5 * 20, ("model.vision",))
    tower(torch.zeros(1, 4)).sum().backward()
    assert _idle(model) == (0, ())

    config = {"model_type": "bert", **TEXT}
    shape = StepShape(sequences=1, sequence_length=8)
    counted = replace(count_with_torch(config, shape), idle=100, idle_parts=("model.vision",))
    monkeypatch.setattr(whole, "count_with_torch", lambda *_, **__: counted)
    with pytest.raises(CannotCountError, match=r"without 0\.0% of its parameters \(model\.vision\)"):
        whole.whole_count(config, shape, "")


def test_an_unknown_type_of_transformers_is_traced_and_labelled() -> None:
    config = {"model_type": "roformer", **TEXT, "num_hidden_layers": 2, "embedding_size": 256}
    step = count_step(config, StepShape(sequences=2, sequence_length=32))
    bert = {"model_type": "bert", **TEXT, "num_hidden_layers": 2}
    same = count_step(bert, StepShape(sequences=2, sequence_length=32))
    assert step.basis == "traced"
    # rotary positions multiply no matrices
    assert (step.forward_flop, step.backward_flop) == (same.forward_flop, same.backward_flop)
    assert (step.tokens, step.samples) == (same.tokens, same.samples)
    assert step.operations is not None
    ours, theirs = (work_of(one.operations, PLAIN) for one in (step, same) if one.operations)
    for name in ("layers", "width", "heads", "scores", "reductions", "boundary", "logits"):
        assert getattr(ours, name) == getattr(theirs, name), name


TINY: dict[str, dict[str, Any]] = {
    "fsmt": {  # asks whether any word is padding
        "langs": ["en", "de"], "src_vocab_size": 60, "tgt_vocab_size": 60, "d_model": 32, "encoder_layers": 2,
        "decoder_layers": 2, "encoder_ffn_dim": 64, "decoder_ffn_dim": 64, "encoder_attention_heads": 2,
        "decoder_attention_heads": 2,
    },
    "glm_ocr_vision": {  # reads the sizes of its images from a tensor
        "depth": 2, "hidden_size": 32, "num_heads": 2, "intermediate_size": 64, "out_hidden_size": 48,
    },
    "dac": {  # returns a loss of its codes alone, to which the decoder adds nothing
        "encoder_hidden_size": 8, "downsampling_ratios": [2, 4], "decoder_hidden_size": 32,
        "upsampling_ratios": [4, 2], "n_codebooks": 1, "codebook_size": 2, "codebook_dim": 2,
    },
}  # fmt: skip


@pytest.mark.parametrize("model_type", TINY)
def test_types_that_read_values_or_have_a_loss_of_their_own_are_traced(model_type: str) -> None:
    """Two samples are twice what torch's counter, without a trace, gives for one."""
    from footprint.flops.torch.torch_counter import count_with_torch

    config = {"model_type": model_type, **TINY[model_type]}
    sizes = {"sequence_length": 8, "target_sequence_length": 6 if model_type == "fsmt" else None}
    one = count_with_torch(config, StepShape(sequences=1, **sizes), mended=True)
    two = count_step(config, StepShape(sequences=2, **sizes))
    assert two.basis == "traced"
    assert two.forward_flop == 2 * one.forward_flop
    # the search for the nearest code has no gradient, which a list does not know
    wrong = 1e-3 if model_type == "dac" else 0
    assert two.backward_flop == pytest.approx(2 * one.backward_flop, rel=wrong, abs=0)
    assert two.parameters.total == one.parameters


def test_a_type_whose_trace_gives_another_total_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    from footprint.flops.torch import fallback

    config = {"model_type": "roformer", **TEXT, "num_hidden_layers": 2, "embedding_size": 128}
    shape = StepShape(sequences=2, sequence_length=16)
    traced = fallback.traced_type

    def other(*arguments: Any) -> Any:
        return traced(arguments[0], StepShape(sequences=1, sequence_length=15), *arguments[2:])

    monkeypatch.setattr(fallback, "traced_type", other)
    step = count_step(config, shape)
    assert (step.basis, step.operations) == ("counted", None)
    with pytest.raises(FootprintError, match="full training only"):
        count_step(config, shape, TrainingMethod(method="lora"))


def test_adapters_of_a_traced_type_are_those_of_the_formula_of_its_like() -> None:
    """BERT's queries and values. Rotary positions turn queries and keys together, so those of the first layer
    have one name in the trace, and its frozen keys get the gradient of one product too many."""
    lora = TrainingMethod(method="lora", lora_rank=4, lora_targets=("query", "value"))
    shape = StepShape(sequences=2, sequence_length=32)
    traced = count_step({"model_type": "roformer", **TEXT, "embedding_size": 256}, shape, lora)
    like = count_step({"model_type": "bert", **TEXT}, shape, lora)
    assert traced.parameters.trainable == like.parameters.trainable
    once = 2 * 2 * 8 * 32 * 32 * 32
    assert traced.training_flop == like.training_flop + once


def test_what_torch_cannot_count_is_refused() -> None:
    config = {"model_type": "roformer", **TEXT, "embedding_size": 256}
    shape = StepShape(sequences=2, sequence_length=32)
    with pytest.raises(FootprintError, match="full training only"):
        counted_step(config, shape, TrainingMethod(method="lora"))
    with pytest.raises(FootprintError, match="whole sequences"):
        count_step(config, StepShape(sequences=1.5, sequence_length=32))
    with pytest.raises(UnknownNameError, match="did you mean llama"):
        count_step({**config, "model_type": "lamma"}, shape)


def test_a_config_that_transformers_refuses_is_our_kind_of_error() -> None:
    with pytest.raises(FootprintError, match="cannot run"):
        count_step(
            {"model_type": "roformer", "hidden_size": "many"}, StepShape(sequences=1, sequence_length=8)
        )


def test_full_recomputation_repeats_at_most_the_forward_pass() -> None:
    config = {"model_type": "roformer", **TEXT, "embedding_size": 256}
    shape = StepShape(sequences=2, sequence_length=32)
    step = counted_step(config, shape, TrainingMethod(recompute="full"))
    assert step.hardware_flop == step.training_flop + step.forward_flop


def test_shallow_copies_keep_lists_and_patterns_in_step() -> None:
    types = ["full_attention"] * 4 + ["sliding_attention"] * 4
    config = {"model_type": "x", "num_hidden_layers": 8, "layer_types": types, "mlp_only_layers": [1, 6]}
    cut = with_depth(config, Axis(("num_hidden_layers",), 8, 0, 1), 5)
    assert cut["num_hidden_layers"] == 5
    assert cut["layer_types"] == types[:5]
    assert cut["mlp_only_layers"] == [1]
    nested = with_depth({"text_config": config}, Axis(("text_config", "num_hidden_layers"), 8, 0, 1), 3)
    assert nested["text_config"]["num_hidden_layers"] == 3
    assert config["num_hidden_layers"] == 8
    letters = with_depth({"hybrid_override_pattern": "M*M-"}, Axis(("hybrid_override_pattern",), 4, 0, 1), 3)
    assert letters["hybrid_override_pattern"] == "M*M"


def test_a_run_that_only_counts_needs_no_operation_list() -> None:
    model, sums = step_sums(
        {"model_type": "llama", **GROUPED}, StepShape(sequences=1, sequence_length=8), PLAIN
    )
    assert model.tokens == 8
    assert sums.forward * 2 == sums.backward


def test_a_long_reason_is_cut_between_words_and_said_once(monkeypatch: pytest.MonkeyPatch) -> None:
    from footprint.flops.torch import torch_counter

    def failing(*_: object) -> object:
        raise ValueError("antidisestablishmentarianism " * 100)

    monkeypatch.setattr(torch_counter, "_count", failing)
    with pytest.raises(torch_counter.CannotCountError) as caught:
        torch_counter.count_with_torch({"model_type": "bert"}, StepShape(sequences=1, sequence_length=8))
    words = str(caught.value).removesuffix(" ...)").split()
    assert str(caught.value).endswith("antidisestablishmentarianism ...)")
    assert str(caught.value).count("ValueError") == 1
    assert len(words) < 40
