"""Fields of records as `dataclasses` has them: imported only where somebody asks for them."""

from __future__ import annotations

import dataclasses
import functools
from typing import Any


def fields_of(kinds: dict[str, str], said: dict[str, dict[str, Any]], *, kw_only: bool) -> dict[str, Any]:
    """The fields with these annotations, and with what was said of each."""
    fields = {}
    for name, annotation in kinds.items():
        made: Any = dataclasses.field(**said.get(name, {}))
        kind = dataclasses._FIELD  # type: ignore[attr-defined]
        made.name, made.type, made.kw_only, made._field_type = name, annotation, kw_only, kind
        fields[name] = made
    return fields


@functools.cache
def parameters() -> Any:
    """``__dataclass_params__`` of a class that makes its methods itself."""
    pattern: Any = dataclasses.dataclass(init=False, repr=False, eq=False)(type("Pattern", (), {}))
    return pattern.__dataclass_params__


def said_of(field: Any, names: tuple[str, ...]) -> dict[str, Any]:
    """What was said of a standard field, of these arguments of its function."""
    said = {name: getattr(field, name) for name in names}
    return {name: value for name, value in said.items() if value is not dataclasses.MISSING}
