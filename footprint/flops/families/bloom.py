"""BLOOM, MPT and Falcon: fused query, key and value, ALiBi or rotary positions, plain MLP."""

from __future__ import annotations

from footprint.flops.blocks.decoder import Decoder, decoder, decoder_model
from footprint.flops.blocks.transformer import stack_sizes
from footprint.flops.config.fields import Fields
from footprint.flops.operations import Model
from footprint.schema import StepShape

MODEL_TYPES = ("bloom", "mpt", "falcon")
_FUSED = ("query_key_value", "dense")
_MLP = ("dense_h_to_4h", "dense_4h_to_h")


def build(fields: Fields, shape: StepShape, objective: str) -> Model:
    """The operation list of one of these decoders."""
    spec = {"bloom": _bloom, "mpt": _mpt, "falcon": _falcon}[fields.text("model_type")](fields)
    return decoder_model(spec, fields, shape, objective)


def _bloom(fields: Fields) -> Decoder:
    sizes = stack_sizes(
        fields,
        width=("hidden_size", "n_embed"),
        layers=("n_layer", "num_hidden_layers"),
        heads=("n_head", "num_attention_heads"),
    )
    return decoder(
        **sizes,
        inner=4 * sizes["width"],
        vocabulary=fields.size("vocab_size"),
        tied=fields.flag("tie_word_embeddings", default=True),
        gated=False,
        attention_names=_FUSED,
        mlp_names=_MLP,
        qkv_bias=True,
        out_bias=True,
        mlp_bias=True,
        norm_parameters=2,
        embedding_norm=True,
        dropout=fields.number("attention_dropout", default=0.0) > 0,
        lora_targets=("query_key_value",),
    )


def _mpt(fields: Fields) -> Decoder:
    sizes = stack_sizes(
        fields,
        width=("d_model", "hidden_size"),
        layers=("n_layers", "num_hidden_layers"),
        heads=("n_heads", "num_attention_heads"),
    )
    return decoder(
        **sizes,
        inner=sizes["width"] * fields.size("expansion_ratio", default=4),
        vocabulary=fields.size("vocab_size"),
        tied=fields.flag("tie_word_embeddings", default=True),
        gated=False,
        attention_names=("Wqkv", "out_proj"),
        mlp_names=("up_proj", "down_proj"),
        lora_targets=("Wqkv",),
    )


def _falcon(fields: Fields) -> Decoder:
    width = fields.size("hidden_size")
    heads = fields.size("num_attention_heads", "n_head")
    new = fields.flag("new_decoder_architecture", default=False)
    parallel = new or fields.flag("parallel_attn", default=True)
    kv_heads = heads
    if new:
        kv_heads = fields.size("num_kv_heads", "n_head_kv", default=heads)
    elif fields.flag("multi_query", default=True):
        kv_heads = 1
    fields.divide(heads, kv_heads, "num_attention_heads", "num_kv_heads")
    norms = fields.size("num_ln_in_parallel_attn", default=2 if new else 1)
    bias = fields.flag("bias", default=False)
    return decoder(
        width=width,
        layers=fields.layers("num_hidden_layers", "n_layer"),
        heads=heads,
        kv_heads=kv_heads,
        head_dim=fields.divide(width, heads, "hidden_size", "num_attention_heads"),
        inner=fields.size("ffn_hidden_size", default=4 * width),
        vocabulary=fields.size("vocab_size"),
        tied=fields.flag("tie_word_embeddings", default=True),
        gated=False,
        attention_names=_FUSED,
        mlp_names=_MLP,
        qkv_bias=bias,
        out_bias=bias,
        mlp_bias=bias,
        norm_parameters=2,
        norms="single" if parallel and not (new and norms == 2) else "pre",
        parallel=parallel,
        lora_targets=("query_key_value",),
    )
