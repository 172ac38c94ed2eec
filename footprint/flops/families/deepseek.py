"""DeepSeek V2 to V3.2, Kimi K2, GLM-5, Mistral 4, MiniCPM3 and others with latent attention.

Queries, keys and values are projected from low-rank latents. Keys have a part per head and a rotary part
that all heads share. Values have a different width than keys. Sparse attention (V3.2, GLM-5) adds an
indexer: small heads that score every earlier token and let through the best.
"""

from __future__ import annotations

from footprint.flops.blocks.attention import attend, causal_pairs
from footprint.flops.blocks.decoder import Kind, decoder, decoder_model
from footprint.flops.blocks.transformer import Mixer
from footprint.flops.config.fields import Fields
from footprint.flops.config.patterns import by_type, compact, split
from footprint.flops.config.shapes import required_length
from footprint.flops.families.qwen_moe import after_dense, deepseek_experts, sparse
from footprint.flops.operations import (
    CORE,
    NORM,
    PROJECTIONS,
    Matmul,
    Model,
    Operation,
    Pointwise,
    Positions,
    linear,
)
from footprint.schema import StepShape

MODEL_TYPES = (
    "deepseek_v2",
    "deepseek_v3",
    "deepseek_v32",
    "glm4_moe_lite",
    "glm_moe_dsa",
    "kimi_k2",
    "minicpm3",
    "mistral4",
    "youtu",
)
_DENSE = ("minicpm3", "youtu")
_INDEXED = ("deepseek_v32", "glm_moe_dsa")


def build(fields: Fields, shape: StepShape, objective: str) -> Model:
    """The operation list of a decoder with latent attention."""
    model_type = fields.text("model_type")
    layers = fields.layers("num_hidden_layers")
    heads = fields.size("num_attention_heads")
    own, shared = split(layers, _indexers(fields, layers) if model_type in _INDEXED else ())
    kinds = tuple(
        Kind(
            positions=positions,
            mixer=latent_attention(fields, shape, chosen=model_type in _INDEXED, indexer=indexer),
        )
        for positions, indexer in ((own, True), (shared, False))
        if len(positions)
    )
    if model_type not in _DENSE:
        first = {"glm4_moe_lite": 1, "deepseek_v32": 3, "glm_moe_dsa": 3}.get(model_type, 0)
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


def _indexers(fields: Fields, layers: int) -> Positions:
    """The layers that run an indexer of their own; the others take the choice of the one before."""
    if "indexer_types" in fields:
        return by_type(fields, layers, "indexer_types").get("full", ())
    if "index_topk_pattern" in fields:
        raise fields.error("index_topk_pattern", "is not covered; give indexer_types")
    every = fields.size("index_topk_freq", default=1)
    offset = fields.size("index_skip_topk_offset", default=2, minimum=0)
    return compact(i for i in range(layers) if max(i - offset + 1, 0) % every == 0)


def latent_attention(
    fields: Fields, shape: StepShape, *, chosen: bool = False, indexer: bool = False
) -> Mixer:
    """Multi-head latent attention (DeepSeek-V2, arXiv:2405.04434), to all tokens or to chosen ones."""
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
    # each query sees at most as many keys as the indexer lets through
    pairs = causal_pairs(length, fields.size("index_topk") if chosen else None, shape.document_length)
    if indexer:
        index_heads, index_dim = fields.size("index_n_heads"), fields.size("index_head_dim")
    every = causal_pairs(length, None, shape.document_length)

    def scores() -> tuple[Operation, ...]:
        """The indexer, whose inputs are cut off from the gradients of the rest."""
        flop = 2 * batch * index_heads
        return (
            linear("indexer.wq_b", CORE, "cut", "iq", rows, q_rank or 0, index_heads * index_dim),
            linear("indexer.wk", CORE, "cut", "ik", rows, width, index_dim),
            Pointwise(
                name="indexer.k_norm", component=NORM, inputs=("ik",), output="ikn",
                parameters=2 * index_dim, saved=rows * index_dim,
            ),
            linear("indexer.weights_proj", CORE, "cut", "iw", rows, width, index_heads),
            Matmul(
                name="indexer.scores", component=CORE, inputs=("iq", "ikn"), output="is",
                m=length, k=index_dim, n=length, count=batch * index_heads,
                full_flop=flop * index_dim * every.full, causal_flop=flop * index_dim * every.causal,
            ),
            Matmul(
                name="indexer.sum", component=CORE, inputs=("iw", "is"), output="chosen",
                m=1, k=index_heads, n=length, count=rows,
                full_flop=flop * every.full, causal_flop=flop * every.causal,
            ),
        )  # fmt: skip

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
            *(scores() if indexer else ()),
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
