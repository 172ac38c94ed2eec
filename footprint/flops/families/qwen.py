"""Qwen 2 and 3, dense: Qwen 2 has bias on queries, keys and values; Qwen 3 has norms on queries and keys."""

from __future__ import annotations

from footprint.flops.blocks.decoder import HEADS, KV, Kind, decoder_model, llama_like, windowed
from footprint.flops.config.fields import Fields
from footprint.flops.config.patterns import full_layers
from footprint.flops.operations import Model
from footprint.schema import StepShape

MODEL_TYPES = ("qwen2", "qwen3")


def build(fields: Fields, shape: StepShape, objective: str) -> Model:
    """The operation list of a dense Qwen decoder."""
    layers = fields.layers("num_hidden_layers")
    if fields.text("model_type") == "qwen2":
        spec = llama_like(fields, explicit=KV, qkv_bias=True, kinds=window_kinds(fields, layers))
    else:
        spec = llama_like(fields, explicit=HEADS, qk_norm="head", kinds=window_kinds(fields, layers))
    return decoder_model(spec, fields, shape, objective)


def window_kinds(fields: Fields, layers: int) -> tuple[Kind, ...]:
    """Kinds of layers: those from ``max_window_layers`` on have windows if the config enables these."""
    if not fields.flag("use_sliding_window", default=False):
        return ()
    if "layer_types" in fields:
        full = full_layers(fields, layers)
    else:
        full = range(min(layers, fields.size("max_window_layers", default=28, minimum=0)))
    return windowed(layers, full, fields.optional_size("sliding_window"))
