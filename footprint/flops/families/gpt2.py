"""GPT-1, GPT-2 and GPT-3: learned positions, one fused projection, plain MLP, tied head."""

from __future__ import annotations

from footprint.flops.decoder import Decoder, decoder_model
from footprint.flops.fields import Fields
from footprint.flops.operations import Model
from footprint.schema import StepShape

MODEL_TYPES = ("gpt2", "openai-gpt")


def build(fields: Fields, shape: StepShape, objective: str) -> Model:
    """The operation list of a GPT-2 model."""
    width = fields.size("n_embd", "hidden_size")
    heads = fields.size("n_head", "num_attention_heads")
    return decoder_model(
        Decoder(
            width=width,
            layers=fields.layers("n_layer", "num_hidden_layers"),
            heads=heads,
            kv_heads=heads,
            head_dim=fields.divide(width, heads, "n_embd", "n_head"),
            inner=fields.size("n_inner", default=4 * width),
            vocabulary=fields.size("vocab_size"),
            tied=fields.flag("tie_word_embeddings", default=True),
            gated=False,
            attention_names=("c_attn", "c_proj"),
            mlp_names=("c_fc", "mlp.c_proj"),
            qkv_bias=True,
            out_bias=True,
            mlp_bias=True,
            norm_parameters=2,
            positions=fields.size("n_positions", "max_position_embeddings", default=1024),
            dropout=fields.number("attn_pdrop", default=0.1) > 0,
            lora_targets=("c_attn",),
        ),
        shape,
        objective,
    )
