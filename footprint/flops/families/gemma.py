"""Gemma 1 to 3, text: wide heads, tied vocabulary head, norms before and after, local and global layers."""

from __future__ import annotations

from footprint.flops.blocks.decoder import HEADS, Decoder, decoder_model, llama_like, windowed
from footprint.flops.config.fields import Fields
from footprint.flops.config.patterns import full_layers
from footprint.flops.operations import Model
from footprint.schema import StepShape

MODEL_TYPES = ("gemma", "gemma2", "gemma3_text", "vaultgemma")


def build(fields: Fields, shape: StepShape, objective: str) -> Model:
    """The operation list of a Gemma text decoder."""
    return decoder_model(gemma(fields), fields, shape, objective)


def gemma(fields: Fields) -> Decoder:
    """The decoder that a Gemma text config describes."""
    model_type = fields.text("model_type")
    layers = fields.layers("num_hidden_layers")
    tied = fields.flag("tie_word_embeddings", default=True)
    if model_type == "gemma":
        return llama_like(fields, explicit=HEADS, tied=tied)
    every = fields.size("sliding_window_pattern", default=6) if model_type == "gemma3_text" else 2
    return llama_like(
        fields,
        explicit=HEADS,
        tied=tied,
        norms="pre" if model_type == "vaultgemma" else "both",
        qk_norm="head" if model_type == "gemma3_text" else "",
        kinds=windowed(layers, full_layers(fields, layers, every=every), fields.size("sliding_window")),
    )
