"""Qwen-MoE, GLM-4.5, Solar Open, dots, ERNIE 4.5, EXAONE, Hunyuan, Llama 4: experts, shared ones beside."""

from __future__ import annotations

from footprint.flops.blocks.decoder import HEADS, KV, Decoder, Kind, decoder_model, llama_like
from footprint.flops.blocks.experts import capacity_factor, counts, mixture
from footprint.flops.blocks.transformer import FeedForward, windowed
from footprint.flops.config.fields import Fields
from footprint.flops.config.patterns import by_type, compact, intersect, split
from footprint.flops.families.qwen import window_kinds
from footprint.flops.operations import Model, Positions
from footprint.schema import StepShape

MODEL_TYPES = (
    "qwen2_moe",
    "qwen3_moe",
    "glm4_moe",
    "solar_open",
    "dots1",
    "ernie4_5_moe",
    "exaone_moe",
    "hunyuan_v1_moe",
    "llama4_text",
)


def build(fields: Fields, shape: StepShape, objective: str) -> Model:
    """The operation list of one of these decoders."""
    spec = {
        "qwen2_moe": _qwen2,
        "qwen3_moe": _qwen3,
        "glm4_moe": _glm,
        "solar_open": _solar,
        "dots1": _dots,
        "ernie4_5_moe": _ernie,
        "exaone_moe": _exaone,
        "hunyuan_v1_moe": _hunyuan,
        "llama4_text": _llama4,
    }[fields.text("model_type")](fields)
    return decoder_model(spec, fields, shape, objective)


def sparse(
    kinds: tuple[Kind, ...], layers: int, positions: Positions, experts: FeedForward
) -> tuple[Kind, ...]:
    """The attention kinds, each split into layers with experts and layers without."""
    found = []
    for kind in kinds or (Kind(positions=range(layers)),):
        for half, feed_forward in zip(split(layers, positions), (experts, None), strict=True):
            both = intersect(kind.positions, half)
            if len(both):
                found.append(kind._replace(positions=both, feed_forward=feed_forward))
    return tuple(found)


def _every(fields: Fields, layers: int) -> Positions:
    """Qwen's layers with experts: every ``decoder_sparse_step``-th, except ``mlp_only_layers``."""
    step = fields.size("decoder_sparse_step", default=1)
    sparse_positions = range(step - 1, layers, step)
    excluded = set(fields.indices("mlp_only_layers"))
    return (
        compact(position for position in sparse_positions if position not in excluded)
        if excluded
        else sparse_positions
    )


def gated_experts(fields: Fields) -> FeedForward:
    """Experts of Qwen2-MoE and Qwen3-Next: those that are chosen, and a shared one behind a gate."""
    experts, chosen = counts(fields, ("num_experts", "num_local_experts"), ("num_experts_per_tok",))
    return mixture(
        fields.size("hidden_size"),
        fields.size("moe_intermediate_size"),
        experts,
        chosen,
        shared=fields.size("shared_expert_intermediate_size"),
        shared_gate=True,
        capacity=capacity_factor(fields),
    )


def _qwen2(fields: Fields) -> Decoder:
    layers = fields.layers("num_hidden_layers")
    feed = gated_experts(fields)
    return llama_like(
        fields, explicit=KV, qkv_bias=fields.flag("qkv_bias", default=True), family="mixture-of-experts",
        kinds=sparse(window_kinds(fields, layers), layers, _every(fields, layers), feed),
    )  # fmt: skip


def _qwen3(fields: Fields) -> Decoder:
    layers = fields.layers("num_hidden_layers")
    experts, chosen = counts(fields, ("num_experts", "num_local_experts"), ("num_experts_per_tok",))
    feed = mixture(
        fields.size("hidden_size"), fields.size("moe_intermediate_size"), experts, chosen,
        capacity=capacity_factor(fields),
    )  # fmt: skip
    positions = _every(fields, layers)
    window = (
        fields.optional_size("sliding_window") if fields.flag("use_sliding_window", default=False) else None
    )
    return llama_like(
        fields,
        explicit=KV,
        qk_norm="head",
        family="mixture-of-experts",
        inner=fields.size("intermediate_size", default=1)
        if len(positions) == layers
        else fields.size("intermediate_size"),
        kinds=sparse(windowed(layers, (), window), layers, positions, feed),
    )


def deepseek_experts(fields: Fields, *, correction: bool = False) -> FeedForward:
    """Routed and shared experts from DeepSeek's keys."""
    experts, chosen = counts(
        fields,
        ("n_routed_experts", "num_experts", "num_local_experts"),
        ("num_experts_per_tok", "num_experts_per_token"),
    )
    inner = fields.size("moe_intermediate_size")
    shared = inner * fields.size("n_shared_experts", "num_shared_experts", default=0, minimum=0, maximum=1000)
    return mixture(
        fields.size("hidden_size"), inner, experts, chosen, shared=shared, capacity=capacity_factor(fields),
        extras=experts if correction else 0,
    )  # fmt: skip


def after_dense(fields: Fields, layers: int, default: int = 0) -> Positions:
    """The layers with experts: from ``mlp_layer_types``, or all after the first ``first_k_dense_replace``."""
    if "mlp_layer_types" in fields:
        return by_type(fields, layers, "mlp_layer_types").get("sparse", ())
    return range(fields.size("first_k_dense_replace", default=default, minimum=0), layers)


def _glm(fields: Fields) -> Decoder:
    layers = fields.layers("num_hidden_layers")
    bias = fields.flag("attention_bias", default=False)
    return llama_like(
        fields, explicit=HEADS, qkv_bias=bias, family="mixture-of-experts",
        qk_norm="head" if fields.flag("use_qk_norm", default=False) else "",
        kinds=sparse((), layers, after_dense(fields, layers, 1), deepseek_experts(fields)),
    )  # fmt: skip


def _solar(fields: Fields) -> Decoder:
    layers = fields.layers("num_hidden_layers")
    return llama_like(
        fields, explicit=HEADS, qkv_bias=fields.flag("attention_bias", default=False), inner=1,
        family="mixture-of-experts", kinds=sparse((), layers, range(layers), deepseek_experts(fields)),
    )  # fmt: skip


def _hunyuan(fields: Fields) -> Decoder:
    layers = fields.layers("num_hidden_layers")
    inner = fields.size("intermediate_size")
    experts, chosen = counts(fields, ("num_experts",), ("moe_topk",))
    feed = mixture(
        fields.size("hidden_size"), inner, experts, chosen, shared=inner, capacity=capacity_factor(fields)
    )
    return llama_like(
        fields, explicit=HEADS, qk_norm="head", family="mixture-of-experts",
        kinds=sparse((), layers, range(layers), feed),
    )  # fmt: skip


def _dots(fields: Fields) -> Decoder:
    layers = fields.layers("num_hidden_layers")
    window = fields.optional_size("sliding_window") if "layer_types" in fields else None
    full = by_type(fields, layers).get("full_attention", ()) if window else ()
    return llama_like(
        fields,
        explicit=KV,
        qk_norm="head",
        family="mixture-of-experts",
        kinds=sparse(
            windowed(layers, full, window), layers, after_dense(fields, layers), deepseek_experts(fields)
        ),
    )


def _exaone(fields: Fields) -> Decoder:
    layers = fields.layers("num_hidden_layers")
    pattern = fields.size("sliding_window_pattern", default=4)
    full: Positions = range(pattern - 1, layers, pattern)
    if "layer_types" in fields:
        full = by_type(fields, layers).get("full_attention", ())
    window = fields.optional_size("sliding_window")
    return llama_like(
        fields,
        explicit=KV,
        qkv_bias=False,
        qk_norm="head",
        family="mixture-of-experts",
        kinds=sparse(
            windowed(layers, full, window), layers, after_dense(fields, layers, 1), deepseek_experts(fields)
        ),
    )


def _ernie(fields: Fields) -> Decoder:
    layers = fields.layers("num_hidden_layers")
    bias = fields.flag("use_bias", default=False)
    experts, chosen = counts(fields, ("moe_num_experts",), ("moe_k",))
    inner = fields.size("moe_intermediate_size")
    feed = mixture(
        fields.size("hidden_size"),
        inner,
        experts,
        chosen,
        capacity=capacity_factor(fields),
        extras=experts,
        shared=inner * fields.size("moe_num_shared_experts", default=0, minimum=0, maximum=1000),
        shared_bias=bias,
    )
    first = fields.size("moe_layer_start_index", default=1, minimum=0)
    _, last = fields.raw("moe_layer_end_index", default=-1)
    last = layers - 1 if last == -1 else fields.size("moe_layer_end_index", minimum=0)
    interval = fields.size("moe_layer_interval", default=1)
    positions = compact(
        position for position in range(interval - 1, layers, interval) if first <= position <= last
    )
    return llama_like(
        fields,
        explicit=KV,
        tied=fields.flag("tie_word_embeddings", default=True),
        family="mixture-of-experts",
        qkv_bias=bias,
        out_bias=bias,
        mlp_bias=bias,
        head_bias=bias,
        kinds=sparse((), layers, positions, feed),
    )


def _llama4(fields: Fields) -> Decoder:
    layers = fields.layers("num_hidden_layers")
    inner = fields.size("intermediate_size")
    experts, chosen = counts(fields, ("num_local_experts",), ("num_experts_per_tok",))
    feed = mixture(
        fields.size("hidden_size"), inner, experts, chosen, shared=inner, capacity=capacity_factor(fields)
    )
    step = fields.size("interleave_moe_layer_step", default=1)
    positions: Positions = range(step - 1, layers, step)
    if "moe_layers" in fields:
        positions = compact(fields.indices("moe_layers"))
    interval = fields.size("no_rope_layer_interval", default=4)
    full: Positions = range(interval - 1, layers, interval)
    if "layer_types" in fields:
        full = by_type(fields, layers).get("full_attention", ())
    chunk = fields.optional_size("attention_chunk_size", absent=8192)
    whole, chunked = split(layers, full)
    kinds = tuple(
        kind for kind in (Kind(positions=whole), Kind(positions=chunked, chunk=chunk)) if len(kind.positions)
    )
    return llama_like(
        fields, explicit=HEADS, inner=fields.size("intermediate_size_mlp"), family="mixture-of-experts",
        kinds=sparse(kinds, layers, positions, feed),
    )  # fmt: skip
