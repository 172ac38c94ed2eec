"""Qwen3-Next, Qwen3.5, text: three layers of gated delta rule to one of gated attention, MLPs or experts."""

from __future__ import annotations

from footprint.flops.blocks.attention import attend, causal_pairs
from footprint.flops.blocks.decoder import HEADS, Decoder, Kind, decoder_model, llama_like
from footprint.flops.blocks.deltanet import delta_rule
from footprint.flops.blocks.pieces import parameters_only
from footprint.flops.blocks.statespace import Sequences, causal_convolution
from footprint.flops.blocks.transformer import Mixer, heads_of
from footprint.flops.config.fields import Fields
from footprint.flops.config.patterns import by_type, compact, split
from footprint.flops.config.shapes import required_length
from footprint.flops.families.qwen_moe import gated_experts, sparse
from footprint.flops.operations import (
    NORM,
    POINTWISE,
    PROJECTIONS,
    RECURRENCE,
    Model,
    Operation,
    Pointwise,
    Positions,
    linear,
)
from footprint.schema import StepShape

MODEL_TYPES = ("qwen3_next", "qwen3_5_text", "qwen3_5_moe_text")


def build(fields: Fields, shape: StepShape, objective: str) -> Model:
    """The operation list of one of these decoders."""
    return decoder_model(qwen_next(fields, shape), fields, shape, objective)


def qwen_next(fields: Fields, shape: StepShape) -> Decoder:
    """The decoder that a text config describes."""
    layers = fields.layers("num_hidden_layers")
    full, rest = split(layers, _full(fields, layers))
    kinds = tuple(
        kind
        for kind in (
            Kind(positions=full, mixer=gated_attention(fields, shape)),
            Kind(positions=rest, mixer=gated_delta(fields, shape)),
        )
        if len(kind.positions)
    )
    if fields.text("model_type") == "qwen3_5_text":
        return llama_like(
            fields, explicit=HEADS, kinds=kinds, lora_targets=("q_proj", "v_proj", "in_proj_qkvz")
        )
    feed = gated_experts(fields)
    excluded = set(fields.indices("mlp_only_layers"))
    step = fields.size("decoder_sparse_step", default=1)
    positions = compact(p for p in range(step - 1, layers, step) if p not in excluded)
    dense = len(positions) < layers
    return llama_like(
        fields,
        explicit=HEADS,
        inner=fields.size("intermediate_size") if dense else 1,
        kinds=sparse(kinds, layers, positions, feed),
        lora_targets=("q_proj", "v_proj", "in_proj_qkvz"),
        family="mixture-of-experts",
    )


def _full(fields: Fields, layers: int) -> Positions:
    if "layer_types" in fields:
        return by_type(fields, layers).get("full_attention", ())
    every = fields.size("full_attention_interval", default=4)
    return range(every - 1, layers, every)


def gated_attention(fields: Fields, shape: StepShape) -> Mixer:
    """Grouped-query attention whose output a gate as wide as the queries scales."""
    width = fields.size("hidden_size")
    heads, kv_heads, head_dim = heads_of(fields, width, HEADS)
    bias = fields.flag("attention_bias", default=False)
    length, batch = required_length(shape), shape.sequences
    rows, inner, others = batch * length, heads * head_dim, kv_heads * head_dim
    pairs = causal_pairs(length, None, shape.document_length)

    def mixer(source: str, output: str) -> tuple[Operation, ...]:
        return (
            linear("q_proj", PROJECTIONS, source, "q", rows, width, 2 * inner, bias=bias),
            linear("k_proj", PROJECTIONS, source, "k", rows, width, others, bias=bias),
            linear("v_proj", PROJECTIONS, source, "v", rows, width, others, bias=bias),
            Pointwise(
                name="qk_norm", component=NORM, inputs=("q", "k"), output="qk", parameters=2 * head_dim,
                saved=rows * (inner + others),
            ),
            *attend(
                pairs, batch=batch, heads=heads, qk_dim=head_dim, kv_heads=kv_heads, query="qk", key="qk",
                dropout=fields.number("attention_dropout", default=0.0) > 0,
            ),
            Pointwise(
                name="gate", component=POINTWISE, inputs=("a", "q"), output="ga", saved=2 * rows * inner
            ),
            linear("o_proj", PROJECTIONS, "ga", output, rows, inner, width, bias=bias),
        )  # fmt: skip

    return mixer


def gated_delta(fields: Fields, shape: StepShape) -> Mixer:
    """A short convolution, the gated delta rule, a gated norm."""
    width = fields.size("hidden_size")
    key_heads, heads = fields.size("linear_num_key_heads"), fields.size("linear_num_value_heads")
    key_dim, value_dim = fields.size("linear_key_head_dim"), fields.size("linear_value_head_dim")
    fields.divide(heads, key_heads, "linear_num_value_heads", "linear_num_key_heads")
    kernel = fields.size("linear_conv_kernel_dim", default=4, maximum=1000)
    keys, values = key_heads * key_dim, heads * value_dim
    data = Sequences(shape.sequences, required_length(shape))
    rows, channels = data.rows, 2 * keys + values

    def mixer(source: str, output: str) -> tuple[Operation, ...]:
        return (
            linear("in_proj_qkvz", RECURRENCE, source, "qkvz", rows, width, channels + values),
            linear("in_proj_ba", RECURRENCE, source, "ba", rows, width, 2 * heads),
            causal_convolution("conv1d", "qkvz", "c", data, channels, kernel, bias=False),
            Pointwise(
                name="conv_act", component=POINTWISE, inputs=("c", "ba"), output="u", saved=rows * channels
            ),
            parameters_only("dt_bias, A_log", 2 * heads, "u"),
            *delta_rule(data, heads, key_dim, value_dim, "u", "y"),
            Pointwise(
                name="norm", component=NORM, inputs=("y", "qkvz"), output="yn", parameters=value_dim,
                saved=2 * rows * values,
            ),
            linear("out_proj", RECURRENCE, "yn", output, rows, values, width),
        )  # fmt: skip

    return mixer
