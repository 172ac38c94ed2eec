"""The best scenarios of a stream: its Pareto front, and the few with the least of a quantity."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from footprint.decisions.comparison import answered, said_of_row
from footprint.decisions.streams import NUMBERS, Part
from footprint.estimator.resolve.shared import Shared
from footprint.records import record

AIMS = ("duration_h", "co2e_kg", "cost_usd")
"""What the front weighs: hours, CO2e and money, by their medians."""


@record
class Found:
    """One scenario: the values of its axes, and its numbers."""

    scenario: dict[str, Any]
    numbers: dict[str, float]

    def to_json(self) -> dict[str, Any]:
        """The scenario, and each quantity with low, mid and high; null where it has no number."""
        quantities: dict[str, Any] = {}
        for name, value in self.numbers.items():
            quantity, _, end = name.rpartition("_")
            ends = quantities.setdefault(quantity, {})
            ends[end] = value if value == value else None
        plain = {n: v if v["mid"] is not None else None for n, v in quantities.items()}
        return {"scenario": self.scenario, **plain}


def said_of(found: Iterable[Found], fixed: Mapping[str, Any]) -> tuple[str, ...]:
    """What some scenarios say beside their numbers: an assumed place, options without effect."""
    shared = Shared()
    rows = (answered({**fixed, **one.scenario}, shared) for one in found)
    return tuple(dict.fromkeys(warning for row in rows for warning in said_of_row(row)))


class Least:
    """The feasible scenarios with the least of a quantity."""

    def __init__(self, by: str, most: int) -> None:
        self._by, self._most = by, most
        self.found: list[Found] = []

    def add(self, part: Part) -> None:
        """Take the scenarios of a part into account."""
        import numpy as np

        values = np.where(part.feasible, part.numbers[f"{self._by}_mid"], np.nan)
        order = np.argsort(values, kind="stable")[: self._most]
        new = [_found(part, row) for row in order if values[row] == values[row]]
        self.found = sorted(self.found + new, key=self._size)[: self._most]

    def _size(self, one: Found) -> float:
        return one.numbers[f"{self._by}_mid"]


class Front:
    """The feasible scenarios that no other one beats in every aim at once."""

    def __init__(self, aims: Sequence[str] = AIMS) -> None:
        self._aims = tuple(f"{name}_mid" for name in aims)
        self.found: list[Found] = []

    def add(self, part: Part) -> None:
        """Take the scenarios of a part into account."""
        import numpy as np

        points = np.stack([part.numbers[name] for name in self._aims], axis=1)
        known = np.flatnonzero(part.feasible & np.isfinite(points).all(axis=1))
        old = np.array([[one.numbers[name] for name in self._aims] for one in self.found])
        points, count = np.concatenate([old.reshape(-1, len(self._aims)), points[known]]), len(self.found)
        kept = front_of(points)
        self.found = [
            self.found[place] if place < count else _found(part, known[place - count]) for place in kept
        ]


def front_of(points: Any) -> list[int]:
    """Rows of an array that no other row is at most everywhere, and below somewhere; in order."""
    import numpy as np

    # Only a row that comes earlier in this order can beat a later one.
    order = np.lexsort(points.T[::-1])
    kept: list[int] = []
    for row in order:
        one = points[row]
        rivals = points[kept] if kept else points[:0]
        if not ((rivals <= one).all(axis=1) & (rivals < one).any(axis=1)).any():
            kept.append(int(row))
    return sorted(kept)


def _found(part: Part, row: Any) -> Found:
    return Found(
        scenario={name: values[row] for name, values in part.axes.items()},
        numbers={name: float(part.numbers[name][row]) for name in NUMBERS},
    )
