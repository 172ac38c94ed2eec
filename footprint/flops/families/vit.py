"""ViT, DeiT, DINOv2, MSN, I-JEPA, MAE: transformers over image patches."""

from __future__ import annotations

from footprint.flops.blocks.pieces import head_layer, parameters_only
from footprint.flops.blocks.transformer import blocks, stack_norm
from footprint.flops.blocks.vision import Tower, grid, image_sides, sides, tower, tower_stages, tower_tokens
from footprint.flops.config.fields import Fields
from footprint.flops.config.shapes import labels, unknown_objective
from footprint.flops.operations import HEAD, Layer, Model, Operation, linear
from footprint.schema import StepShape

MODEL_TYPES = ("vit", "deit", "dinov2", "dinov2_with_registers", "vit_msn", "ijepa", "vit_mae")


def build(fields: Fields, shape: StepShape, objective: str) -> Model:
    """The operation list of a vision transformer; classification unless an objective is given."""
    model_type = fields.text("model_type")
    image = image_sides(fields, shape)
    spec = vit_tower(fields)
    images = shape.sequences
    if model_type == "vit_mae":
        return _mae(spec, fields, images, image, objective)
    tokens = tower_tokens(spec, fields, image)
    stored = tower_tokens(spec, fields, sides(fields))
    if model_type == "dinov2_with_registers":  # registers have no positions
        stored -= fields.size("num_register_tokens", default=4)
    head: list[Operation] = [stack_norm(spec.stack, "layernorm", "x", "h", images * tokens)]
    if objective in ("", "classification"):
        width = 2 * spec.stack.width if model_type.startswith("dinov2") else spec.stack.width
        head.append(linear("classifier", HEAD, "h", "logits", images, width, labels(fields), bias=True))
    elif objective != "encode":
        raise unknown_objective(objective, ("classification", "encode"))
    return Model(
        family="vision-transformer",
        stages=(*tower_stages(spec, fields, images, image, stored), (head_layer(*head),)),
        samples=images,
        tokens=None,
        lora_targets=spec.stack.lora_targets,
    )


def vit_tower(fields: Fields) -> Tower:
    """The tower that a ViT config describes."""
    model_type = fields.text("model_type")
    width = fields.size("hidden_size")
    heads = fields.size("num_attention_heads")
    extra, mask = {"deit": (2, 0), "ijepa": (0, 0)}.get(model_type, (1, 0))
    dino = model_type.startswith("dinov2")
    if model_type == "dinov2_with_registers":
        extra = 1 + fields.size("num_register_tokens", default=4)
    if dino and fields.flag("use_mask_token", default=True):
        mask = width
    gated = dino and fields.flag("use_swiglu_ffn", default=False)
    if dino:
        inner = int(width * fields.number("mlp_ratio", default=4, minimum=0.01, maximum=1000))
        inner = (int(inner * 2 / 3) + 7) // 8 * 8 if gated else inner
    else:
        inner = fields.size("intermediate_size")
    return tower(
        width=width,
        layers=fields.layers("num_hidden_layers"),
        heads=heads,
        kv_heads=heads,
        head_dim=fields.divide(width, heads, "hidden_size", "num_attention_heads"),
        inner=inner,
        gated=gated,
        mlp_names=("weights_in", "weights_out") if gated else ("fc1", "fc2"),
        qkv_bias=fields.flag("qkv_bias", default=True),
        out_bias=True,
        mlp_bias=True,
        layer_extras=2 * width if dino else 0,
        patch=fields.size("patch_size"),
        channels=fields.size("num_channels", default=3),
        extra_tokens=extra,
        extra_parameters=mask,
        dropout=fields.number("attention_probs_dropout_prob", default=0.0) > 0,
    )


def _mae(spec: Tower, fields: Fields, images: int | float, image: tuple[int, int], objective: str) -> Model:
    """Masked autoencoder: the encoder processes the visible patches, a small decoder all patches."""
    if objective not in ("", "mae"):
        raise unknown_objective(objective, ("mae",))
    rows, columns = grid(fields, image, spec.patch)
    patches = rows * columns
    seen = int(patches * (1 - fields.number("mask_ratio", default=0.75, maximum=1.0))) + 1
    embedding, _ = tower_stages(spec, fields, images, image, 0)
    # positions are sinusoidal and fixed
    fixed = parameters_only("positions", (patches + 1) * spec.stack.width, "fixed")._replace(fixed=True)
    embed = embedding[0]._replace(operations=(*embedding[0].operations, fixed))
    width = fields.size("decoder_hidden_size", default=512)
    heads = fields.size("decoder_num_attention_heads", default=16)
    decoder = tower(
        width=width,
        layers=fields.layers("decoder_num_hidden_layers", default=8),
        heads=heads,
        kv_heads=heads,
        head_dim=fields.divide(width, heads, "decoder_hidden_size", "decoder_num_attention_heads"),
        inner=fields.size("decoder_intermediate_size", default=2048),
        mlp_names=("fc1", "fc2"),
        qkv_bias=spec.stack.qkv_bias,
        out_bias=True,
        mlp_bias=True,
        patch=spec.patch,
        part="decoder",
    )
    between = Layer(
        part="decoder",
        operations=(
            stack_norm(spec.stack, "layernorm", "x", "h", images * seen),
            linear("decoder_embed", HEAD, "h", "x", images * seen, spec.stack.width, width, bias=True),
            parameters_only("mask_token", width),
            parameters_only("decoder_positions", (patches + 1) * width, "fixed")._replace(fixed=True),
        ),
        checkpointed=False,
    )
    head = head_layer(
        stack_norm(decoder.stack, "decoder_norm", "x", "h", images * (patches + 1)),
        linear(
            "decoder_pred",
            HEAD,
            "h",
            "logits",
            images * (patches + 1),
            width,
            spec.patch**2 * spec.channels,
            bias=True,
        ),
    )
    return Model(
        family="vision-transformer",
        stages=(
            (embed,),
            blocks(spec.stack, images, seen),
            (between,),
            blocks(decoder.stack, images, patches + 1),
            (head,),
        ),
        samples=images,
        tokens=None,
        lora_targets=spec.stack.lora_targets,
    )
