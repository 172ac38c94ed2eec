"""Decoders that differ from Llama in one detail each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from footprint.flops.blocks.decoder import HEADS, KV, Decoder, Kind, decoder_model, llama_like, windowed
from footprint.flops.config.fields import Fields
from footprint.flops.config.patterns import full_layers
from footprint.flops.operations import Model
from footprint.schema import StepShape

MODEL_TYPES = (
    "apertus",
    "arcee",
    "bitnet",
    "cwm",
    "ernie4_5",
    "granite_swa",
    "helium",
    "hyperclovax",
    "jais2",
    "nanochat",
    "nemotron",
    "seed_oss",
    "smollm3",
    "stablelm",
)

_PLAIN: dict[str, Any] = {"gated": False, "mlp_names": ("up_proj", "down_proj")}


def build(fields: Fields, shape: StepShape, objective: str) -> Model:
    """The operation list of one of these decoders."""
    return decoder_model(_SPECS[fields.text("model_type")](fields), fields, shape, objective)


def _apertus(fields: Fields) -> Decoder:
    # the xIELU activation has two parameters per layer
    return llama_like(fields, **_PLAIN, qk_norm="head", layer_extras=2)


def _arcee(fields: Fields) -> Decoder:
    return llama_like(fields, **_PLAIN, mlp_bias=fields.flag("mlp_bias", default=False))


def _bitnet(fields: Fields) -> Decoder:
    # norms before the last projection of attention and MLP
    return llama_like(
        fields, explicit=KV, layer_extras=fields.size("hidden_size") + fields.size("intermediate_size")
    )


def _ernie(fields: Fields) -> Decoder:
    bias = fields.flag("use_bias", default=False)
    tied = fields.flag("tie_word_embeddings", default=True)
    return llama_like(fields, explicit=HEADS, tied=tied, qkv_bias=bias, out_bias=bias, mlp_bias=bias)


def _sliding(fields: Fields) -> Decoder:
    layers = fields.layers("num_hidden_layers")
    full = full_layers(fields, layers, every=4, offset=0)
    kinds = windowed(layers, full, fields.size("sliding_window"))
    mlp_bias = fields.flag("mlp_bias", default=False)
    if fields.text("model_type") == "cwm":
        return llama_like(fields, explicit=HEADS, qkv_bias=False, mlp_bias=mlp_bias, kinds=kinds)
    return llama_like(
        fields,
        explicit=KV,
        tied=fields.flag("tie_word_embeddings", default=True),
        mlp_bias=mlp_bias,
        kinds=kinds,
        layer_extras=fields.size("num_attention_heads"),  # one attention sink per head
    )


def _helium(fields: Fields) -> Decoder:
    bias = fields.flag("attention_bias", default=False)
    return llama_like(fields, explicit=HEADS, qkv_bias=bias, mlp_bias=fields.flag("mlp_bias", default=False))


def _hyperclovax(fields: Fields) -> Decoder:
    norms = "both" if fields.flag("use_post_norm", default=True) else "pre"
    return llama_like(fields, norms=norms, mlp_bias=fields.flag("mlp_bias", default=False))


def _jais(fields: Fields) -> Decoder:
    bias = fields.flag("attention_bias", default=True)
    mlp_bias = fields.flag("mlp_bias", default=True)
    return llama_like(fields, **_PLAIN, qkv_bias=bias, out_bias=bias, mlp_bias=mlp_bias, norm_parameters=2)


def _nanochat(fields: Fields) -> Decoder:
    return llama_like(fields, gated=False, mlp_names=("fc1", "fc2"), norm_parameters=0)


def _nemotron(fields: Fields) -> Decoder:
    return llama_like(fields, **_PLAIN, mlp_bias=fields.flag("mlp_bias", default=False), norm_parameters=2)


def _seed(fields: Fields) -> Decoder:
    return llama_like(
        fields,
        explicit=HEADS,
        qkv_bias=fields.flag("attention_bias", default=True),
        out_bias=fields.flag("attention_out_bias", default=False),
        mlp_bias=fields.flag("mlp_bias", default=False),
    )


def _smollm(fields: Fields) -> Decoder:
    layers = fields.layers("num_hidden_layers")
    kinds: tuple[Kind, ...] = ()
    if fields.flag("use_sliding_window", default=False):
        kinds = windowed(layers, full_layers(fields, layers), fields.optional_size("sliding_window"))
    tied = fields.flag("tie_word_embeddings", default=True)
    return llama_like(
        fields, explicit=KV, tied=tied, mlp_bias=fields.flag("mlp_bias", default=False), kinds=kinds
    )


def _stablelm(fields: Fields) -> Decoder:
    parallel = fields.flag("use_parallel_residual", default=False)
    return llama_like(
        fields,
        explicit=KV,
        qkv_bias=fields.flag("use_qkv_bias", default=False),
        norm_parameters=2,
        norms="single" if parallel else "pre",
        parallel=parallel,
        qk_norm="full" if fields.flag("qk_layernorm", default=False) else "",
    )


_SPECS: dict[str, Callable[[Fields], Decoder]] = {
    "apertus": _apertus,
    "arcee": _arcee,
    "bitnet": _bitnet,
    "cwm": _sliding,
    "ernie4_5": _ernie,
    "granite_swa": _sliding,
    "helium": _helium,
    "hyperclovax": _hyperclovax,
    "jais2": _jais,
    "nanochat": _nanochat,
    "nemotron": _nemotron,
    "seed_oss": _seed,
    "smollm3": _smollm,
    "stablelm": _stablelm,
}
