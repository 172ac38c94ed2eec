"""Patches and towers of transformer blocks over them, for the image models."""

from __future__ import annotations

from typing import Any

from footprint.flops.blocks.pieces import convolution, parameters_only
from footprint.flops.blocks.transformer import Stack, assemble, blocks, stack_norm
from footprint.flops.config.fields import Fields
from footprint.flops.operations import Layer, Number, Operation, Stage
from footprint.named_tuples import NamedTuple
from footprint.schema import StepShape

MAX_SIDE = 100_000
USUAL_SIDE = 224
"""Default image side [pixels], that of ImageNet models."""


class Tower(NamedTuple):
    """A vision transformer: patch embedding, extra tokens, a bidirectional stack."""

    stack: Stack
    patch: int
    channels: int = 3
    patch_bias: bool = True
    extra_tokens: int = 1
    """Number of class, distillation and register tokens."""
    extra_parameters: int = 0
    """Further parameters in the embedding (mask tokens)."""
    first_norm: bool = False


def tower(**settings: Any) -> Tower:
    """A tower from the fields of `Tower` and `Stack` in one list of keywords."""
    usual = {"causal": False, "gated": False, "norm_parameters": 2, "part": "vision"}
    made: Tower = assemble(Tower, {**usual, **settings})
    return made


def sides(fields: Fields, name: str = "image_size", default: int | None = None) -> tuple[int, int]:
    """(height, width) of an image from the config, which gives one number or two."""
    value = fields.raw(name, default=default)[1] if default is not None else fields.raw(name)[1]
    if isinstance(value, (list, tuple)):
        height, width = fields.sizes(name, length=2)
        return height, width
    side = (
        fields.size(name, default=default, maximum=MAX_SIDE)
        if default is not None
        else fields.size(name, maximum=MAX_SIDE)
    )
    return side, side


def image_sides(fields: Fields, shape: StepShape, default: int | None = None) -> tuple[int, int]:
    """(height, width) of the images: those of ``shape`` if given, else those of the config."""
    if shape.image_size is not None:
        return shape.image_size, shape.image_size
    return sides(fields, default=default)


def reduced(size: int, kernel: int, stride: int, padding: int = 0) -> int:
    """Number of output positions of a convolution along one side."""
    return (size + 2 * padding - kernel) // stride + 1


def grid(fields: Fields, image: tuple[int, int], patch: int) -> tuple[int, int]:
    """Number of patches along the height and the width of an image."""
    rows, columns = image[0] // patch, image[1] // patch
    if rows < 1 or columns < 1:
        raise fields.error("patch_size", f"= {patch} does not fit into an image of {image[0]} x {image[1]}")
    return rows, columns


def tower_tokens(spec: Tower, fields: Fields, image: tuple[int, int]) -> int:
    """Number of tokens of one image, including extra tokens."""
    rows, columns = grid(fields, image, spec.patch)
    return rows * columns + spec.extra_tokens


def tower_stages(
    spec: Tower, fields: Fields, images: Number, image: tuple[int, int], stored: int
) -> tuple[Stage, ...]:
    """The stages of the tower for ``images`` images; ``stored`` is the length of the position table."""
    stack = spec.stack
    rows, columns = grid(fields, image, spec.patch)
    tokens = rows * columns + spec.extra_tokens
    x, width = stack.stream, stack.width
    table = stored * width + spec.extra_tokens * width + spec.extra_parameters
    embed: list[Operation] = [
        convolution(
            "patch_embedding", "pixels", x, images * rows * columns, spec.channels, width, spec.patch**2,
            bias=spec.patch_bias,
        ),
        parameters_only("positions and class tokens", table, x),
    ]  # fmt: skip
    if spec.first_norm:
        embed.append(stack_norm(stack, "pre_layernorm", x, x, images * tokens))
    return (
        (Layer(part=stack.part, operations=tuple(embed), carries=(x,), checkpointed=False),),
        blocks(stack, images, tokens),
    )
