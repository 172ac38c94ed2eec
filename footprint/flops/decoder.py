"""The decoder that most language models share; a family says how its own differs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from footprint.flops.attention import causal_pairs, self_attention
from footprint.flops.blocks import (
    embedding,
    embedding_layer,
    gated_mlp,
    head_layer,
    mlp,
    parameters_only,
    vocabulary_head,
)
from footprint.flops.fields import Fields
from footprint.flops.operations import (
    EMBEDDING,
    HEAD,
    NORM,
    Layer,
    Model,
    Number,
    Operation,
    Pointwise,
    Positions,
    linear,
)
from footprint.flops.patterns import split
from footprint.flops.shapes import labels, required_length, unknown_objective
from footprint.schema import StepShape

KV = ("num_key_value_heads",)
HEADS = ("num_key_value_heads", "head_dim")

FeedForward = Callable[[Number, str], tuple[Operation, ...]]
"""(rows, input tensor) to the operations that add to the stream ``x``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """The layers at ``positions``: their attention window and what follows attention."""

    positions: Positions
    window: int | None = None
    chunk: int | None = None
    """Attention stays within chunks of this length."""
    feed_forward: FeedForward | None = None
    """None: the decoder's own MLP."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoder:
    """A causal transformer, as a family's config describes it."""

    width: int
    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    vocabulary: int
    inner: int = 0
    tied: bool = False
    gated: bool = True
    attention_names: tuple[str, ...] = ("q_proj", "k_proj", "v_proj", "o_proj")
    mlp_names: tuple[str, ...] = ("gate_proj", "up_proj", "down_proj")
    qkv_bias: bool = False
    out_bias: bool = False
    mlp_bias: bool = False
    head_bias: bool = False
    norm_parameters: int = 1
    """Parameters a unit of width: RMS norm 1, layer norm 2, a norm without parameters 0."""
    norms: Literal["pre", "post", "both", "single"] = "pre"
    """Before attention and MLP, after, before and after, or one before both (parallel blocks)."""
    final_norm: bool = True
    qk_norm: Literal["", "head", "full"] = ""
    """Norms on queries and keys: none, one head wide, or as wide as all heads."""
    qk_norm_parameters: int = 1
    """Parameters a unit of their width."""
    parallel: bool = False
    """Attention and MLP read the stream side by side."""
    layer_extras: int = 0
    """Further parameters of a layer: sinks, scales, inner norms."""
    positions: int = 0
    """Rows of a learned position table."""
    embedding_width: int = 0
    """Width of the embeddings where it is not that of the blocks: projections lead in and out."""
    embedding_norm: bool = False
    dropout: bool = False
    kinds: tuple[Kind, ...] = ()
    lora_targets: tuple[str, ...] = ("q_proj", "v_proj")
    family: str = "decoder"


def llama_like(fields: Fields, *, explicit: tuple[str, ...] = (), **differences: Any) -> Decoder:
    """A decoder with Llama's config keys; ``differences`` replace what a family does otherwise.

    ``explicit`` keys must be given: for them transformers has a default of its own that fits one size only.
    """
    width = fields.size("hidden_size")
    heads, kv_heads, head_dim = heads_of(fields, width, explicit)
    settings: dict[str, Any] = {
        "width": width,
        "layers": fields.layers("num_hidden_layers"),
        "heads": heads,
        "kv_heads": kv_heads,
        "head_dim": head_dim,
        "vocabulary": fields.size("vocab_size"),
        "dropout": fields.number("attention_dropout", default=0.0) > 0,
    }
    if "inner" not in differences:
        settings["inner"] = fields.size("intermediate_size")
    if "tied" not in differences:
        settings["tied"] = fields.flag("tie_word_embeddings", default=False)
    if "qkv_bias" not in differences:
        bias = fields.flag("attention_bias", default=False)
        settings["qkv_bias"] = settings["out_bias"] = bias
    return Decoder(**{**settings, **differences})


def heads_of(fields: Fields, width: int, explicit: tuple[str, ...] = ()) -> tuple[int, int, int]:
    """(heads, key and value heads, head width) by their usual keys, checked against each other."""
    heads = fields.size("num_attention_heads")
    if "num_key_value_heads" in explicit:
        kv_heads = fields.size("num_key_value_heads")
    else:
        kv_heads = fields.size("num_key_value_heads", default=heads)
    fields.divide(heads, kv_heads, "num_attention_heads", "num_key_value_heads")
    if "head_dim" in fields or "head_dim" in explicit:
        return heads, kv_heads, fields.size("head_dim")
    return heads, kv_heads, fields.divide(width, heads, "hidden_size", "num_attention_heads")


def windowed(layers: int, full: Positions, window: int | None) -> tuple[Kind, ...]:
    """Kinds of a stack whose layers slide over ``window`` keys except at the ``full`` positions."""
    if window is None:
        return ()
    whole, sliding = split(layers, full)
    kinds = (Kind(positions=whole), Kind(positions=sliding, window=window))
    return tuple(kind for kind in kinds if len(kind.positions))


def decoder_model(spec: Decoder, fields: Fields, shape: StepShape, objective: str) -> Model:
    """The operation list of one step of a causal transformer."""
    length = required_length(shape)
    batch = shape.sequences
    rows = batch * length
    narrow = spec.embedding_width or spec.width
    tables: list[Operation] = [embedding("embed_tokens", spec.vocabulary, narrow)]
    if narrow != spec.width:
        tables.append(linear("project_in", EMBEDDING, "x", "x", rows, narrow, spec.width))
    if spec.positions:
        tables.append(embedding("embed_positions", spec.positions, spec.width))
    if spec.embedding_norm:
        tables.append(_norm(spec, "embedding_norm", "x", "x", rows))
    return Model(
        family=spec.family,
        stages=(
            (embedding_layer(*tables),),
            decoder_blocks(spec, batch, length, shape.document_length),
            (head_layer(*decoder_head(spec, fields, shape, objective)),),
        ),
        samples=batch,
        tokens=rows,
        lora_targets=spec.lora_targets,
    )


def decoder_blocks(
    spec: Decoder, batch: Number, length: int, document: Number | None = None
) -> tuple[Layer, ...]:
    """The stack of blocks, on the stream ``x``."""
    kinds = spec.kinds or (Kind(positions=range(spec.layers)),)
    return tuple(_block(spec, kind, batch, length, document) for kind in kinds)


def _block(spec: Decoder, kind: Kind, batch: Number, length: int, document: Number | None) -> Layer:
    rows = batch * length
    reach = document if kind.chunk is None else min(kind.chunk, document or kind.chunk)
    before = spec.norms != "post"
    attention = self_attention(
        causal_pairs(length, kind.window, reach), rows, spec.width,
        batch=batch, heads=spec.heads, head_dim=spec.head_dim, kv_heads=spec.kv_heads,
        names=spec.attention_names, bias=spec.qkv_bias, out_bias=spec.out_bias, qk_norm=_qk_norm(spec),
        source="h" if before else "x", dropout=spec.dropout,
    )  # fmt: skip
    source = {"single": "h", "post": "x"}.get(spec.norms, "h2")
    if kind.feed_forward is not None:
        feed_forward = kind.feed_forward(rows, source)
    else:
        build = gated_mlp if spec.gated else mlp
        feed_forward = build(
            rows, spec.width, spec.inner, names=spec.mlp_names, bias=spec.mlp_bias, source=source
        )
    operations: list[Operation] = []
    if before:
        operations.append(_norm(spec, "input_norm", "x", "h", rows))
    if spec.parallel and spec.norms != "single":
        operations.append(_norm(spec, "post_attention_norm", "x", "h2", rows))
    operations += attention
    if not before or spec.norms == "both":
        operations.append(_norm(spec, "attention_out_norm", "x", "x", rows))
    if before and not spec.parallel:
        operations.append(_norm(spec, "post_attention_norm", "x", "h2", rows))
    operations += feed_forward
    if not before or spec.norms == "both":
        operations.append(_norm(spec, "mlp_out_norm", "x", "x", rows))
    if spec.layer_extras:
        operations.append(parameters_only("extras", spec.layer_extras))
    return Layer(part="decoder", operations=tuple(operations), positions=kind.positions)


def _qk_norm(spec: Decoder) -> int:
    if not spec.qk_norm:
        return 0
    width = 2 if spec.qk_norm == "head" else spec.heads + spec.kv_heads
    return width * spec.head_dim * spec.qk_norm_parameters


def _norm(spec: Decoder, name: str, source: str, output: str, rows: Number) -> Pointwise:
    return Pointwise(
        name=name, component=NORM, inputs=(source,), output=output,
        parameters=spec.norm_parameters * spec.width, saved=rows * spec.width,
    )  # fmt: skip


def decoder_head(spec: Decoder, fields: Fields, shape: StepShape, objective: str) -> tuple[Operation, ...]:
    """Final norm and what predicts: vocabulary scores, or classes."""
    rows = shape.sequences * required_length(shape)
    operations: list[Operation] = []
    source = "x"
    if spec.final_norm:
        operations.append(_norm(spec, "final_norm", "x", "h", rows))
        source = "h"
    width = spec.embedding_width or spec.width
    if width != spec.width:
        operations.append(linear("project_out", EMBEDDING, source, "narrow", rows, spec.width, width))
        source = "narrow"
    if objective in ("", "clm"):
        predicted = shape.sequences * (shape.predicted_positions or required_length(shape))
        operations.append(
            vocabulary_head(
                predicted, width, spec.vocabulary, source=source, tied=spec.tied, bias=spec.head_bias
            )
        )
    elif objective == "classification":
        operations.append(linear("score", HEAD, source, "logits", rows, width, labels(fields)))
    else:
        raise unknown_objective(objective, ("clm", "classification"))
    return tuple(operations)
