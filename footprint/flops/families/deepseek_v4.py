"""DeepSeek-V4: attention to a window and to compressed tokens, and residual streams that each layer mixes.

All layers attend to a window. Most also attend to compressed tokens, each made of 4 or of 128 tokens; an
indexer chooses among those made of 4 (arXiv:2606.19348, section 2.3). All heads share one key, which is
the value, too. Keys: those of transformers, or the ``compress_ratios`` of the published checkpoints.
"""

from __future__ import annotations

from footprint.flops.blocks.attention import Pairs, attend, causal_pairs
from footprint.flops.blocks.decoder import decoder, decoder_head
from footprint.flops.blocks.experts import capacity_factor, counts, mixture
from footprint.flops.blocks.pieces import embedding, embedding_layer, head_layer, parameters_only
from footprint.flops.config.fields import Fields
from footprint.flops.config.patterns import by_type, compact
from footprint.flops.config.shapes import required_length
from footprint.flops.operations import (
    CORE,
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
    Positions,
    linear,
    norm,
)
from footprint.schema import StepShape

MODEL_TYPES = ("deepseek_v4",)
_SLIDING, _SPARSE, _HEAVY = (
    "sliding_attention",
    "compressed_sparse_attention",
    "heavily_compressed_attention",
)
_RATIOS = {0: _SLIDING, 4: _SPARSE, 128: _HEAVY}


def build(fields: Fields, shape: StepShape, objective: str) -> Model:
    """The operation list of a DeepSeek-V4 decoder."""
    layers = fields.layers("num_hidden_layers")
    width, rows = fields.size("hidden_size"), shape.sequences * required_length(shape)
    streams = fields.size("hc_mult", default=4, maximum=1000)
    experts, chosen = counts(fields, ("n_routed_experts", "num_local_experts"), ("num_experts_per_tok",))
    inner = fields.size("moe_intermediate_size")
    feed = mixture(width, inner, experts, chosen, shared=inner, capacity=capacity_factor(fields))
    blocks = tuple(
        Layer(
            part="decoder",
            operations=(
                *_entered("attn_hc", rows, width, streams),
                norm("input_norm", "c", "h", rows, width),
                *_attention(fields, shape, kind),
                *_left(rows, width, streams),
                *_entered("ffn_hc", rows, width, streams),
                norm("post_attention_norm", "c", "h2", rows, width),
                *feed(rows, "h2", "y"),
                *_left(rows, width, streams),
            ),
            positions=positions,
        )
        for kind, positions in _kinds(fields, layers).items()
    )
    spec = decoder(
        width=width, layers=layers, heads=1, kv_heads=1, head_dim=1, vocabulary=fields.size("vocab_size"),
        tied=fields.flag("tie_word_embeddings", default=False),
    )  # fmt: skip
    head = (
        *_collapsed("hc_head", rows, width, streams, streams, 1),
        Pointwise(name="streams", component=POINTWISE, inputs=("c",), output="x"),
        *decoder_head(spec, fields, shape, objective),
    )
    tables = embedding_layer(embedding("embed_tokens", spec.vocabulary, width))
    return Model(
        family="mixture-of-experts",
        stages=((tables,), blocks, (head_layer(*head),)),
        samples=shape.sequences,
        tokens=rows,
        lora_targets=("q_b_proj", "kv_proj"),
    )


def _kinds(fields: Fields, layers: int) -> dict[str, Positions]:
    """The positions of each kind of layer."""
    if "layer_types" in fields:
        kinds = by_type(fields, layers)
        if set(kinds) - set(_RATIOS.values()):
            raise fields.error("layer_types", f"must hold {', '.join(_RATIOS.values())} only")
        return kinds
    words = [_HEAVY if i < 2 or i % 2 == 0 else _SPARSE for i in range(layers)]
    if "compress_ratios" in fields:  # checkpoints list the ratios of their prediction layers, too
        _, ratios = fields.raw("compress_ratios")
        if not isinstance(ratios, (list, tuple)) or len(ratios) < layers or set(ratios) - set(_RATIOS):
            raise fields.error("compress_ratios", f"must hold 0, 4 or 128 for each of the {layers} layers")
        words = [_RATIOS[ratio] for ratio in ratios[:layers]]
    return {word: compact(i for i in range(layers) if words[i] == word) for word in dict.fromkeys(words)}


def _rate(fields: Fields, kind: str) -> int:
    """Tokens that become one."""
    older = "compress_rate_csa" if kind == _SPARSE else "compress_rate_hca"
    usual = 4 if kind == _SPARSE else 128
    if older in fields:
        return fields.size(older)
    return fields.part("compress_rates", default={}).size(kind, default=usual)


def _attention(fields: Fields, shape: StepShape, kind: str) -> tuple[Operation, ...]:
    """Attention with one shared key and value, to a window and to compressed tokens."""
    width, length, batch = fields.size("hidden_size"), required_length(shape), shape.sequences
    heads, head_dim = fields.size("num_attention_heads"), fields.size("head_dim", default=512)
    rank = fields.size("q_lora_rank", default=1024)
    groups, group_rank = fields.size("o_groups", default=8), fields.size("o_lora_rank", default=1024)
    grouped = fields.divide(heads * head_dim, groups, "num_attention_heads x head_dim", "o_groups")
    rows = batch * length
    pairs = causal_pairs(length, fields.size("sliding_window", default=128), shape.document_length)
    compressed: tuple[Operation, ...] = ()
    if kind != _SLIDING:
        rate = _rate(fields, kind)
        most = fields.size("index_topk", default=512) if kind == _SPARSE else None
        pairs = _with_compressed(pairs, rate, most, shape.document_length)
        compressed = _compressor("compressor", "kv", batch, length, width, head_dim, rate, kind)
        if kind == _SPARSE:
            compressed += _indexer(fields, shape, width, rank, rate)
    return (
        linear("q_a_proj", PROJECTIONS, "h", "qa", rows, width, rank),
        norm("q_a_norm", "qa", "qan", rows, rank),
        linear("q_b_proj", PROJECTIONS, "qan", "q", rows, rank, heads * head_dim),
        Pointwise(name="q_b_norm", component=NORM, inputs=("q",), output="q", saved=rows * heads * head_dim),
        linear("kv_proj", PROJECTIONS, "h", "kv", rows, width, head_dim),
        norm("kv_norm", "kv", "kv", rows, head_dim),
        *compressed,
        *attend(
            pairs, batch=batch, heads=heads, qk_dim=head_dim, kv_heads=1, key="kv", value="kv",
            dropout=fields.number("attention_dropout", default=0.0) > 0,
        ),
        parameters_only("sinks", heads, "a"),
        Matmul(
            name="o_a_proj", component=PROJECTIONS, inputs=("a",), output="oa", m=rows * groups, k=grouped,
            n=group_rank, weights=groups,
        ),
        linear("o_b_proj", PROJECTIONS, "oa", "y", rows, groups * group_rank, width),
    )  # fmt: skip


def _with_compressed(near: Pairs, rate: int, most: int | None, document: Number | None) -> Pairs:
    """The pairs within the window, and those with compressed tokens, of which a query sees at most ``most``.

    A token sees the compressed tokens whose last part is not later than itself.
    """
    length = near.queries
    reach = length if document is None else min(document, length)
    entries = length // rate
    seen = reach // rate if most is None else min(most, reach // rate)
    # each entry up to the last that is seen is seen by all tokens from its end on
    causal = seen * (reach + 1) - rate * seen * (seen + 1) / 2
    causal *= length / reach
    return Pairs(
        queries=length,
        keys=near.keys + entries,
        full=near.full + length * seen,
        causal=near.causal + (int(causal) if causal == int(causal) else causal),
    )


def _compressor(
    name: str, output: str, batch: Number, length: int, width: int, dim: int, rate: int, kind: str
) -> tuple[Operation, ...]:
    """One token of ``rate`` tokens: their mean, weighted by gates; sparse attention overlaps two of them."""
    rows, series = batch * length, (2 if kind == _SPARSE else 1) * dim
    source = "cut" if name.startswith("indexer") else "h"
    component = CORE if source == "cut" else PROJECTIONS
    return (
        linear(f"{name}.kv_proj", component, source, f"{name}.kv", rows, width, series),
        linear(f"{name}.gate_proj", component, source, f"{name}.gate", rows, width, series),
        Pointwise(
            name=f"{name}.mean", component=POINTWISE, inputs=(f"{name}.kv", f"{name}.gate"), output=output,
            parameters=rate * series + dim, saved=3 * rows * series,
        ),
    )  # fmt: skip


def _indexer(fields: Fields, shape: StepShape, width: int, rank: int, rate: int) -> tuple[Operation, ...]:
    """Small heads that score the compressed tokens, cut off from the gradients of the rest."""
    heads, dim = fields.size("index_n_heads", default=64), fields.size("index_head_dim", default=128)
    length, batch = required_length(shape), shape.sequences
    rows, entries = batch * length, length // rate
    every = _with_compressed(Pairs(length, 0, 0, 0), rate, None, shape.document_length)
    flop = 2 * batch * heads * dim
    return (
        *_compressor("indexer", "ik", batch, length, width, dim, rate, _SPARSE),
        linear("indexer.q_b_proj", CORE, "cut", "iq", rows, rank, heads * dim),
        linear("indexer.weights_proj", CORE, "cut", "iw", rows, width, heads),
        Matmul(
            name="indexer.scores", component=CORE, inputs=("iq", "ik"), output="chosen",
            m=length, k=dim, n=entries, count=batch * heads,
            full_flop=flop * every.full, causal_flop=flop * every.causal,
        ),
    )  # fmt: skip


def _collapsed(
    name: str, rows: Number, width: int, streams: int, weights: int, scales: int
) -> tuple[Operation, ...]:
    """The streams as one, by weights that all of them give."""
    return (
        Pointwise(
            name=f"{name}.input_norm", component=NORM, inputs=("x",), output="xn",
            saved=rows * streams * width,
        ),
        linear(f"{name}.fn", ROUTER, "xn", "hw", rows, streams * width, weights),
        Pointwise(
            name=f"{name}.collapse", component=POINTWISE, inputs=("x", "hw"), output="c",
            parameters=weights + scales, saved=rows * weights,
        ),
    )  # fmt: skip


def _entered(name: str, rows: Number, width: int, streams: int) -> tuple[Operation, ...]:
    """One input of a half of a layer, and the weights with which it joins and mixes the streams."""
    return _collapsed(name, rows, width, streams, (2 + streams) * streams, 3)


def _left(rows: Number, width: int, streams: int) -> tuple[Operation, ...]:
    """The streams, mixed, and what the half of a layer adds to each."""
    return (
        Matmul(
            name="mix", component=ROUTER, inputs=("x", "hw"), output="x", m=streams, k=streams, n=width,
            count=rows,
        ),
        Pointwise(
            name="expand", component=POINTWISE, inputs=("y", "hw"), output="x", saved=rows * width
        ),
    )  # fmt: skip
