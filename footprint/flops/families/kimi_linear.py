"""Kimi Linear: three layers of Kimi Delta Attention to one of latent attention, experts after the first."""

from __future__ import annotations

from footprint.flops.blocks.decoder import Kind, decoder, decoder_model
from footprint.flops.blocks.deltanet import delta_rule
from footprint.flops.blocks.pieces import parameters_only
from footprint.flops.blocks.statespace import Sequences, causal_convolution
from footprint.flops.blocks.transformer import Mixer
from footprint.flops.config.fields import Fields
from footprint.flops.config.patterns import by_type, compact, split
from footprint.flops.config.shapes import required_length
from footprint.flops.families.deepseek import latent_attention
from footprint.flops.families.qwen_moe import after_dense, deepseek_experts, sparse
from footprint.flops.operations import (
    NORM,
    POINTWISE,
    RECURRENCE,
    Model,
    Operation,
    Pointwise,
    Positions,
    linear,
)
from footprint.schema import StepShape

MODEL_TYPES = ("kimi_linear",)


def build(fields: Fields, shape: StepShape, objective: str) -> Model:
    """The operation list of a Kimi Linear decoder."""
    layers = fields.layers("num_hidden_layers")
    heads = fields.size("num_attention_heads")
    nested = fields.part("linear_attn_config", default={})
    full, rest = split(layers, _full(fields, nested, layers))
    delta = delta_attention(fields, nested, Sequences(shape.sequences, required_length(shape)))
    kinds = tuple(
        kind
        for kind in (
            Kind(positions=full, mixer=latent_attention(fields, shape)),
            Kind(positions=rest, mixer=delta),
        )
        if len(kind.positions)
    )
    spec = decoder(
        width=fields.size("hidden_size"),
        layers=layers,
        heads=heads,
        kv_heads=heads,
        head_dim=fields.size("v_head_dim"),
        inner=fields.size("intermediate_size"),
        vocabulary=fields.size("vocab_size"),
        tied=fields.flag("tie_word_embeddings", default=False),
        kinds=sparse(kinds, layers, after_dense(fields, layers, 1), deepseek_experts(fields)),
        lora_targets=("q_proj", "v_proj"),
        family="mixture-of-experts",
    )
    return decoder_model(spec, fields, shape, objective)


def _full(fields: Fields, nested: Fields, layers: int) -> Positions:
    """The layers of latent attention; checkpoints number theirs from 1."""
    if "layer_types" in fields:
        return by_type(fields, layers).get("full_attention", ())
    if "full_attn_layers" in nested:
        return compact(number - 1 for number in nested.indices("full_attn_layers"))
    return range(4, layers, 4)


def delta_attention(fields: Fields, nested: Fields, data: Sequences) -> Mixer:
    """A short convolution and the delta rule with a decay of every channel, gates of low rank."""
    width = fields.size("hidden_size")

    def size(inside: str, outside: str, usual: int) -> int:
        return nested.size(inside) if inside in nested else fields.size(outside, default=usual)

    heads, dim = size("num_heads", "linear_num_heads", 32), size("head_dim", "linear_head_dim", 128)
    kernel = size("short_conv_kernel_size", "linear_conv_kernel_dim", 4)
    inner, rows = heads * dim, data.rows

    def mixer(source: str, output: str) -> tuple[Operation, ...]:
        return (
            linear("q_proj", RECURRENCE, source, "q", rows, width, inner),
            linear("k_proj", RECURRENCE, source, "k", rows, width, inner),
            linear("v_proj", RECURRENCE, source, "v", rows, width, inner),
            Pointwise(name="qkv", component=POINTWISE, inputs=("q", "k", "v"), output="qkv"),
            causal_convolution("conv1d", "qkv", "c", data, 3 * inner, kernel, bias=False),
            linear("f_a_proj", RECURRENCE, source, "f", rows, width, dim),
            linear("f_b_proj", RECURRENCE, "f", "decay", rows, dim, inner),
            linear("b_proj", RECURRENCE, source, "b", rows, width, heads),
            linear("g_a_proj", RECURRENCE, source, "ga", rows, width, dim),
            linear("g_b_proj", RECURRENCE, "ga", "gate", rows, dim, inner),
            Pointwise(
                name="conv_act", component=POINTWISE, inputs=("c", "decay", "b"), output="u",
                saved=4 * rows * inner,
            ),
            parameters_only("dt_bias, A_log", inner + heads, "u"),
            *delta_rule(data, heads, dim, dim, "u", "y", by_channel=True),
            Pointwise(
                name="o_norm", component=NORM, inputs=("y", "gate"), output="yn", parameters=dim,
                saved=2 * rows * inner,
            ),
            linear("o_proj", RECURRENCE, "yn", output, rows, inner, width),
        )  # fmt: skip

    return mixer
