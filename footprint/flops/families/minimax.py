"""MiniMax-Text-01 and M1: lightning attention in most layers, softmax in the others, experts in all."""

from __future__ import annotations

from footprint.flops.blocks.decoder import KV, Decoder, decoder_model, llama_like
from footprint.flops.blocks.experts import capacity_factor, counts, mixture
from footprint.flops.blocks.lightning import lightning
from footprint.flops.blocks.statespace import Sequences
from footprint.flops.blocks.transformer import Kind, Mixer, heads_of
from footprint.flops.config.fields import Fields
from footprint.flops.config.patterns import by_type, compact, split
from footprint.flops.config.shapes import required_length
from footprint.flops.operations import (
    NORM,
    POINTWISE,
    PROJECTIONS,
    Model,
    Operation,
    Pointwise,
    Positions,
    linear,
)
from footprint.schema import StepShape

MODEL_TYPES = ("minimax", "minimax_text_01", "minimax_m1")


def build(fields: Fields, shape: StepShape, objective: str) -> Model:
    """The operation list of a MiniMax decoder."""
    return decoder_model(_minimax(fields, shape), fields, shape, objective)


def _minimax(fields: Fields, shape: StepShape) -> Decoder:
    experts, chosen = counts(fields, ("num_local_experts",), ("num_experts_per_tok",))
    width = fields.size("hidden_size")
    feed = mixture(width, fields.size("intermediate_size"), experts, chosen, capacity=capacity_factor(fields))
    layers = fields.layers("num_hidden_layers")
    full, rest = split(layers, _full(fields, layers))
    window = fields.optional_size("sliding_window")
    mixer = _mixer(fields, width, Sequences(shape.sequences, required_length(shape)))
    kinds = (
        Kind(positions=full, window=window, feed_forward=feed),
        Kind(positions=rest, mixer=mixer, feed_forward=feed),
    )
    return llama_like(
        fields, explicit=KV, qkv_bias=False, kinds=tuple(kind for kind in kinds if len(kind.positions)),
        family="mixture-of-experts",
    )  # fmt: skip


def _full(fields: Fields, layers: int) -> Positions:
    """Positions of the layers with softmax attention, in the library's words or in the maker's numbers."""
    if "layer_types" in fields:
        return by_type(fields, layers).get("full_attention", ())
    if "attn_type_list" in fields:
        _, kinds = fields.raw("attn_type_list")
        if not isinstance(kinds, (list, tuple)) or len(kinds) != layers or set(kinds) - {0, 1}:
            raise fields.error("attn_type_list", f"must be {layers} numbers, 0 (lightning) or 1 (softmax)")
        return compact(index for index, kind in enumerate(kinds) if kind)
    return range(0, layers, 2)


def _mixer(fields: Fields, width: int, data: Sequences) -> Mixer:
    heads, _, head_dim = heads_of(fields, width)
    inner, rows = heads * head_dim, data.rows
    block = fields.size("block_size", "block", default=256)

    def mixer(source: str, stream: str) -> tuple[Operation, ...]:
        return (
            linear("qkv_proj", PROJECTIONS, source, "qkv", rows, width, 3 * inner),
            Pointwise(name="qkv_activation", component=POINTWISE, inputs=("qkv",), output="qkv",
                      saved=3 * rows * inner),
            *lightning(data, heads, head_dim, block, "qkv", "a"),
            Pointwise(name="attention_norm", component=NORM, inputs=("a",), output="a", parameters=inner,
                      saved=rows * inner),
            linear("output_gate", PROJECTIONS, source, "gate", rows, width, inner),
            Pointwise(name="gated", component=POINTWISE, inputs=("a", "gate"), output="y",
                      saved=2 * rows * inner),
            linear("out_proj", PROJECTIONS, "y", stream, rows, inner, width),
        )  # fmt: skip

    return mixer
