"""When the next journal line is due."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from footprint.tracking.process.interruptible_wait import InterruptibleWait

EARLY_S = 1.0
"""Between two lines at the beginning of a run, until there is a forecast."""
LEAST_REST = 0.1
"""Part of the flush interval that is left between two lines, however long one took."""


class FlushSchedule:
    """Rests between two lines; ``look`` is called each ``look_s`` meanwhile."""

    def __init__(self, flush_s: float, look_s: float, wait: InterruptibleWait) -> None:
        self.look_s = look_s
        self.early = False
        self._flush_s = flush_s
        self._sooner_s = math.inf
        self._wait = wait

    def look_again_after(self, seconds: float) -> None:
        """Let the next line, and those after it, come after so long if that is sooner than the interval."""
        self._sooner_s = seconds

    def rest(self, since_last_s: float, look: Callable[[], None]) -> None:
        """Until the next line is due, or we are woken."""
        interval_s = min(self._flush_s, self._sooner_s, EARLY_S if self.early else math.inf)
        wait_s = max(interval_s - since_last_s, LEAST_REST * interval_s)
        until = time.monotonic() + wait_s
        while (left_s := until - time.monotonic()) > 0 and not self._wait.rest(min(left_s, self.look_s)):
            if self.look_s < left_s:
                look()
