"""Small configurations of every family: quick to build, odd enough to catch a wrong dimension."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

_ALL = json.loads(Path(__file__).with_name("small_configs.json").read_text(encoding="utf-8"))
DECODERS: list[dict[str, Any]] = _ALL["decoders"]
ENCODERS: list[tuple[str, dict[str, Any]]] = [(e["objective"], e["config"]) for e in _ALL["encoders"]]
AUDIO: list[tuple[str, dict[str, Any]]] = [(e["objective"], e["config"]) for e in _ALL["audio"]]
SEQ2SEQS: list[dict[str, Any]] = _ALL["encoder_decoders"]
VISION_LANGUAGE: list[dict[str, Any]] = _ALL["vision_language"]
IMAGES: list[tuple[int | None, dict[str, Any]]] = [(e["side"], e["config"]) for e in _ALL["images"]]

TEXT: dict[str, Any] = {
    "hidden_size": 256, "num_attention_heads": 8, "num_hidden_layers": 3, "intermediate_size": 640,
    "vocab_size": 1000, "pad_token_id": 0,
}  # fmt: skip
GROUPED = {**TEXT, "num_key_value_heads": 2, "head_dim": 48}
SEQ2SEQ = next(config for config in SEQ2SEQS if config["model_type"] == "bart")
PATCHES: dict[str, Any] = {
    "hidden_size": 96, "num_hidden_layers": 3, "num_attention_heads": 4, "intermediate_size": 160,
    "image_size": 64, "patch_size": 16,
}  # fmt: skip


def names(configs: list[dict[str, Any]]) -> list[str]:
    """A readable, unique id for every configuration."""
    return [f"{config['model_type']}-{index}" for index, config in enumerate(configs)]
