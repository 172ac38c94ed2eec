"""ALBERT: narrow embeddings, and one set of weights for all layers."""

from __future__ import annotations

from footprint.flops.blocks.encoder import bert_like, encoder_model
from footprint.flops.config.fields import Fields
from footprint.flops.operations import Model
from footprint.schema import StepShape

MODEL_TYPES = ("albert",)


def build(fields: Fields, shape: StepShape, objective: str) -> Model:
    """The operation list of an ALBERT encoder."""
    for name in ("num_hidden_groups", "inner_group_num"):
        if fields.size(name, default=1) != 1:
            raise fields.error(name, "above 1 is not covered: no published ALBERT has it")
    spec = bert_like(
        fields,
        embedding_width=fields.size("embedding_size", default=128),
        always_projected=True,
        attention_names=("query", "key", "value", "dense"),
        mlp_names=("ffn", "ffn_output"),
        shared=True,
        dropout=fields.number("attention_probs_dropout_prob", default=0.0) > 0,
    )
    return encoder_model(spec, fields, shape, objective)
