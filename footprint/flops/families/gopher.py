"""Gopher and Chinchilla: RMS norms, plain MLP, relative positions in every attention layer.

Neither has a Hugging Face class; the keys are Hugging Face's usual ones. Each layer projects the
relative positions with a separate matrix, which has 1/13 of the layer's parameters (Transformer-XL, Dai
et al. 2019, arXiv:1901.02860). This product is applied once per step to the positions and not to every
token. The makers' count leaves it and the position scores out (Hoffmann et al. 2022, arXiv:2203.15556,
appendix F). So these parameters are counted without FLOPs.
"""

from __future__ import annotations

from footprint.flops.blocks.decoder import decoder_model, llama_like
from footprint.flops.config.fields import Fields
from footprint.flops.operations import Model
from footprint.schema import StepShape

MODEL_TYPES = ("gopher",)


def build(fields: Fields, shape: StepShape, objective: str) -> Model:
    """The operation list of Gopher or Chinchilla."""
    width = fields.size("hidden_size")
    attended = fields.size("num_attention_heads") * fields.size("head_dim")
    spec = llama_like(
        fields,
        gated=False,
        mlp_names=("up_proj", "down_proj"),
        layer_extras=width * attended,
    )
    return decoder_model(spec, fields, shape, objective)
