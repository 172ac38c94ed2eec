"""Models and clusters that several tests use."""

from __future__ import annotations

from typing import Any

from footprint.catalog.hardware import parse_cluster
from footprint.flops import StepFlops, count_step
from footprint.performance.predict import work_of
from footprint.performance.roofline.work import Work
from footprint.schema import Cluster, StepShape, TrainingMethod

BERT_BASE = {
    "model_type": "bert", "hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12,
    "intermediate_size": 3072, "vocab_size": 30522,
}  # fmt: skip
GPT_1B = {
    "model_type": "gpt2", "n_embd": 2048, "n_layer": 24, "n_head": 16, "n_inner": 8192, "vocab_size": 51200,
}  # fmt: skip
LLAMA_8B = {
    "model_type": "llama", "hidden_size": 4096, "num_hidden_layers": 32, "num_attention_heads": 32,
    "num_key_value_heads": 8, "intermediate_size": 14336, "vocab_size": 128256,
}  # fmt: skip
LLAMA_70B = {
    "model_type": "llama", "hidden_size": 8192, "num_hidden_layers": 80, "num_attention_heads": 64,
    "num_key_value_heads": 8, "intermediate_size": 28672, "vocab_size": 128256,
}  # fmt: skip
QWEN3_30B = {
    "model_type": "qwen3_moe", "hidden_size": 2048, "num_hidden_layers": 48, "num_attention_heads": 32,
    "num_key_value_heads": 4, "head_dim": 128, "moe_intermediate_size": 768, "num_experts": 128,
    "num_experts_per_tok": 8, "vocab_size": 151936,
}  # fmt: skip
LLAMA_405B = {
    "model_type": "llama", "hidden_size": 16384, "num_hidden_layers": 126, "num_attention_heads": 128,
    "num_key_value_heads": 8, "intermediate_size": 53248, "vocab_size": 128256,
}  # fmt: skip


def step(
    config: dict[str, Any], sequences: float, length: int, objective: str = "", **training: Any
) -> StepFlops:
    shape = StepShape(sequences=sequences, sequence_length=length)
    return count_step(config, shape, TrainingMethod(**training), objective)


def work(config: dict[str, Any], sequences: float, length: int, **training: Any) -> Work:
    flops = step(config, sequences, length, **training)
    assert flops.operations is not None
    return work_of(flops.operations, flops.training)


def cluster(text: str, **options: Any) -> Cluster:
    return parse_cluster(text, **options)[0]
