"""Numbers that nobody measured for your run, each with its interval and its source.

``reference_data/assumptions/TOPIC.toml`` holds a table a number:
``[name] value, low, high, unit, basis, source, note`` (low and high bound 90 %).
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

from footprint.catalog.files import read_toml, reference_folder
from footprint.results import Assumption, Quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumed:
    """One assumed or fitted number with its 90 % interval."""

    key: str
    value: float
    low: float
    high: float
    unit: str
    basis: str
    source: str
    note: str = ""

    @property
    def quantity(self) -> Quantity:
        """The number as a quantity whose cause is its own key."""
        if self.low == self.high:
            return Quantity(self.value)
        return Quantity.between(self.low, self.value, self.high, self.key)

    def row(self, option: str = "") -> Assumption:
        """The row that an output prints for it."""
        return Assumption(
            name=self.key, value=self.value, unit=self.unit, basis=self.basis, source=self.source, option=option
        )


@functools.cache
def _topic(topic: str) -> dict[str, Any]:
    return read_toml(reference_folder() / "assumptions" / f"{topic}.toml")


def assumed(key: str) -> Assumed:
    """The number ``topic.name``; KeyError only if our own data lacks it (a test reads them all)."""
    topic, name = key.split(".", 1)
    return Assumed(key=key, **_topic(topic)[name])
