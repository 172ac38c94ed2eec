"""Meters without an instrument: a constant power that the user states, and none at all."""

from __future__ import annotations

import time

from footprint.meters.base import Channel, Reading
from footprint.units import JOULE_PER_KWH


class ConstantMeter:
    """Energy of a node that always draws the stated IT power."""

    def __init__(self, power_w: float) -> None:
        self.power_w = power_w
        self._started_s = 0.0

    def start(self) -> tuple[Channel, ...]:
        """One channel, the node, modelled."""
        self._started_s = time.monotonic()
        source = f"constant {self.power_w:g} W for the node, as given"
        return (Channel(component="node", how="modelled", source=source),)

    def read(self) -> Reading:
        """Power times the time since `start` [kWh]."""
        elapsed_s = time.monotonic() - self._started_s
        return Reading(energy_kwh={"node": self.power_w * elapsed_s / JOULE_PER_KWH})

    def stop(self) -> None:
        """Nothing to end."""


class NullMeter:
    """No energy at all: every component absent."""

    def start(self) -> tuple[Channel, ...]:
        """No channel."""
        return ()

    def read(self) -> Reading:
        """An empty reading."""
        return Reading(energy_kwh={})

    def stop(self) -> None:
        """Nothing to end."""
