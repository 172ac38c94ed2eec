"""Waiting that a signal's handler may cut short, which must take no lock that it may have interrupted."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue

POLL_S = 0.05


class InterruptibleWait:
    """The wait of one thread, which other threads and signal handlers may shorten."""

    def __init__(self, most_s: float) -> None:
        self.most_s = most_s
        """The longest wait for anything, from now on [s]."""
        self._wake: SimpleQueue[None] = SimpleQueue()  # reentrant, which an Event is not

    def shorten(self, most_s: float) -> None:
        """Wait for nothing longer than this any more."""
        self.most_s = min(self.most_s, most_s)

    def wake(self) -> None:
        """End a rest, or the next one at once."""
        self._wake.put(None)

    def rest(self, wait_s: float) -> bool:
        """Wait for some time or until somebody wakes us; return whether somebody did."""
        try:
            self._wake.get(timeout=wait_s)
        except Empty:
            return False
        with contextlib.suppress(Empty):
            while True:
                self._wake.get_nowait()
        return True

    def wait(self, settled: Callable[[float], bool]) -> bool:
        """Until ``settled`` says so, which is given seconds to wait at most; False if that took too long."""
        began = time.monotonic()
        while not settled(POLL_S):
            if time.monotonic() - began >= self.most_s:
                return False
        return True
