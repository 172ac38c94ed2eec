"""Llama and the decoders with the same matrix products: RMS norms, rotary positions, gated MLP."""

from __future__ import annotations

from footprint.flops.blocks.decoder import HEADS, decoder_model, llama_like
from footprint.flops.config.fields import Fields
from footprint.flops.operations import Model
from footprint.schema import StepShape

MODEL_TYPES = ("llama", "granite", "internlm3", "iquestcoder")
_OWN_HEADS = ("internlm3", "iquestcoder")


def build(fields: Fields, shape: StepShape, objective: str) -> Model:
    """The operation list of a Llama decoder."""
    explicit = HEADS if fields.text("model_type") in _OWN_HEADS else ()
    spec = llama_like(fields, explicit=explicit, mlp_bias=fields.flag("mlp_bias", default=False))
    return decoder_model(spec, fields, shape, objective)
