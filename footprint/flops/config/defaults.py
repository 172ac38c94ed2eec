"""Default values of transformers for keys that a nested config leaves out.

Published vision-language configs list for their parts only values that differ from the defaults of a
class. So absent keys of parts (never of the outermost config) get these values, the defaults of
transformers 5 (Apache-2.0). A test compares them with the installed library.
"""

from __future__ import annotations

from typing import Any

from footprint.flops.config.fields import Fields

NESTED: dict[str, dict[str, Any]] = {
    "clip_text_model": {
        "hidden_size": 512, "intermediate_size": 2048, "num_hidden_layers": 12, "num_attention_heads": 8,
        "vocab_size": 49408, "max_position_embeddings": 77,
    },
    "clip_vision_model": {
        "hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12,
        "image_size": 224, "patch_size": 32, "num_channels": 3,
    },
    "siglip_text_model": {
        "hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12,
        "vocab_size": 32000, "max_position_embeddings": 64,
    },
    "siglip_vision_model": {
        "hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12,
        "image_size": 224, "patch_size": 16, "num_channels": 3,
    },
    "llama": {
        "hidden_size": 4096, "intermediate_size": 11008, "num_hidden_layers": 32, "num_attention_heads": 32,
        "vocab_size": 32000,
    },
    "mistral": {
        "hidden_size": 4096, "intermediate_size": 14336, "num_hidden_layers": 32, "num_attention_heads": 32,
        "num_key_value_heads": 8, "vocab_size": 32000,
    },
    "gemma": {
        "hidden_size": 3072, "intermediate_size": 24576, "num_hidden_layers": 28, "num_attention_heads": 16,
        "num_key_value_heads": 16, "head_dim": 256, "vocab_size": 256000,
    },
    "gemma2": {
        "hidden_size": 2304, "intermediate_size": 9216, "num_hidden_layers": 26, "num_attention_heads": 8,
        "num_key_value_heads": 4, "head_dim": 256, "vocab_size": 256000, "sliding_window": 4096,
    },
    "gemma3_text": {
        "hidden_size": 2304, "intermediate_size": 9216, "num_hidden_layers": 26, "num_attention_heads": 8,
        "num_key_value_heads": 4, "head_dim": 256, "vocab_size": 262208, "sliding_window": 4096,
    },
    "qwen2": {
        "hidden_size": 4096, "intermediate_size": 22016, "num_hidden_layers": 32, "num_attention_heads": 32,
        "num_key_value_heads": 32, "vocab_size": 151936,
    },
}  # fmt: skip


def part(fields: Fields, name: str, usual: str) -> Fields:
    """A nested config with the defaults of its class; ``usual`` is its ``model_type`` if it names none."""
    given = fields.part(name)
    model_type = given.text("model_type", default=usual)
    known = {key: value for key, value in given.values.items() if value is not None}
    values = {**NESTED.get(model_type, {}), **known, "model_type": model_type}
    return Fields(values, given.path, given.depth)
