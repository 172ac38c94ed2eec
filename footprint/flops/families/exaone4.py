"""EXAONE 4: norms after attention and MLP and on queries and keys, local and global layers."""

from __future__ import annotations

from footprint.flops.blocks.decoder import KV, decoder_model, llama_like, windowed
from footprint.flops.config.fields import Fields
from footprint.flops.config.patterns import full_layers
from footprint.flops.operations import Model
from footprint.schema import StepShape

MODEL_TYPES = ("exaone4",)


def build(fields: Fields, shape: StepShape, objective: str) -> Model:
    """The operation list of an EXAONE 4 decoder."""
    layers = fields.layers("num_hidden_layers")
    pattern = fields.raw("sliding_window_pattern", default=4)[1]
    every = len(pattern) if isinstance(pattern, str) else fields.size("sliding_window_pattern", default=4)
    full = full_layers(fields, layers, every=every)
    kinds = windowed(layers, full, fields.optional_size("sliding_window"))
    spec = llama_like(fields, explicit=KV, qkv_bias=False, norms="post", qk_norm="head", kinds=kinds)
    return decoder_model(spec, fields, shape, objective)
