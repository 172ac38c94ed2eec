"""Jamba, Bamba, Granite 4, Nemotron-H: attention in some layers, state-space mixers in the others."""

from __future__ import annotations

from footprint.flops.blocks.decoder import HEADS, KV, Decoder, Kind, decoder_model, llama_like
from footprint.flops.blocks.experts import capacity_factor, counts, mixture
from footprint.flops.blocks.pieces import gated_mlp, mlp
from footprint.flops.blocks.statespace import Mamba1, Mamba2, Sequences, mamba1, mamba2
from footprint.flops.blocks.transformer import FeedForward, Mixer
from footprint.flops.config.fields import Fields
from footprint.flops.config.patterns import by_type, compact, intersect, split
from footprint.flops.config.shapes import required_length
from footprint.flops.operations import Model, Number, Operation, Positions
from footprint.schema import StepShape

MODEL_TYPES = ("jamba", "bamba", "granitemoehybrid", "nemotron_h")
_LETTERS = {"M": "mamba", "*": "attention", "-": "mlp", "E": "moe"}
_WORDS = {"linear_attention": "mamba", "full_attention": "attention"}


def build(fields: Fields, shape: StepShape, objective: str) -> Model:
    """The operation list of a hybrid decoder."""
    data = Sequences(shape.sequences, required_length(shape))
    spec = {"jamba": _jamba, "bamba": _bamba, "granitemoehybrid": _granite, "nemotron_h": _nemotron}[
        fields.text("model_type")
    ](fields, data)
    return decoder_model(spec, fields, shape, objective)


def _kinds(
    layers: int, attention: Positions, mixer: Mixer, feeds: tuple[tuple[Positions, FeedForward | None], ...]
) -> tuple[Kind, ...]:
    """The kinds of layers: every combination of a mixer and a feed-forward."""
    found = []
    full, rest = split(layers, attention)
    for positions, mixes in ((full, None), (rest, mixer)):
        for chosen, feed_forward in feeds:
            both = intersect(positions, chosen)
            if len(both):
                found.append(Kind(positions=both, mixer=mixes, feed_forward=feed_forward))
    return tuple(found)


def _jamba(fields: Fields, data: Sequences) -> Decoder:
    layers = fields.layers("num_hidden_layers")
    width, inner = fields.size("hidden_size"), fields.size("intermediate_size")
    rank = fields.raw("mamba_dt_rank", default="auto")[1]
    mixer = mamba1(
        Mamba1(
            width=width,
            inner=fields.size("mamba_expand", default=2) * width,
            state=fields.size("mamba_d_state", default=16),
            rank=-(-width // 16) if rank == "auto" else fields.size("mamba_dt_rank"),
            kernel=fields.size("mamba_d_conv", default=4, maximum=1000),
            conv_bias=fields.flag("mamba_conv_bias", default=True),
            bias=fields.flag("mamba_proj_bias", default=False),
            inner_norms=True,
        ),
        data,
    )
    experts, chosen = counts(fields, ("num_experts",), ("num_experts_per_tok",))
    feed = mixture(width, inner, experts, chosen, capacity=capacity_factor(fields))
    period, offset = fields.size("expert_layer_period"), fields.size("expert_layer_offset", minimum=0)
    sparse, dense = split(layers, range(offset, layers, period) if experts > 1 else ())
    every, first = fields.size("attn_layer_period"), fields.size("attn_layer_offset", minimum=0)
    return llama_like(
        fields,
        explicit=KV,
        qkv_bias=False,
        kinds=_kinds(layers, range(first, layers, every), mixer, ((sparse, feed), (dense, None))),
        family="state-space",
    )


def _ssd(fields: Fields, data: Sequences, width: int) -> Mixer:
    """The Mamba-2 mixer from the keys of Bamba and Granite 4."""
    heads = fields.size("mamba_n_heads")
    inner = fields.size("mamba_expand", default=2) * width
    head_dim = fields.raw("mamba_d_head", default="auto")[1]
    return mamba2(
        Mamba2(
            width=width,
            heads=heads,
            head_dim=fields.divide(inner, heads, "mamba_expand x hidden_size", "mamba_n_heads")
            if head_dim == "auto"
            else fields.size("mamba_d_head"),
            groups=fields.size("mamba_n_groups", default=1),
            state=fields.size("mamba_d_state", default=256),
            kernel=fields.size("mamba_d_conv", default=4, maximum=1000),
            chunk=fields.size("mamba_chunk_size", default=256),
            conv_bias=fields.flag("mamba_conv_bias", default=True),
            bias=fields.flag("mamba_proj_bias", default=False),
        ),
        data,
    )


def _bamba(fields: Fields, data: Sequences) -> Decoder:
    layers = fields.layers("num_hidden_layers")
    attention = compact(fields.indices("attn_layer_indices"))
    mixer = _ssd(fields, data, fields.size("hidden_size"))
    return llama_like(
        fields,
        explicit=KV,
        mlp_bias=fields.flag("mlp_bias", default=False),
        kinds=_kinds(layers, attention, mixer, ((range(layers), None),)),
        family="state-space",
    )


def _types(fields: Fields, layers: int, name: str) -> dict[str, Positions]:
    found = by_type(fields, layers, name)
    return {_WORDS.get(word, word): positions for word, positions in found.items()}


def _granite(fields: Fields, data: Sequences) -> Decoder:
    layers = fields.layers("num_hidden_layers")
    width = fields.size("hidden_size")
    name = "layer_types" if "layer_types" in fields else "layers_block_type"
    attention = _types(fields, layers, name).get("attention", ())
    shared = fields.size("shared_intermediate_size", default=1024)

    def dense(rows: Number, source: str, output: str) -> tuple[Operation, ...]:
        names = ("shared_mlp.input_linear", "shared_mlp.output_linear")
        return gated_mlp(rows, width, shared, names=names, source=source, output=output)

    feed: FeedForward = dense
    if fields.size("num_local_experts", default=8, minimum=0):
        experts, chosen = counts(fields, ("num_local_experts",), ("num_experts_per_tok",))
        feed = mixture(
            width,
            fields.size("intermediate_size"),
            experts,
            chosen,
            shared=shared,
            capacity=capacity_factor(fields),
        )
    kinds = _kinds(layers, attention, _ssd(fields, data, width), ((range(layers), feed),))
    return llama_like(fields, kinds=kinds, family="state-space")


def _nemotron(fields: Fields, data: Sequences) -> Decoder:
    """One mixer, attention, MLP or expert layer at each position, from a pattern like ``M-M*-``."""
    width = fields.size("hidden_size")
    if "hybrid_override_pattern" in fields:
        pattern = fields.text("hybrid_override_pattern")
        if not pattern or set(pattern) - set(_LETTERS) or len(pattern) > 10_000:
            raise fields.error("hybrid_override_pattern", f"must be made of {' '.join(_LETTERS)}")
        layers = len(pattern)
        words = [_LETTERS[letter] for letter in pattern]
        types = {word: compact(i for i, w in enumerate(words) if w == word) for word in dict.fromkeys(words)}
    else:
        words = list(fields.words("layers_block_type"))
        layers = len(words)
        types = _types(fields, layers, "layers_block_type")
    unknown = set(types) - set(_LETTERS.values())
    if unknown:
        raise fields.error(
            "layers_block_type",
            f"holds {', '.join(sorted(unknown))}; known are {', '.join(_LETTERS.values())}",
        )
    heads = fields.size("mamba_num_heads")
    mixer = mamba2(
        Mamba2(
            width=width,
            heads=heads,
            head_dim=fields.size("mamba_head_dim", default=64),
            groups=fields.size("n_groups", "mamba_n_groups", default=8),
            state=fields.size("ssm_state_size", default=128),
            kernel=fields.size("conv_kernel", "mamba_d_conv", default=4, maximum=1000),
            chunk=fields.size("chunk_size", "mamba_chunk_size", default=128),
            conv_bias=fields.flag("use_conv_bias", "mamba_conv_bias", default=True),
            bias=fields.flag("mamba_proj_bias", default=False),
        ),
        data,
    )
    kinds = {
        "mamba": Kind(positions=(), mixer=mixer, feeds=False),
        "attention": Kind(positions=(), feeds=False),
        "mlp": Kind(positions=(), mixes=False),
        "moe": Kind(
            positions=(), mixes=False, feed_forward=_nemotron_experts(fields) if "moe" in types else None
        ),
    }
    return llama_like(
        fields,
        explicit=HEADS,
        layers=layers,
        gated=False,
        mlp_names=("up_proj", "down_proj"),
        mlp_bias=fields.flag("mlp_bias", default=False),
        kinds=tuple(kinds[word]._replace(positions=positions) for word, positions in types.items()),
        family="state-space",
    )


def _nemotron_experts(fields: Fields) -> FeedForward:
    if fields.raw("moe_latent_size", default=None)[1] is not None:
        raise fields.error("moe_latent_size", "is not covered")
    width = fields.size("hidden_size")
    shared = fields.size("moe_shared_expert_intermediate_size")
    experts, chosen = counts(fields, ("n_routed_experts",), ("num_experts_per_tok",))
    routed = mixture(
        width,
        fields.size("moe_intermediate_size"),
        experts,
        chosen,
        gated=False,
        capacity=capacity_factor(fields),
    )

    def feed_forward(rows: Number, source: str, output: str) -> tuple[Operation, ...]:
        always = mlp(
            rows, width, shared, names=("shared.up_proj", "shared.down_proj"), source=source, output=output
        )
        return (*routed(rows, source, output), *always)

    return feed_forward
