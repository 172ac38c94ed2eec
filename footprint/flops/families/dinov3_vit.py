"""DINOv3's vision transformers: rotary positions, registers, a scale on what each half of a layer adds."""

from __future__ import annotations

from footprint.flops.blocks.pieces import head_layer
from footprint.flops.blocks.transformer import stack_norm, stack_sizes
from footprint.flops.blocks.vision import image_sides, tower, tower_stages, tower_tokens
from footprint.flops.config.fields import Fields
from footprint.flops.config.shapes import unknown_objective
from footprint.flops.operations import Model
from footprint.schema import StepShape

MODEL_TYPES = ("dinov3_vit",)


def build(fields: Fields, shape: StepShape, objective: str) -> Model:
    """The operation list of the tower, which has no head of its own."""
    if objective not in ("", "encode"):
        raise unknown_objective(objective, ("encode",))
    width = fields.size("hidden_size")
    gated = fields.flag("use_gated_mlp", default=False)
    bias = fields.flag("query_bias", default=True)
    if fields.flag("value_bias", default=True) != bias:
        raise fields.error("value_bias", "must be what query_bias is")
    spec = tower(
        **stack_sizes(fields),
        inner=fields.size("intermediate_size"),
        gated=gated,
        mlp_names=("gate_proj", "up_proj", "down_proj") if gated else ("up_proj", "down_proj"),
        qkv_bias=bias,
        key_bias=fields.flag("key_bias", default=False),
        out_bias=fields.flag("proj_bias", default=True),
        mlp_bias=fields.flag("mlp_bias", default=True),
        layer_extras=2 * width,
        patch=fields.size("patch_size", default=16),
        channels=fields.size("num_channels", default=3),
        extra_tokens=1 + fields.size("num_register_tokens", default=0, minimum=0),
        extra_parameters=width,  # the mask token
        dropout=fields.number("attention_dropout", default=0.0) > 0,
    )
    images, image = shape.sequences, image_sides(fields, shape)
    tokens = tower_tokens(spec, fields, image)
    return Model(
        family="vision-transformer",
        stages=(
            *tower_stages(spec, fields, images, image, 0),
            (head_layer(stack_norm(spec.stack, "norm", "x", "h", images * tokens)),),
        ),
        samples=images,
        tokens=None,
        lora_targets=spec.stack.lora_targets,
    )
