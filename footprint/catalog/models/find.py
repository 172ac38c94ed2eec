"""Models by name or file: the built-in catalogue, the user's own folder, config files.

Built-in records come first, so that a name means the same on every machine. Files of the user's folder
add names but never replace one. Only a user's files are checked with pydantic; tests check the shipped
files.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from footprint.catalog.build import built
from footprint.catalog.files import reference_folder, shipped, user_folder
from footprint.catalog.folder import Names, ids, read_record, read_records
from footprint.catalog.names import unknown
from footprint.errors import DataFileError
from footprint.schema import ModelConfig, Phase, Recipe

if TYPE_CHECKING:
    from pathlib import Path

NAMES = Names({"aliases": ("id", "aliases")}, dashes=True)
HINT = (
    "footprint models list shows all; a path to a config.json or a model TOML works too; "
    "footprint trace takes any PyTorch module"
)
FILE_ENDINGS = (".json", ".toml")


def models_folder() -> Path:
    """Folder of the built-in models, one TOML each."""
    return reference_folder() / "models"


def own_models_folder() -> Path:
    """Folder whose TOML files the user adds to the catalogue."""
    return user_folder() / "models"


def model_ids() -> list[str]:
    """Ids of every model of the catalogue and of the user's folder, sorted; reads no file."""
    return sorted({*ids(models_folder()), *ids(own_models_folder())})


def all_models(problems: list[str] | None = None) -> list[ModelConfig]:
    """Every model of the catalogue and of the user's folder, by id.

    A file of the user's folder that is broken, or has a built-in name, raises DataFileError; if
    ``problems`` is given, its message is added there instead.
    """
    built_in = [build_model(raw, f"{model_id}.toml") for model_id, raw in read_records(models_folder())]
    own = []
    for model_id in ids(own_models_folder()):
        try:
            own.append(_own(model_id))
        except DataFileError as error:
            if problems is None:
                raise
            problems.append(str(error))
    return sorted([*built_in, *own], key=lambda model: model.id)


def find_model(name: str) -> ModelConfig:
    """The model of that id, alias or file.

    A name with a path separator or the ending .json or .toml is read as a file if that exists (for a
    folder: its ``config.json``). Otherwise ``organisation/model`` is looked up as an alias.

    Raises:
        UnknownNameError: nothing has that name; the error holds the nearest ones.
        DataFileError: the file cannot be read as a model.
    """
    path_like = "/" in name or "\\" in name or name.lower().endswith(FILE_ENDINGS)
    if path_like and (path := _existing(name)):
        from footprint.catalog.models.read import read_model_file

        return read_model_file(path)
    if (model_id := NAMES.find(shipped("reference_data/models"), name)) is not None:
        return _shipped(model_id)
    if (model_id := NAMES.find(own_models_folder(), name)) is not None:
        return _own(model_id)
    if path_like and (name.lower().endswith(FILE_ENDINGS) or name.startswith((".", "/", "\\", "~"))):
        shown = name if len(name) <= 200 else name[:197] + "..."
        raise DataFileError(f"{shown}: no such file; give a Hugging Face config.json, a model TOML or a name")
    hint = HINT
    if "/" in name:
        from footprint.catalog.models.hub import cached_model, download_hint, is_hub_id

        if is_hub_id(name):
            if (model := cached_model(name)) is not None:
                return model
            hint = download_hint(name)
    known = [*NAMES.suggested(models_folder()), *ids(own_models_folder())]
    if re.fullmatch(r"\d+(\.\d+)?[bm]", name.strip().lower()):
        hint = f"a size alone is `parameters={name.strip().upper()!r}`; {hint}"
    raise unknown("model", name, known, hint, like=name.rpartition("/")[2])


def build_model(raw: Mapping[str, Any], origin: str) -> ModelConfig:
    """The model that a shipped file's tables describe; DataFileError names ``origin`` and the field."""
    return built(ModelConfig, "model", raw, origin, recipe=_recipe)


def _recipe(raw: Mapping[str, Any]) -> Recipe:
    return Recipe(**{**raw, "phases": tuple([Phase(**phase) for phase in raw.get("phases", ())])})


def _existing(name: str) -> Path | None:
    """The file or folder of that name; None if there is none or the name is no valid path."""
    from pathlib import Path

    try:
        path = Path(name).expanduser()
        return path if path.exists() else None
    except (OSError, ValueError, RuntimeError):  # too long, a NUL byte, an unknown user's home
        return None


@functools.lru_cache(maxsize=256)
def _shipped(model_id: str) -> ModelConfig:
    return build_model(read_record(shipped("reference_data/models"), model_id), f"{model_id}.toml")


def _own(model_id: str) -> ModelConfig:
    from footprint.catalog.models.read import read_model_file

    path = own_models_folder() / f"{model_id}.toml"
    model = read_model_file(path)
    if model.id != model_id:
        raise DataFileError(f"{path}: id is {model.id!r}; it must be the file's name, {model_id!r}")
    for name in (model.id, *model.aliases):
        taken = NAMES.find(models_folder(), name)
        if taken is not None:
            raise DataFileError(f"{path}: {name!r} is a name of the built-in model {taken}; choose another")
    return model
