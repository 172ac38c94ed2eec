"""Reads JSON values that a stranger may have written."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NoReturn

from footprint.errors import DataFileError
from footprint.plain_text import in_line
from footprint.records import record


@record
class Bounds:
    """A median with the ends of its 90 % interval, which are the median where it was counted."""

    low: float
    mid: float
    high: float

    def times(self, factor: float) -> Bounds:
        """The same in another unit."""
        return Bounds(low=self.low * factor, mid=self.mid * factor, high=self.high * factor)


class Reader:
    """Values of a JSON object; DataFileError names the key of one that cannot be meant."""

    def __init__(self, values: Mapping[str, Any], origin: object, path: str = "") -> None:
        self.values, self.origin, self._path = values, origin, path

    def names(self) -> list[str]:
        """Its keys."""
        return [str(name) for name in self.values]

    def text(self, name: str) -> str:
        """A text on one line; empty where there is none."""
        found = self.values.get(name)
        if found is not None and not isinstance(found, str):
            self._wrong(name, "a text")
        return in_line(found or "")

    def number(self, name: str) -> float | None:
        """A finite number of at least 0."""
        found = self.values.get(name)
        if found is None:
            return None
        if isinstance(found, bool) or not isinstance(found, int | float):
            self._wrong(name, "a number")
        if not (math.isfinite(found) and found >= 0):
            self._wrong(name, "a finite number of at least 0")
        return float(found)

    def bounds(self, name: str) -> Bounds | None:
        """A quantity with its interval."""
        if self.values.get(name) is None:
            return None
        part = self.part(name)
        mid, low, high = (part.number(end) for end in ("mid", "low", "high"))
        if mid is None:
            self._wrong(name, "a quantity with its mid")
        low, high = mid if low is None else low, mid if high is None else high
        if not low <= mid <= high:
            self._wrong(name, "low <= mid <= high")
        return Bounds(low=low, mid=mid, high=high)

    def part(self, name: str) -> Reader:
        """An object within this one; an empty one where there is none."""
        found = self.values.get(name)
        if found is not None and not isinstance(found, Mapping):
            self._wrong(name, "an object")
        return Reader(found or {}, self.origin, f"{self._path}{name}.")

    def fields(self, name: str) -> Mapping[str, Any]:
        """An object as it is."""
        return self.part(name).values

    def list(self, name: str) -> list[Reader]:
        """A list of objects."""
        found = self.values.get(name) or []
        if not isinstance(found, list) or not all(isinstance(one, Mapping) for one in found):
            self._wrong(name, "a list of objects")
        return [Reader(one, self.origin, f"{self._path}{name}.") for one in found]

    def plain(self, name: str) -> str:
        """A text or a number, as text."""
        found = self.values.get(name)
        return in_line(f"{found:.4g}" if isinstance(found, float) else "" if found is None else str(found))

    def _wrong(self, name: str, what: str) -> NoReturn:
        raise DataFileError(f"{self.origin}: {self._path}{name} is not {what}")
