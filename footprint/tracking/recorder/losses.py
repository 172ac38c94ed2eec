"""The losses that a program names, until the next line of its journal says them in a few means."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from itertools import pairwise
from math import isfinite
from time import perf_counter
from typing import Any

MOST_POINTS, LATER_POINTS = 8, 1
"""Of one line, until the run has `MANY` of them, and later."""
MANY = 2_000
MOST_LOSS = 1e30
"""A larger one, and what is no number, is a gap in the curve."""
RECENT = 512
"""As many are kept one by one; then neighbours become one."""
MOST_NOTES = 3
LOCK_WAIT_S = 0.2

Kept = tuple[float, float, int]
"""The time on `time.perf_counter` [s], the sum of some losses, and their number, which is 0 for NaN."""


class Losses:
    """What any thread names at any rate, in bounded memory."""

    __slots__ = ("_kept", "_lock", "_notes", "_points", "_said")

    def __init__(self) -> None:
        self._kept: list[Kept] = []
        self._lock = threading.Lock()
        self._points = 0
        self._notes: list[str] = []
        self._said: set[str] = set()

    def log(self, *, loss: Any) -> None:
        """Put down the loss of the latest step, for the curve of loss over time.

        A tensor on an accelerator is waited for, so name the losses that the program reads anyway: each
        tenth step, say. NaN and infinity are gaps in the curve; what is no number is noted.
        """
        if loss.__class__ is not float:
            number = self._number(loss)
            if number is None:
                return
            loss = number
        kept = self._kept
        if -MOST_LOSS <= loss <= MOST_LOSS:
            kept.append((perf_counter(), loss, 1))
        else:
            self._note(f"log(loss=...) was {loss}")
            kept.append((perf_counter(), 0.0, 0))
        if not len(kept) % RECENT:
            self._halve()

    def _number(self, value: Any) -> float | None:
        try:
            if isinstance(value, str | bytes):
                raise TypeError
            return float(value.detach() if hasattr(value, "detach") else value)
        except OverflowError:
            return float("inf")
        except Exception:  # noqa: BLE001 - a user's object may raise anything; training goes on
            self._note(f"log(loss=...) was not a number: {type(value).__name__}")
            return None

    def _note(self, text: str) -> None:
        if text not in self._said and len(self._said) < MOST_NOTES:
            self._said.add(text)
            self._notes.append(text)

    def _halve(self) -> None:
        """Make one of each two neighbours; left to another thread that does it already."""
        if self._lock.acquire(blocking=False):
            try:
                older = self._kept[:]
                self._kept[: len(older)] = _halved(older)
            finally:
                self._lock.release()

    def take(self, now_s: float) -> tuple[tuple[float, float | None], ...]:
        """How long ago [s] and how large: the losses since the last call, in a few means."""
        # A signal's handler that waits for the last line may have interrupted a thread that holds the lock.
        if not self._lock.acquire(timeout=LOCK_WAIT_S):
            return ()
        try:
            taken = self._kept[:]
            del self._kept[: len(taken)]
        finally:
            self._lock.release()
        points = _in_groups(taken, MOST_POINTS if self._points < MANY else LATER_POINTS)
        self._points += len(points)
        return tuple((max(0.0, now_s - at_s), _mean(total, number)) for at_s, total, number in points)

    def take_notes(self) -> list[str]:
        """What was named and is no loss, since the last call."""
        notes, self._notes = self._notes, []
        return notes

    def after_fork(self) -> None:
        """In a child process: another thread may have held the lock when it was copied."""
        self._lock = threading.Lock()


def _mean(total: float, number: int) -> float | None:
    mean = total / number if number else float("nan")
    return float(f"{mean:.7g}") if isfinite(mean) else None


def _halved(kept: list[Kept]) -> list[Kept]:
    """One of each two neighbours; quickly, as it happens in the training loop."""
    pairs = zip(kept[::2], kept[1::2], strict=False)
    found = [((at + later) / 2, one + other, n + m) for (at, one, n), (later, other, m) in pairs]
    return [*found, kept[-1]] if len(kept) % 2 else found


def _in_groups(kept: Sequence[Kept], most: int) -> list[Kept]:
    """At most so many sums over neighbours, each at the middle of its time."""
    if len(kept) <= most:
        return list(kept)
    edges = [i * len(kept) // most for i in range(most + 1)]
    groups = [kept[a:b] for a, b in pairwise(edges)]
    return [
        ((part[0][0] + part[-1][0]) / 2, sum(one[1] for one in part), sum(one[2] for one in part))
        for part in groups
    ]
