"""Records of a catalogue for people: a table of them, or every field of one."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from footprint.plain_text import in_line

WIDTH = 80


def table(columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> str:
    """The columns of the rows within 80 characters; an empty text if there are no rows."""
    if not rows:
        return ""
    lines = [*_heading(columns), *([in_line(cell(row.get(column))) for column in columns] for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(columns))]
    # The widest column is narrowed until the line fits; the first keeps its width, because people type it.
    while sum(widths) + 2 * (len(widths) - 1) > WIDTH and max(widths[1:]) > 8:
        widths[widths.index(max(widths[1:]), 1)] -= 1
    return "\n".join("  ".join(map(_fit, line, widths)).rstrip() for line in lines)


_UNITS = {
    "g_per_kwh": "g/kWh", "low_g_per_kwh": "low g/kWh", "high_g_per_kwh": "high g/kWh", "power_w": "power W",
    "memory_gib": "memory GiB", "peak_tflop_per_s": "peak TFLOP/s", "usd_per_accelerator_h": "USD/h",
    "host_s": "launch s", "overlap_share": "overlap",
}  # fmt: skip
"""Headings of columns whose names are not what people write."""


def _heading(columns: Sequence[str]) -> list[list[str]]:
    """Column names, one word per line, aligned at the bottom."""
    words = [_UNITS.get(column, column).replace("_", " ").split() for column in columns]
    height = max(map(len, words))
    return [
        [names[row - height + len(names)] if row >= height - len(names) else "" for names in words]
        for row in range(height)
    ]


def _fit(text: str, width: int) -> str:
    return f"{text:<{width}}" if len(text) <= width else text[: width - 2] + ".."


def _short(value: float) -> str:
    """A number with four figures; large counts with a suffix, such as 7.07B."""
    for factor, suffix in ((1e12, "T"), (1e9, "B"), (1e6, "M")):
        if value >= factor:
            return f"{value / factor:.4g}{suffix}"
    return f"{value:.4g}"


def cell(value: object) -> str:
    """A value as the table shows it."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return _short(value)
    if isinstance(value, list | tuple):
        return " ".join(str(part) for part in value)
    return str(value)


def record_lines(record: Mapping[str, Any], indent: int = 0) -> list[str]:
    """A nested record as indented lines, without empty fields."""
    pad = "  " * indent
    lines: list[str] = []
    for key, value in record.items():
        if value is None or value == "" or value in ({}, [], ()):
            continue
        if isinstance(value, Mapping):
            lines += [f"{pad}{key}:", *record_lines(value, indent + 1)]
        elif isinstance(value, list | tuple) and value and isinstance(value[0], Mapping):
            for part in value:
                lines += [f"{pad}{key}:", *record_lines(part, indent + 1)]
        else:
            lines += textwrap.wrap(
                f"{pad}{key}: {_number(value)}", WIDTH, subsequent_indent=pad + "    ", break_long_words=False
            )
    return lines


def _number(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list | tuple):
        return ", ".join(_number(part) for part in value)
    return str(value)
