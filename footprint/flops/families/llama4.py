"""Llama 4 with images: a vision transformer, patches merged into wider ones, a decoder with experts.

``sequence_length`` counts every position of the decoder, including image tokens. Each sequence has
``images_per_sequence`` tiles (a key of this program; 1 by default).
"""

from __future__ import annotations

from footprint.flops.blocks.pieces import activation
from footprint.flops.blocks.vision import grid, image_sides, tower, tower_stages
from footprint.flops.config.defaults import part
from footprint.flops.config.fields import Fields
from footprint.flops.families.llava import bridged, decoder_of, image_count
from footprint.flops.operations import EMBEDDING, Model, Operation, linear, norm
from footprint.schema import StepShape

MODEL_TYPES = ("llama4",)


def build(fields: Fields, shape: StepShape, objective: str) -> Model:
    """The operation list of a Llama 4 model with its vision tower."""
    vision = part(fields, "vision_config", "llama4_vision_model")
    text, decoder = decoder_of(fields, shape, objective, usual="llama4_text", tied=False)
    width, heads = vision.size("hidden_size"), vision.size("num_attention_heads")
    inner = vision.size("intermediate_size")
    patch, image = vision.size("patch_size"), image_sides(vision, shape)
    side = round(1 / vision.number("pixel_shuffle_ratio", default=0.5, minimum=0.01, maximum=1.0))
    if inner != width * side**2:
        raise vision.error(
            "intermediate_size", f"= {inner} must be hidden_size / pixel_shuffle_ratio^2 = {width * side**2}"
        )
    spec = tower(
        width=width,
        layers=vision.layers("num_hidden_layers"),
        heads=heads,
        kv_heads=heads,
        head_dim=vision.divide(width, heads, "hidden_size", "num_attention_heads"),
        inner=inner,
        attention_names=("q_proj", "k_proj", "v_proj", "o_proj"),
        mlp_names=("fc1", "fc2"),
        qkv_bias=True,
        out_bias=True,
        mlp_bias=True,
        stream="v",
        patch=patch,
        channels=vision.size("num_channels", default=3),
        patch_bias=False,
        extra_tokens=1,
        first_norm=True,
        dropout=vision.number("attention_dropout", default=0.0) > 0,
    )
    down, across = grid(vision, image, patch)
    if down % side or across % side:
        raise vision.error("pixel_shuffle_ratio", f"does not divide a grid of {down} x {across} patches")
    patches = down * across
    tokens = patches // side**2
    images = image_count(fields, shape, tokens)
    rows = images * tokens
    narrow, wide = vision.size("projector_input_dim"), vision.size("projector_output_dim")
    if not narrow == wide == vision.size("vision_output_dim"):
        raise vision.error("projector_input_dim", "must equal projector_output_dim and vision_output_dim")
    projector: list[Operation] = [
        norm("layernorm_post", "v", "p", images * (patches + 1), width, bias=True),
        linear("vision_adapter.fc1", EMBEDDING, "p", "p1", rows, inner, narrow),
        activation("p1", "p2", rows * narrow),
        linear("vision_adapter.fc2", EMBEDDING, "p2", "p3", rows, wide, wide),
        activation("p3", "p4", rows * wide),
        linear("multi_modal_projector", EMBEDDING, "p4", "x", rows, wide, text.size("hidden_size")),
    ]
    return bridged(tower_stages(spec, vision, images, image, patches + 1), projector, decoder)
