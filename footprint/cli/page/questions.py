"""What the page may ask: fields as people write them, within limits, with names of the catalogue alone.

A question comes from a form or from a link that a stranger sent. It can name no file: a model is a name
of the catalogue, or the config that was pasted, which is written beside the program as `CONFIG`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from footprint.errors import FootprintError
from footprint.estimator.fields import FLAG, NAMES
from footprint.estimator.request import FIELDS, EstimateRequest

CONFIG = "config.json"
"""Name of a pasted config, in questions and in the commands that the page shows."""
MOST_QUESTION_BYTES = 2 * 1024 * 1024
MOST_CHARACTERS = 300
NOT_OF_THE_PAGE = ("anchor", "force")
"""Fields that name files, or accept what is implausible."""


def fields_in(question: Mapping[str, Any]) -> dict[str, str]:
    """The fields of a question that were filled in, as texts.

    Raises FootprintError for an unknown field, for anything that is no short line, and for a file's name.
    """
    raw = question.get("fields", {})
    if not isinstance(raw, dict):
        raise FootprintError("the fields of a question are names with texts")
    fields = {}
    for name, value in raw.items():
        if name not in FIELDS or name in NOT_OF_THE_PAGE:
            from footprint.catalog.names import unknown

            raise unknown("field", str(name), [one for one in FIELDS if one not in NOT_OF_THE_PAGE])
        text = checked_text(value, f"`{name}=`")
        if text:
            fields[name] = text
    for name in ("model", "hw"):
        if name in fields:
            _require_known(name, fields[name], has_config="config" in question)
    return fields


def checked_text(value: object, named: str) -> str:
    """A text of one line; FootprintError for anything else."""
    if not isinstance(value, str):
        raise FootprintError(f"{named} must be a text, not {type(value).__name__}")
    if len(value) > MOST_CHARACTERS or not value.isprintable():
        raise FootprintError(f"{named} must be one line of at most {MOST_CHARACTERS} characters")
    return value.strip()


def request_of(fields: Mapping[str, str]) -> EstimateRequest:
    """The request that these fields make, read as the command line reads them."""
    return EstimateRequest.from_mapping(values_of(fields), "page")


def values_of(fields: Mapping[str, str]) -> dict[str, Any]:
    """The fields with the values that ``from_mapping`` takes."""
    return {
        name: True if FIELDS[name].kind is FLAG
        else list(FIELDS[name].read(text)) if FIELDS[name].kind is NAMES
        else text
        for name, text in fields.items()
    }  # fmt: skip


def arguments_of(fields: Mapping[str, str]) -> list[str]:
    """The options of the command line that give these fields."""
    found = []
    for name, text in fields.items():
        found += [FIELDS[name].flag] if FIELDS[name].kind is FLAG else [FIELDS[name].flag, text]
    return found


def config_in(question: Mapping[str, Any]) -> str | None:
    """The pasted config of a question, unread; FootprintError for anything but a text."""
    config = question.get("config")
    if config is not None and not isinstance(config, str):
        raise FootprintError("a pasted config must be a text")
    return config


def _require_known(name: str, text: str, *, has_config: bool) -> None:
    """FootprintError for a name that would be looked for among files."""
    from footprint.catalog.hardware import is_path
    from footprint.catalog.models.find import FILE_ENDINGS, NAMES, models_folder
    from footprint.catalog.names import unknown

    if name == "hw":
        if is_path(text.rpartition(":")[0] or text) or "/" in text or "\\" in text:
            raise FootprintError("`hw=` takes the name of an accelerator here, such as h100:8, and no file")
        return
    if text == CONFIG and has_config:
        return
    if NAMES.find(models_folder(), text) is None:
        hint = "paste a config.json for any other model"
        if text.lower().endswith(FILE_ENDINGS):
            raise FootprintError(f"`model=`: the page reads no file: {hint}")
        raise unknown("model", text, NAMES.suggested(models_folder()), hint)
