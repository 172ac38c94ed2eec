"""The shipped tables of places: carbon intensities, cloud regions, PUE, water."""

from __future__ import annotations

import functools

from footprint.catalog.files import parse_csv, read_text, shipped


def table(name: str) -> list[dict[str, str]]:
    """Rows of a shipped table of ``reference_data``, as text."""
    return parse_csv(_text(name).splitlines())


@functools.cache
def rows_of(name: str, key: str) -> list[dict[str, str]]:
    """The rows of a shipped table whose first field is ``key``; only these are parsed."""
    if "," in key or "\n" in key:
        return []  # would match more than the first field
    text, begin = _text(name), f"\n{key},"
    lines = [text[: text.index("\n")]]
    at = text.find(begin)
    while at >= 0:
        end = text.index("\n", at + 1)
        lines.append(text[at + 1 : end])
        at = text.find(begin, end)
    return parse_csv(lines)


@functools.cache
def cloud_regions() -> dict[str, dict[str, str]]:
    """Rows of ``regions.csv`` by key, ``aws:us-east-1`` and so on."""
    return {row["key"]: row for row in table("regions.csv")}


@functools.cache
def _text(name: str) -> str:
    """A shipped table as one text whose every line ends."""
    return read_text(shipped(f"reference_data/{name}")).replace("\r\n", "\n").rstrip("\n") + "\n"
