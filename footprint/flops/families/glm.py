"""GLM-4: gate and up projection in one matrix, bias on queries, keys and values."""

from __future__ import annotations

from footprint.flops.blocks.decoder import HEADS, decoder_model, llama_like
from footprint.flops.config.fields import Fields
from footprint.flops.operations import Model
from footprint.schema import StepShape

MODEL_TYPES = ("glm", "glm4")


def build(fields: Fields, shape: StepShape, objective: str) -> Model:
    """The operation list of a GLM-4 decoder."""
    spec = llama_like(
        fields,
        explicit=HEADS,
        qkv_bias=fields.flag("attention_bias", default=True),
        norms="both" if fields.text("model_type") == "glm4" else "pre",
        mlp_names=("gate_up_proj", "down_proj"),
    )
    return decoder_model(spec, fields, shape, objective)
