"""Swin: attention in windows, four stages of decreasing resolution."""

from __future__ import annotations

from footprint.flops.blocks.attention import all_pairs, self_attention
from footprint.flops.blocks.pieces import convolution, embedding_layer, head_layer, mlp, parameters_only
from footprint.flops.blocks.vision import grid, image_sides
from footprint.flops.config.fields import Fields
from footprint.flops.config.shapes import labels, unknown_objective
from footprint.flops.operations import HEAD, MLP, Layer, Model, Number, Operation, Stage, linear, norm
from footprint.schema import StepShape

MODEL_TYPES = ("swin",)


def build(fields: Fields, shape: StepShape, objective: str) -> Model:
    """The operation list of a Swin transformer."""
    images = shape.sequences
    image = image_sides(fields, shape)
    patch = fields.size("patch_size", default=4)
    height, width = grid(fields, image, patch)
    channels = fields.size("embed_dim")
    depths = fields.sizes("depths")
    heads = fields.sizes("num_heads", length=len(depths))
    rows = images * height * width
    embed: list[Operation] = [
        convolution(
            "patch_embedding",
            "pixels",
            "x",
            rows,
            fields.size("num_channels", default=3),
            channels,
            patch**2,
            bias=True,
        ),
        norm("embedding_norm", "x", "x", rows, channels, bias=True),
    ]
    if fields.flag("use_absolute_embeddings", default=False):
        embed.append(parameters_only("positions", height * width * channels))
    stages: list[Stage] = [(embedding_layer(*embed, part="vision"),)]
    for index, depth in enumerate(depths):
        stages.append((_block(fields, images, height, width, channels, heads[index], depth),))
        if index + 1 < len(depths):
            height, width = (height + 1) // 2, (width + 1) // 2
            merged = images * height * width
            stages.append(
                (
                    Layer(
                        part="vision",
                        operations=(
                            norm("downsample.norm", "x", "h", merged, 4 * channels, bias=True),
                            linear("downsample.reduction", MLP, "h", "x", merged, 4 * channels, 2 * channels),
                        ),
                    ),
                )
            )
            channels *= 2
    head: list[Operation] = [norm("layernorm", "x", "h", images * height * width, channels, bias=True)]
    if objective in ("", "classification"):
        head.append(linear("classifier", HEAD, "h", "logits", images, channels, labels(fields), bias=True))
    elif objective != "encode":
        raise unknown_objective(objective, ("classification", "encode"))
    return Model(
        family="vision-transformer",
        stages=(*stages, (head_layer(*head),)),
        samples=images,
        tokens=None,
        lora_targets=("q_proj", "v_proj"),
    )


def _block(
    fields: Fields, images: Number, height: int, width: int, channels: int, heads: int, depth: int
) -> Layer:
    """The blocks of one stage; shifted and unshifted windows have the same FLOPs."""
    configured = fields.size("window_size", default=7)
    window = min(configured, height, width)
    windows = -(-height // window) * -(-width // window)
    rows = images * height * width
    padded = images * windows * window**2
    inner = int(channels * fields.number("mlp_ratio", default=4.0, minimum=0.01, maximum=100.0))
    return Layer(
        part="vision",
        positions=range(depth),
        operations=(
            norm("layernorm_before", "x", "h", rows, channels, bias=True),
            *self_attention(
                all_pairs(window**2, window**2), padded, channels, batch=images * windows, heads=heads,
                head_dim=fields.divide(channels, heads, "embed_dim", "num_heads"),
                bias=fields.flag("qkv_bias", default=True), out_bias=True,
            ),
            parameters_only("relative_position_bias", (2 * configured - 1) ** 2 * heads),
            norm("layernorm_after", "x", "h2", rows, channels, bias=True),
            *mlp(rows, channels, inner, names=("fc1", "fc2"), bias=True),
        ),
    )  # fmt: skip
