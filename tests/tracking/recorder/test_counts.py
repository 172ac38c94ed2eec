"""Steps from many threads, phases, and whatever a caller passes for a count."""

from __future__ import annotations

import signal
import statistics
import threading
import time

import pytest

import footprint.tracking.recorder.counts as counts_module
from footprint.tracking.recorder.counts import RECENT, Counts, Snapshot


def test_no_step_is_lost_between_threads() -> None:
    counts, each, threads = Counts(), 20_000, 8

    def work() -> None:
        for _ in range(each):
            counts.step(tokens=3, samples=1)

    workers = [threading.Thread(target=work) for _ in range(threads)]
    snapshots = []
    for worker in workers:
        worker.start()
    while any(worker.is_alive() for worker in workers):
        snapshots.append(counts.snapshot())
    for worker in workers:
        worker.join()
    last = counts.snapshot()
    assert (last.steps, last.tokens, last.samples) == (each * threads, 3 * each * threads, each * threads)
    assert all(s.tokens == 3 * s.steps for s in snapshots)  # never between two of its numbers


def test_a_handler_that_steps_may_interrupt_any_step() -> None:
    """Also while older steps are summed; a snapshot on another thread sees each step once."""
    counts, handled, over = Counts(), [0], threading.Event()
    wrong: list[Snapshot] = []

    def handle(*_: object) -> None:
        handled[0] += 1
        counts.step(tokens=3, samples=1)

    def look() -> None:
        while not over.is_set():
            seen = counts.snapshot()
            if (seen.tokens, seen.samples) != (3 * seen.steps, seen.steps):
                wrong.append(seen)

    reader = threading.Thread(target=look)
    before = signal.signal(signal.SIGALRM, handle)
    signal.setitimer(signal.ITIMER_REAL, 1e-4, 1e-4)
    reader.start()
    try:
        for _ in range(100_000):
            counts.step(tokens=3, samples=1)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        over.set()
        reader.join()
    assert handled[0] > 50
    assert counts.snapshot().steps == 100_000 + handled[0]
    assert not wrong


def test_steps_are_counted_while_somebody_hangs_in_a_sum(monkeypatch: pytest.MonkeyPatch) -> None:
    """A handler that ends the run interrupts the thread that sums, and waits for the snapshot."""
    counts, seen = Counts(), []
    usual = counts_module._sum

    def interrupted(kept: list[counts_module.Step]) -> counts_module.Step:
        if threading.current_thread() is threading.main_thread():
            reader = threading.Thread(target=lambda: seen.append(counts.snapshot()))
            reader.start()
            reader.join()
        return usual(kept)

    monkeypatch.setattr(counts_module, "_sum", interrupted)
    for _ in range(2 * RECENT):
        counts.step(2)
    monkeypatch.undo()
    assert [(s.steps, s.tokens) for s in seen] == [(RECENT, 2 * RECENT), (2 * RECENT, 4 * RECENT)]
    assert counts.snapshot().steps == 2 * RECENT


class Tensor:
    """Something that becomes a number when asked, as a tensor does."""

    def __float__(self) -> float:
        return 512.0


class Hostile:
    def __float__(self) -> float:
        raise RuntimeError("CUDA error")


def test_tensors_count_and_nonsense_is_a_note_not_an_exception() -> None:
    counts = Counts()
    counts.step(tokens=Tensor())
    for bad in (Hostile(), "many", None, -5, float("nan"), float("inf"), 1e30):
        counts.step(tokens=bad)
    snapshot = counts.snapshot()
    assert (snapshot.steps, snapshot.tokens) == (8, 512)
    assert len(snapshot.bad) == 5
    assert "Hostile" in snapshot.bad[0]
    assert counts.snapshot().bad == ()


def test_median_step_time_ignores_a_stall() -> None:
    before_s, counts, after_s = [time.monotonic()], Counts(), [time.monotonic()]
    for pause_s in (0.01,) * 9 + (0.3,):
        time.sleep(pause_s)
        before_s.append(time.monotonic())
        counts.step()
        after_s.append(time.monotonic())
    snapshot = counts.snapshot()
    # A step ends between two readings of the clock, however long a busy machine keeps us there.
    least = [end - begin for begin, end in zip(after_s[:-1], before_s[1:], strict=True)]
    most = [end - begin for begin, end in zip(before_s[:-1], after_s[1:], strict=True)]
    assert snapshot.step_s is not None
    assert statistics.median_low(least) <= snapshot.step_s <= statistics.median_high(most)
    assert snapshot.slowest_s is not None
    assert max(least) <= snapshot.slowest_s <= max(most)


def test_more_steps_than_are_kept_one_by_one() -> None:
    counts = Counts()
    for _ in range(3 * RECENT):
        counts.step(1)
    first = counts.snapshot()
    assert (first.steps, first.tokens) == (3 * RECENT, 3 * RECENT)
    assert first.step_s is not None
    assert counts.snapshot().step_s is None  # none since


def test_phases_share_the_time_between_them() -> None:
    before_s, counts, after_s = [time.monotonic()], Counts(), [time.monotonic()]
    for pause_s, change in (
        (0.05, lambda: counts.enter("eval")),
        (0.1, lambda: counts.enter("checkpoint")),
        (0.05, counts.leave),
        (0.05, counts.leave),
    ):
        time.sleep(pause_s)
        before_s.append(time.monotonic())
        change()
        after_s.append(time.monotonic())
    found, shown = counts.snapshot().phase_s, time.monotonic()
    # A phase changes between two readings of the clock; after the last change the first phase goes on.
    least = [end - begin for begin, end in zip(after_s[:-1], before_s[1:], strict=True)]
    most = [end - begin for begin, end in zip(before_s[:-1], after_s[1:], strict=True)]
    assert found.keys() == {"train", "eval", "checkpoint"}
    assert least[0] <= found["train"] <= most[0] + shown - before_s[-1]
    assert least[1] + least[3] <= found["eval"] <= most[1] + most[3]
    assert least[2] <= found["checkpoint"] <= most[2]


def test_the_stop_comes_at_its_step_and_at_every_later_one() -> None:
    calls: list[int] = []
    counts = Counts(lambda: calls.append(counts.snapshot().steps))
    counts.leave_at(4)
    for _ in range(5):
        counts.step()
    assert calls == [4, 5]
