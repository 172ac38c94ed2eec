"""Reads a model from a user's file: a Hugging Face config.json, or a model TOML.

Unknown keys of a config.json are ignored, because the format is Hugging Face's. An unknown key of a TOML
is an error. The size, depth, types and numbers of the file are checked.
"""

from __future__ import annotations

from pathlib import Path, PurePath
from time import gmtime
from typing import Any

from footprint.catalog.build import checked
from footprint.catalog.checks.limits import parse_json
from footprint.catalog.files import read_text, read_toml
from footprint.catalog.names import normalise
from footprint.errors import DataFileError
from footprint.schema import ModelConfig

CONFIG_NAME = "config.json"
DIFFUSERS = {"DiTTransformer2DModel": "dit", "Transformer2DModel": "dit"}
"""Classes of the diffusers library, whose configs name them in ``_class_name`` and have no ``model_type``."""
MAX_NAME = 120
STATED = ("params", "num_params", "n_params", "num_parameters")
"""Keys with which a config may state its number of parameters."""


def read_model_file(path: Path) -> ModelConfig:
    """The model that a file describes (or the config.json of a folder).

    Raises:
        DataFileError: missing, binary, broken, too large, too deep, or not a model.
    """
    if path.is_dir():
        path = path / CONFIG_NAME
    if path.suffix.lower() == ".toml":
        return check_model(read_toml(path), str(path))
    return read_config(path)


def read_config(path: Path) -> ModelConfig:
    """The model, without a recipe, of a Hugging Face config.json.

    Raises:
        DataFileError: not readable as JSON, or not a model's config.
    """
    config = parse_json(read_text(path), path)
    if not isinstance(config, dict):
        raise DataFileError(f"{path}: a model config is a JSON object, not {type(config).__name__}")
    class_name = config.get("_class_name")
    if "model_type" not in config and isinstance(class_name, str) and class_name in DIFFUSERS:
        config["model_type"] = DIFFUSERS[class_name]
    model_type = config.get("model_type")
    if not isinstance(model_type, str) or not model_type.strip():
        known = f"of class {class_name!r}, which we cannot count, " if isinstance(class_name, str) else ""
        raise DataFileError(
            f'{path}: {known}no "model_type"; add it, for example "model_type": "llama", '
            "or give a model's own file"
        )
    name = _name(config, path)
    # A model without a year gets the current year.
    return ModelConfig(
        id=name,
        name=name,
        year=gmtime().tm_year,
        config=config,
        parameters=_stated_parameters(config, path),
        note=f"read from {path}",
    )


def check_model(raw: dict[str, Any], origin: str) -> ModelConfig:
    """The model that a user's tables describe, after a check of every field.

    Raises:
        DataFileError: the message names the first wrong fields and the reasons.
    """
    if "peak_flop_per_s" in raw and "config" not in raw:
        # `footprint models show` has no option for hardware, so none is named.
        raise DataFileError(f"{origin} describes an accelerator, not a model; as hardware it is {origin}:8")
    model = checked(ModelConfig, raw, origin)
    if not model.id or normalise(model.id) != model.id or not model.id.isprintable():
        raise DataFileError(
            f"{origin}: id must be lower case, with dashes and no blanks, not {model.id[:80]!r}"
        )
    if not isinstance(model.config.get("model_type"), str):
        raise DataFileError(f'{origin}: [config] needs model_type, for example model_type = "llama"')
    return model


def _stated_parameters(config: dict[str, Any], path: Path) -> float | None:
    """The number of parameters that a config states, to be compared with the count."""
    for name in STATED:
        value = config.get(name)
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e18:
            raise DataFileError(f"{path}: {name} must be a number of parameters, not {str(value)[:60]!r}")
        return float(value)
    return None


def _name(config: dict[str, Any], path: Path) -> str:
    """The name that a config gives itself, else the name of its file or folder."""
    given = config.get("_name_or_path")
    own = PurePath(given.replace("\\", "/")).name if isinstance(given, str) else ""
    other = path.stem if path.name != CONFIG_NAME else path.resolve().parent.name
    for name in (own, other):
        shown = "".join(letter for letter in name[:MAX_NAME] if letter.isprintable()).strip(" .")
        if shown:
            return shown
    return "model"
