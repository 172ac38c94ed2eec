"""LoRA, frozen parts and recomputation against torch's counter; shares known from closed forms."""

from __future__ import annotations

from typing import Any

import pytest

from footprint.errors import FootprintError
from footprint.flops import count_step
from footprint.flops.count import step_sums
from footprint.schema import StepShape, TrainingMethod
from tests.flops.small_configs import GROUPED, SEQ2SEQ, TEXT

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.filterwarnings("ignore")
SHAPE = StepShape(sequences=2, sequence_length=33)
PAIR = StepShape(sequences=2, sequence_length=40, target_sequence_length=13)
LLAMA = {"model_type": "llama", **GROUPED, "num_hidden_layers": 4}
BERT = {"model_type": "bert", **TEXT, "num_hidden_layers": 4, "tie_word_embeddings": True}
BART = SEQ2SEQ
T5 = {
    "model_type": "t5", "d_model": 256, "d_kv": 32, "d_ff": 512, "num_layers": 3, "num_decoder_layers": 3,
    "num_heads": 8, "vocab_size": 1000,
}  # fmt: skip
GPT2 = {"model_type": "gpt2", "n_embd": 256, "n_layer": 4, "n_head": 8, "vocab_size": 1000}


class Adapted(torch.nn.Module):  # type: ignore[misc,name-defined]
    """A frozen projection with a low-rank adapter beside it (Hu et al. 2021, arXiv:2106.09685)."""

    def __init__(self, layer: Any, rank: int) -> None:
        super().__init__()
        self.layer = layer
        inputs, outputs = layer.weight.shape
        if isinstance(layer, torch.nn.Linear):
            inputs, outputs = outputs, inputs
        self.down = torch.nn.Linear(inputs, rank, bias=False)
        self.up = torch.nn.Linear(rank, outputs, bias=False)

    def forward(self, x: Any) -> Any:
        return self.layer(x) + self.up(self.down(x))


def with_adapters(targets: tuple[str, ...], rank: int) -> Any:
    def prepare(model: Any) -> Any:
        for parameter in model.parameters():
            parameter.requires_grad_(False)
        for name, module in list(model.named_modules()):
            parent, _, last = name.rpartition(".")
            if last in targets or any(name.endswith("." + target) for target in targets):
                setattr(model.get_submodule(parent), last, Adapted(module, rank))
        return model

    return prepare


def frozen(*patterns: str) -> Any:
    def prepare(model: Any) -> Any:
        for name, parameter in model.named_parameters():
            if any(pattern in name for pattern in patterns):
                parameter.requires_grad_(False)
        return model

    return prepare


def exact(config: Any, shape: StepShape, training: TrainingMethod, prepare: Any, objective: str = "") -> None:
    from footprint.flops.torch.torch_counter import count_with_torch

    theirs = count_with_torch(config, shape, objective, prepare=prepare)
    _, sums = step_sums(config, shape, training, objective)
    assert (sums.dense_forward, sums.dense_backward) == (theirs.forward_flop, theirs.backward_flop)
    assert sums.parameters.total == theirs.parameters


@pytest.mark.parametrize("targets", [
    ("q_proj", "v_proj"), ("q_proj",), ("v_proj",), ("o_proj",), ("q_proj", "k_proj", "v_proj", "o_proj"),
    ("gate_proj", "up_proj", "down_proj"), ("down_proj",),
])  # fmt: skip
def test_lora_on_a_decoder(targets: tuple[str, ...]) -> None:
    training = TrainingMethod(method="lora", lora_rank=16, lora_targets=targets)
    exact(LLAMA, SHAPE, training, with_adapters(targets, 16))


def test_lora_everywhere_and_by_default() -> None:
    every = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
    exact(LLAMA, SHAPE, TrainingMethod(method="qlora", lora_rank=8), with_adapters(every, 8))
    exact(LLAMA, SHAPE, TrainingMethod(method="lora", lora_rank=8), with_adapters(("q_proj", "v_proj"), 8))
    exact(
        BERT, SHAPE, TrainingMethod(method="lora", lora_rank=4), with_adapters(("query", "value"), 4), "mlm"
    )
    exact(T5, PAIR, TrainingMethod(method="lora", lora_rank=4), with_adapters(("q", "v"), 4), "seq2seq")
    exact(GPT2, SHAPE, TrainingMethod(method="lora", lora_rank=4), with_adapters(("c_attn",), 4), "clm")


@pytest.mark.parametrize(("config", "objective", "targets"), [
    (LLAMA, "clm", ("q_proj", "v_proj")),
    (LLAMA, "clm", ("down_proj",)),
    (BERT, "mlm", ("query", "value")),
    (GPT2, "clm", ("c_attn",)),
    (T5, "seq2seq", ("q", "v")),
])  # fmt: skip
def test_input_gradients_reach_the_first_layer(
    config: dict[str, Any], objective: str, targets: tuple[str, ...]
) -> None:
    """What `enable_input_require_grads` costs, which adapters need where blocks are recomputed."""

    def prepare(model: Any) -> Any:
        model.enable_input_require_grads()
        return with_adapters(targets, 16)(model)

    shape = PAIR if objective == "seq2seq" else SHAPE
    training = TrainingMethod(method="lora", lora_rank=16, lora_targets=targets, input_gradients=True)
    exact(config, shape, training, prepare, objective)
    fewer = count_step(config, shape, TrainingMethod(method="lora", lora_targets=targets), objective)
    assert count_step(config, shape, training, objective).backward_flop > fewer.backward_flop


@pytest.mark.parametrize(("parts", "patterns"), [
    (("embeddings",), ("embed_tokens",)),
    (("layers:0-1",), ("layers.0.", "layers.1.")),
    (("embeddings", "layers:0-1"), ("embed_tokens", "layers.0.", "layers.1.")),
    (("embeddings", "decoder"), ("embed_tokens", "layers.")),
    (("layers:2",), ("layers.2.",)),
    (("head",), ("lm_head", "model.norm.")),
    (("embeddings", "q_proj"), ("embed_tokens", "q_proj")),
    (("embeddings", "layers:0-3", "input_norm"), ("embed_tokens", "layers.")),
])  # fmt: skip
def test_frozen_parts_of_a_decoder(parts: tuple[str, ...], patterns: tuple[str, ...]) -> None:
    exact(LLAMA, SHAPE, TrainingMethod(frozen=parts), frozen(*patterns))


@pytest.mark.parametrize(("config", "shape", "parts", "patterns", "objective"), [
    (BERT, SHAPE, ("embeddings",), ("embeddings.",), "mlm"),
    (BERT, SHAPE, ("embeddings", "encoder"), ("embeddings.", "encoder."), "mlm"),
    (BERT, SHAPE, ("encoder.layers:0-2",), ("layer.0.", "layer.1.", "layer.2."), "mlm"),
    (BART, PAIR, ("embeddings", "encoder"), ("shared", "embed", "encoder."), "seq2seq"),
    (BART, PAIR, ("decoder",), ("decoder.layers",), "seq2seq"),
    (T5, PAIR, ("embeddings", "encoder"), ("shared", "relative_attention_bias", "encoder."), "seq2seq"),
])  # fmt: skip
def test_frozen_parts_of_other_models(
    config: Any, shape: StepShape, parts: tuple[str, ...], patterns: tuple[str, ...], objective: str
) -> None:
    exact(config, shape, TrainingMethod(frozen=parts), frozen(*patterns), objective)


@pytest.mark.parametrize(("config", "shape", "part", "patterns", "objective"), [
    (BERT, SHAPE, "head", ("cls.", "word_embeddings"), "mlm"),
    (BERT, SHAPE, "embeddings", ("embeddings.",), "mlm"),
    (BERT, SHAPE, "word_embeddings", ("word_embeddings",), "mlm"),
    (BERT, SHAPE, "decoder", ("word_embeddings", "cls.predictions.bias"), "mlm"),
    (GPT2, SHAPE, "head", ("wte", "ln_f"), "clm"),
    (BART, PAIR, "head", ("shared",), "seq2seq"),
])  # fmt: skip
def test_of_a_tied_head_only_the_matrix_is_frozen_along(
    config: dict[str, Any], shape: StepShape, part: str, patterns: tuple[str, ...], objective: str
) -> None:
    trained = []

    def prepare(model: Any) -> Any:
        model = frozen(*patterns)(model)
        trained.append(sum(p.numel() for p in model.parameters() if p.requires_grad))
        return model

    training = TrainingMethod(frozen=(part,))
    exact(config, shape, training, prepare, objective)
    _, sums = step_sums(config, shape, training, objective)
    assert sums.parameters.trainable == trained[-1]


def test_only_the_head_of_a_vision_model_is_trained() -> None:
    config = {
        "model_type": "vit", "hidden_size": 96, "num_hidden_layers": 3, "num_attention_heads": 4,
        "intermediate_size": 160, "image_size": 64, "patch_size": 16,
    }  # fmt: skip
    exact(
        config,
        StepShape(sequences=2),
        TrainingMethod(frozen=("vision",)),
        frozen("vit.embeddings", "vit.layers"),
    )


@pytest.mark.parametrize("config", [LLAMA, GPT2, BERT], ids=["llama", "gpt2", "bert"])
def test_full_recomputation_runs_every_block_again(config: dict[str, Any]) -> None:
    """torch's re-entrant checkpoints run a block's whole forward pass again in backward."""
    from footprint.flops.torch.torch_counter import count_with_torch

    def prepare(model: Any) -> Any:
        model.train()
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": True})
        return model

    off = {"attention_dropout": 0.0, "hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    theirs = count_with_torch({**config, **off}, SHAPE, prepare=prepare)
    _, sums = step_sums(config, SHAPE, TrainingMethod(recompute="full"))
    assert sums.dense_forward == theirs.forward_flop
    assert sums.dense_backward + sums.recomputed == theirs.backward_flop


def test_recomputation_stops_below_the_first_trained_layer() -> None:
    training = TrainingMethod(frozen=("embeddings", "layers:0-1"), recompute="full")
    _, sums = step_sums(LLAMA, SHAPE, training)
    _, whole = step_sums(LLAMA, SHAPE, TrainingMethod(recompute="full"))
    assert 2 * sums.recomputed == whole.recomputed


def test_fused_and_selective_attention_repeat_their_share_of_the_core() -> None:
    core = count_step(LLAMA, SHAPE).components["attention_core"] // 3
    plain = count_step(LLAMA, SHAPE).training_flop
    assert count_step(LLAMA, SHAPE, TrainingMethod(attention="flash")).hardware_flop == plain + core // 2
    assert count_step(LLAMA, SHAPE, TrainingMethod(recompute="selective")).hardware_flop == plain + core
    both = TrainingMethod(attention="flash", recompute="selective")
    assert count_step(LLAMA, SHAPE, both).hardware_flop == plain + core // 2


def test_adapters_and_rank_count_as_parameters() -> None:
    step = count_step(LLAMA, SHAPE, TrainingMethod(method="lora", lora_rank=16))
    queries, values = 8 * 48, 2 * 48
    assert step.parameters.trainable == 4 * 16 * (256 + queries + 256 + values)
    assert step.parameters.total - step.parameters.trainable == count_step(LLAMA, SHAPE).parameters.total


@pytest.mark.parametrize(("training", "message"), [
    (TrainingMethod(method="lora", lora_targets=("query",)), "no projection called query"),
    (TrainingMethod(method="lora", lora_rank=0), "rank"),
    (TrainingMethod(method="lora", frozen=("decoder",)), "LoRA freezes"),
    (TrainingMethod(frozen=("encoder",)), "nothing called 'encoder'"),
    (TrainingMethod(frozen=("layers:5-2",)), "before the first"),
])  # fmt: skip
def test_methods_that_do_not_fit_say_so(training: TrainingMethod, message: str) -> None:
    with pytest.raises(FootprintError, match=message):
        count_step(LLAMA, SHAPE, training)
