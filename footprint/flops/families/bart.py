"""BART, mBART, Marian (the original Transformer), Pegasus, BlenderBot, M2M-100."""

from __future__ import annotations

from footprint.flops.blocks.seq2seq import Seq2Seq, seq2seq_model
from footprint.flops.blocks.transformer import Stack
from footprint.flops.config.fields import Fields
from footprint.flops.operations import Model
from footprint.schema import StepShape

MODEL_TYPES = ("bart", "mbart", "marian", "pegasus", "blenderbot", "blenderbot-small", "plbart", "m2m_100")
_PRE_NORM = ("mbart", "pegasus", "blenderbot", "m2m_100")
_EMBEDDING_NORM = ("bart", "mbart", "plbart", "blenderbot-small")
_OFFSET = ("bart", "mbart", "plbart")
"""Model types whose position tables begin with two unused rows."""


def build(fields: Fields, shape: StepShape, objective: str) -> Model:
    """The operation list of one of these encoder-decoders."""
    model_type = fields.text("model_type")
    pre = model_type in _PRE_NORM
    positions = 0
    if model_type != "m2m_100":
        positions = fields.size("max_position_embeddings", default=1024) + (2 if model_type in _OFFSET else 0)
    if model_type == "marian" and not fields.flag("share_encoder_decoder_embeddings", default=True):
        raise fields.error("share_encoder_decoder_embeddings", "false is not covered")
    spec = Seq2Seq(
        encoder=bart_stack(fields, "encoder", pre=pre),
        decoder=bart_stack(fields, "decoder", pre=pre),
        vocabulary=fields.size("vocab_size"),
        tied=fields.flag("tie_word_embeddings", default=True),
        encoder_positions=positions,
        decoder_positions=positions,
        fixed_positions=model_type in ("marian", "pegasus"),
        embedding_norm=model_type in _EMBEDDING_NORM,
        final_norm=pre,
    )
    return seq2seq_model(spec, shape, objective)


def bart_stack(fields: Fields, part: str, *, pre: bool, key_bias: bool = True) -> Stack:
    """The stack of the encoder or the decoder, from keys like ``encoder_layers``."""
    width = fields.size("d_model", "hidden_size")
    heads = fields.size(f"{part}_attention_heads")
    return Stack(
        width=width,
        layers=fields.layers(f"{part}_layers"),
        heads=heads,
        kv_heads=heads,
        head_dim=fields.divide(width, heads, "d_model", f"{part}_attention_heads"),
        inner=fields.size(f"{part}_ffn_dim"),
        causal=part == "decoder",
        gated=False,
        attention_names=("q_proj", "k_proj", "v_proj", "out_proj"),
        mlp_names=("fc1", "fc2"),
        qkv_bias=True,
        out_bias=True,
        mlp_bias=True,
        key_bias=key_bias,
        norm_parameters=2,
        norms="pre" if pre else "post",
        dropout=fields.number("attention_dropout", default=0.0) > 0,
        residual_dropout=fields.number("dropout", default=0.1) > 0,
        part=part,
        stream="y" if part == "decoder" else "x",
        cross_names=("q_proj", "k_proj", "v_proj", "out_proj") if part == "decoder" else (),
    )
