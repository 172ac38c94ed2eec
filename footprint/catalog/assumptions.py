"""Numbers that nobody measured for your run, each with its interval and its source.

``reference_data/assumptions/TOPIC.toml`` holds a table a number:
``[name] value, low, high, unit, basis, source, note`` (low and high bound 90 %).
"""

from __future__ import annotations

import functools
import os

from footprint.catalog.files import read_text, reference_folder, shipped, tables
from footprint.records import record
from footprint.results import Assumption, Quantity


@record
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
            name=self.key,
            value=self.value,
            unit=self.unit,
            basis=self.basis,
            source=self.source,
            option=option,
        )


def _file(topic: str) -> str:
    return shipped(f"reference_data/assumptions/{topic}.toml")


@functools.cache
def _text(topic: str) -> str:
    return "\n" + read_text(_file(topic)) + "\n"


def _table(topic: str, name: str) -> str:
    """The text of one table of a topic.

    An estimate needs a handful of the hundreds of numbers, and parsing TOML is slow: a table is
    parsed when it is asked for. (A test holds this equal to parsing the whole file.)
    """
    text, head = _text(topic), f"\n[{name}]\n"
    at = text.find(head)
    if at < 0:
        raise KeyError(f"{topic}.{name}")
    body = at + len(head)
    end = text.find("\n[", body - 1)
    return text[body : end if end >= 0 else len(text)]


@functools.cache
def assumed(key: str) -> Assumed:
    """The number ``topic.name``; KeyError only if our own data lacks it (a test reads them all)."""
    topic, name = key.split(".", 1)
    return Assumed(key=key, **tables(_table(topic, name)))


def assumed_values(topic: str) -> dict[str, float]:
    """Every number of a topic by its name, without interval and source; empty if there is no such topic."""
    if not os.path.isfile(_file(topic)):
        return {}
    parts = (chunk.partition("]\n") for chunk in _text(topic).split("\n[")[1:])
    return {name: _value(body) for name, _, body in parts}


def assumed_topics() -> list[str]:
    """Names of the topics, sorted."""
    return sorted(path.stem for path in (reference_folder() / "assumptions").glob("*.toml"))


def _value(body: str) -> float:
    """The ``value`` of a table, read from its line."""
    return float(f"\n{body}".partition("\nvalue = ")[2].partition("\n")[0].partition("#")[0])
