"""Signals that would kill a run without a word: the journal's last line is written first.

Handlers are chained and restored. A signal that nobody handles still kills the process by
that signal, so that its parent sees what happened.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

from footprint.tracking.process.blocked_signals import BlockedSignals, die_of

NAMES = ("SIGTERM", "SIGHUP")


class SignalGuard:
    """Handlers for the time of one run; installed and removed on the main thread only.

    ``dying`` is called with the signal's name when the process is about to end by it,
    ``passing`` when the user's own handler takes it.
    """

    def __init__(self, dying: Callable[[str], None], passing: Callable[[str], None]) -> None:
        self._dying = dying
        self._passing = passing
        self._pid = os.getpid()
        self._before: dict[int, Any] = {}
        self._over = False
        self._blocked: BlockedSignals | None = None
        self._handler = self._handle  # one bound method, so that it can be recognised later

    def install(self) -> None:
        """Put our handlers before those that are there; nothing outside the main thread."""
        if threading.current_thread() is not threading.main_thread():
            return
        for name in NAMES:
            number = getattr(signal, name, None)
            if number is None:
                continue
            before = signal.getsignal(number)
            if before is None or before == signal.SIG_IGN:
                continue  # set from C, or to be ignored: not ours to change
            try:
                signal.signal(number, self._handler)
            except (ValueError, OSError):
                continue
            self._before[number] = before
        fatal = [number for number, before in self._before.items() if before == signal.SIG_DFL]
        if fatal and os.name == "posix":
            self._blocked = BlockedSignals(fatal, self._take)

    def after_fork(self) -> None:
        """In a forked child: as if we had never been.

        A Python handler runs between bytecodes only, so a child that blocks in C would outlive the
        SIGTERM by which pools and launchers end it.
        """
        self._over = True
        for number in self._before:
            current = signal.getsignal(number)
            if isinstance(getattr(current, "__self__", None), SignalGuard):
                signal.signal(number, _chain(current, number)[1])
        if self._blocked is not None:
            self._blocked.after_fork()
            self._blocked = None

    def remove(self) -> None:
        """Put back what was there, unless somebody else has taken the signal since.

        Where that is another run's guard, it goes on to ours: what was there before stays known.
        """
        if threading.current_thread() is not threading.main_thread() or os.getpid() != self._pid:
            return
        self._over = True
        for number in self._before:
            try:
                if signal.getsignal(number) is self._handler:
                    signal.signal(number, _chain(self._handler, number)[2])
            except (ValueError, OSError):
                continue
        if self._blocked is not None:
            self._blocked.close()
            self._blocked = None

    def _take(self, number: int) -> None:
        """End the process by a signal that the main thread, blocked in C, has not heard."""
        guards, before, _ = _chain(signal.getsignal(number), number)
        if self in guards and not callable(before):
            for guard in guards:
                guard._dying(signal.Signals(number).name)
            die_of(number)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        """For this guard and those of the runs around it: end, or pass to the user's handler."""
        guards, before, _ = _chain(self._handler, number)
        name = signal.Signals(number).name
        for guard in guards:
            if guard._blocked is not None:
                guard._blocked.heard(number)
        for guard in guards:
            if os.getpid() == guard._pid:
                (guard._passing if callable(before) else guard._dying)(name)
        if callable(before):
            before(number, frame)
            return
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)


def _chain(handler: Any, number: int) -> tuple[list[SignalGuard], Any, Any]:
    """The guards of living runs that a signal meets, from the innermost; the handler after all guards; the
    first handler that is of a living guard or of nobody's.
    """
    seen: list[SignalGuard] = []
    living: Any = None
    while isinstance(guard := getattr(handler, "__self__", None), SignalGuard) and guard not in seen:
        seen.append(guard)
        if living is None and not guard._over:
            living = handler
        handler = guard._before.get(number, signal.SIG_DFL)
    return [guard for guard in seen if not guard._over], handler, handler if living is None else living
