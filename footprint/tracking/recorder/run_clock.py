"""How long a run has gone on, and when that was by the machine's boot clock."""

from __future__ import annotations

import math
import time

from footprint.tracking.process.clock import boot_clock_s


class RunClock:
    """Begins when it is made; stands still from `stop` on, as what we do after it is no part of the run."""

    def __init__(self) -> None:
        self.started_boot_s = boot_clock_s()
        self._started_s = time.monotonic()
        self.stopped_s = math.inf
        """Seconds of the run at which it ended; infinite before."""
        self._stopped_boot_s = math.inf

    def stop(self) -> None:
        """The run is over."""
        self.stopped_s, self._stopped_boot_s = self.run_s(), boot_clock_s()

    def since_start_s(self) -> float:
        """Seconds since the run began, whether it goes on or not [s]."""
        return time.monotonic() - self._started_s

    def run_s(self) -> float:
        """Seconds since the run began, until its end, sleep left out [s]."""
        return min(self.since_start_s(), self.stopped_s)

    def boot_s(self) -> float:
        """The machine's boot clock, until the run's end [s]."""
        return min(boot_clock_s(), self._stopped_boot_s)

    def boot_s_at(self, run_s: float) -> float:
        """The boot clock at some second of the run, if the machine has not slept before [s]."""
        return min(self.started_boot_s + run_s, self._stopped_boot_s)

    def suspended_s(self) -> float:
        """Seconds of sleep so far [s]."""
        return max(0.0, self.boot_s() - self.started_boot_s - self.run_s())
