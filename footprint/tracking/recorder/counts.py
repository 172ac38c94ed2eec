"""The hot path: what the training loop touches, less than half a microsecond a step."""

from __future__ import annotations

import threading
from collections.abc import Callable
from itertools import count, pairwise
from math import inf
from time import monotonic, perf_counter, sleep
from typing import Any

from footprint.records import record
from footprint.tracking.recorder.losses import Losses

RECENT = 512
"""At least so many of the latest steps are kept one by one, for their lengths."""
_MASK = RECENT - 1
MAIN_PHASE = "train"
NEVER = 2**63
MOST = 10**18
"""Tokens or samples that no step has."""
LOCK_WAIT_S = 0.2
"""A phase begins in a microsecond."""


@record
class Snapshot:
    """Totals at one moment; ``step_s`` is the median step since the last snapshot, of the latest ones [s]."""

    steps: int
    tokens: int | float
    samples: int | float
    step_s: float | None
    slowest_s: float | None
    phase_s: dict[str, float]
    bad: tuple[str, ...]
    losses: tuple[tuple[float, float | None], ...] = ()
    """How long before this moment [s], and the mean of some."""


def _median(values: list[float]) -> float:
    """The middle value (the `statistics` module costs 20 ms to import)."""
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def _shown(value: Any) -> str:
    try:
        return f"{value!r:.40}"
    except Exception:  # noqa: BLE001 - a user's object may raise anything, a whole number may be too long
        return ""


Step = tuple[float, int | float, int | float]
"""When it ended, on `time.perf_counter` [s], its tokens and its samples; of a sum, the number of steps."""


def _sum(kept: list[Step]) -> Step:
    """The sum over a list that begins with a sum and goes on with steps."""
    numbers, tokens, samples = zip(*kept, strict=True)
    return numbers[0] + len(kept) - 1, _total(tokens), _total(samples)


def _total(values: tuple[int | float, ...]) -> int | float:
    """The sum so far and what steps added to it, without whole numbers that count nothing.

    A step itself has no time to look for these.
    """
    total = sum(values)
    return total if total < MOST else values[0] + sum(value for value in values[1:] if value < MOST)


class Counts:
    """Steps, tokens and samples from any thread, and the time spent in each phase.

    A step takes no lock: it appends one tuple to a list, which nothing can interrupt, so a thread or a
    signal's handler that comes in between appends its own. The list begins with the sum over older steps.
    Each so many steps, one of them puts the next sum in the place of the steps that it holds, with one
    assignment to a slice, so that a copy of the list holds every step once at any moment.
    """

    __slots__ = (
        "_bad", "_held", "_leave", "_numbers", "_phase", "_phase_lock", "_phase_s", "_phase_since", "_seen",
        "_stack", "_steps", "_stop_at", "_sum_lock", "_until", "losses",
    )  # fmt: skip

    def __init__(self, leave: Callable[[], None] = lambda: None) -> None:
        """``leave`` is called at the step at which a budget ends the run; it may raise to leave the loop."""
        self._steps: list[Step] = [(0, 0, 0)]
        self._numbers = count(1)
        self.losses = Losses()
        self._seen = 0
        self._leave = leave
        self._stop_at = NEVER
        self._held = 0, 0.0
        self._sum_lock = threading.Lock()
        self._bad: list[str] = []
        self._phase_lock = threading.RLock()  # a signal's handler may enter a phase
        self._phase = MAIN_PHASE
        self._stack: list[str] = []
        self._phase_s: dict[str, float] = {}
        self._phase_since = perf_counter()
        self._until = inf

    @property
    def steps(self) -> int:
        """Steps so far."""
        kept = self._steps[:]
        return int(kept[0][0]) + len(kept) - 1

    def step(self, tokens: Any = 0, samples: Any = 0) -> None:
        """Count one step, with the tokens and samples that this process handled in it."""
        if tokens.__class__ is not int or samples.__class__ is not int or tokens < 0 or samples < 0:
            tokens, samples = self._number(tokens, "tokens"), self._number(samples, "samples")
        self._steps.append((perf_counter(), tokens, samples))
        number = next(self._numbers)
        if number >= self._stop_at:
            self._stop(number)
        if not number & _MASK:
            self._sum_older()

    def _sum_older(self) -> None:
        """Keep only the sum of the steps that are not recent; left to another one that does it already."""
        if self._sum_lock.acquire(blocking=False):
            try:
                older = self._steps[:-RECENT]
                if older:
                    self._steps[: len(older)] = [_sum(older)]
            finally:
                self._sum_lock.release()

    def _number(self, value: Any, what: str) -> float:
        """A count from whatever was passed; 0, and a note, if it is none."""
        try:
            number = float(value)
        except Exception:  # noqa: BLE001 - a user's object may raise anything; training goes on
            number = -1.0
        if 0 <= number < MOST:
            return int(number) if number == int(number) else number
        if len(self._bad) < 5:
            self._bad.append(f"step({what}=...) was not a count: {type(value).__name__} {_shown(value)}")
        return 0

    # ------------------------------------------------------------------ the stop

    def leave_at(self, step: int) -> None:
        """Leave the loop at this step, if no earlier one was said."""
        self._stop_at = min(self._stop_at, step)

    def hold_and_leave_at(self, step: int, until_s: float) -> None:
        """Leave the loop at this step, and wait before it until that moment of `time.monotonic`.

        However wrong the rate was, a rank that knows waits after the step before: in a step of which ranks
        do a part each, nobody gets past the next one without it.
        """
        self._held = step, until_s
        self._stop_at = step - 1

    def _stop(self, step: int) -> None:
        """In the training loop, at the step before the last and at the last."""
        last, until_s = self._held
        if step >= last:
            self._leave()
            return
        sleep(max(0.0, until_s - monotonic()))
        self._stop_at = last

    # ------------------------------------------------------------------ phases

    def enter(self, phase: str) -> None:
        """Time from now on belongs to ``phase``."""
        with self._phase_lock:
            self._stack.append(self._phase)
            self._switch(phase)

    def leave(self) -> None:
        """Back to the phase before."""
        with self._phase_lock:
            self._switch(self._stack.pop() if self._stack else MAIN_PHASE)

    def _switch(self, phase: str) -> None:
        now = min(perf_counter(), self._until)
        self._phase_s[self._phase] = self._phase_s.get(self._phase, 0.0) + now - self._phase_since
        self._phase, self._phase_since = phase, now

    def restart_clock(self) -> None:
        """Phases begin now."""
        with self._phase_lock:
            self._phase_since = perf_counter()

    def close(self) -> None:
        """The run is over: time from now on belongs to no phase."""
        self._until = perf_counter()

    def after_fork(self) -> None:
        """In a child process: another thread may have held a lock when it was copied."""
        self._sum_lock, self._phase_lock = threading.Lock(), threading.RLock()
        self._stop_at = NEVER
        self.losses.after_fork()

    # ------------------------------------------------------------------ totals

    def snapshot(self) -> Snapshot:
        """Totals now, and the steps since the last snapshot summarised."""
        kept = self._steps[:]
        number, tokens, samples = _sum(kept)
        since = max(1, self._seen - int(kept[0][0]))  # with the last one before
        times = sorted(at_s for at_s, _, _ in kept[since:])  # two threads may have come in another order
        self._seen = int(number)
        if any(tokens >= MOST or samples >= MOST for _, tokens, samples in kept[since:]):
            self._bad.append(f"step(...) was given a number above {MOST:.0e}, which was not a count")
        bad, self._bad = (*self._bad, *self.losses.take_notes()), []
        lengths = [later - sooner for sooner, later in pairwise(times)]
        return Snapshot(
            steps=int(number),
            tokens=tokens,
            samples=samples,
            step_s=_median(lengths) if lengths else None,
            slowest_s=max(lengths) if lengths else None,
            phase_s=self._times_of_phases(),
            bad=bad,
            losses=self.losses.take(min(perf_counter(), self._until)),
        )

    def _times_of_phases(self) -> dict[str, float]:
        """Seconds in each phase.

        A signal's handler that ends the run may have interrupted a thread that holds the lock, and waits for
        us: after a moment they are read without it.
        """
        held = self._phase_lock.acquire(timeout=LOCK_WAIT_S)
        try:
            self._switch(self._phase)
            return dict(self._phase_s)
        finally:
            if held:
                self._phase_lock.release()
