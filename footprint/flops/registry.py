"""Finds the module for a ``model_type``; a family is one file, found without importing the others."""

from __future__ import annotations

import functools
import importlib
import os
from collections.abc import Callable, Iterable
from typing import Protocol, cast

from footprint.errors import FootprintError, UnknownNameError
from footprint.flops.config.fields import Fields
from footprint.flops.operations import Model
from footprint.schema import StepShape

FAMILIES = f"{os.path.dirname(__file__)}/families"
LISTED = "operations"
"""The ``model_type`` of a file that is an operation list itself."""
GENERIC = "generic"
"""The ``model_type`` of work of which only a size is known."""
_MARK = "MODEL_TYPES = ("


class Family(Protocol):
    """The names that the module of a family defines."""

    MODEL_TYPES: tuple[str, ...]
    build: Callable[[Fields, StepShape, str], Model]


@functools.cache
def model_families() -> dict[str, str]:
    """The module of every ``model_type`` that is counted by formula, in alphabetical order.

    The types are read from the ``MODEL_TYPES`` literal of each family's file, without importing it.
    """
    import ast
    from pathlib import Path

    found: dict[str, str] = {}
    for path in sorted(Path(FAMILIES).glob("[!_]*.py")):
        source = path.read_text(encoding="utf-8")
        start = source.index(_MARK) + len(_MARK) - 1
        for model_type in ast.literal_eval(source[start : source.index(")", start) + 1]):
            found[model_type] = path.stem
    return dict(sorted(found.items()))


@functools.cache
def family(model_type: str) -> Family | None:
    """The module that counts a ``model_type``, or None if there is none."""
    if model_type == LISTED:
        return cast(Family, importlib.import_module("footprint.flops.listing.build"))
    if model_type.isidentifier() and model_type[0] != "_" and os.path.isfile(f"{FAMILIES}/{model_type}.py"):
        named = _imported(model_type)
        if model_type in named.MODEL_TYPES:  # a file may be named otherwise than all that it counts
            return named
    stem = model_families().get(model_type)
    return None if stem is None else _imported(stem)


def _imported(stem: str) -> Family:
    return cast(Family, importlib.import_module(f"footprint.flops.families.{stem}"))


def unknown_model_type(model_type: str, further: Iterable[str] = ()) -> FootprintError:
    """The error for a ``model_type`` without a family; ``further`` are types that torch can count."""
    from difflib import get_close_matches

    shown = model_type if len(model_type) <= 60 else model_type[:57] + "..."
    return UnknownNameError(
        "model_type",
        shown,
        get_close_matches(shown, dict.fromkeys([*model_families(), *further]), n=3),
        "other types of the transformers library are counted by torch where both are installed; or describe "
        "the model with a generic model_type: llama (decoder), bert (encoder), t5 (encoder-decoder), "
        "mixtral (experts), vit (images)",
    )
