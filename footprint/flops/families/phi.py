"""Phi 1 to 3: parallel blocks with one layer norm; Phi-3 has Llama's blocks with fused projections."""

from __future__ import annotations

from footprint.flops.blocks.decoder import decoder_model, llama_like, windowed
from footprint.flops.config.fields import Fields
from footprint.flops.operations import Model
from footprint.schema import StepShape

MODEL_TYPES = ("phi", "phi3")


def build(fields: Fields, shape: StepShape, objective: str) -> Model:
    """The operation list of a Phi decoder."""
    if fields.text("model_type") == "phi3":
        window = fields.optional_size("sliding_window")
        spec = llama_like(
            fields,
            qkv_bias=False,
            attention_names=("qkv_proj", "o_proj"),
            mlp_names=("gate_up_proj", "down_proj"),
            kinds=windowed(fields.layers("num_hidden_layers"), (), window),
            lora_targets=("qkv_proj",),
        )
    else:
        spec = llama_like(
            fields,
            gated=False,
            attention_names=("q_proj", "k_proj", "v_proj", "dense"),
            mlp_names=("fc1", "fc2"),
            qkv_bias=True,
            out_bias=True,
            mlp_bias=True,
            head_bias=True,
            norm_parameters=2,
            norms="single",
            parallel=True,
            qk_norm="head" if fields.flag("qk_layernorm", default=False) else "",
            qk_norm_parameters=2,
        )
    return decoder_model(spec, fields, shape, objective)
