"""The configurations of the proof: those of configs.toml, and the models that ship with the package."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, NamedTuple

from footprint.catalog.models import all_models
from footprint.schema import Phase, StepShape

CONFIGS = Path(__file__).with_name("configs.toml")
NOT_IN_TRANSFORMERS = ("elmo", "gopher")
NEEDS_DATA = ("switch_transformers",)
"""Routing that no tensor without data can run; proved on small real ones in test_families.py."""
ONE_OF_A_KIND = (
    "albert-large",
    "bert-base",
    "bert-large",
    "bloom-176b",
    "clip-vit-large-14",
    "deepseek-v3",
    "distilbert-base",
    "electra-large",
    "falcon-180b",
    "falcon-7b",
    "gemma-7b",
    "gemma2-27b",
    "gpt-j-6b",
    "gpt-neox-20b",
    "gpt1",
    "gpt2-xl",
    "gpt3-175b",
    "llama2-7b",
    "llama3.1-405b",
    "mixtral-8x22b",
    "mpt-30b",
    "olmo-7b",
    "olmo2-13b",
    "opt-175b",
    "qwen3-235b-a22b",
    "resnet-50",
    "t5-11b",
    "transformer-big",
    "vit-huge-14",
)
"""Built-in models that are proved; their siblings differ in numbers only."""


class Case(NamedTuple):
    """One configuration of the proof."""

    name: str
    config: dict[str, Any]
    shape: StepShape
    objective: str
    published: float | None


def cases() -> list[Case]:
    """Every configuration of the proof, built-in models last."""
    found = []
    for name, entry in tomllib.loads(CONFIGS.read_text(encoding="utf-8")).items():
        sequences, length, target, image = [*entry["shape"], 0, 0, 0][:4]
        config = dict(entry["config"])
        if entry.get("no_query_rank"):  # TOML has no null
            config["q_lora_rank"] = None
        shape = StepShape(
            sequences=sequences,
            sequence_length=length or None,
            target_sequence_length=target or None,
            image_size=image or None,
        )
        found.append(Case(name, config, shape, "", entry.get("parameters")))
    return found + [_built_in(model) for model in all_models() if model.id in ONE_OF_A_KIND]


def _built_in(model: Any) -> Case:
    recipe = model.recipe
    phase = recipe.phases[-1] if recipe.phases else Phase(sequence_length=2048)
    shape = StepShape(
        sequences=1,
        sequence_length=phase.sequence_length,
        target_sequence_length=phase.target_sequence_length,
        image_size=phase.image_size,
    )
    return Case(model.id, dict(model.config), shape, recipe.objective, None)
