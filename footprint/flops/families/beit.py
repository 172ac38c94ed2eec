"""BEiT: a vision transformer with relative positions, which predicts the tokens of hidden patches."""

from __future__ import annotations

from footprint.flops.blocks.pieces import head_layer
from footprint.flops.blocks.transformer import stack_norm, stack_sizes
from footprint.flops.blocks.vision import Tower, grid, image_sides, sides, tower, tower_stages, tower_tokens
from footprint.flops.config.fields import Fields
from footprint.flops.config.shapes import labels, unknown_objective
from footprint.flops.operations import HEAD, Model, Operation, linear
from footprint.schema import StepShape

MODEL_TYPES = ("beit", "data2vec-vision")
OBJECTIVES = ("classification", "mim", "encode")


def build(fields: Fields, shape: StepShape, objective: str) -> Model:
    """The operation list of a BEiT; classification unless an objective is given.

    ``mim`` is masked image modelling: a head over the patches that were hidden (``predicted_positions``),
    or over all of them if their number is not known.
    """
    objective = objective or "classification"
    if objective not in OBJECTIVES:
        raise unknown_objective(objective, OBJECTIVES)
    spec = _tower(fields)
    stack = spec.stack
    images, image = shape.sequences, image_sides(fields, shape)
    tokens = tower_tokens(spec, fields, image)
    absolute = fields.flag("use_absolute_position_embeddings", default=False)
    stored = tower_tokens(spec, fields, sides(fields)) if absolute else 0
    mean = fields.flag("use_mean_pooling", default=True)
    pooled = objective == "classification" or (fields.text("model_type") == "beit" and objective == "encode")
    head: list[Operation] = []
    if pooled or not mean:
        head.append(stack_norm(stack, "layernorm", "x", "h", images if mean else images * tokens))
    if objective == "mim":
        rows = images * (shape.predicted_positions or tokens - 1)
        words = fields.size("vocab_size", default=8192)
        head += [
            stack_norm(stack, "head_norm", "h" if head else "x", "h", images * tokens),
            linear("lm_head", HEAD, "h", "logits", rows, stack.width, words, bias=True),
        ]
    elif objective == "classification":
        head.append(linear("classifier", HEAD, "h", "logits", images, stack.width, labels(fields), bias=True))
    return Model(
        family="vision-transformer",
        stages=(
            *tower_stages(spec, fields, images, image, stored),
            *(((head_layer(*head),),) if head else ()),
        ),
        samples=images,
        tokens=None,
        lora_targets=stack.lora_targets,
    )


def _tower(fields: Fields) -> Tower:
    width = fields.size("hidden_size")
    heads = fields.size("num_attention_heads")
    patch = fields.size("patch_size", default=16)
    rows, columns = grid(fields, sides(fields, default=224), patch)
    relative = ((2 * rows - 1) * (2 * columns - 1) + 3) * heads
    extra = width if fields.flag("use_mask_token", default=False) else 0
    if fields.flag("use_shared_relative_position_bias", default=False):
        extra += relative
    scaled = fields.number("layer_scale_init_value", default=0.1) > 0
    return tower(
        **stack_sizes(fields),
        inner=fields.size("intermediate_size"),
        mlp_names=("fc1", "fc2"),
        qkv_bias=True,
        key_bias=False,
        out_bias=True,
        mlp_bias=True,
        layer_extras=2 * width if scaled else 0,
        layer_tables=relative if fields.flag("use_relative_position_bias", default=False) else 0,
        patch=patch,
        channels=fields.size("num_channels", default=3),
        extra_parameters=extra,
        dropout=fields.number("attention_probs_dropout_prob", default=0.0) > 0,
        residual_dropout=fields.number("hidden_dropout_prob", default=0.0) > 0,
    )
