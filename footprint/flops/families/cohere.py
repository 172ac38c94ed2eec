"""Command R and R7B: attention and MLP in parallel after one norm."""

from __future__ import annotations

from footprint.flops.blocks.decoder import Kind, decoder_model, llama_like, windowed
from footprint.flops.config.fields import Fields
from footprint.flops.config.patterns import full_layers
from footprint.flops.operations import Model
from footprint.schema import StepShape

MODEL_TYPES = ("cohere", "cohere2")


def build(fields: Fields, shape: StepShape, objective: str) -> Model:
    """The operation list of a Cohere decoder."""
    layers = fields.layers("num_hidden_layers")
    kinds: tuple[Kind, ...] = ()
    if fields.text("model_type") == "cohere2":
        every = fields.size("sliding_window_pattern", default=4)
        kinds = windowed(layers, full_layers(fields, layers, every=every), fields.size("sliding_window"))
    spec = llama_like(
        fields,
        tied=fields.flag("tie_word_embeddings", default=True),
        norms="single",
        parallel=True,
        qk_norm="full" if fields.flag("use_qk_norm", default=False) else "",
        kinds=kinds,
    )
    return decoder_model(spec, fields, shape, objective)
