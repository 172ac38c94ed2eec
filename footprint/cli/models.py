"""Built-in models: list, search, show one with its recipe and sources."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from footprint.cli._catalogue import Catalogue, Row, catalogue_group, warn


def _rows() -> list[Row]:
    from footprint.catalog.models import all_models

    rows = []
    problems: list[str] = []
    for model in all_models(problems):
        recipe = model.recipe
        rows.append(
            {
                "id": model.id,
                "name": model.name,
                "year": model.year,
                "parameters": model.parameters,
                "model_type": model.config.get("model_type"),
                "recipe": "phases"
                if recipe and recipe.phases
                else "tokens"
                if recipe and recipe.tokens
                else None,
                "aliases": list(model.aliases),
            }
        )
    warn(problems)
    return rows


def _show(name: str) -> Mapping[str, Any]:
    from footprint.catalog.models import find_model
    from footprint.flops import model_families

    record = asdict(find_model(name))
    record["counted"] = record["config"].get("model_type") in model_families()
    return record


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
        columns=("id", "name", "year", "parameters", "model_type", "recipe"),
        example="bert-base",
    )
)
