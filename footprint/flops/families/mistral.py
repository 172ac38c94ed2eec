"""Mistral and Ministral: Llama with sliding windows in all or some layers."""

from __future__ import annotations

from footprint.flops.blocks.decoder import HEADS, KV, decoder_model, llama_like, windowed
from footprint.flops.config.fields import Fields
from footprint.flops.config.patterns import full_layers
from footprint.flops.operations import Model
from footprint.schema import StepShape

MODEL_TYPES = ("mistral", "ministral", "ministral3")


def build(fields: Fields, shape: StepShape, objective: str) -> Model:
    """The operation list of a Mistral decoder."""
    layers = fields.layers("num_hidden_layers")
    model_type = fields.text("model_type")
    full = full_layers(fields, layers) if model_type == "ministral" else ()
    if model_type == "ministral3":
        spec = llama_like(
            fields,
            explicit=HEADS,
            qkv_bias=False,
            kinds=windowed(layers, (), fields.optional_size("sliding_window")),
        )
    else:
        window = fields.optional_size("sliding_window", absent=4096)
        spec = llama_like(fields, explicit=KV, qkv_bias=False, kinds=windowed(layers, full, window))
    return decoder_model(spec, fields, shape, objective)
