"""GPT-J, CodeGen, GPT-NeoX, Persimmon: rotary positions, plain MLP, mostly parallel blocks."""

from __future__ import annotations

from footprint.flops.blocks.decoder import Decoder, decoder, decoder_model, llama_like
from footprint.flops.blocks.transformer import stack_sizes
from footprint.flops.config.fields import Fields
from footprint.flops.operations import Model
from footprint.schema import StepShape

MODEL_TYPES = ("gpt_neox", "gptj", "codegen", "persimmon")
_FUSED = ("query_key_value", "dense")
_MLP = ("dense_h_to_4h", "dense_4h_to_h")


def build(fields: Fields, shape: StepShape, objective: str) -> Model:
    """The operation list of one of these decoders."""
    model_type = fields.text("model_type")
    if model_type in ("gptj", "codegen"):
        spec = _gptj(fields, fused=model_type == "codegen")
    elif model_type == "gpt_neox":
        bias = fields.flag("attention_bias", default=True)
        spec = llama_like(
            fields,
            gated=False,
            attention_names=_FUSED,
            mlp_names=_MLP,
            qkv_bias=bias,
            out_bias=bias,
            mlp_bias=True,
            norm_parameters=2,
            parallel=fields.flag("use_parallel_residual", default=True),
            lora_targets=_FUSED[:1],
        )
    else:
        spec = llama_like(
            fields,
            gated=False,
            attention_names=_FUSED,
            mlp_names=_MLP,
            qkv_bias=True,
            out_bias=True,
            mlp_bias=True,
            norm_parameters=2,
            lora_targets=_FUSED[:1],
            qk_norm_parameters=2,
            qk_norm="head" if fields.flag("qk_layernorm", default=True) else "",
        )
    return decoder_model(spec, fields, shape, objective)


def _gptj(fields: Fields, *, fused: bool) -> Decoder:
    sizes = stack_sizes(
        fields,
        width=("n_embd", "hidden_size"),
        layers=("n_layer", "num_hidden_layers"),
        heads=("n_head", "num_attention_heads"),
    )
    return decoder(
        **sizes,
        inner=fields.size("n_inner", default=4 * sizes["width"]),
        vocabulary=fields.size("vocab_size"),
        tied=fields.flag("tie_word_embeddings", default=False),
        gated=False,
        attention_names=("qkv_proj", "out_proj") if fused else ("q_proj", "k_proj", "v_proj", "out_proj"),
        mlp_names=("fc_in", "fc_out"),
        mlp_bias=True,
        head_bias=True,
        norm_parameters=2,
        norms="single",
        parallel=True,
        dropout=fields.number("attn_pdrop", default=0.0) > 0,
        lora_targets=("qkv_proj",) if fused else ("q_proj", "v_proj"),
    )
