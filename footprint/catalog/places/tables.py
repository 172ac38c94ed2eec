"""The shipped tables of places: carbon intensities, cloud regions, PUE, water."""

from __future__ import annotations

import functools

from footprint.catalog.files import lines_with, parse_csv, shipped_text


def table(name: str) -> list[dict[str, str]]:
    """Rows of a shipped table of ``reference_data``, as text."""
    return parse_csv(shipped_text(f"reference_data/{name}").splitlines())


_kept: dict[str, dict[str, list[dict[str, str]]]] = {}
"""Cached rows by table and first field."""


def rows_of(name: str, key: str) -> list[dict[str, str]]:
    """The rows of a shipped table whose first field is ``key``; only these are parsed."""
    if "," in key or "\n" in key:
        return []  # such a key would also match other fields
    kept = _kept.setdefault(name, {})
    if key not in kept:
        kept[key] = parse_csv(lines_with(shipped_text(f"reference_data/{name}"), f"\n{key},"))
    return kept[key]


@functools.cache
def keep_all(name: str) -> None:
    """Parse a whole table, once, for `rows_of`, which is faster where every key is needed."""
    grouped: dict[str, list[dict[str, str]]] = {}
    for row in table(name):
        grouped.setdefault(next(iter(row.values())), []).append(row)
    _kept[name] = grouped


@functools.cache
def cloud_regions() -> dict[str, dict[str, str]]:
    """Rows of ``regions.csv`` by key, ``aws:us-east-1`` and so on."""
    return {row["key"]: row for row in table("regions.csv")}
