"""Signals that Python cannot hand over, because the main thread is blocked in C and stays there.

A rank whose collective hangs is such a case: without a handler SIGTERM kills it at once, with one
in Python it would live until somebody sends SIGKILL. The interpreter writes each signal's number
into a pipe (``signal.set_wakeup_fd``), from which a thread of ours reads.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterable

HEAR_WAIT_S = 1.0
"""How long the main thread is given to hear a signal: any Python code does so within milliseconds."""


class BlockedSignals:
    """Calls ``take`` on a thread with the number of a signal that was not `heard` soon after it came.

    Does nothing where somebody else, such as asyncio, listens for signals already.
    """

    def __init__(self, numbers: Iterable[int], take: Callable[[int], None]) -> None:
        self._take = take
        # Plain booleans: a handler may interrupt another one, which a lock would not survive.
        self._heard = dict.fromkeys(numbers, False)
        self._closed = False
        self._read, self._write = os.pipe()
        self._pipe = os.fstat(self._write)
        os.set_blocking(self._write, False)
        before = signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
        if before != -1:
            signal.set_wakeup_fd(before, warn_on_full_buffer=False)
        self._thread = threading.Thread(target=self._work, name="footprint-signals", daemon=True)
        self._thread.start()

    def heard(self, number: int) -> None:
        """The main thread runs the handler of this signal."""
        self._heard[number] = True

    def close(self) -> None:
        """Stop listening; on the main thread."""
        self._closed = True
        self._stop_listening()
        if self._is_ours(self._write):
            os.write(self._write, b"\0")
        self._thread.join(1.0)
        self._close_pipe()

    def after_fork(self) -> None:
        """In a forked child: its signals are not the parent's, whose pipe it shares."""
        self._stop_listening()
        self._close_pipe()

    def _stop_listening(self) -> None:
        found = signal.set_wakeup_fd(-1)
        if found not in (-1, self._write):  # somebody else's, set since
            signal.set_wakeup_fd(found)

    def _close_pipe(self) -> None:
        for end in (self._write, self._read):
            if self._is_ours(end):
                os.close(end)

    def _is_ours(self, end: int) -> bool:
        """Whether a descriptor still is the pipe: a program may close it and get its number for a file."""
        try:
            return os.path.samestat(os.fstat(end), self._pipe)
        except OSError:
            return False

    def _work(self) -> None:
        while self._is_ours(self._read):
            said = os.read(self._read, 1)
            if self._closed or not said:
                return
            (number,) = said
            if number not in self._heard:
                continue
            until = time.monotonic() + HEAR_WAIT_S
            while not self._heard[number] and not self._closed and time.monotonic() < until:
                time.sleep(0.02)
            if not self._heard[number] and not self._closed:
                self._take(number)
            self._heard[number] = False


def die_of(number: int) -> None:
    """End this process by a signal's default action, from any thread."""
    import ctypes

    # signal.signal() works on the main thread only, which does not answer.
    ctypes.CDLL(None).signal(number, 0)
    os.kill(os.getpid(), number)
