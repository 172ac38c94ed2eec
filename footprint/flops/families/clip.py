"""CLIP and SigLIP: an image tower and a text tower trained on pairs, or one of the towers alone."""

from __future__ import annotations

from footprint.flops.blocks.attention import all_pairs, attend
from footprint.flops.blocks.pieces import embedding, head_layer, mlp, parameters_only
from footprint.flops.blocks.transformer import Stack, blocks, stack_norm, stack_sizes
from footprint.flops.blocks.vision import image_sides, sides, tower, tower_stages, tower_tokens
from footprint.flops.config.defaults import part
from footprint.flops.config.fields import Fields
from footprint.flops.config.shapes import required_length, unknown_objective
from footprint.flops.operations import (
    EMBEDDING,
    HEAD,
    PROJECTIONS,
    Layer,
    Matmul,
    Model,
    Number,
    Operation,
    Stage,
    linear,
)
from footprint.schema import StepShape

MODEL_TYPES = (
    "clip", "siglip", "clip_text_model", "clip_vision_model", "siglip_text_model", "siglip_vision_model",
)  # fmt: skip


def build(fields: Fields, shape: StepShape, objective: str) -> Model:
    """The operation list of a pair of towers, or of one of them."""
    model_type = fields.text("model_type")
    if model_type in ("clip", "siglip"):
        return _pair(fields, shape, objective)
    if objective not in ("", "encode"):
        raise unknown_objective(objective, ("encode",))
    batch = shape.sequences
    if model_type.endswith("text_model"):
        stages, _ = text_tower(fields, batch, required_length(shape))
        tokens: Number | None = batch * required_length(shape)
        return Model(
            family="encoder", stages=stages, samples=batch, tokens=tokens, lora_targets=("q_proj", "v_proj")
        )
    stages, _ = image_tower(fields, batch, image_sides(fields, shape))
    return Model(
        family="vision-transformer",
        stages=stages,
        samples=batch,
        tokens=None,
        lora_targets=("q_proj", "v_proj"),
    )


def _pair(fields: Fields, shape: StepShape, objective: str) -> Model:
    if objective not in ("", "contrastive"):
        raise unknown_objective(objective, ("contrastive",))
    model_type = fields.text("model_type")
    text = part(fields, "text_config", f"{model_type}_text_model")
    vision = part(fields, "vision_config", f"{model_type}_vision_model")
    batch = shape.sequences
    length = required_length(shape)
    text_stages, text_width = text_tower(text, batch, length)
    image_stages, image_width = image_tower(vision, batch, image_sides(vision, shape))
    head: list[Operation] = []
    if model_type == "clip":
        width = fields.size("projection_dim", default=512)
        head += [
            linear("visual_projection", HEAD, "v", "ve", batch, image_width, width),
            linear("text_projection", HEAD, "t", "te", batch, text_width, width),
        ]
        image, words = "ve", "te"
    else:
        if text_width != image_width:
            raise fields.error(
                "text_config.projection_size", f"= {text_width} must equal the image width {image_width}"
            )
        width, image, words = text_width, "v", "t"
    head += [
        Matmul(
            name="similarity",
            component=HEAD,
            inputs=(words, image),
            output="logits",
            m=batch,
            k=width,
            n=batch,
        ),
        parameters_only("logit_scale", 1 if model_type == "clip" else 2, "logits"),
    ]
    return Model(
        family="contrastive",
        stages=(*text_stages, *image_stages, (head_layer(*head),)),
        samples=batch,
        tokens=batch * length,
        lora_targets=("q_proj", "v_proj"),
    )


def text_tower(fields: Fields, batch: Number, length: int) -> tuple[tuple[Stage, ...], int]:
    """Stages that map texts to the vectors ``t``, and the width of these."""
    width = fields.size("hidden_size")
    siglip = fields.text("model_type").startswith("siglip")
    stack = _stack(fields, causal=not siglip, part="text", stream="t")
    rows = batch * length
    tables = (
        embedding("token_embedding", fields.size("vocab_size"), width, "t"),
        embedding("position_embedding", fields.size("max_position_embeddings"), width, "t"),
    )
    last: list[Operation] = [stack_norm(stack, "final_layer_norm", "t", "t", rows)]
    out = width
    if siglip:
        out = fields.size("projection_size", default=width)
        last.append(linear("head", HEAD, "t", "t", batch, width, out, bias=True))
    return (
        (Layer(part="embeddings", operations=tables, carries=("t",), checkpointed=False),),
        blocks(stack, batch, length),
        (Layer(part="text", operations=tuple(last), carries=("t",), checkpointed=False),),
    ), out


def image_tower(
    fields: Fields, images: Number, image: tuple[int, int], *, pooled: bool = True, layers: int | None = None
) -> tuple[tuple[Stage, ...], int]:
    """Stages that map images to the vectors ``v`` (one per image if ``pooled``), and the width of these.

    ``layers`` limits the blocks that are used, for features from an inner layer.
    """
    width = fields.size("hidden_size")
    siglip = fields.text("model_type").startswith("siglip")
    base = _stack(fields, causal=False, part="vision", stream="v")
    depth = base.layers if layers is None else layers
    spec = tower(
        width=width,
        layers=depth,
        heads=base.heads,
        kv_heads=base.heads,
        head_dim=base.head_dim,
        inner=base.inner,
        attention_names=base.attention_names,
        mlp_names=base.mlp_names,
        qkv_bias=True,
        out_bias=True,
        mlp_bias=True,
        stream="v",
        patch=fields.size("patch_size"),
        channels=fields.size("num_channels", default=3),
        patch_bias=siglip,
        extra_tokens=0 if siglip else 1,
        first_norm=not siglip,
        dropout=base.dropout,
    )
    tokens = tower_tokens(spec, fields, image)
    stages = tower_stages(spec, fields, images, image, tower_tokens(spec, fields, sides(fields)))
    head: list[Operation] = []
    if siglip:
        head.append(stack_norm(spec.stack, "post_layernorm", "v", "v", images * tokens))
        if pooled and fields.flag("vision_use_head", default=True):
            head += _pooling(spec.stack, images, tokens)
    elif pooled:
        head.append(stack_norm(spec.stack, "post_layernorm", "v", "v", images))
    if head:
        stages = (
            *stages,
            (Layer(part="vision", operations=tuple(head), carries=("v",), checkpointed=False),),
        )
    return stages, width


def _stack(fields: Fields, *, causal: bool, part: str, stream: str) -> Stack:
    return Stack(
        **stack_sizes(fields),
        inner=fields.size("intermediate_size"),
        causal=causal,
        gated=False,
        attention_names=("q_proj", "k_proj", "v_proj", "out_proj"),
        mlp_names=("fc1", "fc2"),
        qkv_bias=True,
        out_bias=True,
        mlp_bias=True,
        norm_parameters=2,
        dropout=fields.number("attention_dropout", default=0.0) > 0,
        part=part,
        stream=stream,
    )


def _pooling(stack: Stack, images: Number, tokens: int) -> list[Operation]:
    """SigLIP's pooling: one learned query attends to all patches; an MLP follows."""
    width = stack.width
    return [
        parameters_only("probe", width, "probe"),
        linear("pool.query", PROJECTIONS, "probe", "q", images, width, width, bias=True),
        linear("pool.key_value", PROJECTIONS, "v", "kv", images * tokens, width, 2 * width, bias=True),
        *attend(
            all_pairs(1, tokens),
            batch=images,
            heads=stack.heads,
            qk_dim=stack.head_dim,
            key="kv",
            value="kv",
            output="a",
            prefix="pool.",
        ),
        linear("pool.out", PROJECTIONS, "a", "v", images, width, width, bias=True),
        stack_norm(stack, "pool.layernorm", "v", "h", images),
        *mlp(
            images,
            width,
            stack.inner,
            names=("pool.fc1", "pool.fc2"),
            source="h",
            output="v",
            bias=True,
            component=EMBEDDING,
        ),
    ]
