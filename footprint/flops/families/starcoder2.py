"""StarCoder2: layer norms, bias everywhere, a plain MLP, sliding windows."""

from __future__ import annotations

from footprint.flops.blocks.decoder import KV, decoder_model, llama_like, windowed
from footprint.flops.config.fields import Fields
from footprint.flops.operations import Model
from footprint.schema import StepShape

MODEL_TYPES = ("starcoder2",)


def build(fields: Fields, shape: StepShape, objective: str) -> Model:
    """The operation list of a StarCoder2 decoder."""
    bias = fields.flag("use_bias", default=True)
    window = fields.optional_size("sliding_window")
    spec = llama_like(
        fields,
        explicit=KV,
        tied=fields.flag("tie_word_embeddings", default=True),
        gated=False,
        mlp_names=("c_fc", "c_proj"),
        qkv_bias=bias,
        out_bias=bias,
        mlp_bias=bias,
        norm_parameters=2,
        kinds=windowed(fields.layers("num_hidden_layers"), (), window),
    )
    return decoder_model(spec, fields, shape, objective)
