"""Published whole runs as rows: those of the table, and recipes of the catalogue with chips and hours."""

from __future__ import annotations

import functools
from collections.abc import Mapping

from footprint.catalog.files import read_csv, reference_folder
from footprint.catalog.models import find_model
from footprint.schema import Recipe
from footprint.validation.cases import evaluation


@functools.cache
def table() -> tuple[dict[str, str], ...]:
    """The rows of the table."""
    return tuple(read_csv(reference_folder() / "published" / "runs.csv"))


@functools.cache
def recipes() -> Mapping[str, str]:
    """The developer of each run that is a recipe of the catalogue, by the model's id."""
    found: Mapping[str, list[str]] = evaluation()["runs"]["recipes"]
    return {model: developer for developer, models in found.items() for model in models}


def _recipe_row(model_id: str, developer: str) -> dict[str, str]:
    """A recipe of the catalogue as a row of the table."""
    model = find_model(model_id)
    recipe = model.recipe or Recipe()
    tokens = recipe.tokens or sum(
        (phase.steps or 0) * (phase.sequences_per_step or 0) * (phase.sequence_length or 0)
        for phase in recipe.phases
    )
    known = {
        "id": model.id, "developer": developer, "year": model.year, "quality": "B", "tokens": tokens,
        "parameters": model.parameters, "accelerator": recipe.accelerator,
        "accelerators": recipe.accelerators, "precision": recipe.precision,
        "duration_h": recipe.duration_h, "accelerator_h": recipe.accelerator_h,
    }  # fmt: skip
    return {**dict.fromkeys(table()[0], ""), **{key: str(value or "") for key, value in known.items()}}


@functools.cache
def all_runs() -> tuple[dict[str, str], ...]:
    """The runs of the table and the recipes of the catalogue; a cell that both have is the table's."""
    rows = {row["id"]: row for row in table()}
    for model, developer in recipes().items():
        stated = {name: cell for name, cell in rows.get(model, {}).items() if cell}
        rows[model] = {**_recipe_row(model, developer), **stated}
    return tuple(rows.values())
