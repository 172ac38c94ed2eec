"""ResNet with basic or bottleneck blocks, as in He et al. 2015 or as v1.5."""

from __future__ import annotations

from footprint.flops.blocks.pieces import activation, convolution, embedding_layer, head_layer
from footprint.flops.blocks.vision import USUAL_SIDE, image_sides, reduced
from footprint.flops.config.fields import Fields
from footprint.flops.config.shapes import labels, unknown_objective
from footprint.flops.operations import HEAD, Layer, Model, Number, Operation, Stage, linear, norm
from footprint.schema import StepShape

MODEL_TYPES = ("resnet",)
_REDUCTION = 4


def build(fields: Fields, shape: StepShape, objective: str) -> Model:
    """The operation list of a ResNet."""
    images = shape.sequences
    channels = fields.sizes("hidden_sizes")
    depths = fields.sizes("depths", length=len(channels))
    kind = fields.text("layer_type", default="bottleneck")
    if kind not in ("basic", "bottleneck"):
        raise fields.error("layer_type", "must be basic or bottleneck")
    stem = fields.size("embedding_size", default=64)
    side = tuple(reduced(size, 7, 2, 3) for size in image_sides(fields, shape, USUAL_SIDE))
    stages: list[Stage] = [
        (
            embedding_layer(
                *_convolution(
                    "stem", "pixels", "x", images, side, fields.size("num_channels", default=3), stem, 49
                ),
                part="vision",
            ),
        )
    ]
    side = tuple(reduced(size, 3, 2, 1) for size in side)
    inputs = stem
    first = 2 if fields.flag("downsample_in_first_stage", default=False) else 1
    early = fields.flag("downsample_in_bottleneck", default=False)
    block = _bottleneck if kind == "bottleneck" else _basic
    for index, (outputs, depth) in enumerate(zip(channels, depths, strict=True)):
        stride = 2 if index else first
        before, side = side, tuple(reduced(size, 3, stride, 1) for size in side)
        if min(side) < 1:
            raise fields.error("hidden_sizes", "has more stages than the image has halvings")
        stages.append((block(images, before, side, inputs, outputs, range(1), stride, early),))
        if depth > 1:
            stages.append((block(images, side, side, outputs, outputs, range(depth - 1), 1, early),))
        inputs = outputs
    head: list[Operation] = []
    if objective in ("", "classification"):
        head.append(linear("classifier", HEAD, "x", "logits", images, inputs, labels(fields), bias=True))
    elif objective != "encode":
        raise unknown_objective(objective, ("classification", "encode"))
    return Model(family="convolutional", stages=(*stages, (head_layer(*head),)), samples=images, tokens=None)


def _convolution(
    name: str,
    source: str,
    output: str,
    images: Number,
    side: tuple[int, ...],
    inputs: int,
    outputs: int,
    kernel: int,
) -> tuple[Operation, ...]:
    """A convolution without bias, a batch norm and an activation, whose result the next convolution keeps."""
    positions = images * side[0] * side[1]
    return (
        convolution(name, source, name, positions, inputs, outputs, kernel),
        norm(f"{name}.normalization", name, f"{name}.n", positions, outputs, bias=True),
        activation(f"{name}.n", output, positions * outputs)._replace(saved=0),
    )


def _shortcut(
    images: Number, side: tuple[int, ...], inputs: int, outputs: int, stride: int
) -> tuple[Operation, ...]:
    if inputs == outputs and stride == 1:
        return ()
    positions = images * side[0] * side[1]
    return (
        convolution("shortcut", "x", "shortcut", positions, inputs, outputs, 1),
        norm("shortcut.normalization", "shortcut", "x", positions, outputs, bias=True),
    )


def _bottleneck(
    images: Number,
    before: tuple[int, ...],
    after: tuple[int, ...],
    inputs: int,
    outputs: int,
    positions: range,
    stride: int,
    early: bool,
) -> Layer:
    narrow = max(1, outputs // _REDUCTION)
    middle = after if early else before
    return Layer(
        part="vision",
        positions=positions,
        operations=(
            *_convolution("reduce", "x", "a", images, middle, inputs, narrow, 1),
            *_convolution("spatial", "a", "b", images, after, narrow, narrow, 9),
            *_convolution("expand", "b", "x", images, after, narrow, outputs, 1),
            *_shortcut(images, after, inputs, outputs, stride),
        ),
    )


def _basic(
    images: Number,
    before: tuple[int, ...],
    after: tuple[int, ...],
    inputs: int,
    outputs: int,
    positions: range,
    stride: int,
    early: bool,
) -> Layer:
    del before, early
    return Layer(
        part="vision",
        positions=positions,
        operations=(
            *_convolution("first", "x", "a", images, after, inputs, outputs, 9),
            *_convolution("second", "a", "x", images, after, outputs, outputs, 9),
            *_shortcut(images, after, inputs, outputs, stride),
        ),
    )
