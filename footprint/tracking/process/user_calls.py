"""Functions of the user's: called apart from what records the run, which they can neither stop nor delay."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

from footprint.tracking.process.ending import described

LONG_S = 10.0
"""A function that takes longer is named."""
_END = object()


class UserCall:
    """Calls one function with one value after the other, on a thread that begins with the first."""

    def __init__(self, what: str, function: Callable[[Any], object], complain: Callable[[str], None]) -> None:
        self._function = function
        self._name = f"{what} {getattr(function, '__qualname__', type(function).__name__)}"
        self._complain = complain
        self._values: SimpleQueue[Any] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._busy_since: float | None = None
        self._said = False

    def give(self, value: Any, *, must: bool = False) -> None:
        """Call the function with a value; while it is at another, only with one that ``must`` be heard."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="footprint-callback", daemon=True)
            self._thread.start()
        since = self._busy_since
        if since is None or must:
            self._values.put(value)
        self._look(since)

    def _look(self, since: float | None) -> None:
        if since is not None and time.monotonic() - since > LONG_S and not self._said:
            self._said = True
            self._complain(f"{self._name} has not come back for {time.monotonic() - since:.0f} s")

    def end(self, wait_s: float) -> None:
        """Wait for what was given, at most so long."""
        if self._thread is None:
            return
        self._values.put(_END)
        self._thread.join(wait_s)
        if self._thread.is_alive() and not self._said:
            self._complain(f"{self._name} has not come back; its thread ends with the process")

    def _work(self) -> None:
        while (value := self._values.get()) is not _END:
            self._busy_since = time.monotonic()
            try:
                self._function(value)
            except BaseException as error:  # noqa: BLE001 - sys.exit() in a callback ends nothing
                self._complain(f"{self._name} raised {described(error)}")
            finally:
                self._busy_since = None
