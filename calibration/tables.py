"""Fitted numbers as the text of their file in ``reference_data/assumptions``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

Fitted = tuple[str, float, float, float, str, str]
"""Name, value, low and high end of 90 %, unit and note."""


def text_of(head: Iterable[str], rows: Iterable[Fitted], source: str, digits: int) -> str:
    """The text: comment lines, then a table for each number, with so many significant digits."""
    lines = [f"# {line}" for line in head]
    for name, value, low, high, unit, note in rows:
        numbers = {"value": value, "low": low, "high": high}
        lines += ["", f"[{name}]", *(f"{key} = {number:.{digits}g}" for key, number in numbers.items())]
        lines += [f'unit = "{unit}"', 'basis = "fitted"', f'source = "{source}"', f'note = "{note}"']
    return "\n".join(lines) + "\n"


def quantile(values: Sequence[float], weights: Sequence[float], share: float) -> float:
    """Weighted quantile of some values."""
    ordered = sorted(zip(values, weights, strict=True))
    whole = sum(weights)
    seen = 0.0
    for value, weight in ordered:
        seen += weight
        if seen >= share * whole:
            return value
    return ordered[-1][0]
