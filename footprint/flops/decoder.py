"""The decoder that most language models share; a family says how its own differs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from footprint.errors import FootprintError
from footprint.flops.attention import causal_pairs, self_attention
from footprint.flops.blocks import embedding, embedding_layer, gated_mlp, head_layer, mlp, vocabulary_head
from footprint.flops.fields import Fields
from footprint.flops.operations import HEAD, NORM, Layer, Model, Number, Operation, Pointwise, Positions, linear
from footprint.schema import StepShape

FeedForward = Callable[[Number], tuple[Operation, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """The layers at ``positions``: their attention window and what follows attention."""

    positions: Positions
    window: int | None = None
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
    """Parameters a unit of width: RMS norm 1, layer norm 2, norm without parameters 0."""
    norms: int = 2
    """Norms a layer: before attention and MLP 2, before and after both 4, one for parallel blocks 1."""
    qk_norm: int = 0
    """Parameters of the norms on queries and keys, both together."""
    parallel: bool = False
    """Attention and MLP read the same input."""
    positions: int = 0
    """Rows of a learned position table."""
    dropout: bool = False
    kinds: tuple[Kind, ...] = ()
    lora_targets: tuple[str, ...] = ("q_proj", "v_proj")
    family: str = "decoder"


def decoder_model(spec: Decoder, shape: StepShape, objective: str) -> Model:
    """The operation list of one step of a causal transformer."""
    length = required_length(shape)
    batch = shape.sequences
    rows = batch * length
    tables: list[Operation] = [embedding("embed_tokens", spec.vocabulary, spec.width)]
    if spec.positions:
        tables.append(embedding("embed_positions", spec.positions, spec.width))
    kinds = spec.kinds or (Kind(positions=range(spec.layers)),)
    blocks = tuple(_block(spec, kind, batch, length, shape) for kind in kinds)
    final = Pointwise(
        name="final_norm", component=NORM, inputs=("x",), output="h",
        parameters=spec.norm_parameters * spec.width, saved=rows * spec.width,
    )  # fmt: skip
    return Model(
        family=spec.family,
        stages=((embedding_layer(*tables),), blocks, (head_layer(final, *_head(spec, shape, objective)),)),
        samples=batch,
        tokens=rows,
        lora_targets=spec.lora_targets,
    )


def required_length(shape: StepShape) -> int:
    """The sequence length, which text models cannot do without."""
    if shape.sequence_length is None:
        raise FootprintError("a text model needs a sequence length: give --seq-len")
    return shape.sequence_length


def _block(spec: Decoder, kind: Kind, batch: Number, length: int, shape: StepShape) -> Layer:
    rows = batch * length
    attention = self_attention(
        causal_pairs(length, kind.window, shape.document_length), rows, spec.width,
        batch=batch, heads=spec.heads, head_dim=spec.head_dim, kv_heads=spec.kv_heads,
        names=spec.attention_names, bias=spec.qkv_bias, out_bias=spec.out_bias, qk_norm=spec.qk_norm,
        dropout=spec.dropout,
    )  # fmt: skip
    source = "h" if spec.norms == 1 else "h2"
    if kind.feed_forward is not None:
        feed_forward = kind.feed_forward(rows)
    elif spec.gated:
        feed_forward = gated_mlp(
            rows, spec.width, spec.inner, names=spec.mlp_names, bias=spec.mlp_bias, source=source
        )
    else:
        feed_forward = mlp(rows, spec.width, spec.inner, names=spec.mlp_names, bias=spec.mlp_bias, source=source)

    def normed(name: str, source: str, output: str) -> Pointwise:
        return Pointwise(
            name=name, component=NORM, inputs=(source,), output=output,
            parameters=spec.norm_parameters * spec.width, saved=rows * spec.width,
        )  # fmt: skip

    before = normed("input_norm", "x", "h")
    if spec.norms == 1:
        return Layer(part="decoder", operations=(before, *attention, *feed_forward), positions=kind.positions)
    second = normed("post_attention_norm", "x", "h2")
    if spec.parallel:
        operations = (before, second, *attention, *feed_forward)
    else:
        operations = (before, *attention, second, *feed_forward)
    if spec.norms == 4:
        operations += (normed("attention_out_norm", "x", "x"), normed("mlp_out_norm", "x", "x"))
    return Layer(part="decoder", operations=operations, positions=kind.positions)


def _head(spec: Decoder, shape: StepShape, objective: str) -> tuple[Operation, ...]:
    rows = shape.sequences * (shape.predicted_positions or required_length(shape))
    if objective in ("", "clm"):
        return (vocabulary_head(rows, spec.width, spec.vocabulary, tied=spec.tied, bias=spec.head_bias),)
    if objective == "classification":
        return (linear("score", HEAD, "h", "logits", rows, spec.width, 2),)
    raise unknown_objective(objective, ("clm", "classification"))


def unknown_objective(objective: str, known: Sequence[str]) -> FootprintError:
    """The error for an objective that a family does not have."""
    return FootprintError(f"objective {objective!r} does not fit this model; it can be {', '.join(known)}")


def heads_of(fields: Fields, width: int) -> tuple[int, int, int]:
    """(heads, key and value heads, head width) by their usual keys, checked against each other."""
    heads = fields.size("num_attention_heads")
    kv_heads = fields.size("num_key_value_heads", default=heads)
    fields.divide(heads, kv_heads, "num_attention_heads", "num_key_value_heads")
    if "head_dim" in fields:
        return heads, kv_heads, fields.size("head_dim")
    return heads, kv_heads, fields.divide(width, heads, "hidden_size", "num_attention_heads")
