"""Decoders of about a size as people build them, with counted FLOP, and the built-in models nearest to it."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator
from typing import Any

from footprint.catalog.assumptions import assumed
from footprint.catalog.files import shipped
from footprint.catalog.folder import read_records
from footprint.catalog.laws import ScalingLaw
from footprint.decisions.plans.laws import FLOP_PER_PARAMETER
from footprint.errors import FootprintError
from footprint.flops import count_step
from footprint.results.decisions.plan import NearModel, PlanShape
from footprint.schema import ModelConfig, StepShape

DEPTHS = (1.0, 0.75, 1.33)
"""Layers of the shapes over the usual depth: usual, wide, deep."""
HEAD_WIDTH, SMALL_HEAD_WIDTH, SMALL_WIDTH = 128, 64, 1024
INNER_LANES = 64
VOCABULARIES = (128_256, 50_304, 32_000, 8_192, 256)
"""Words of Llama 3, of GPT-2 padded to a multiple of 64, of Llama 1 and 2, of toys, bytes."""
MOST_OF_EMBEDDING = 0.25
"""Share of the parameters that the embedding takes at most, where a smaller vocabulary leaves less."""
LENGTH = 2048
NEAREST = 5


def shapes_of(parameters: float, tokens: float, length: int | None = None) -> Iterator[PlanShape]:
    """Decoders of about so many parameters: of usual depth, wider and deeper.

    Widths are whole heads of 128 (64 in small models), feed-forwards take what is left, and the vocabulary
    is the largest common one that leaves three quarters of the parameters to the layers.
    """
    seen = set()
    for factor in DEPTHS:
        config = _config(parameters, factor)
        key = (config["num_hidden_layers"], config["hidden_size"])
        if key in seen:
            continue
        seen.add(key)
        steps = StepShape(sequences=1, sequence_length=length or LENGTH)
        step = count_step(config, steps)
        flop = float(step.training_flop) / (length or LENGTH) * tokens
        total = float(step.parameters.total)
        yield PlanShape(
            layers=config["num_hidden_layers"], width=config["hidden_size"],
            heads=config["num_attention_heads"], inner_width=config["intermediate_size"],
            vocabulary=config["vocab_size"], sequence_length=length or LENGTH, parameters=total,
            training_flop=flop, flop_ratio=flop / (FLOP_PER_PARAMETER * total * tokens),
        )  # fmt: skip


def _config(parameters: float, factor: float) -> dict[str, Any]:
    """The config of one decoder; depth by the power law of the catalogue's models."""
    depth = (
        assumed("generic_fitted.depth").value * parameters ** assumed("generic_fitted.depth_exponent").value
    )
    layers = max(1, round(factor * depth))
    body = parameters
    for _ in range(2):  # the embedding takes its part of the parameters, which makes the layers narrower
        wished = math.sqrt(body / (12 * layers))
        head = HEAD_WIDTH if wished >= SMALL_WIDTH else SMALL_HEAD_WIDTH
        heads = max(1, round(wished / head))
        width = heads * head
        words = next((one for one in VOCABULARIES if one * width <= MOST_OF_EMBEDDING * parameters), 256)
        body = parameters - words * width
    left = (parameters - words * width) / layers - 4 * width * width
    inner = max(INNER_LANES, INNER_LANES * round(left / (3 * width) / INNER_LANES))
    return {
        "model_type": "llama", "hidden_size": width, "num_hidden_layers": layers,
        "num_attention_heads": heads, "num_key_value_heads": heads, "intermediate_size": inner,
        "vocab_size": words, "tie_word_embeddings": True,
    }  # fmt: skip


def size_of(model: ModelConfig, law: ScalingLaw) -> tuple[float, tuple[str, ...]]:
    """The N of a model as a law counts it, and what is worth a warning.

    Raises FootprintError for a model that reads no tokens.
    """
    own = next(
        (phase for phase in (model.recipe.phases if model.recipe else ()) if phase.sequence_length), None
    )
    shape = StepShape(
        sequences=1,
        sequence_length=own.sequence_length if own else LENGTH,
        target_sequence_length=own.target_sequence_length if own else None,
    )
    step = count_step(model.config, shape)
    if step.tokens is None:
        raise FootprintError(f"`model={model.id}` trains on no text, and the laws are of language models")
    counted = step.parameters
    warnings = []
    if counted.active < counted.total:
        warnings.append(
            f"{model.id} has experts; the laws are of dense models, so its {counted.active:.3g} active "
            "parameters are taken"
        )
    if model.recipe is not None and model.recipe.objective != "clm":
        warnings.append(f"{model.id} is no decoder, and the laws are of decoders")
    whole = law.parameters_are == "all"
    return float(counted.active if whole else min(counted.non_embedding, counted.active)), tuple(warnings)


def nearest_models(parameters: float) -> list[NearModel]:
    """The built-in dense decoders whose published size is nearest, the nearest first."""
    return sorted(_decoders(), key=lambda one: abs(math.log(one.parameters / parameters)))[:NEAREST]


@functools.cache
def _decoders() -> tuple[NearModel, ...]:
    """The built-in dense decoders, by id."""
    found = []
    for model_id, raw in read_records(shipped("reference_data/models")):
        recipe = raw.get("recipe", {})
        decoder = recipe.get("objective") == "clm" and recipe.get("method") == "pretrain"
        if "parameters" in raw and decoder and not any("expert" in key for key in raw["config"]):
            found.append(_near(model_id, raw))
    return tuple(found)


def _near(model_id: str, raw: dict[str, Any]) -> NearModel:
    size, tokens = float(raw["parameters"]), raw.get("recipe", {}).get("tokens")
    return NearModel(
        name=model_id,
        parameters=size,
        tokens=None if tokens is None else float(tokens),
        training_flop=None if tokens is None else FLOP_PER_PARAMETER * size * tokens,
        year=raw["year"],
    )
