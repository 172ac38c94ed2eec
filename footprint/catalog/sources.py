"""Sources by key, from ``reference_data/sources/*.toml`` and the ``[sources]`` tables of the files."""

from __future__ import annotations

import functools
from collections.abc import Mapping

from footprint.catalog.files import shipped
from footprint.catalog.folder import read_records
from footprint.schema import Source


@functools.cache
def all_sources() -> dict[str, Source]:
    """Every shared source by its key; a test checks that no key is described twice."""
    found: dict[str, Source] = {}
    for _, sources in read_records(shipped("reference_data/sources")):
        found.update({key: Source(**fields) for key, fields in sources.items()})
    return found


def describe(keys: str, own: Mapping[str, Source] | None = None) -> list[str]:
    """One line for each key of a list joined by ``; ``; an unknown key is returned unchanged."""
    lines = []
    for key in keys.split("; "):
        source = (own or {}).get(key) or all_sources().get(key)
        lines.append(key if source is None else f"{source.title} ({source.year}), {source.locator}")
    return lines
