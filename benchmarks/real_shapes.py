"""Shapes of executed runs: generators that compute, wait or write for one step and then yield."""

from __future__ import annotations

import math
import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

STEPS = 400
BURN = "while True: sum(range(10**5))"


@dataclass
class Work:
    """The tools of a shape: computing for a given time, and saving checkpoints."""

    step_s: float
    folder: Path
    rng: random.Random = field(default_factory=lambda: random.Random(7))  # noqa: S311 - shapes, not secrets
    product_s: float = 0.0

    def __post_init__(self) -> None:
        import torch

        torch.set_num_threads(1)
        self._a = torch.rand(192, 192)
        self._mm = torch.mm
        times = []
        for _ in range(60):
            before = time.perf_counter()
            self._mm(self._a, self._a)
            times.append(time.perf_counter() - before)
        self.product_s = statistics.median(times)

    def compute(self, steps: float) -> None:
        """Compute matrix products for about the time of ``steps`` steps; longer on a slowed machine."""
        for _ in range(max(1, round(steps * self.step_s / self.product_s))):
            self._mm(self._a, self._a)

    def save(self, mebibyte: int) -> None:
        """Write and sync a checkpoint."""
        with (self.folder / "checkpoint").open("wb") as file:
            for _ in range(mebibyte):
                file.write(os.urandom(2**20))
            file.flush()
            os.fsync(file.fileno())


Shape = Callable[[Work], Iterator[None]]
SHAPES: dict[str, tuple[int, Shape]] = {}


def shape(function: Shape | None = None, *, steps: int = STEPS) -> Callable[[Shape], Shape] | Shape:
    """Register a shape: a generator that does a step's work, then yields."""

    def keep(function: Shape) -> Shape:
        SHAPES[function.__name__.replace("_", " ")] = (steps, function)
        return function

    return keep if function is None else keep(function)


@shape
def steady(work: Work) -> Iterator[None]:
    while True:
        work.compute(1)
        yield


@shape(steps=STEPS * 50)
def very_short_steps(work: Work) -> Iterator[None]:
    while True:
        work.compute(1 / 50)
        yield


@shape(steps=40)
def long_steps(work: Work) -> Iterator[None]:
    while True:
        work.compute(STEPS / 40)
        yield


@shape
def lengths_vary(work: Work) -> Iterator[None]:
    while True:
        work.compute(work.rng.choice((0.4, 0.7, 1.0, 1.3, 1.6)))
        yield


@shape
def compiled_first(work: Work) -> Iterator[None]:
    work.compute(0.15 * STEPS)
    while True:
        work.compute(0.85)
        yield


@shape
def slow_start(work: Work) -> Iterator[None]:
    for n in range(STEPS):
        work.compute(0.95 * (1 + 2 * math.exp(-n / (0.02 * STEPS))))
        yield


@shape
def slow_first_steps(work: Work) -> Iterator[None]:
    for n in range(STEPS):
        work.compute(3 if n < 0.03 * STEPS else 0.95)
        yield


@shape
def checkpoints(work: Work) -> Iterator[None]:
    for n in range(1, STEPS + 1):
        work.compute(0.9)
        if n % 25 == 0:
            work.save(24)
        yield


@shape
def evaluations(work: Work) -> Iterator[None]:
    for n in range(1, STEPS + 1):
        work.compute(0.8)
        if n % 40 == 0:
            work.compute(8)
        yield


@shape
def slow_phase_early(work: Work) -> Iterator[None]:
    for n in range(STEPS):
        work.compute(2.0 if 0.08 < n / STEPS < 0.16 else 0.92)
        yield


@shape
def slow_phase_late(work: Work) -> Iterator[None]:
    for n in range(STEPS):
        work.compute(2.0 if 0.7 < n / STEPS < 0.8 else 0.92)
        yield


@shape
def slow_phases_that_recur(work: Work) -> Iterator[None]:
    slow = False
    while True:
        slow = slow != (work.rng.random() < (0.06 if slow else 0.03))
        work.compute(1.4 if slow else 0.8)
        yield


@shape
def slowing_down(work: Work) -> Iterator[None]:
    for n in range(STEPS):
        work.compute(0.95 + 0.1 * n / STEPS)
        yield


@shape
def getting_faster(work: Work) -> Iterator[None]:
    for n in range(STEPS):
        work.compute(1.05 - 0.1 * n / STEPS)
        yield


@shape
def throttled_soon(work: Work) -> Iterator[None]:
    for n in range(STEPS):
        work.compute(1.02 if n > 0.06 * STEPS else 0.88)
        yield


@shape
def second_stage_longer(work: Work) -> Iterator[None]:
    for n in range(STEPS):
        work.compute(0.95 if n < 0.9 * STEPS else 1.45)
        yield


@shape
def one_long_pause(work: Work) -> Iterator[None]:
    for n in range(STEPS):
        work.compute(0.95)
        if n == STEPS // 3:
            time.sleep(0.05 * STEPS * work.step_s)
        yield


@shape
def loader_stalls(work: Work) -> Iterator[None]:
    while True:
        work.compute(0.8)
        if work.rng.random() < 0.02:
            time.sleep(work.rng.expovariate(1 / (10 * work.step_s)))
        yield


@shape
def waiting_for_data(work: Work) -> Iterator[None]:
    while True:
        time.sleep(0.7 * work.step_s)
        work.compute(0.3)
        yield


@shape
def bursts(work: Work) -> Iterator[None]:
    for n in range(STEPS):
        if n % 8 == 0:
            time.sleep(4 * work.step_s)
        work.compute(0.5)
        yield


@shape
def data_first_then_computing(work: Work) -> Iterator[None]:
    for n in range(STEPS):
        if n < 0.3 * STEPS:
            time.sleep(0.5 * work.step_s)
            work.compute(0.5)
        else:
            work.compute(1)
        yield


@shape
def another_job_beside_it(work: Work) -> Iterator[None]:
    other: subprocess.Popen[bytes] | None = None
    try:
        for n in range(STEPS):
            if n == STEPS // 5:
                other = subprocess.Popen([sys.executable, "-c", BURN])
            if n == STEPS // 2 and other is not None:
                other.kill()
            work.compute(0.95)
            yield
    finally:
        if other is not None:
            other.kill()
            other.wait()


@shape(steps=150)
def small_gpt(_: Work) -> Iterator[None]:
    import torch

    from footprint.demo.show import language_task

    task = language_task("cpu")
    optimiser = torch.optim.AdamW(task.parts.parameters())
    while True:
        optimiser.zero_grad()
        task.loss().backward()
        optimiser.step()
        yield


@shape(steps=1200)
def small_cnn(_: Work) -> Iterator[None]:
    import torch

    from footprint.demo.show import digits_task

    task = digits_task("cpu")
    optimiser = torch.optim.AdamW(task.parts.parameters())
    while True:
        optimiser.zero_grad()
        task.loss().backward()
        optimiser.step()
        yield
