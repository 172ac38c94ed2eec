"""Assumed and fitted numbers, each with its interval and its source.

``reference_data/assumptions/TOPIC.toml`` holds one table per number:
``[name] value, low, high, unit, basis, source, note`` (low and high bound 90 %).
"""

from __future__ import annotations

import functools
from typing import Any

from footprint.catalog.files import shipped
from footprint.catalog.folder import ids, read_record
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
        """The number as a quantity; its cause is its key."""
        if self.low == self.high:
            return Quantity(self.value)
        return Quantity.between(self.low, self.value, self.high, self.key)

    def row(self, option: str = "") -> Assumption:
        """The assumption row of this number."""
        return Assumption(
            name=self.key,
            value=self.value,
            unit=self.unit,
            basis=self.basis,
            source=self.source,
            option=option,
        )


@functools.cache
def _topic(topic: str) -> dict[str, dict[str, Any]]:
    """The tables of a topic by their names; empty if there is no such topic."""
    return read_record(shipped("reference_data/assumptions"), topic) if topic in assumed_topics() else {}


@functools.cache
def assumed(key: str) -> Assumed:
    """The number ``topic.name``; KeyError if the shipped data lack it (a test reads every used key)."""
    topic, name = key.split(".", 1)
    return Assumed(key=key, **_topic(topic)[name])


def assumed_values(topic: str) -> dict[str, float]:
    """The values of a topic by name, without intervals and sources; empty if there is no such topic."""
    return {name: float(table["value"]) for name, table in _topic(topic).items()}


@functools.cache
def assumed_topics() -> list[str]:
    """Names of the topics, sorted."""
    return ids(shipped("reference_data/assumptions"))


def forget() -> None:
    """Clear the cache of numbers, for programs that write the files."""
    assumed_topics.cache_clear()
    _topic.cache_clear()
    assumed.cache_clear()
