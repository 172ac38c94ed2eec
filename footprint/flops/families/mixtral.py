"""Mixtral, Phi-MoE, OLMoE, FlexOLMo, Granite MoE, GPT-OSS, MiniMax-M2: experts in every layer."""

from __future__ import annotations

from footprint.flops.blocks.decoder import HEADS, KV, Decoder, Kind, decoder_model, llama_like
from footprint.flops.blocks.experts import capacity_factor, counts, mixture
from footprint.flops.blocks.transformer import FeedForward
from footprint.flops.config.fields import Fields
from footprint.flops.config.patterns import full_layers, split
from footprint.flops.operations import Model
from footprint.schema import StepShape

MODEL_TYPES = (
    "mixtral", "phimoe", "olmoe", "flex_olmo", "granitemoe", "granitemoeshared", "gpt_oss", "minimax_m2",
)  # fmt: skip


def build(fields: Fields, shape: StepShape, objective: str) -> Model:
    """The operation list of one of these decoders."""
    model_type = fields.text("model_type")
    spec = {
        "phimoe": _phimoe,
        "olmoe": _olmoe,
        "flex_olmo": _olmoe,
        "gpt_oss": _gpt_oss,
        "granitemoe": _granite,
        "granitemoeshared": _granite,
        "minimax_m2": _minimax,
    }.get(model_type, _mixtral)(fields)
    return decoder_model(spec, fields, shape, objective)


def _experts(
    fields: Fields, *, shared: int = 0, router_bias: bool = False, expert_bias: bool = False
) -> FeedForward:
    experts, chosen = counts(fields, ("num_local_experts", "num_experts"), ("num_experts_per_tok",))
    return mixture(
        fields.size("hidden_size"),
        fields.size("intermediate_size"),
        experts,
        chosen,
        router_bias=router_bias,
        expert_bias=expert_bias,
        shared=shared,
        capacity=capacity_factor(fields),
    )


def _everywhere(fields: Fields, *, shared: int = 0) -> tuple[Kind, ...]:
    layers = fields.layers("num_hidden_layers")
    window = fields.optional_size("sliding_window")
    return (Kind(positions=range(layers), window=window, feed_forward=_experts(fields, shared=shared)),)


def _mixtral(fields: Fields) -> Decoder:
    return llama_like(
        fields, explicit=KV, qkv_bias=False, kinds=_everywhere(fields), family="mixture-of-experts"
    )


def _phimoe(fields: Fields) -> Decoder:
    return llama_like(
        fields,
        explicit=KV,
        head_bias=fields.flag("lm_head_bias", default=False),
        norm_parameters=2,
        kinds=_everywhere(fields),
        family="mixture-of-experts",
    )


def _olmoe(fields: Fields) -> Decoder:
    return llama_like(
        fields,
        qk_norm="full",
        norms="post" if fields.text("model_type") == "flex_olmo" else "pre",
        kinds=_everywhere(fields),
        family="mixture-of-experts",
    )


def _granite(fields: Fields) -> Decoder:
    shared = fields.size("shared_intermediate_size", default=0, minimum=0)
    return llama_like(fields, kinds=_everywhere(fields, shared=shared), family="mixture-of-experts")


def _minimax(fields: Fields) -> Decoder:
    return llama_like(
        fields,
        explicit=HEADS,
        qkv_bias=False,
        qk_norm="full",
        kinds=_everywhere(fields),
        family="mixture-of-experts",
    )


def _gpt_oss(fields: Fields) -> Decoder:
    layers = fields.layers("num_hidden_layers")
    experts = _experts(fields, router_bias=True, expert_bias=True)
    full, sliding = split(layers, full_layers(fields, layers, every=2))
    window = fields.size("sliding_window", default=128)
    bias = fields.flag("attention_bias", default=True)
    kinds = (
        Kind(positions=sliding, window=window, feed_forward=experts),
        Kind(positions=full, feed_forward=experts),
    )
    return llama_like(
        fields,
        explicit=HEADS,
        qkv_bias=bias,
        out_bias=bias,
        kinds=tuple(kind for kind in kinds if len(kind.positions)),
        layer_extras=fields.size("num_attention_heads"),  # one attention sink per head
        family="mixture-of-experts",
    )
