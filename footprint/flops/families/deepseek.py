"""DeepSeek V2 and V3, Kimi K2, MiniCPM3 and others with latent attention.

Queries, keys and values are projected from low-rank latents. Keys have a part per head and a rotary part
that all heads share. Values have a different width than keys.
"""

from __future__ import annotations

from footprint.flops.blocks.attention import attend, causal_pairs
from footprint.flops.blocks.decoder import Kind, decoder, decoder_model
from footprint.flops.blocks.transformer import Mixer
from footprint.flops.config.fields import Fields
from footprint.flops.config.shapes import required_length
from footprint.flops.families.qwen_moe import after_dense, deepseek_experts, sparse
from footprint.flops.operations import NORM, PROJECTIONS, Model, Operation, Pointwise, linear
from footprint.schema import StepShape

MODEL_TYPES = ("deepseek_v2", "deepseek_v3", "kimi_k2", "glm4_moe_lite", "minicpm3", "youtu")
_DENSE = ("minicpm3", "youtu")


def build(fields: Fields, shape: StepShape, objective: str) -> Model:
    """The operation list of a decoder with latent attention."""
    model_type = fields.text("model_type")
    layers = fields.layers("num_hidden_layers")
    heads = fields.size("num_attention_heads")
    kinds: tuple[Kind, ...] = (Kind(positions=range(layers), mixer=latent_attention(fields, shape)),)
    if model_type not in _DENSE:
        first = 1 if model_type == "glm4_moe_lite" else 0
        kinds = sparse(kinds, layers, after_dense(fields, layers, first), deepseek_experts(fields))
    spec = decoder(
        width=fields.size("hidden_size"),
        layers=layers,
        heads=heads,
        kv_heads=heads,
        head_dim=fields.size("v_head_dim"),
        inner=fields.size("intermediate_size"),
        vocabulary=fields.size("vocab_size"),
        tied=fields.flag("tie_word_embeddings", default=model_type in _DENSE),
        mlp_bias=fields.flag("mlp_bias", default=False),
        kinds=kinds,
        lora_targets=("q_b_proj", "kv_b_proj"),
        family="decoder" if model_type in _DENSE else "mixture-of-experts",
    )
    return decoder_model(spec, fields, shape, objective)


def latent_attention(fields: Fields, shape: StepShape) -> Mixer:
    """Multi-head latent attention (DeepSeek-V2, arXiv:2405.04434)."""
    width = fields.size("hidden_size")
    heads = fields.size("num_attention_heads")
    q_rank = fields.optional_size("q_lora_rank")
    kv_rank = fields.size("kv_lora_rank")
    nope, rope = fields.size("qk_nope_head_dim"), fields.size("qk_rope_head_dim")
    value = fields.size("v_head_dim")
    bias = fields.flag("attention_bias", default=False)
    length = required_length(shape)
    batch = shape.sequences
    rows = batch * length
    pairs = causal_pairs(length, None, shape.document_length)

    def latent_norm(name: str, tensor: str, rank: int) -> Pointwise:
        return Pointwise(
            name=name,
            component=NORM,
            inputs=(tensor,),
            output=tensor + "n",
            parameters=rank,
            saved=rows * rank,
        )

    def mixer(source: str, output: str) -> tuple[Operation, ...]:
        queries: list[Operation]
        if q_rank is None:
            queries = [linear("q_proj", PROJECTIONS, source, "q", rows, width, heads * (nope + rope))]
        else:
            queries = [
                linear("q_a_proj", PROJECTIONS, source, "qa", rows, width, q_rank, bias=bias),
                latent_norm("q_a_layernorm", "qa", q_rank),
                linear("q_b_proj", PROJECTIONS, "qan", "q", rows, q_rank, heads * (nope + rope)),
            ]
        return (
            *queries,
            linear("kv_a_proj_with_mqa", PROJECTIONS, source, "kva", rows, width, kv_rank + rope, bias=bias),
            latent_norm("kv_a_layernorm", "kva", kv_rank),
            linear("kv_b_proj", PROJECTIONS, "kvan", "kv", rows, kv_rank, heads * (nope + value)),
            *attend(
                pairs, batch=batch, heads=heads, qk_dim=nope + rope, v_dim=value, key="kv", value="kv",
                dropout=fields.number("attention_dropout", default=0.0) > 0, latent=True,
            ),
            linear("o_proj", PROJECTIONS, "a", output, rows, heads * value, width, bias=bias),
        )  # fmt: skip

    return mixer
