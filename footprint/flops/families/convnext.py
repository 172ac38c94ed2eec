"""ConvNeXt 1 and 2: depthwise convolutions and pointwise MLPs."""

from __future__ import annotations

from footprint.flops.blocks.pieces import convolution, embedding_layer, head_layer, mlp, parameters_only
from footprint.flops.blocks.vision import USUAL_SIDE, grid, image_sides
from footprint.flops.config.fields import Fields
from footprint.flops.config.shapes import labels, unknown_objective
from footprint.flops.operations import HEAD, Layer, Model, Operation, Stage, linear, norm
from footprint.schema import StepShape

MODEL_TYPES = ("convnext", "convnextv2")
_KERNEL = 7 * 7


def build(fields: Fields, shape: StepShape, objective: str) -> Model:
    """The operation list of a ConvNeXt."""
    images = shape.sequences
    patch = fields.size("patch_size", default=4)
    height, width = grid(fields, image_sides(fields, shape, USUAL_SIDE), patch)
    channels = fields.sizes("hidden_sizes")
    depths = fields.sizes("depths", length=len(channels))
    second = fields.text("model_type") == "convnextv2"
    scaled = not second and fields.number("layer_scale_init_value", default=1e-6) > 0
    rows = images * height * width
    stem = embedding_layer(
        convolution(
            "stem",
            "pixels",
            "x",
            rows,
            fields.size("num_channels", default=3),
            channels[0],
            patch**2,
            bias=True,
        ),
        norm("stem_norm", "x", "x", rows, channels[0], bias=True),
        part="vision",
    )
    stages: list[Stage] = [(stem,)]
    for index, (size, depth) in enumerate(zip(channels, depths, strict=True)):
        if index:
            before = images * height * width
            height, width = height // 2, width // 2
            if not height or not width:
                raise fields.error("hidden_sizes", "has more stages than the image has halvings")
            reduce = convolution(
                "downsample", "h", "x", images * height * width, channels[index - 1], size, 4, bias=True
            )
            operations: tuple[Operation, ...] = (
                norm("downsample_norm", "x", "h", before, channels[index - 1], bias=True), reduce,
            )  # fmt: skip
            stages.append((Layer(part="vision", operations=operations),))
        rows = images * height * width
        extras = 2 * 4 * size if second else (size if scaled else 0)
        stages.append(
            (
                Layer(
                    part="vision",
                    positions=range(depth),
                    operations=(
                        convolution("dwconv", "x", "c", rows, size, size, _KERNEL, groups=size, bias=True),
                        norm("layernorm", "c", "h", rows, size, bias=True),
                        *mlp(rows, size, 4 * size, names=("pwconv1", "pwconv2"), source="h", bias=True),
                        parameters_only("scale", extras),
                    ),
                ),
            )
        )
    head: list[Operation] = [norm("layernorm", "x", "h", images, channels[-1], bias=True)]
    if objective in ("", "classification"):
        head.append(
            linear("classifier", HEAD, "h", "logits", images, channels[-1], labels(fields), bias=True)
        )
    elif objective != "encode":
        raise unknown_objective(objective, ("classification", "encode"))
    return Model(
        family="convolutional", stages=(*stages, (head_layer(*head),)), samples=images, tokens=None,
        lora_targets=("pwconv1", "pwconv2"),
    )  # fmt: skip
