"""OLMo 1 to 3: norms without parameters, then norms after attention and MLP and on queries and keys."""

from __future__ import annotations

from footprint.flops.blocks.decoder import decoder_model, llama_like, windowed
from footprint.flops.config.fields import Fields
from footprint.flops.config.patterns import full_layers
from footprint.flops.operations import Model
from footprint.schema import StepShape

MODEL_TYPES = ("olmo", "olmo2", "olmo3")


def build(fields: Fields, shape: StepShape, objective: str) -> Model:
    """The operation list of an OLMo decoder."""
    model_type = fields.text("model_type")
    if model_type == "olmo":
        spec = llama_like(fields, norm_parameters=0)
    elif model_type == "olmo2":
        spec = llama_like(fields, norms="post", qk_norm="full")
    else:
        layers = fields.layers("num_hidden_layers")
        kinds = windowed(layers, full_layers(fields, layers, every=4), fields.size("sliding_window"))
        spec = llama_like(fields, norms="post", qk_norm="full", kinds=kinds)
    return decoder_model(spec, fields, shape, objective)
