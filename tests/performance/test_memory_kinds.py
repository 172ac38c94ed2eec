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
from footprint.records import replace
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
    "num_channels": 3, "embedding_size": 64, "hidden_sizes": [256, 512, 1024, 2048], "depths": [3, 4, 6, 3],
    "layer_type": "bottleneck",
}  # fmt: skip
"""ResNet-50."""


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


def test_experts_keep_the_same_share() -> None:
    """Each token's row is copied for each of its experts, and their weighted results are kept."""
    kept = of_a_layer(lambda n: built(at_depth(EXPERTS, n), "bf16", "sdpa"), on_text)
    copies = SIXTEEN * EXPERTS["num_experts_per_tok"] * SEQUENCES * LENGTH * WIDTH
    share = kept / (formula_byte(EXPERTS, "bf16", flash=True) + 2 * copies)
    assert share == pytest.approx(assumed("memory.kept_eager").value, rel=0.04)


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


def test_convolutions_keep_what_they_read_and_what_they_give() -> None:
    """ReLU keeps what it gives, which is what the next convolution keeps: one tensor. Beyond the list
    are the positions of the pooling's maxima, in 64 bits.
    """
    model = transformers.ResNetForImageClassification(transformers.ResNetConfig(**CONVOLUTIONS)).train()
    images = torch.zeros(4, 3, 64, 64)
    kept = saved_byte(model, lambda one: one(pixel_values=images))
    work = counted(
        {"model_type": "resnet", **CONVOLUTIONS}, StepShape(sequences=4, image_size=64), TrainingMethod()
    )
    assert 1.0 < kept / (WIDE * (work.stored_block + work.stored_other)) < 1.2


class Adapted(torch.nn.Module):  # type: ignore[misc]
    """A frozen projection with a low-rank adapter beside it."""

    def __init__(self, frozen: Any, dropout: float = 0.0) -> None:
        super().__init__()
        self.frozen, self.dropout = frozen, torch.nn.Dropout(dropout)
        self.down = torch.nn.Linear(frozen.in_features, 4, bias=False, dtype=frozen.weight.dtype)
        self.up = torch.nn.Linear(4, frozen.out_features, bias=False, dtype=frozen.weight.dtype)

    def forward(self, rows: Any) -> Any:
        return self.frozen(rows) + self.up(self.down(self.dropout(rows)))


ADAPTED = ("q_proj", "v_proj")


def adapted(layers: int, dropout: float) -> Any:
    model = built(at_depth(LLAMA, layers), "bf16", "sdpa")
    model.requires_grad_(False)
    for layer in model.model.layers:
        for name in ADAPTED:
            setattr(layer.self_attn, name, Adapted(getattr(layer.self_attn, name), dropout))
    model.enable_input_require_grads()
    return model


def counted_of_a_layer(training: TrainingMethod) -> tuple[float, float]:
    """Bytes of a layer that the list keeps, and those among them that frozen products alone read."""
    shape = StepShape(sequences=SEQUENCES, sequence_length=LENGTH)
    two, four = (counted(at_depth(LLAMA, n), shape, training) for n in (2, 4))
    return (
        SIXTEEN * (four.stored_block - two.stored_block) / 2,
        SIXTEEN * (four.unkept_block - two.unkept_block) / 2,
    )


def test_inputs_of_frozen_products_are_not_kept() -> None:
    kept = of_a_layer(lambda n: adapted(n, 0.0), on_text)
    training = TrainingMethod(method="lora", lora_rank=4, lora_targets=ADAPTED, attention="flash")
    stored, unkept = counted_of_a_layer(training)
    assert unkept > 0.2 * stored
    assert kept == pytest.approx(assumed("memory.kept_eager").value * stored - unkept, rel=0.06)


def test_dropout_of_adapters_keeps_a_copy_and_a_mask_each() -> None:
    """For two adapters of one input torch keeps two copies and two masks more, less the input itself, which
    nothing else needs. On a processor a mask has the precision of the activations, on a GPU one byte.
    """
    plain, dropped = (of_a_layer(lambda n, p=p: adapted(n, p), on_text) for p in (0.0, 0.1))
    more = dropped - plain
    elements = SEQUENCES * LENGTH * WIDTH
    assert more == (2 * (SIXTEEN + SIXTEEN) - SIXTEEN) * elements
    training = TrainingMethod(method="lora", lora_rank=4, lora_targets=ADAPTED, attention="flash")
    each, shared = (replace(training, lora_dropout=kind) for kind in ("each", "shared"))

    def more_counted(one: TrainingMethod) -> float:
        (stored, unkept), (before, unkept_before) = counted_of_a_layer(one), counted_of_a_layer(training)
        return (stored - unkept) - (before - unkept_before)

    assert more_counted(each) == more - 2 * (SIXTEEN - 1) * elements
    assert more_counted(shared) == elements
