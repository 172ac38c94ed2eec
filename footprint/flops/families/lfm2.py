"""LFM2: gated short convolutions, attention in some layers; LFM2-MoE: experts after the first layers."""

from __future__ import annotations

from footprint.flops.blocks.decoder import KV, Decoder, Kind, decoder_model, llama_like
from footprint.flops.blocks.experts import capacity_factor, counts, mixture
from footprint.flops.blocks.statespace import Sequences, causal_convolution
from footprint.flops.blocks.transformer import Mixer
from footprint.flops.config.fields import Fields
from footprint.flops.config.patterns import by_type, split
from footprint.flops.config.shapes import required_length
from footprint.flops.families.qwen_moe import sparse
from footprint.flops.operations import POINTWISE, PROJECTIONS, Model, Operation, Pointwise, Positions, linear
from footprint.schema import StepShape

MODEL_TYPES = ("lfm2", "lfm2_moe")


def build(fields: Fields, shape: StepShape, objective: str) -> Model:
    """The operation list of an LFM2 decoder."""
    return decoder_model(_lfm2(fields, shape), fields, shape, objective)


def _lfm2(fields: Fields, shape: StepShape) -> Decoder:
    layers = fields.layers("num_hidden_layers")
    full, rest = split(layers, _full(fields, layers))
    convolution = short_convolution(fields, Sequences(shape.sequences, required_length(shape)))
    kinds = tuple(
        kind
        for kind in (Kind(positions=full), Kind(positions=rest, mixer=convolution))
        if len(kind.positions)
    )
    names = ("q_proj", "k_proj", "v_proj", "out_proj")
    if fields.text("model_type") == "lfm2":
        return llama_like(
            fields, explicit=KV, tied=fields.flag("tie_word_embeddings", "tie_embedding", default=True),
            inner=_inner(fields), qk_norm="head", attention_names=names,
            mlp_names=("w1", "w3", "w2"), kinds=kinds,
        )  # fmt: skip
    experts, chosen = counts(fields, ("num_experts",), ("num_experts_per_tok",))
    feed = mixture(
        fields.size("hidden_size"),
        fields.size("moe_intermediate_size"),
        experts,
        chosen,
        capacity=capacity_factor(fields),
    )
    dense = fields.size("num_dense_layers", default=2, minimum=0)
    return llama_like(
        fields, explicit=KV, tied=fields.flag("tie_word_embeddings", "tie_embedding", default=True),
        qk_norm="head", attention_names=names, mlp_names=("w1", "w3", "w2"),
        kinds=sparse(kinds, layers, range(dense, layers), feed), family="mixture-of-experts",
    )  # fmt: skip


def _full(fields: Fields, layers: int) -> Positions:
    if "layer_types" in fields:
        return by_type(fields, layers).get("full_attention", ())
    if "full_attn_idxs" in fields:
        return fields.indices("full_attn_idxs")
    return range(layers)


def _inner(fields: Fields) -> int:
    """Width of the MLP: two thirds of the config's, rounded up to a multiple, unless told not to."""
    inner = fields.size("block_ff_dim", "intermediate_size")
    if not fields.flag("block_auto_adjust_ff_dim", default=True):
        return inner
    inner = int(fields.number("block_ffn_dim_multiplier", default=1.0) * int(2 * inner / 3))
    multiple = fields.size("block_multiple_of", default=256)
    return multiple * -(-inner // multiple)


def short_convolution(fields: Fields, data: Sequences) -> Mixer:
    """A convolution over a few tokens, gated before and after."""
    width = fields.size("hidden_size")
    kernel = fields.size("conv_L_cache", default=3, maximum=1000)
    bias = fields.flag("conv_bias", default=False)
    rows = data.rows

    def mixer(source: str, output: str) -> tuple[Operation, ...]:
        return (
            linear("in_proj", PROJECTIONS, source, "bcx", rows, width, 3 * width, bias=bias),
            Pointwise(
                name="gate_in", component=POINTWISE, inputs=("bcx",), output="bx", saved=2 * rows * width
            ),
            causal_convolution("conv", "bx", "c", data, width, kernel, bias=bias),
            Pointwise(
                name="gate_out", component=POINTWISE, inputs=("c", "bcx"), output="y", saved=2 * rows * width
            ),
            linear("out_proj", PROJECTIONS, "y", output, rows, width, width, bias=bias),
        )

    return mixer
