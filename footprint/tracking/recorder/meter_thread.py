"""The meter on a thread of its own, so that a meter that hangs or raises stops nothing else."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from footprint.meters.base import Channel, Meter, Reading
from footprint.tracking.journal.lines import Board, MeterLine

HUNG_AFTER_S = 15.0


class MeterThread:
    """Starts a meter, reads it when asked, stops it; every call is bounded in time.

    ``clock`` gives seconds since the run began. Faults are collected until `faults` takes them.
    """

    def __init__(self, make: Callable[[], Meter], clock: Callable[[], float]) -> None:
        self._make = make
        self._clock = clock
        self._wake = threading.Condition()
        self._asked = 0
        self._answered = 0
        self._stopping = False
        self._busy_since: float | None = None
        self._busy_with = ""
        self._said_hung = False
        self._faults: list[str] = []
        self._reading: tuple[float, Reading] | None = None
        self.meter: Meter | None = None
        self.channels: tuple[Channel, ...] | None = None
        self.started_s = 0.0
        self.failed = False
        self._thread = threading.Thread(target=self._work, name="footprint-meter", daemon=True)

    def start(self) -> None:
        """Begin in the background; returns at once."""
        self._thread.start()

    @property
    def ready(self) -> bool:
        """Whether the meter has said what it reads."""
        return self.channels is not None

    def describe(self, boot_s: float) -> tuple[MeterLine, tuple[str, ...]]:
        """The channels and boards as the journal keeps them, and what is wrong with the choice of boards."""
        visible = getattr(self.meter, "visible", None)
        devices = getattr(visible, "devices", ())
        boards = tuple(Board(uuid=d.uuid, name=d.name, index=d.index) for d in devices)
        channels = tuple(
            Channel(component=c.component, how=c.how, source=c.source) for c in self.channels or ()
        )
        line = MeterLine(boot_s=boot_s, channels=channels, devices=boards)
        return line, tuple(getattr(visible, "problems", ()))

    def settle(self, wait_s: float) -> bool:
        """Wait until the meter has started or failed, at most so long; whether it has."""
        with self._wake:
            return self._wake.wait_for(lambda: self.ready or self.failed, timeout=wait_s)

    def ask(self, wait_s: float) -> tuple[float, Reading] | None:
        """The time and value of a new reading, or None if none came within ``wait_s``."""
        with self._wake:
            if self._stopping or self.failed or not self._thread.is_alive():
                return None
            if not self.ready:
                return None
            if self._asked == self._answered:
                self._asked += 1
                self._wake.notify_all()
            else:
                wait_s = 0.0  # the last request hangs: the journal must not wait for it every time
            self._wake.wait_for(lambda: self._answered == self._asked or self.failed, timeout=wait_s)
            reading, self._reading = self._reading, None
            return reading

    def faults(self) -> list[str]:
        """What went wrong since the last call, a hang included."""
        with self._wake:
            since, doing = self._busy_since, self._busy_with
            found, self._faults = self._faults, []
        if since is not None and time.monotonic() - since > HUNG_AFTER_S and not self._said_hung:
            self._said_hung = True
            found.append(f"meter: {doing} has not come back for {time.monotonic() - since:.0f} s")
        return found

    def stop(self, wait_s: float) -> bool:
        """End the meter; False when its thread could not be ended in time (it dies with the process)."""
        with self._wake:
            self._stopping = True
            self._wake.notify_all()
        if self._thread.is_alive():
            self._thread.join(wait_s)
        return not self._thread.is_alive()

    def _work(self) -> None:
        self.failed = not self._guarded("start", self._begin)
        with self._wake:
            self._wake.notify_all()
        while not self.failed:
            with self._wake:
                self._wake.wait_for(lambda: self._stopping or self._asked > self._answered)
                if self._stopping:
                    break
            self._guarded("read", self._read)
            with self._wake:
                self._answered = self._asked
                self._wake.notify_all()
        if self.meter is not None:
            self._guarded("stop", self.meter.stop)
        with self._wake:
            self._wake.notify_all()

    def _begin(self) -> None:
        self.meter = self._make()
        channels = tuple(self.meter.start())
        self.started_s = self._clock()
        self.channels = channels

    def _read(self) -> None:
        if self.meter is None:
            return
        reading: Any = self.meter.read()
        at_s = self._clock()
        if reading is None:
            self._faults.append("meter: read returned nothing")
            return
        if not isinstance(getattr(reading, "energy_kwh", None), dict):
            self._faults.append(f"meter: read returned {type(reading).__name__}, not a Reading")
            return
        with self._wake:
            self._reading = (at_s, reading)

    def _guarded(self, doing: str, call: Callable[[], object]) -> bool:
        """Run one call of the meter; anything it raises becomes a fault."""
        self._busy_with, self._busy_since = doing, time.monotonic()
        try:
            call()
        except BaseException as error:  # noqa: BLE001 - a meter may raise anything, SystemExit too
            with self._wake:
                self._faults.append(f"meter: {doing} raised {type(error).__name__}: {error!s:.200}")
            return False
        finally:
            self._busy_since, self._said_hung = None, False
        return True
