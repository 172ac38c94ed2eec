"""The energy of a run: the meter on its thread, and the ledger of what was accepted of its readings."""

from __future__ import annotations

import time
from collections.abc import Callable

from footprint.meters import Meter
from footprint.tracking.journal.lines import FaultLine, MeterLine
from footprint.tracking.recorder.energy_ledger import LEAST_READ_S, Ledger
from footprint.tracking.recorder.meter_thread import MeterThread
from footprint.tracking.recorder.run_clock import RunClock

SHORT_READ_S = 2 * LEAST_READ_S


class Metering:
    """Lives on the recorder's thread; `settled` may be asked from any."""

    def __init__(self, make_meter: Callable[[], Meter], clock: RunClock) -> None:
        self.ledger = Ledger()
        self._clock = clock
        self._thread = MeterThread(make_meter, clock.since_start_s)
        self._opened = False

    @property
    def settled(self) -> bool:
        """Whether the meter has started, or failed to."""
        return self._thread.ready or self._thread.failed

    def start(self) -> None:
        """Begin to start the meter, in the background."""
        self._thread.start()

    def settle(self, wait_s: float) -> bool:
        """Wait until the meter has started or failed, at most so long; whether it has."""
        return self._thread.settle(wait_s)

    def open(self) -> tuple[MeterLine, tuple[str, ...]] | None:
        """Once, when the meter has started: the line of what it reads, and what is wrong with its boards."""
        if self._opened or not self._thread.ready:
            return None
        self._opened = True
        self.ledger.open(self._thread.channels or (), self._thread.started_s)
        return self._thread.describe(self._clock.boot_s_at(self._thread.started_s))

    def read(self, wait_s: float) -> None:
        """Take one reading, if it comes in time."""
        reading = self._thread.ask(wait_s) if self._opened else None
        if reading is not None:
            at_s, values = reading
            self.ledger.take(values.energy_kwh, at_s, until_s=self._clock.stopped_s)
            self.ledger.take_devices(values.device_kwh, values.device_busy, values.own_devices)

    def note(self, what: str) -> None:
        """Add a fault that is no reading's."""
        self.ledger.fault(what, at_s=self._clock.run_s())

    def take_faults(self) -> list[FaultLine]:
        """The faults since the last call, as their lines."""
        for what in self._thread.faults():
            self.note(what)
        return self.ledger.take_faults()

    def wait_for_something_to_read(self, most_s: float) -> None:
        """A meter that started at the very end of a run is given a moment before its only reading."""
        if self._thread.ready and self._thread.started_s > self._clock.stopped_s - LEAST_READ_S:
            time.sleep(min(SHORT_READ_S, most_s))

    def stop(self, wait_s: float) -> bool:
        """End the meter; False when its thread could not be ended in time."""
        return self._thread.stop(wait_s)

    @property
    def why_not_stopped(self) -> str:
        """What is said of a meter that does not end."""
        state = "hangs" if self._thread.ready else "was still starting"
        return f"the meter {state}; its thread ends with the process"
