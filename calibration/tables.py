"""Fitted numbers as the text of their file in ``reference_data/assumptions``; a quantile that fits share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

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


def interpolated(values: Sequence[float], weights: Sequence[float], share: float) -> float:
    """Weighted quantile of some values, linear between the middles of their weights."""
    order = np.argsort(values, kind="stable")
    weight = np.asarray(weights)[order]
    middles = (np.cumsum(weight) - weight / 2) / weight.sum()
    return float(np.interp(share, middles, np.asarray(values)[order]))
