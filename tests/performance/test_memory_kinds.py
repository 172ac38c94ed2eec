"""What torch keeps of other kinds of models than plain decoders, beside our count of it.

torch's hooks see every tensor that a forward pass saves, each storage once, parameters left out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from footprint.catalog.assumptions import assumed
from footprint.flops import count_step
from footprint.performance.predict import work_of
from footprint.performance.roofline.work import Work
from footprint.schema import StepShape, TrainingMethod
from tests.performance.test_memory_torch import (
    LENGTH,
    LLAMA,
    SEQUENCES,
    TEXT,
    WIDTH,
    at_depth,
    built,
    formula_byte,
    on_text,
    saved_byte,
)

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
pytestmark = pytest.mark.filterwarnings("ignore")
SIXTEEN, WIDE = 2, 4
EXPERTS = {
    "model_type": "mixtral", "hidden_size": WIDTH, "intermediate_size": 224, "num_attention_heads": 4,
    "num_key_value_heads": 2, "num_local_experts": 4, "num_experts_per_tok": 2, **TEXT,
}  # fmt: skip
IMAGES = {
    "hidden_size": WIDTH, "intermediate_size": 512, "num_attention_heads": 4, "image_size": 64,
    "patch_size": 8, "hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0,
}  # fmt: skip
CONVOLUTIONS = {
    "num_channels": 3, "embedding_size": 16, "hidden_sizes": [32, 64, 128, 256], "depths": [2, 2, 2, 2],
    "layer_type": "bottleneck",
}  # fmt: skip


def of_a_layer(build: Callable[[int], Any], call: Callable[[Any], Any], **options: Any) -> float:
    return (saved_byte(build(4), call, **options) - saved_byte(build(2), call, **options)) / 2


def counted(config: dict[str, Any], shape: StepShape, training: TrainingMethod) -> Work:
    step = count_step(config, shape, training)
    assert step.operations is not None
    return work_of(step.operations, step.training)


def test_autocast_keeps_the_assumed_share() -> None:
    kept = of_a_layer(lambda n: built(at_depth(LLAMA, n), "fp32", "sdpa"), on_text, autocast=True)
    share = kept / formula_byte(LLAMA, "bf16", flash=True)
    assert share == pytest.approx(assumed("memory.kept_autocast").value, rel=0.02)


@pytest.mark.parametrize("heads", [2, 4], ids=["grouped", "plain"])
def test_operation_by_operation_keeps_the_assumed_share(heads: int) -> None:
    config = {**LLAMA, "num_key_value_heads": heads}
    kept = of_a_layer(lambda n: built(at_depth(config, n), "bf16", "sdpa"), on_text)
    share = kept / formula_byte(config, "bf16", flash=True)
    assert share == pytest.approx(assumed("memory.kept_eager").value, rel=0.02)


def test_experts_keep_more() -> None:
    """Each token's row is copied for each of its experts, and their weighted results are kept."""
    kept = of_a_layer(lambda n: built(at_depth(EXPERTS, n), "bf16", "sdpa"), on_text)
    assert 1.2 < kept / formula_byte(EXPERTS, "bf16", flash=True) < 1.5


def test_an_image_encoder_keeps_the_list() -> None:
    def build(layers: int) -> Any:
        config = transformers.ViTConfig(num_hidden_layers=layers, **IMAGES)
        return transformers.ViTForImageClassification._from_config(
            config, attn_implementation="sdpa", dtype=torch.bfloat16
        ).train()

    images = torch.zeros(4, 3, 64, 64, dtype=torch.bfloat16)
    kept = of_a_layer(build, lambda model: model(pixel_values=images))
    two, four = (
        counted(
            {"model_type": "vit", "num_hidden_layers": n, **IMAGES},
            StepShape(sequences=4, image_size=64),
            TrainingMethod(attention="flash"),
        ).stored_block
        for n in (2, 4)
    )
    assert kept == pytest.approx(SIXTEEN * (four - two) / 2, rel=0.02)


def test_convolutions_keep_less_than_the_list() -> None:
    """ReLU keeps what it gives, which the next convolution reads: one tensor, counted twice."""
    model = transformers.ResNetForImageClassification(transformers.ResNetConfig(**CONVOLUTIONS)).train()
    images = torch.zeros(4, 3, 64, 64)
    kept = saved_byte(model, lambda one: one(pixel_values=images))
    work = counted(
        {"model_type": "resnet", **CONVOLUTIONS}, StepShape(sequences=4, image_size=64), TrainingMethod()
    )
    assert 0.8 < kept / (WIDE * (work.stored_block + work.stored_other)) < 0.95


class Adapted(torch.nn.Module):  # type: ignore[misc]
    """A frozen projection with a low-rank adapter beside it."""

    def __init__(self, frozen: Any) -> None:
        super().__init__()
        self.frozen = frozen
        self.down = torch.nn.Linear(frozen.in_features, 4, bias=False, dtype=frozen.weight.dtype)
        self.up = torch.nn.Linear(4, frozen.out_features, bias=False, dtype=frozen.weight.dtype)

    def forward(self, rows: Any) -> Any:
        return self.frozen(rows) + self.up(self.down(rows))


def test_inputs_of_frozen_products_are_not_kept() -> None:
    def build(layers: int) -> Any:
        model = built(at_depth(LLAMA, layers), "bf16", "sdpa")
        model.requires_grad_(False)
        for layer in model.model.layers:
            for name in ("q_proj", "v_proj"):
                setattr(layer.self_attn, name, Adapted(getattr(layer.self_attn, name)))
        model.enable_input_require_grads()
        return model

    kept = of_a_layer(build, on_text)
    training = TrainingMethod(
        method="lora", lora_rank=4, lora_targets=("q_proj", "v_proj"), attention="flash"
    )
    shape = StepShape(sequences=SEQUENCES, sequence_length=LENGTH)
    two, four = (counted(at_depth(LLAMA, n), shape, training) for n in (2, 4))
    stored = SIXTEEN * (four.stored_block - two.stored_block) / 2
    unkept = SIXTEEN * (four.unkept_block - two.unkept_block) / 2
    assert unkept > 0.2 * stored
    assert kept == pytest.approx(assumed("memory.kept_eager").value * stored - unkept, rel=0.06)
