"""Gemma 3n and 4, text: inputs of their own for each layer, keys and values that later layers share.

Gemma 3n predicts and corrects several streams around each layer (AltUp, arXiv:2301.13310) and adds a
low-rank path (LAuReL, arXiv:2411.07501). Gemma 4 has wider heads where attention is full, and experts
beside the MLP in one size.
"""

from __future__ import annotations

from footprint.flops.blocks.attention import attend, causal_pairs
from footprint.flops.blocks.decoder import HEADS, decoder_model, llama_like
from footprint.flops.blocks.experts import capacity_factor, counts, mixture
from footprint.flops.blocks.pieces import activation, embedding, gated_mlp, parameters_only
from footprint.flops.blocks.transformer import FeedForward, Kind, Mixer
from footprint.flops.config.fields import Fields
from footprint.flops.config.patterns import compact, full_layers
from footprint.flops.config.shapes import required_length
from footprint.flops.operations import (
    CORE,
    EMBEDDING,
    MLP,
    NORM,
    POINTWISE,
    PROJECTIONS,
    ROUTER,
    Layer,
    Matmul,
    Model,
    Number,
    Operation,
    Pointwise,
    linear,
    norm,
)
from footprint.named_tuples import NamedTuple
from footprint.records import replace
from footprint.schema import StepShape

MODEL_TYPES = ("gemma3n_text", "gemma4_text")
_SHARED = ("k_full", "v_full", "k_sliding", "v_sliding", "per_layer")


class _Sizes(NamedTuple):
    """What layers of one kind have in common."""

    full: bool
    shares: bool
    """Keys and values are those of an earlier layer."""
    inner: int


def build(fields: Fields, shape: StepShape, objective: str) -> Model:
    """The operation list of the text decoder of Gemma 3n or 4."""
    if fields.text("use_bidirectional_attention", default="") == "all":
        raise fields.error("use_bidirectional_attention", "= all is not counted: attention must be causal")
    older = fields.text("model_type") == "gemma3n_text"
    layers = fields.layers("num_hidden_layers")
    width = fields.size("hidden_size")
    rows = shape.sequences * required_length(shape)
    kinds = tuple(
        Kind(
            positions=compact(positions),
            mixer=_attention(fields, shape, sizes, older),
            feed_forward=_feed_forward(fields, width, sizes.inner, older),
        )
        for sizes, positions in _kinds(fields, layers, older).items()
    )
    spec = llama_like(
        fields, explicit=HEADS, inner=0, tied=fields.flag("tie_word_embeddings", default=True), norms="both",
        kinds=kinds, family="decoder" if older or not _has_experts(fields) else "mixture-of-experts",
    )  # fmt: skip
    model = decoder_model(spec, fields, shape, objective)
    (tables,), blocks, (head,) = model.stages
    inputs = fields.optional_size("hidden_size_per_layer_input", absent=256)
    if inputs:
        words = fields.size("vocab_size_per_layer_input", default=262_144)
        added = _layer_inputs(rows, width, layers * inputs, inputs, words)
        tables = tables._replace(operations=(*tables.operations, *added))
    if older:
        streams = fields.size("altup_num_inputs", default=4, minimum=2)
        spread, joined = _streams("altup", rows, width, streams), _streams("unembed", rows, width, streams)
        tables = tables._replace(operations=(*tables.operations, *spread))
        head = head._replace(operations=(*joined, *head.operations))
        blocks = tuple(_with_streams(fields, layer, rows, width, streams) for layer in blocks)
    if inputs:
        blocks = tuple(_with_inputs(layer, rows, width, inputs) for layer in blocks)
    blocks = tuple(layer._replace(carries=("x", *_SHARED)) for layer in blocks)
    return replace(model, stages=((tables._replace(carries=("x", "per_layer")),), blocks, (head,)))


def _kinds(fields: Fields, layers: int, older: bool) -> dict[_Sizes, list[int]]:
    """The positions of each kind of layer."""
    full = set(full_layers(fields, layers, every=5 if older else 6))
    if not older:
        full.add(layers - 1)
    shared = fields.size("num_kv_shared_layers", default=15 if older else 0, minimum=0)
    if shared >= layers:
        raise fields.error("num_kv_shared_layers", f"must be less than the {layers} layers")
    listed = older and isinstance(fields.raw("intermediate_size")[1], (list, tuple))
    widths = (
        fields.sizes("intermediate_size", length=layers)
        if listed
        else (fields.size("intermediate_size"),) * layers
    )
    double = not older and fields.flag("use_double_wide_mlp", default=False)
    found: dict[_Sizes, list[int]] = {}
    for index, inner in enumerate(widths):
        shares = index >= layers - shared
        sizes = _Sizes(index in full, shares, inner * (2 if double and shares else 1))
        found.setdefault(sizes, []).append(index)
    return found


def _attention(fields: Fields, shape: StepShape, sizes: _Sizes, older: bool) -> Mixer:
    """Attention with normed queries, keys and values, which are made here or by an earlier layer."""
    width, length = fields.size("hidden_size"), required_length(shape)
    heads, kv_heads = fields.size("num_attention_heads"), fields.size("num_key_value_heads")
    head_dim = fields.size("head_dim")
    one_projection = False
    if sizes.full and not older:
        one_projection = fields.flag("attention_k_eq_v", default=False)
        head_dim = fields.size("global_head_dim", default=512)
        if one_projection:
            kv_heads = fields.size("num_global_key_value_heads", default=kv_heads)
    fields.divide(heads, kv_heads, "num_attention_heads", "num_key_value_heads")
    bias = fields.flag("attention_bias", default=False)
    window = None if sizes.full else fields.size("sliding_window", default=512)
    pairs = causal_pairs(length, window, shape.document_length)
    rows = shape.sequences * length
    queries, others = heads * head_dim, kv_heads * head_dim
    kind = "full" if sizes.full else "sliding"
    k, v = f"k_{kind}", f"v_{kind}"

    def mixer(source: str, stream: str) -> tuple[Operation, ...]:
        operations: list[Operation] = [
            linear("q_proj", PROJECTIONS, source, "q", rows, width, queries, bias=bias),
            _head_norm("q_norm", ("q",), "q", head_dim, rows * queries),
        ]
        if not sizes.shares:
            operations.append(linear("k_proj", PROJECTIONS, source, k, rows, width, others, bias=bias))
            if not one_projection:
                operations.append(linear("v_proj", PROJECTIONS, source, v, rows, width, others, bias=bias))
            operations += [
                _head_norm("v_norm", (k if one_projection else v,), v, 0, rows * others),
                _head_norm("k_norm", (k,), k, head_dim, rows * others),
            ]
        operations += attend(
            pairs, batch=shape.sequences, heads=heads, qk_dim=head_dim, kv_heads=kv_heads, key=k, value=v,
            dropout=fields.number("attention_dropout", default=0.0) > 0,
        )  # fmt: skip
        operations.append(linear("o_proj", PROJECTIONS, "a", stream, rows, queries, width, bias=bias))
        return tuple(operations)

    return mixer


def _head_norm(name: str, source: tuple[str, ...], output: str, parameters: int, saved: Number) -> Pointwise:
    return Pointwise(
        name=name, component=NORM, inputs=source, output=output, parameters=parameters, saved=saved
    )


def _has_experts(fields: Fields) -> bool:
    return fields.flag("enable_moe_block", default=False)


def _feed_forward(fields: Fields, width: int, inner: int, older: bool) -> FeedForward:
    """A gated MLP; in Gemma 4's mixture, with experts that read the stream beside it."""
    experts = None if older or not _has_experts(fields) else _experts(fields, width)

    def feed_forward(rows: Number, source: str, output: str) -> tuple[Operation, ...]:
        if experts is None:
            return gated_mlp(rows, width, inner, source=source, output=output)
        return (
            *experts(rows, output, "routed"),
            *gated_mlp(rows, width, inner, source=source, output="dense"),
            norm("mlp_norm", "dense", "dense", rows, width),
            norm("experts_norm", "routed", "routed", rows, width),
            Pointwise(name="add_experts", component=POINTWISE, inputs=("dense", "routed"), output=output),
        )

    return feed_forward


def _experts(fields: Fields, width: int) -> FeedForward:
    experts, chosen = counts(fields, ("num_experts",), ("top_k_experts",))
    routed = mixture(
        width, fields.size("moe_intermediate_size"), experts, chosen, capacity=capacity_factor(fields)
    )

    def feed_forward(rows: Number, source: str, output: str) -> tuple[Operation, ...]:
        return (
            norm("experts_input_norm", source, "he", rows, width),
            parameters_only("router_scales", width + experts, "route"),
            *routed(rows, "he", output),
        )

    return feed_forward


def _layer_inputs(
    rows: Number, width: int, all_inputs: int, inputs: int, words: int
) -> tuple[Operation, ...]:
    """The inputs of all layers: a table of their own, and a projection of the embeddings."""
    return (
        embedding("embed_tokens_per_layer", words, all_inputs, "per_layer"),
        linear("per_layer_model_projection", EMBEDDING, "x", "per_layer", rows, width, all_inputs),
        _head_norm("per_layer_projection_norm", ("per_layer",), "per_layer", inputs, rows * all_inputs),
    )


def _with_inputs(layer: Layer, rows: Number, width: int, inputs: int) -> Layer:
    """A layer with its own inputs, which gate what it adds."""
    added: tuple[Operation, ...] = (
        linear("per_layer_input_gate", MLP, "x", "ig", rows, width, inputs),
        activation("ig", "ia", rows * inputs),
        Pointwise(
            name="gate", component=POINTWISE, inputs=("ia", "per_layer"), output="ip", saved=2 * rows * inputs
        ),
        linear("per_layer_projection", MLP, "ip", "io", rows, inputs, width),
        norm("post_per_layer_input_norm", "io", "x", rows, width),
    )
    return layer._replace(operations=(*layer.operations, *added))


def _streams(name: str, rows: Number, width: int, streams: int) -> list[Operation]:
    """The projections of one stream to the others, or of the others to one."""
    return [
        linear(f"{name}_projection{index}", EMBEDDING, "x", "x", rows, width, width)
        for index in range(1, streams)
    ]


def _with_streams(fields: Fields, layer: Layer, rows: Number, width: int, streams: int) -> Layer:
    """A layer between the prediction of all streams and their correction by what it made of one."""
    rank = fields.size("laurel_rank", default=64)

    def routed(name: str, source: str, tied: bool) -> tuple[Operation, ...]:
        return (
            _head_norm(f"{name}_router_norm", (source,), "rn", 0 if tied else width, rows * width),
            linear(f"{name}_router", ROUTER, "rn", "r", rows, width, streams, tied=tied),
        )

    before: tuple[Operation, ...] = (
        *routed("prediction", "x", tied=False),
        linear("prediction_coefs", ROUTER, "r", "pc", rows, streams, streams**2),
        Matmul(
            name="predictions", component=CORE, inputs=("x", "pc"), output="x", m=width, k=streams, n=streams,
            count=rows,
        ),
    )  # fmt: skip
    laurel: tuple[Operation, ...] = (
        linear("laurel.linear_left", MLP, "h", "l", rows, width, rank),
        linear("laurel.linear_right", MLP, "l", "lr", rows, rank, width),
        norm("post_laurel_norm", "lr", "x", rows, width),
    )
    after: tuple[Operation, ...] = (
        *routed("correction", "x", tied=True),
        linear("correction_coefs", ROUTER, "r", "cc", rows, streams, streams),
        Pointwise(
            name="corrections", component=POINTWISE, inputs=("x", "cc"), output="x", parameters=width,
            saved=(streams + 1) * rows * width,
        ),
    )  # fmt: skip
    first, *rest = layer.operations
    return layer._replace(operations=(*before, first, *laurel, *rest, *after))
