"""OPT, BioGPT, XGLM: decoders in fairseq's style, layer norms and bias everywhere."""

from __future__ import annotations

from footprint.flops.blocks.decoder import Decoder, decoder, decoder_model
from footprint.flops.config.fields import Fields
from footprint.flops.operations import Model
from footprint.schema import StepShape

MODEL_TYPES = ("opt", "biogpt", "xglm")
_OFFSET = 2
"""fairseq's position tables begin with two unused rows."""


def build(fields: Fields, shape: StepShape, objective: str) -> Model:
    """The operation list of one of these decoders."""
    spec = {"opt": _opt, "biogpt": _biogpt, "xglm": _xglm}[fields.text("model_type")](fields)
    return decoder_model(spec, fields, shape, objective)


def _opt(fields: Fields) -> Decoder:
    width = fields.size("hidden_size")
    bias = fields.flag("enable_bias", default=True)
    before = fields.flag("do_layer_norm_before", default=True)
    narrow = fields.size("word_embed_proj_dim", default=width)
    return _fairseq(
        fields,
        width,
        fields.size("num_attention_heads"),
        fields.layers("num_hidden_layers"),
        fields.size("ffn_dim"),
        qkv_bias=bias,
        positions=fields.size("max_position_embeddings", default=2048) + _OFFSET,
        embedding_width=0 if narrow == width else narrow,
        norm_parameters=2 if fields.flag("layer_norm_elementwise_affine", default=True) else 0,
        norms="pre" if before else "post",
        final_norm=before and not fields.flag("_remove_final_layer_norm", default=False),
    )


def _biogpt(fields: Fields) -> Decoder:
    width, heads = fields.size("hidden_size"), fields.size("num_attention_heads")
    return _fairseq(
        fields, width, heads, fields.layers("num_hidden_layers"), fields.size("intermediate_size"),
        positions=fields.size("max_position_embeddings", default=1024) + _OFFSET,
    )  # fmt: skip


def _xglm(fields: Fields) -> Decoder:
    width, heads = (
        fields.size("d_model", "hidden_size"),
        fields.size("attention_heads", "num_attention_heads"),
    )
    return _fairseq(
        fields, width, heads, fields.layers("num_layers", "num_hidden_layers"), fields.size("ffn_dim")
    )


def _fairseq(
    fields: Fields,
    width: int,
    heads: int,
    layers: int,
    inner: int,
    *,
    qkv_bias: bool = True,
    **differences: object,
) -> Decoder:
    settings: dict[str, object] = {"norm_parameters": 2, **differences}
    return decoder(
        width=width,
        layers=layers,
        heads=heads,
        kv_heads=heads,
        head_dim=fields.divide(width, heads, "hidden_size", "num_attention_heads"),
        inner=inner,
        vocabulary=fields.size("vocab_size"),
        tied=fields.flag("tie_word_embeddings", default=True),
        gated=False,
        attention_names=("q_proj", "k_proj", "v_proj", "out_proj"),
        mlp_names=("fc1", "fc2"),
        qkv_bias=qkv_bias,
        out_bias=qkv_bias,
        mlp_bias=qkv_bias,
        dropout=fields.number("attention_dropout", "attention_probs_dropout_prob", default=0.0) > 0,
        **settings,
    )
