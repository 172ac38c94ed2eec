"""Pixtral towers and Mistral 3: a gated vision transformer with rotary positions, merged patches, a decoder.

``sequence_length`` counts every position of the decoder, including image tokens. Each sequence has
``images_per_sequence`` images (a key of this program; 1 by default). Every image attends only to itself.
"""

from __future__ import annotations

from footprint.flops.blocks.pieces import activation
from footprint.flops.blocks.transformer import stack_sizes
from footprint.flops.blocks.vision import grid, image_sides, tower, tower_stages
from footprint.flops.config.defaults import part
from footprint.flops.config.fields import Fields
from footprint.flops.config.shapes import unknown_objective
from footprint.flops.families.llava import bridged, decoder_of, image_count
from footprint.flops.operations import EMBEDDING, Model, Number, Operation, Stage, linear, norm
from footprint.schema import StepShape

MODEL_TYPES = ("pixtral", "mistral3")


def build(fields: Fields, shape: StepShape, objective: str) -> Model:
    """The operation list of a tower alone, or of a tower and a decoder."""
    if fields.text("model_type") == "mistral3":
        return _mistral(fields, shape, objective)
    if objective not in ("", "encode"):
        raise unknown_objective(objective, ("encode",))
    return Model(
        family="vision-transformer",
        stages=_tower(fields, shape.sequences, image_sides(fields, shape)),
        samples=shape.sequences,
        tokens=None,
        lora_targets=("q_proj", "v_proj"),
    )


def _tower(fields: Fields, images: Number, image: tuple[int, int]) -> tuple[Stage, ...]:
    """Stages that map images to the vectors ``v``, one per patch."""
    spec = tower(
        **stack_sizes(fields),
        inner=fields.size("intermediate_size"),
        gated=True,
        norm_parameters=1,
        stream="v",
        patch=fields.size("patch_size"),
        channels=fields.size("num_channels", default=3),
        patch_bias=False,
        extra_tokens=0,
        first_norm=True,
        dropout=fields.number("attention_dropout", default=0.0) > 0,
    )
    return tower_stages(spec, fields, images, image, 0)


def _mistral(fields: Fields, shape: StepShape, objective: str) -> Model:
    vision = part(fields, "vision_config", "pixtral")
    if vision.text("model_type") != "pixtral":
        raise vision.error("model_type", "must be pixtral to be counted by formula")
    if fields.raw("vision_feature_layer", default=-1)[1] != -1:
        raise fields.error("vision_feature_layer", "must be -1, the last layer, to be counted by formula")
    text, decoder = decoder_of(fields, shape, objective, usual="mistral", tied=True)
    image = image_sides(vision, shape)
    merge = fields.size("spatial_merge_size", default=2, maximum=64)
    down, across = grid(vision, image, vision.size("patch_size") * merge)
    tokens = down * across
    images = image_count(fields, shape, tokens)
    width, out = vision.size("hidden_size"), text.size("hidden_size")
    rows = images * tokens
    bias = fields.flag("multimodal_projector_bias", default=False)
    projector: list[Operation] = [
        norm("projector.norm", "v", "p", rows * merge**2, width),
        linear("projector.merging_layer", EMBEDDING, "p", "p1", rows, width * merge**2, width),
        linear("projector.linear_1", EMBEDDING, "p1", "p2", rows, width, out, bias=bias),
        activation("p2", "p3", rows * out),
        linear("projector.linear_2", EMBEDDING, "p3", "x", rows, out, out, bias=bias),
    ]
    return bridged(_tower(vision, images, image), projector, decoder)
