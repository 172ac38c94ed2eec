"""The hot path: what the training loop touches, about a third of a microsecond a step."""

from __future__ import annotations

import threading
from collections.abc import Callable
from itertools import pairwise
from math import inf
from time import perf_counter
from typing import Any

from footprint.records import record

RING = 4096
_MASK = RING - 1
MAIN_PHASE = "train"
NEVER = 2**63
LOCK_WAIT_S = 0.2
"""A step holds the lock for a microsecond."""


@record
class Snapshot:
    """Totals at one moment; ``step_s`` is the median step since the last snapshot [s]."""

    steps: int
    tokens: int | float
    samples: int | float
    step_s: float | None
    slowest_s: float | None
    last_step_s: float | None
    """When the last step ended, on `time.perf_counter` [s]."""
    phase: str
    phase_s: dict[str, float]
    bad: tuple[str, ...]


def _median(values: list[float]) -> float:
    """The middle value (the `statistics` module costs 20 ms to import)."""
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


class Counts:
    """Steps, tokens and samples from any thread, and the time spent in each phase.

    The lock is re-entrant so that a signal handler that interrupts a step and counts one
    itself cannot block.
    """

    __slots__ = (
        "_bad", "_lock", "_phase", "_phase_s", "_phase_since", "_ring", "_ring_from", "_samples", "_stack",
        "_steps", "_tokens", "_until", "over", "stop_at",
    )  # fmt: skip

    def __init__(self, over: Callable[[], None] = lambda: None) -> None:
        self._lock = threading.RLock()
        self._steps = 0
        self._tokens: int | float = 0
        self._samples: int | float = 0
        self._ring = [0.0] * RING
        self._ring_from = 0
        self._bad: list[str] = []
        self._phase = MAIN_PHASE
        self._stack: list[str] = []
        self._phase_s: dict[str, float] = {}
        self._phase_since = perf_counter()
        self._until = inf
        self.stop_at = NEVER
        """The step at which a budget ends the run; only this comparison is made in a step."""
        self.over = over
        """Called at that step; may raise to leave the loop."""

    @property
    def steps(self) -> int:
        """Steps so far."""
        return self._steps

    def step(self, tokens: Any = 0, samples: Any = 0) -> None:
        """Count one step, with the tokens and samples that this process handled in it."""
        with self._lock:
            steps = self._steps = self._steps + 1
            if tokens.__class__ is int and samples.__class__ is int and tokens >= 0 and samples >= 0:
                self._tokens += tokens
                self._samples += samples
            else:
                self._tokens += self._number(tokens, "tokens")
                self._samples += self._number(samples, "samples")
            self._ring[steps & _MASK] = perf_counter()
        if steps >= self.stop_at:
            self.over()

    def _number(self, value: Any, what: str) -> float:
        """A count from whatever was passed; 0, and a note, if it is none."""
        try:
            number = float(value)
        except Exception:  # noqa: BLE001 - a user's object may raise anything; training goes on
            number = -1.0
        if 0 <= number < 1e18:
            return int(number) if number == int(number) else number
        if len(self._bad) < 5:
            self._bad.append(f"step({what}=...) was not a count: {type(value).__name__} {value!r:.40}")
        return 0

    def enter(self, phase: str) -> None:
        """Time from now on belongs to ``phase``."""
        with self._lock:
            self._stack.append(self._phase)
            self._switch(phase)

    def leave(self) -> None:
        """Back to the phase before."""
        with self._lock:
            self._switch(self._stack.pop() if self._stack else MAIN_PHASE)

    def _switch(self, phase: str) -> None:
        now = min(perf_counter(), self._until)
        self._phase_s[self._phase] = self._phase_s.get(self._phase, 0.0) + now - self._phase_since
        self._phase, self._phase_since = phase, now

    def restart_clock(self) -> None:
        """Phases begin now."""
        with self._lock:
            self._phase_since = perf_counter()

    def close(self) -> None:
        """The run is over: time from now on belongs to no phase."""
        self._until = perf_counter()

    def after_fork(self) -> None:
        """In a child process: another thread may have held the lock when it was copied."""
        self._lock = threading.RLock()
        self.stop_at = NEVER

    def snapshot(self) -> Snapshot:
        """Totals now, and the steps since the last snapshot summarised.

        A signal handler that ends the run may have interrupted a step, whose thread then holds the lock
        and waits for us: after a moment the totals are read without it.
        """
        held = self._lock.acquire(timeout=LOCK_WAIT_S)
        try:
            self._switch(self._phase)
            steps, first = self._steps, max(self._ring_from, self._steps - RING + 1, 1)
            times = [self._ring[n & _MASK] for n in range(first, steps + 1)]
            self._ring_from = max(steps, 1)
            bad, self._bad = tuple(self._bad), []
            tokens, samples = self._tokens, self._samples
            phase, phase_s = self._phase, dict(self._phase_s)
        finally:
            if held:
                self._lock.release()
        lengths = [later - sooner for sooner, later in pairwise(times)]
        return Snapshot(
            steps=steps,
            tokens=tokens,
            samples=samples,
            step_s=_median(lengths) if lengths else None,
            slowest_s=max(lengths) if lengths else None,
            last_step_s=times[-1] if times else None,
            phase=phase,
            phase_s=phase_s,
            bad=bad,
        )
