"""Stacks of transformer blocks, which decoders, encoders and vision models share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from footprint.flops.blocks.attention import (
    Pairs,
    all_pairs,
    causal_pairs,
    cross_attention,
    local_pairs,
    self_attention,
)
from footprint.flops.blocks.pieces import embedding, gated_mlp, mlp, parameters_only
from footprint.flops.config.fields import Fields
from footprint.flops.operations import NORM, POINTWISE, Layer, Number, Operation, Pointwise, Positions
from footprint.named_tuples import NamedTuple

KV = ("num_key_value_heads",)
HEADS = ("num_key_value_heads", "head_dim")

FeedForward = Callable[[Number, str, str], tuple[Operation, ...]]
"""Function of (rows, input tensor, stream): the operations of a feed-forward, which adds to the stream."""
Mixer = Callable[[str, str], tuple[Operation, ...]]
"""Function of (input tensor, stream): the operations that mix tokens and add to the stream."""


class Kind(NamedTuple):
    """Layers of one kind at ``positions``: their attention window, mixer and feed-forward."""

    positions: Positions
    window: int | None = None
    """Number of keys per causal query, including its own; for encoders, the keys on both sides."""
    chunk: int | None = None
    """Attention stays within chunks of this length."""
    feed_forward: FeedForward | None = None
    """The feed-forward; None means the stack's MLP."""
    mixer: Mixer | None = None
    """The mixer that replaces attention; None means the stack's attention."""
    mixes: bool = True
    """The layer has an attention (or mixer) half."""
    feeds: bool = True
    """The layer has a feed-forward half."""
    input_norm: bool = True
    """False if the layer has no norm at its input (first layer of ModernBERT)."""


class Stack(NamedTuple):
    """Blocks of attention and MLP, with the sizes and options of a config."""

    width: int
    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    inner: int = 0
    causal: bool = True
    gated: bool = True
    attention_names: tuple[str, ...] = ("q_proj", "k_proj", "v_proj", "o_proj")
    mlp_names: tuple[str, ...] = ("gate_proj", "up_proj", "down_proj")
    qkv_bias: bool = False
    out_bias: bool = False
    mlp_bias: bool = False
    norm_parameters: int = 1
    """Parameters per unit of width: RMS norm 1, layer norm 2, a norm without parameters 0."""
    norms: Literal["pre", "post", "both", "single"] = "pre"
    """Place of the norms: before, after, or before and after attention and MLP; or one before both."""
    qk_norm: Literal["", "head", "full"] = ""
    """Norms on queries and keys: none, with the width of one head, or of all heads."""
    qk_norm_parameters: int = 1
    """Parameters of these norms per unit of width."""
    parallel: bool = False
    """Attention and MLP read the same input in parallel."""
    layer_extras: int = 0
    """Further parameters per layer: sinks, scales, inner norms."""
    layer_tables: int = 0
    """Parameters of look-up tables per layer (relative positions)."""
    dropout: bool = False
    """Dropout on the attention probabilities."""
    residual_dropout: bool = False
    """Dropout on the outputs of attention and MLP."""
    kinds: tuple[Kind, ...] = ()
    part: str = "decoder"
    stream: str = "x"
    shared: bool = False
    """All layers share one set of weights."""
    lora_targets: tuple[str, ...] = ("q_proj", "v_proj")
    key_bias: bool = True
    """False if keys have no bias although queries and values have one (Whisper)."""
    cross_names: tuple[str, ...] = ()
    """Names of the projections of a cross-attention to ``memory`` between self-attention and MLP."""
    memory_width: int = 0
    """Width of the memory if it differs from that of the blocks."""


def assemble(kind: Any, settings: dict[str, Any]) -> Any:
    """A record of ``kind`` with its stack, from one flat dict of settings, which is emptied."""
    own = {name: settings.pop(name) for name in kind._fields if name in settings}
    return kind(stack=Stack(**settings), **own)


def heads_of(fields: Fields, width: int, explicit: tuple[str, ...] = ()) -> tuple[int, int, int]:
    """(query heads, key and value heads, head width) from their usual keys, checked for consistency."""
    heads = fields.size("num_attention_heads")
    if "num_key_value_heads" in explicit:
        kv_heads = fields.size("num_key_value_heads")
    else:
        kv_heads = fields.size("num_key_value_heads", default=heads)
    fields.divide(heads, kv_heads, "num_attention_heads", "num_key_value_heads")
    if "head_dim" in fields or "head_dim" in explicit:
        return heads, kv_heads, fields.size("head_dim")
    return heads, kv_heads, fields.divide(width, heads, "hidden_size", "num_attention_heads")


def stack_sizes(
    fields: Fields,
    *,
    width: tuple[str, ...] = ("hidden_size",),
    layers: tuple[str, ...] = ("num_hidden_layers",),
    heads: tuple[str, ...] = ("num_attention_heads",),
) -> dict[str, Any]:
    """Width, layers and heads of a stack each of whose heads has its own keys and values.

    The arguments are the keys of the config, of which the first one that it has counts.
    """
    across, each = fields.size(*width), fields.size(*heads)
    return {
        "width": across, "layers": fields.layers(*layers), "heads": each, "kv_heads": each,
        "head_dim": fields.divide(across, each, width[0], heads[0]),
    }  # fmt: skip


def windowed(layers: int, full: Positions, window: int | None) -> tuple[Kind, ...]:
    """Kinds of a stack with a sliding window of ``window`` keys except at the ``full`` positions."""
    if window is None:
        return ()
    from footprint.flops.config.patterns import split

    whole, sliding = split(layers, full)
    kinds = (Kind(positions=whole), Kind(positions=sliding, window=window))
    return tuple(kind for kind in kinds if len(kind.positions))


def blocks(
    stack: Stack, batch: Number, length: int, document: Number | None = None, memory_length: int = 0
) -> tuple[Layer, ...]:
    """The stack over ``batch`` sequences; ``document`` is the mean length of packed documents.

    ``memory_length`` is the length of the sequence that cross-attention reads.
    """
    kinds = stack.kinds or (Kind(positions=range(stack.layers)),)
    return tuple(
        Layer(
            part=stack.part,
            operations=tuple(_block(stack, kind, batch, length, document, memory_length)),
            positions=kind.positions,
            carries=(stack.stream,),
            shared=stack.shared,
        )
        for kind in kinds
    )


def _block(
    stack: Stack, kind: Kind, batch: Number, length: int, document: Number | None, memory_length: int
) -> list[Operation]:
    rows = batch * length
    x = stack.stream
    before = stack.norms != "post"
    after = stack.norms in ("post", "both")
    operations: list[Operation] = []
    reads = x
    if kind.mixes:
        if before and kind.input_norm:
            reads = "h"
            operations.append(stack_norm(stack, "input_norm", x, reads, rows))
        if stack.parallel and stack.norms != "single":
            operations.append(stack_norm(stack, "post_attention_norm", x, "h2", rows))
        operations += (
            kind.mixer(reads, x) if kind.mixer else _attention(stack, kind, batch, length, document, reads)
        )
        operations += _dropped(stack, rows)
        if after:
            operations.append(stack_norm(stack, "attention_out_norm", x, x, rows))
    if stack.cross_names:
        operations += _cross(stack, batch, length, memory_length, before)
    if kind.feeds:
        if before and not stack.parallel:
            operations.append(stack_norm(stack, "post_attention_norm", x, "h2", rows))
        source = {"single": "h", "post": x}.get(stack.norms, "h2")
        operations += (kind.feed_forward or _mlp(stack))(rows, source, x)
        operations += _dropped(stack, rows)
        if after:
            operations.append(stack_norm(stack, "mlp_out_norm", x, x, rows))
    if stack.layer_tables:
        operations.append(embedding("relative_attention_bias", stack.layer_tables, 1, x))
    if stack.layer_extras:
        operations.append(parameters_only("extras", stack.layer_extras, x))
    return operations


def _attention(
    stack: Stack, kind: Kind, batch: Number, length: int, document: Number | None, source: str
) -> tuple[Operation, ...]:
    return self_attention(
        _pairs(stack, kind, length, document), batch * length, stack.width,
        batch=batch, heads=stack.heads, head_dim=stack.head_dim, kv_heads=stack.kv_heads,
        names=stack.attention_names, bias=stack.qkv_bias, out_bias=stack.out_bias, key_bias=stack.key_bias,
        qk_norm=_qk_norm(stack), source=source, output=stack.stream, dropout=stack.dropout,
    )  # fmt: skip


def _mlp(stack: Stack) -> FeedForward:
    build = gated_mlp if stack.gated else mlp

    def feed_forward(rows: Number, source: str, output: str) -> tuple[Operation, ...]:
        return build(
            rows,
            stack.width,
            stack.inner,
            names=stack.mlp_names,
            bias=stack.mlp_bias,
            source=source,
            output=output,
        )

    return feed_forward


def _dropped(stack: Stack, rows: Number) -> tuple[Operation, ...]:
    if not stack.residual_dropout:
        return ()
    x = stack.stream
    return (Pointwise(name="dropout", component=POINTWISE, inputs=(x,), output=x, masks=rows * stack.width),)


def _cross(stack: Stack, batch: Number, length: int, memory_length: int, before: bool) -> list[Operation]:
    rows = batch * length
    x = stack.stream
    operations: list[Operation] = []
    if before:
        operations.append(stack_norm(stack, "cross_norm", x, "hc", rows))
    operations += cross_attention(
        all_pairs(length, memory_length),
        rows,
        batch * memory_length,
        stack.width,
        stack.memory_width or stack.width,
        batch=batch,
        heads=stack.heads,
        head_dim=stack.head_dim,
        kv_heads=stack.kv_heads,
        names=stack.cross_names,
        bias=stack.qkv_bias,
        out_bias=stack.out_bias,
        key_bias=stack.key_bias,
        source="hc" if before else x,
        output=x,
        dropout=stack.dropout,
    )
    operations += _dropped(stack, rows)
    if not before:
        operations.append(stack_norm(stack, "cross_norm", x, x, rows))
    return operations


def _pairs(stack: Stack, kind: Kind, length: int, document: Number | None) -> Pairs:
    if stack.causal:
        reach = document if kind.chunk is None else min(kind.chunk, document or kind.chunk)
        return causal_pairs(length, kind.window, reach)
    if kind.window is not None:
        return local_pairs(length, kind.window // 2)
    return all_pairs(length, length, document)


def _qk_norm(stack: Stack) -> int:
    if not stack.qk_norm:
        return 0
    width = 2 if stack.qk_norm == "head" else stack.heads + stack.kv_heads
    return width * stack.head_dim * stack.qk_norm_parameters


def stack_norm(stack: Stack, name: str, source: str, output: str, rows: Number) -> Pointwise:
    """A norm of the stack's kind, which keeps its input for the backward pass."""
    width = stack.width
    return Pointwise._make((name, NORM, (source,), output, stack.norm_parameters * width, rows * width))
