"""Small configurations of every family: quick to build, odd enough to catch a wrong dimension."""

from __future__ import annotations

from typing import Any

TEXT: dict[str, Any] = {
    "hidden_size": 256, "num_attention_heads": 8, "num_hidden_layers": 3, "intermediate_size": 640,
    "vocab_size": 1000, "pad_token_id": 0,
}  # fmt: skip
GROUPED = {**TEXT, "num_key_value_heads": 2, "head_dim": 48}
PLAIN = {**TEXT, "num_key_value_heads": 2}
SEQ2SEQ: dict[str, Any] = {
    "d_model": 256,
    "encoder_layers": 3,
    "decoder_layers": 2,
    "encoder_attention_heads": 8,
    "decoder_attention_heads": 4,
    "encoder_ffn_dim": 512,
    "decoder_ffn_dim": 640,
    "vocab_size": 1000,
    "max_position_embeddings": 64,
    "pad_token_id": 1,
    "bos_token_id": 0,
    "eos_token_id": 2,
    "decoder_start_token_id": 1,
}
EXPERTS: dict[str, Any] = {"num_experts": 16, "num_experts_per_tok": 3}
LATENT: dict[str, Any] = {
    **TEXT, "num_key_value_heads": 8, "q_lora_rank": 96, "kv_lora_rank": 64, "qk_nope_head_dim": 24,
    "qk_rope_head_dim": 16, "v_head_dim": 20,
}  # fmt: skip
PATCHES: dict[str, Any] = {
    "hidden_size": 96,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "intermediate_size": 160,
    "image_size": 64,
    "patch_size": 16,
}
SSD = {
    "mamba_n_heads": 8,
    "mamba_d_head": 16,
    "mamba_n_groups": 2,
    "mamba_d_state": 16,
    "mamba_chunk_size": 8,
}
HYBRID: dict[str, Any] = {
    "hidden_size": 64, "num_attention_heads": 4, "num_key_value_heads": 2, "num_hidden_layers": 4,
    "intermediate_size": 96, "vocab_size": 100, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2,
}  # fmt: skip

# (model_type, config, objective)
DECODERS: list[tuple[str, dict[str, Any]]] = [
    *(
        (name, GROUPED)
        for name in ("llama", "ministral3", "seed_oss", "glm", "glm4", "iquestcoder", "qwen3", "gemma")
    ),
    *(
        (name, PLAIN)
        for name in (
            "granite",
            "qwen2",
            "cohere",
            "olmo",
            "olmo2",
            "phi3",
            "starcoder2",
            "apertus",
            "arcee",
            "bitnet",
            "hyperclovax",
            "jais2",
            "nanochat",
            "nemotron",
            "smollm3",
            "stablelm",
        )
    ),
    *((name, {**GROUPED, "sliding_window": 16}) for name in ("gemma2", "gemma3_text", "vaultgemma")),
    *(
        (name, {**PLAIN, "sliding_window": 16})
        for name in ("mistral", "cohere2", "olmo3", "exaone4", "granite_swa")
    ),
    ("cwm", {**PLAIN, "head_dim": 32, "sliding_window": 16}),
    ("internlm3", {**PLAIN, "head_dim": 32}),
    ("helium", {**PLAIN, "head_dim": 32}),
    ("ernie4_5", {**PLAIN, "head_dim": 32}),
    (
        "ministral",
        {
            **GROUPED,
            "sliding_window": 16,
            "layer_types": ["full_attention", "sliding_attention", "sliding_attention"],
        },
    ),
    ("phi", TEXT),
    ("gpt_neox", TEXT),
    ("persimmon", TEXT),
    ("biogpt", TEXT),
    ("stablelm", {**PLAIN, "use_parallel_residual": True, "qk_layernorm": True, "use_qkv_bias": True}),
    ("gpt_neox", {**TEXT, "use_parallel_residual": False, "attention_bias": False}),
    ("cohere", {**PLAIN, "use_qk_norm": True}),
    ("llama", {**PLAIN, "attention_bias": True, "mlp_bias": True, "tie_word_embeddings": True}),
    ("gpt2", {"n_embd": 256, "n_layer": 3, "n_head": 8, "vocab_size": 1000}),
    (
        "gpt2",
        {
            "n_embd": 256,
            "n_layer": 3,
            "n_head": 8,
            "vocab_size": 1000,
            "n_inner": 600,
            "tie_word_embeddings": False,
        },
    ),
    ("openai-gpt", {"n_embd": 256, "n_layer": 3, "n_head": 8, "vocab_size": 1000}),
    ("gpt_bigcode", {"n_embd": 256, "n_layer": 3, "n_head": 8, "vocab_size": 1000}),
    ("gpt_bigcode", {"n_embd": 256, "n_layer": 3, "n_head": 8, "vocab_size": 1000, "multi_query": False}),
    (
        "gpt_neo",
        {
            "hidden_size": 256,
            "num_layers": 4,
            "num_heads": 8,
            "attention_types": [[["global", "local"], 2]],
            "window_size": 8,
            "vocab_size": 1000,
        },
    ),
    ("ctrl", {"n_embd": 256, "n_layer": 3, "n_head": 8, "dff": 512, "vocab_size": 1000}),
    ("gptj", {"n_embd": 256, "n_layer": 3, "n_head": 8, "rotary_dim": 16, "vocab_size": 1000}),
    ("codegen", {"n_embd": 256, "n_layer": 3, "n_head": 8, "rotary_dim": 16, "vocab_size": 1000}),
    (
        "opt",
        {
            "hidden_size": 256,
            "num_hidden_layers": 3,
            "num_attention_heads": 8,
            "ffn_dim": 512,
            "vocab_size": 1000,
        },
    ),
    (
        "opt",
        {
            "hidden_size": 256,
            "num_hidden_layers": 3,
            "num_attention_heads": 8,
            "ffn_dim": 512,
            "vocab_size": 1000,
            "word_embed_proj_dim": 128,
            "do_layer_norm_before": False,
            "enable_bias": False,
        },
    ),
    ("xglm", {"d_model": 256, "attention_heads": 8, "num_layers": 3, "ffn_dim": 512, "vocab_size": 1000}),
    ("bloom", {"hidden_size": 256, "n_layer": 3, "n_head": 8, "vocab_size": 1000}),
    ("mpt", {"d_model": 256, "n_layers": 3, "n_heads": 8, "vocab_size": 1000}),
    ("falcon", {"hidden_size": 256, "num_attention_heads": 8, "num_hidden_layers": 3, "vocab_size": 1000}),
    (
        "falcon",
        {
            "hidden_size": 256,
            "num_attention_heads": 8,
            "num_hidden_layers": 3,
            "vocab_size": 1000,
            "new_decoder_architecture": True,
            "num_kv_heads": 2,
        },
    ),
    (
        "falcon",
        {
            "hidden_size": 256,
            "num_attention_heads": 8,
            "num_hidden_layers": 3,
            "vocab_size": 1000,
            "parallel_attn": False,
            "bias": True,
            "alibi": True,
        },
    ),
    ("mixtral", {**GROUPED, "num_local_experts": 16, "num_experts_per_tok": 3, "sliding_window": 8}),
    ("phimoe", {**PLAIN, "num_local_experts": 16, "num_experts_per_tok": 2, "attention_bias": True}),
    ("olmoe", {**PLAIN, **EXPERTS}),
    ("flex_olmo", {**PLAIN, **EXPERTS}),
    ("granitemoe", {**PLAIN, "num_local_experts": 16, "num_experts_per_tok": 3}),
    (
        "granitemoeshared",
        {**PLAIN, "num_local_experts": 16, "num_experts_per_tok": 3, "shared_intermediate_size": 96},
    ),
    ("gpt_oss", {**GROUPED, "num_local_experts": 16, "num_experts_per_tok": 3, "sliding_window": 8}),
    ("minimax_m2", {**GROUPED, "num_local_experts": 16, "num_experts_per_tok": 3}),
    ("qwen2_moe", {**PLAIN, **EXPERTS, "moe_intermediate_size": 96, "shared_expert_intermediate_size": 128}),
    (
        "qwen2_moe",
        {
            **PLAIN,
            **EXPERTS,
            "num_hidden_layers": 5,
            "moe_intermediate_size": 96,
            "shared_expert_intermediate_size": 128,
            "decoder_sparse_step": 2,
            "mlp_only_layers": [1],
        },
    ),
    ("qwen3_moe", {**GROUPED, **EXPERTS, "moe_intermediate_size": 96}),
    (
        "glm4_moe",
        {
            **GROUPED,
            "n_routed_experts": 16,
            "num_experts_per_tok": 3,
            "moe_intermediate_size": 96,
            "n_shared_experts": 1,
            "use_qk_norm": True,
            "attention_bias": True,
        },
    ),
    (
        "dots1",
        {
            **PLAIN,
            "n_routed_experts": 16,
            "num_experts_per_tok": 3,
            "moe_intermediate_size": 96,
            "n_shared_experts": 2,
            "first_k_dense_replace": 1,
        },
    ),
    (
        "ernie4_5_moe",
        {
            **PLAIN,
            "moe_num_experts": 16,
            "moe_k": 3,
            "moe_intermediate_size": 96,
            "moe_num_shared_experts": 2,
            "moe_layer_start_index": 1,
        },
    ),
    (
        "exaone_moe",
        {
            **PLAIN,
            **EXPERTS,
            "num_hidden_layers": 6,
            "moe_intermediate_size": 96,
            "num_shared_experts": 2,
            "sliding_window": 8,
        },
    ),
    (
        "llama4_text",
        {
            **GROUPED,
            "num_local_experts": 16,
            "num_experts_per_tok": 1,
            "intermediate_size_mlp": 320,
            "attention_chunk_size": 8,
            "num_hidden_layers": 4,
            "interleave_moe_layer_step": 2,
        },
    ),
    (
        "deepseek_v2",
        {
            **LATENT,
            "n_routed_experts": 16,
            "num_experts_per_tok": 3,
            "moe_intermediate_size": 96,
            "n_shared_experts": 2,
            "first_k_dense_replace": 1,
            "n_group": 1,
            "topk_group": 1,
        },
    ),
    (
        "deepseek_v2",
        {
            **LATENT,
            "q_lora_rank": None,
            "n_routed_experts": 16,
            "num_experts_per_tok": 3,
            "moe_intermediate_size": 96,
            "n_shared_experts": 2,
            "first_k_dense_replace": 1,
            "n_group": 1,
            "topk_group": 1,
        },
    ),
    (
        "deepseek_v3",
        {
            **LATENT,
            "n_routed_experts": 16,
            "num_experts_per_tok": 3,
            "moe_intermediate_size": 96,
            "n_shared_experts": 1,
            "first_k_dense_replace": 1,
            "n_group": 4,
            "topk_group": 2,
        },
    ),
    (
        "glm4_moe_lite",
        {
            **LATENT,
            "n_routed_experts": 16,
            "num_experts_per_tok": 3,
            "moe_intermediate_size": 96,
            "n_shared_experts": 2,
        },
    ),
    ("minicpm3", LATENT),
    ("youtu", LATENT),
    ("mamba", {"hidden_size": 64, "num_hidden_layers": 2, "vocab_size": 100, "state_size": 16}),
    ("falcon_mamba", {"hidden_size": 64, "num_hidden_layers": 2, "vocab_size": 100, "state_size": 16}),
    (
        "mamba2",
        {
            "hidden_size": 64,
            "num_hidden_layers": 2,
            "vocab_size": 100,
            "state_size": 16,
            "num_heads": 8,
            "head_dim": 16,
            "n_groups": 2,
            "chunk_size": 8,
        },
    ),
    (
        "mamba2",
        {
            "hidden_size": 64,
            "num_hidden_layers": 2,
            "vocab_size": 100,
            "state_size": 16,
            "num_heads": 8,
            "head_dim": 16,
            "n_groups": 2,
            "chunk_size": 64,
        },
    ),
    (
        "jamba",
        {
            **HYBRID,
            "num_experts": 4,
            "num_experts_per_tok": 2,
            "expert_layer_period": 2,
            "expert_layer_offset": 1,
            "attn_layer_period": 4,
            "attn_layer_offset": 2,
            "mamba_dt_rank": 8,
        },
    ),
    ("bamba", {**HYBRID, **SSD, "attn_layer_indices": [1]}),
    (
        "granitemoehybrid",
        {
            **HYBRID,
            **SSD,
            "shared_intermediate_size": 48,
            "num_local_experts": 4,
            "num_experts_per_tok": 2,
            "layer_types": ["mamba", "attention", "mamba", "mamba"],
        },
    ),
    (
        "granitemoehybrid",
        {
            **HYBRID,
            **SSD,
            "shared_intermediate_size": 48,
            "num_local_experts": 0,
            "num_experts_per_tok": 0,
            "layer_types": ["mamba", "attention", "mamba", "mamba"],
        },
    ),
    (
        "nemotron_h",
        {
            **{k: v for k, v in HYBRID.items() if k != "num_hidden_layers"},
            "head_dim": 16,
            "hybrid_override_pattern": "M-M*-E",
            "mamba_num_heads": 8,
            "mamba_head_dim": 16,
            "n_groups": 2,
            "ssm_state_size": 16,
            "chunk_size": 8,
            "n_routed_experts": 4,
            "num_experts_per_tok": 2,
            "moe_intermediate_size": 48,
            "moe_shared_expert_intermediate_size": 40,
        },
    ),
]
ENCODER: dict[str, Any] = {**TEXT, "max_position_embeddings": 514, "type_vocab_size": 2}
ENCODERS: list[tuple[str, dict[str, Any], str]] = [
    *(
        (name, ENCODER, objective)
        for objective in ("mlm", "classification")
        for name in (
            "bert",
            "roberta",
            "camembert",
            "xlm-roberta",
            "xlm-roberta-xl",
            "roberta-prelayernorm",
            "data2vec-text",
            "ernie",
            "megatron-bert",
            "rembert",
            "albert",
            "nomic_bert",
        )
    ),
    ("bert", ENCODER, "mlm+nsp"),
    ("bert", {**ENCODER, "num_labels": 5}, "token_classification"),
    ("mpnet", ENCODER, "mlm"),
    ("esm", ENCODER, "mlm"),
    (
        "modernbert",
        {
            **ENCODER,
            "local_attention": 16,
            "bos_token_id": 1,
            "eos_token_id": 2,
            "cls_token_id": 1,
            "sep_token_id": 2,
        },
        "mlm",
    ),
    ("eurobert", {**ENCODER, "bos_token_id": 1, "eos_token_id": 2, "mask_token_id": 3}, "mlm"),
    ("eurobert", {**ENCODER, "bos_token_id": 1, "eos_token_id": 2, "mask_token_id": 3}, "classification"),
    ("electra", {**ENCODER, "embedding_size": 64}, "mlm"),
    ("electra", {**ENCODER, "embedding_size": 64}, "rtd"),
    ("distilbert", {"dim": 256, "n_heads": 8, "n_layers": 3, "hidden_dim": 640, "vocab_size": 1000}, "mlm"),
    (
        "distilbert",
        {"dim": 256, "n_heads": 8, "n_layers": 3, "hidden_dim": 640, "vocab_size": 1000},
        "classification",
    ),
]
T5: dict[str, Any] = {
    "d_model": 256, "d_kv": 24, "d_ff": 512, "num_layers": 3, "num_decoder_layers": 2, "num_heads": 8,
    "vocab_size": 1000,
}  # fmt: skip
SEQ2SEQS: list[tuple[str, dict[str, Any]]] = [
    *((name, T5) for name in ("t5", "mt5", "umt5")),
    ("t5", {**T5, "feed_forward_proj": "gated-gelu"}),
    *((name, SEQ2SEQ) for name in (
        "bart", "mbart", "marian", "pegasus", "blenderbot", "blenderbot-small", "plbart", "m2m_100",
    )),
]  # fmt: skip
IMAGES: list[tuple[str, dict[str, Any], int | None]] = [
    *(
        (name, PATCHES, None)
        for name in ("vit", "deit", "vit_msn", "ijepa", "vit_mae", "dinov2_with_registers")
    ),
    ("vit", {**PATCHES, "image_size": [64, 32], "num_labels": 1000}, None),
    ("dinov2", PATCHES, None),
    ("dinov2", {**PATCHES, "use_swiglu_ffn": True}, None),
    ("swin", {"image_size": 224, "embed_dim": 24, "depths": [2, 2, 4, 2], "num_heads": [1, 2, 4, 8]}, None),
    ("swin", {"image_size": 200, "embed_dim": 24, "depths": [2, 2, 4, 2], "num_heads": [1, 2, 4, 8]}, None),
    ("convnext", {"hidden_sizes": [12, 24, 48, 96], "depths": [2, 2, 3, 2]}, 224),
    ("convnextv2", {"hidden_sizes": [12, 24, 48, 96], "depths": [2, 2, 3, 2]}, 224),
    ("resnet", {"hidden_sizes": [64, 128, 256, 512], "depths": [2, 3, 2, 2], "embedding_size": 16}, 224),
    (
        "resnet",
        {
            "hidden_sizes": [64, 128, 256, 512],
            "depths": [2, 3, 2, 2],
            "embedding_size": 16,
            "downsample_in_bottleneck": True,
            "downsample_in_first_stage": True,
        },
        224,
    ),
    (
        "resnet",
        {
            "hidden_sizes": [16, 32, 64, 128],
            "depths": [2, 3, 2, 2],
            "layer_type": "basic",
            "embedding_size": 16,
        },
        200,
    ),
]
