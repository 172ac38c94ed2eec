"""Qwen 2 to 3 VL, Qwen3.5: a vision tower for images of any size, a merger of patches, a Qwen decoder.

``sequence_length`` counts every position of the decoder, including image tokens. Each sequence has
``images_per_sequence`` images (a key of this program; 1 by default) with sides of ``image_size`` pixels.
An image is one frame, which the tower's temporal patch contains twice.
"""

from __future__ import annotations

from footprint.errors import FootprintError
from footprint.flops.blocks.attention import all_pairs, attend
from footprint.flops.blocks.pieces import activation, convolution, embedding
from footprint.flops.blocks.transformer import Kind, Mixer, Stack, blocks
from footprint.flops.config.fields import Fields
from footprint.flops.config.patterns import split
from footprint.flops.families.llava import bridged, image_count
from footprint.flops.operations import (
    EMBEDDING,
    PROJECTIONS,
    Layer,
    Model,
    Number,
    Operation,
    Stage,
    linear,
    norm,
)
from footprint.flops.registry import family
from footprint.named_tuples import NamedTuple
from footprint.schema import StepShape

MODEL_TYPES = ("qwen2_vl", "qwen2_5_vl", "qwen3_vl", "qwen3_vl_moe", "qwen3_5", "qwen3_5_moe")
_TEXT = {
    "qwen2_vl": "qwen2",
    "qwen2_5_vl": "qwen2",
    "qwen3_vl": "qwen3",
    "qwen3_vl_moe": "qwen3_moe",
    "qwen3_5": "qwen3_5_text",
    "qwen3_5_moe": "qwen3_5_moe_text",
}


class _Images(NamedTuple):
    """The images of a step, divided into cells of merged patches."""

    number: Number
    cells: int
    """Cells per side of an image; each cell becomes one token of the decoder."""
    merge: int
    """Patches per side of a cell."""

    @property
    def patches(self) -> int:
        """Number of patches in one image."""
        return (self.cells * self.merge) ** 2


def build(fields: Fields, shape: StepShape, objective: str) -> Model:
    """The operation list of a Qwen vision-language model."""
    model_type = fields.text("model_type")
    text = _text(fields, _TEXT[model_type])
    vision = fields.part("vision_config")
    module = family(_TEXT[model_type])
    assert module is not None  # noqa: S101 - a type of this package
    decoder = module.build(text, shape, objective)
    images = _images(fields, vision, shape)
    stages, merger = _tower(vision, images, model_type, text.size("hidden_size"))
    return bridged(stages, merger, decoder)


def _text(fields: Fields, model_type: str) -> Fields:
    """The decoder's keys: from ``text_config``, or from the config itself in older configs."""
    part = fields.part("text_config") if "text_config" in fields else fields
    # the head is tied if the outer config or the text part says so
    tied = fields.flag("tie_word_embeddings", default=False) or part.flag(
        "tie_word_embeddings", default=False
    )
    return Fields(
        {**part.values, "model_type": model_type, "tie_word_embeddings": tied}, part.path, part.depth
    )


def _images(fields: Fields, vision: Fields, shape: StepShape) -> _Images:
    if shape.image_size is None:
        raise FootprintError("this model reads images at their own size: give it (`image_size=`)")
    merge = vision.size("spatial_merge_size", default=2, maximum=64)
    cell = vision.size("patch_size", maximum=4096) * merge
    if shape.image_size % cell:
        raise vision.error(
            "patch_size",
            f"x spatial_merge_size = {cell} does not divide the image side of {shape.image_size}",
        )
    cells = shape.image_size // cell
    return _Images(image_count(fields, shape, cells**2), cells, merge)


def _tower(
    fields: Fields, images: _Images, model_type: str, text: int
) -> tuple[tuple[Stage, ...], list[Operation]]:
    """Patches and blocks on the stream ``v``, and the merger to the decoder's width."""
    second, third = model_type == "qwen2_vl", model_type.startswith("qwen3")
    width = fields.size("embed_dim") if second else fields.size("hidden_size")
    stack = _stack(fields, width, second=second, third=third)
    if model_type == "qwen2_5_vl":
        stack = stack._replace(kinds=_kinds(fields, stack, images))
    patches, patch = images.number * images.patches, fields.size("patch_size")
    taps = fields.size("temporal_patch_size", default=2) * patch**2
    channels = fields.size("in_channels", "in_chans", default=3)
    embed: list[Operation] = [
        convolution("patch_embed", "pixels", "v", patches, channels, width, taps, bias=third)
    ]
    if third:
        embed.append(embedding("pos_embed", fields.size("num_position_embeddings"), width, "v"))
    outputs = fields.size("hidden_size") if second else fields.size("out_hidden_size")
    if outputs != text:
        raise fields.error(
            "hidden_size" if second else "out_hidden_size",
            f"= {outputs} must equal the decoder's width {text}",
        )
    merger = _merger("merger", images, width, outputs, layer_norm=model_type != "qwen2_5_vl")
    if model_type.startswith("qwen3_vl"):  # features of inner layers, which are normalised after merging
        for layer in fields.indices("deepstack_visual_indexes", required=True):
            merger += _merger(f"deepstack.{layer}", images, width, outputs, layer_norm=True, after=True)
    patches_in = Layer(part="vision", operations=tuple(embed), carries=("v",), checkpointed=False)
    return ((patches_in,), blocks(stack, images.number, images.patches)), merger


def _stack(fields: Fields, width: int, *, second: bool, third: bool) -> Stack:
    heads = fields.size("num_heads")
    inner = fields.size("mlp_ratio", default=4, maximum=1000) * width if second else 0
    return Stack(
        width=width,
        layers=fields.layers("depth"),
        heads=heads,
        kv_heads=heads,
        head_dim=fields.divide(width, heads, "hidden_size", "num_heads"),
        inner=inner or fields.size("intermediate_size"),
        causal=False,
        gated=not (second or third),
        attention_names=("qkv", "proj"),
        mlp_names=("fc1", "fc2") if second or third else ("gate_proj", "up_proj", "down_proj"),
        qkv_bias=True,
        out_bias=True,
        mlp_bias=True,
        norm_parameters=2 if second or third else 1,
        part="vision",
        stream="v",
    )


def _kinds(fields: Fields, stack: Stack, images: _Images) -> tuple[Kind, ...]:
    """Blocks with attention over the whole image, at ``fullatt_block_indexes``, and blocks with windows."""
    side = fields.size("window_size", default=112) // fields.size("patch_size") // images.merge
    if side < 1:
        raise fields.error("window_size", "is smaller than a merged patch")
    whole, windows = split(stack.layers, fields.indices("fullatt_block_indexes", required=True))
    kinds = (Kind(positions=whole), Kind(positions=windows, mixer=_windowed(stack, images, side)))
    return tuple(kind for kind in kinds if len(kind.positions))


def _windowed(stack: Stack, images: _Images, side: int) -> Mixer:
    """Attention within windows of ``side`` x ``side`` cells; windows at the edges are smaller."""
    fits, left = divmod(images.cells, side)
    sizes = [(side * side, fits * fits), (side * left, 2 * fits), (left * left, 1)]
    rows, width = images.number * images.patches, stack.width

    def mixer(source: str, stream: str) -> tuple[Operation, ...]:
        operations: list[Operation] = [
            linear(stack.attention_names[0], PROJECTIONS, source, "qkv", rows, width, 3 * width, bias=True)
        ]
        for index, (cells, number) in enumerate(sizes):
            if cells and number:
                patches = cells * images.merge**2
                operations += attend(
                    all_pairs(patches, patches), batch=images.number * number, heads=stack.heads,
                    qk_dim=stack.head_dim, query="qkv", key="qkv", value="qkv", prefix=f"window{index}_",
                )  # fmt: skip
        operations.append(
            linear(stack.attention_names[1], PROJECTIONS, "a", stream, rows, width, width, bias=True)
        )
        return tuple(operations)

    return mixer


def _merger(
    name: str, images: _Images, width: int, outputs: int, *, layer_norm: bool, after: bool = False
) -> list[Operation]:
    """A norm and two dense layers for each cell of patches; with ``after``, the norm follows the merging."""
    rows, inner = images.number * images.cells**2, width * images.merge**2
    normed = norm(
        f"{name}.norm",
        "v",
        "c",
        *((rows, inner) if after else (rows * images.merge**2, width)),
        bias=layer_norm,
    )
    return [
        normed,
        linear(f"{name}.fc1", EMBEDDING, "c", "m", rows, inner, inner, bias=True),
        activation("m", "m1", rows * inner),
        linear(f"{name}.fc2", EMBEDDING, "m1", "x", rows, inner, outputs, bias=True),
    ]
