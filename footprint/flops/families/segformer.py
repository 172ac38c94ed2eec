"""SegFormer: four stages whose attention reads a reduced image, and a head that labels every place."""

from __future__ import annotations

from footprint.flops.blocks.attention import all_pairs, attend
from footprint.flops.blocks.pieces import activation, convolution, head_layer
from footprint.flops.blocks.vision import USUAL_SIDE, image_sides, reduced
from footprint.flops.config.fields import Fields
from footprint.flops.config.shapes import labels, unknown_objective
from footprint.flops.operations import HEAD, MLP, PROJECTIONS, Layer, Model, Number, Operation, linear, norm
from footprint.named_tuples import NamedTuple
from footprint.schema import StepShape

MODEL_TYPES = ("segformer",)
OBJECTIVES = ("segmentation", "classification", "encode")


class _Stage(NamedTuple):
    """The sizes of one stage."""

    height: int
    width: int
    inputs: int
    channels: int
    depth: int
    heads: int
    patch: int
    inner: int
    reduction: int
    """Side of the squares of places that share a key."""


def build(fields: Fields, shape: StepShape, objective: str) -> Model:
    """The operation list of a SegFormer; a label for every place unless an objective is given."""
    objective = objective or "segmentation"
    if objective not in OBJECTIVES:
        raise unknown_objective(objective, OBJECTIVES)
    images = shape.sequences
    stages = _sizes(fields, shape)
    found: list[tuple[Layer, ...]] = []
    source = "pixels"
    for index, stage in enumerate(stages):
        rows = images * stage.height * stage.width
        embed: tuple[Operation, ...] = (
            convolution(
                "patch_embedding", source, "x", rows, stage.inputs, stage.channels, stage.patch**2, bias=True
            ),
            norm("embedding_norm", "x", "x", rows, stage.channels, bias=True),
        )
        source = f"s{index}"
        closing = norm("stage_norm", "x", source, rows, stage.channels, bias=True)
        found += [
            (Layer(part="vision", operations=embed, checkpointed=False),),
            (_block(fields, images, stage),),
            (Layer(part="vision", operations=(closing,), carries=(source,), checkpointed=False),),
        ]
    if objective != "encode":
        found.append((head_layer(*_head(fields, images, stages, objective)),))
    return Model(
        family="vision-transformer",
        stages=tuple(found),
        samples=images,
        tokens=None,
        lora_targets=("q_proj", "v_proj"),
    )


def _sizes(fields: Fields, shape: StepShape) -> list[_Stage]:
    count = fields.layers("num_encoder_blocks", default=4)
    height, width = image_sides(fields, shape, USUAL_SIDE)
    inputs = fields.size("num_channels", default=3)

    def read(name: str, *usual: int) -> tuple[int, ...]:
        return fields.sizes(name, default=usual, length=count)

    columns = zip(
        read("hidden_sizes", 32, 64, 160, 256), read("depths", 2, 2, 2, 2),
        read("num_attention_heads", 1, 2, 5, 8), read("patch_sizes", 7, 3, 3, 3), read("strides", 4, 2, 2, 2),
        read("mlp_ratios", 4, 4, 4, 4), read("sr_ratios", 8, 4, 2, 1), strict=True,
    )  # fmt: skip
    stages = []
    for channels, depth, heads, patch, stride, ratio, reduction in columns:
        height, width = (reduced(side, patch, stride, patch // 2) for side in (height, width))
        if min(height, width) < reduction:
            raise fields.error("sr_ratios", f"= {reduction} does not fit into {height} x {width} places")
        stages.append(
            _Stage(height, width, inputs, channels, depth, heads, patch, channels * ratio, reduction)
        )
        inputs = channels
    return stages


def _block(fields: Fields, images: Number, stage: _Stage) -> Layer:
    """The blocks of one stage: attention to the reduced image, an MLP with a convolution inside."""
    channels, inner = stage.channels, stage.inner
    places = stage.height * stage.width
    rows = images * places
    seen, keys, source = rows, places, "h"
    operations: list[Operation] = [norm("layernorm_before", "x", "h", rows, channels, bias=True)]
    if stage.reduction > 1:
        keys = (stage.height // stage.reduction) * (stage.width // stage.reduction)
        seen, source = images * keys, "r"
        operations += [
            convolution("sequence_reduction", "h", "r", seen, channels, channels, stage.reduction**2,
                        bias=True),
            norm("reduction_norm", "r", "r", seen, channels, bias=True),
        ]  # fmt: skip
    operations += [
        linear("q_proj", PROJECTIONS, "h", "q", rows, channels, channels, bias=True),
        linear("k_proj", PROJECTIONS, source, "k", seen, channels, channels, bias=True),
        linear("v_proj", PROJECTIONS, source, "v", seen, channels, channels, bias=True),
        *attend(
            all_pairs(places, keys), batch=images, heads=stage.heads,
            qk_dim=fields.divide(channels, stage.heads, "hidden_sizes", "num_attention_heads"),
            dropout=fields.number("attention_probs_dropout_prob", default=0.0) > 0,
        ),
        linear("o_proj", PROJECTIONS, "a", "x", rows, channels, channels, bias=True),
        norm("layernorm_after", "x", "h2", rows, channels, bias=True),
        linear("fc1", MLP, "h2", "u", rows, channels, inner, bias=True),
        convolution("dwconv", "u", "c", rows, inner, inner, 9, groups=inner, bias=True),
        activation("c", "g", rows * inner),
        linear("fc2", MLP, "g", "x", rows, inner, channels, bias=True),
    ]  # fmt: skip
    return Layer(part="vision", operations=tuple(operations), positions=range(stage.depth))


def _head(fields: Fields, images: Number, stages: list[_Stage], objective: str) -> list[Operation]:
    """The labels of all places, from the outputs of all stages; or those of the images."""
    last = stages[-1]
    if objective == "classification":
        source = f"s{len(stages) - 1}"
        return [
            linear("classifier", HEAD, source, "logits", images, last.channels, labels(fields), bias=True)
        ]
    width = fields.size("decoder_hidden_size", default=256)
    rows = images * stages[0].height * stages[0].width
    operations: list[Operation] = [
        linear(f"linear_projection{index}", HEAD, f"s{index}", "d",
               images * stage.height * stage.width, stage.channels, width, bias=True)
        for index, stage in enumerate(stages)
    ]  # fmt: skip
    return [
        *operations,
        linear("linear_fuse", HEAD, "d", "d", rows, len(stages) * width, width),
        norm("batch_norm", "d", "d", rows, width, bias=True),
        activation("d", "d", rows * width),
        linear("classifier", HEAD, "d", "logits", rows, width, labels(fields), bias=True),
    ]
