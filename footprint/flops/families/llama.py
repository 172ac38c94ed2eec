"""Llama and the decoders that multiply exactly as it does."""

from __future__ import annotations

from footprint.flops.decoder import Decoder, decoder_model, heads_of
from footprint.flops.fields import Fields
from footprint.flops.operations import Model
from footprint.schema import StepShape

MODEL_TYPES = ("llama",)


def build(fields: Fields, shape: StepShape, objective: str) -> Model:
    """The operation list of a Llama model."""
    width = fields.size("hidden_size")
    heads, kv_heads, head_dim = heads_of(fields, width)
    bias = fields.flag("attention_bias", default=False)
    return decoder_model(
        Decoder(
            width=width,
            layers=fields.layers("num_hidden_layers"),
            heads=heads,
            kv_heads=kv_heads,
            head_dim=head_dim,
            inner=fields.size("intermediate_size"),
            vocabulary=fields.size("vocab_size"),
            tied=fields.flag("tie_word_embeddings", default=False),
            qkv_bias=bias,
            out_bias=bias,
            mlp_bias=fields.flag("mlp_bias", default=False),
            dropout=fields.number("attention_dropout", default=0.0) > 0,
        ),
        shape,
        objective,
    )
