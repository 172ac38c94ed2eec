"""List, search and show built-in models: sizes, recipes, sources."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from footprint.cli.shared.catalogue import (
    Catalogue,
    Filter,
    Row,
    any_of,
    at_least,
    at_most,
    catalogue_group,
    warn,
)
from footprint.cli.shared.options import COUNT, WHOLE

if TYPE_CHECKING:
    from footprint.schema import Recipe


def _rows() -> list[Row]:
    from footprint.catalog.models import all_models

    problems: list[str] = []
    rows = [
        {
            "id": model.id,
            "name": model.name,
            "year": model.year,
            "parameters": model.parameters,
            "model_type": model.config.get("model_type"),
            "recipe": _recipe(model.recipe),
            "aliases": list(model.aliases),
        }
        for model in all_models(problems)
    ]
    warn(problems)
    return rows


def _recipe(recipe: Recipe | None) -> str:
    """The unpublished facts that an estimate of this model needs besides --hw, or "complete"."""
    phases = recipe.phases if recipe is not None else ()
    missing = []
    if recipe is None or not (recipe.tokens or (phases and all(phase.steps for phase in phases))):
        missing.append("amount")
    if not phases or not all(phase.sequences_per_step for phase in phases):
        missing.append("batch")
    if not phases or not all(phase.sequence_length or phase.image_size for phase in phases):
        missing.append("length")
    return f"without {' and '.join(missing)}" if missing else "complete"


def _show(name: str) -> Mapping[str, Any]:
    from footprint.catalog.models import find_model
    from footprint.flops import model_families

    record = asdict(find_model(name))
    record["config"] = _in_json(record["config"])
    record["counted"] = record["config"].get("model_type") in model_families()
    return record


def _in_json(value: Any) -> Any:
    """A value of a config with its infinite numbers as text, which JSON has no numbers for."""
    if isinstance(value, Mapping):
        return {key: _in_json(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_in_json(part) for part in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _names() -> list[str]:
    from footprint.catalog.models import model_ids

    return model_ids()


command = catalogue_group(
    Catalogue(
        kind="models",
        about="Built-in models with their published recipes.",
        rows=_rows,
        show=_show,
        card="model_card",
        names=_names,
        columns=("id", "year", "parameters", "model_type", "recipe"),
        example="bert-base",
        filters=(
            Filter(
                flag="--family",
                help="Only models of this family or model type.",
                test=any_of("model_type", "id"),
                names=("model_type", "id"),
            ),
            Filter(
                flag="--min-parameters",
                help="At least so many parameters.",
                test=at_least("parameters"),
                type=COUNT,
                metavar="NUMBER",
            ),
            Filter(
                flag="--max-parameters",
                help="At most so many parameters.",
                test=at_most("parameters"),
                type=COUNT,
                metavar="NUMBER",
            ),
            Filter(
                flag="--since",
                help="Published in this year or later.",
                test=at_least("year"),
                type=WHOLE,
                metavar="YEAR",
            ),
        ),
    )
)
