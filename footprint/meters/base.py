"""What a meter is: cumulative energy by component, and how each component is known.

A meter never decides what its numbers are worth: it reports what it read, and the tracker
checks every reading before it counts (`footprint.tracking.recorder.energy_ledger`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from footprint.records import field, record
from footprint.vocabulary import How

COMPONENTS = ("accelerators", "cpu", "ram", "node")
"""``node`` stands for all IT power of the node at once, from meters that cannot divide it."""


@record
class Channel:
    """One component of a meter: how its energy is known, and from what."""

    component: str
    how: How
    source: str


@record
class Reading:
    """Energy since the meter started [kWh], by component; a component that failed is left out.

    ``device_kwh`` divides the accelerators' energy by device identifier where the meter can,
    ``device_busy`` is each device's share of busy time since the last reading [0-1], and
    ``own_devices`` names the devices on which a process of this run was seen, where known.
    """

    energy_kwh: Mapping[str, float | None]
    device_kwh: Mapping[str, float] = field(default_factory=dict)
    device_busy: Mapping[str, float] = field(default_factory=dict)
    own_devices: frozenset[str] | None = None


@runtime_checkable
class Meter(Protocol):
    """An object that counts energy between `start` and `stop`, on one thread of its own.

    Every method may raise and may be slow; the tracker calls them away from the training
    loop, and goes on without the meter when it fails.
    """

    def start(self) -> tuple[Channel, ...]:
        """Begin to count; says what can be read here."""

    def read(self) -> Reading | None:
        """Energy since `start` [kWh] by component."""

    def stop(self) -> None:
        """End, and leave no thread behind."""


class MeterError(Exception):
    """A meter could not start or read; the message says what was seen."""
