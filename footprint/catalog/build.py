"""Builds records from the tables of a file; files of users are checked first, shipped files are not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from footprint.errors import DataFileError, FootprintError
from footprint.schema import Cite, Source

MAX_SHOWN_PROBLEMS = 3
Record = TypeVar("Record")


def built(
    kind: type[Record], what: str, raw: Mapping[str, Any], origin: str, **parts: Callable[[Any], Any]
) -> Record:
    """The record of a shipped file, without type checks; ``parts`` turn a field's tables into records.

    Raises:
        DataFileError: a key is missing, unknown or out of range; the message names ``origin`` and ``what``.
    """
    fields = {key: tuple(value) if isinstance(value, list) else value for key, value in raw.items()}
    parts = {"cite": _cites, "sources": _sources, **parts}
    try:
        fields.update({key: make(fields[key]) for key, make in parts.items() if key in fields})
        return kind(**fields)
    except FootprintError as error:
        raise DataFileError(f"{origin}: {error}") from None
    except (TypeError, ValueError, AttributeError) as error:
        raise DataFileError(f"{origin}: not a {what}: {error}") from None


def _cites(tables: Mapping[str, Any]) -> dict[str, Cite]:
    return {path: Cite(**table) for path, table in tables.items()}


def _sources(tables: Mapping[str, Any]) -> dict[str, Source]:
    return {key: Source(**table) for key, table in tables.items()}


def checked(kind: type[Record], raw: Mapping[str, Any], origin: str) -> Record:
    """The record of a user's file, after a check of every key and type.

    Raises:
        DataFileError: one line that names the origin and the first wrong fields.
    """
    from pydantic import TypeAdapter, ValidationError

    try:
        # From JSON, pydantic's strict mode accepts lists for tuples, but no text for numbers.
        import json

        return TypeAdapter(kind).validate_json(json.dumps(raw, default=str), strict=True)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        lines = [f"{'.'.join(map(str, item['loc'])) or 'file'}: {item['msg']}" for item in found]
        more = len(lines) - MAX_SHOWN_PROBLEMS
        problems = "; ".join(lines[:MAX_SHOWN_PROBLEMS]) + (f"; and {more} more" if more > 0 else "")
        raise DataFileError(f"{origin}: {problems}") from None
    except (FootprintError, RecursionError) as error:
        raise DataFileError(f"{origin}: {error}") from None
