"""Runs inside runs, phases, and the ways to begin one: blocks, threads, decorators, notebooks."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from footprint.tracking import Run, track
from footprint.tracking.journal.lines import EndLine
from footprint.tracking.journal.reader import read_journal
from footprint.tracking.report.archive import open_archive

Quick = Callable[..., Run]


def journal_of(run: Run) -> Any:
    assert run.folder is not None
    (path,) = run.folder.glob("*.journal.jsonl")
    return read_journal(path)


def test_a_run_inside_a_run_is_a_phase_of_it(quick: Quick, tmp_path: Path) -> None:
    with quick() as outer:
        outer.step()
        entered = time.monotonic()
        with quick(name="evaluation") as inner:
            began = time.monotonic()
            time.sleep(0.1)
            inner.step()
            inside_s = time.monotonic() - began
        whole_s = time.monotonic() - entered
        assert inner.run_id == outer.run_id
    assert outer.measurement is not None
    assert outer.measurement.workload.steps == 2
    assert inside_s <= outer.measurement.phases["evaluation"]["duration_h"] * 3600 + 0.001 <= whole_s + 0.002
    assert len(list((tmp_path / "footprint-runs").iterdir())) == 1


def test_a_phase_says_what_it_does_not_use(quick: Quick, capfd: pytest.CaptureFixture[str]) -> None:
    with quick(region="FRA", journal_dir="own", flush_s=0.07, quiet=False):
        while "journal:" not in capfd.readouterr().err:
            time.sleep(0.02)
        with track(name="same", region="FRA"):
            pass
        assert capfd.readouterr().err == ""
        for _ in range(2):
            with track(csv="x.csv", budget="2 kWh", region="DEU", pue=1.1, name="eval"):
                pass
        said = " ".join(capfd.readouterr().err.split())
    assert said.count("footprint:") == 1
    assert said.endswith("which does not use its budget, csv, region, pue")


def test_runs_that_overlap_put_the_users_handler_back(quick: Quick) -> None:
    seen: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: seen.append(number))
    try:
        users = signal.getsignal(signal.SIGTERM)
        first, second = quick().start(), quick(run_id="second").start()
        first.stop()
        os.kill(os.getpid(), signal.SIGTERM)
        assert seen == [signal.SIGTERM]
        second.stop()
        assert signal.getsignal(signal.SIGTERM) is users
    finally:
        signal.signal(signal.SIGTERM, before)


def test_phases_divide_the_energy(quick: Quick) -> None:
    with quick() as run:
        time.sleep(0.3)
        entered = time.monotonic()
        with run.phase("eval"):
            began = time.monotonic()
            time.sleep(0.6)
            inside_s = time.monotonic() - began
        whole_s = time.monotonic() - entered
    assert run.measurement is not None
    phases = run.measurement.phases
    eval_s = phases["eval"]["duration_h"] * 3600
    assert inside_s - 0.001 <= eval_s <= whole_s + 0.001
    total = sum(phase["it_energy_kwh"] for phase in phases.values())
    assert run.measurement.it_energy_kwh is not None
    seen = sum(line.kwh["node"] for line in journal_of(run).lines if isinstance(line, EndLine))
    assert total == pytest.approx(seen, rel=0.02)
    assert phases["eval"]["it_energy_kwh"] == pytest.approx(eval_s * 360 / 3.6e6, rel=0.2)


def test_two_runs_in_two_threads_are_two_runs(quick: Quick) -> None:
    ids: list[str] = []

    def work() -> None:
        with quick() as run:
            time.sleep(0.05)
            ids.append(run.run_id)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(ids)) == 2


def test_async_code_and_decorators(quick: Quick) -> None:
    runs: list[str] = []

    @quick(name="coroutine")
    async def train() -> str:
        await asyncio.sleep(0.02)
        return "trained"

    @quick(name="function")
    def train_too(x: int) -> int:
        return x + 1

    async def both() -> None:
        with quick() as run:
            await asyncio.sleep(0.02)
            runs.append(run.run_id)

    assert asyncio.run(train()) == "trained"
    assert (train_too(1), train_too(2)) == (2, 3)
    asyncio.run(both())
    assert train_too.__name__ == "train_too"
    assert len(list(Path("footprint-runs").iterdir())) == 4


def test_a_cancelled_task_is_interrupted(quick: Quick) -> None:
    run = quick()

    async def train() -> None:
        with run:
            await asyncio.sleep(9)

    async def leave() -> None:
        task = asyncio.create_task(train())
        await asyncio.sleep(0.05)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(leave())
    assert run.status == "interrupted"


def test_a_generator_is_a_run_as_long_as_it_is_iterated(quick: Quick, tmp_path: Path) -> None:
    @quick(name="plain")
    def batches(n: int) -> Any:
        total = 0
        for i in range(n):
            time.sleep(0.05)
            total += (yield i) or 0
        return total

    @quick(name="async")
    async def async_batches(n: int) -> Any:
        for i in range(n):
            await asyncio.sleep(0.05)
            try:
                sent = yield i
            except KeyError:
                sent = "caught"
            if sent:
                yield sent

    began = time.monotonic()
    assert list(batches(4)) == [0, 1, 2, 3]
    plain_s = time.monotonic() - began
    given = batches(2)
    next(given)
    given.send(5)
    with pytest.raises(StopIteration) as end:
        given.send(6)
    assert end.value.value == 11
    for _ in batches(99):  # left early
        break

    async_s = 0.0

    async def consume() -> list[Any]:
        nonlocal async_s
        began = time.monotonic()
        seen = [item async for item in async_batches(4)]
        async_s = time.monotonic() - began
        given = async_batches(1)
        seen += [await anext(given), await given.asend("sent")]
        await given.aclose()
        given = async_batches(1)
        seen += [await anext(given), await given.athrow(KeyError())]
        await given.aclose()
        return seen

    assert asyncio.run(consume()) == [0, 1, 2, 3, 0, "sent", 0, "caught"]
    reports = open_archive([tmp_path / "footprint-runs"]).reports()
    assert {report.measurement.status for report in reports} == {"completed"}
    seconds = [report.measurement.duration_h.mid * 3600 for report in reports]
    for own_s, whole_s in ((seconds[0], plain_s), (seconds[3], async_s)):
        assert 4 * 0.05 <= own_s <= whole_s + 0.001


def test_start_and_stop_without_a_block(quick: Quick) -> None:
    run = quick().start()
    run.step(samples=4)
    run.stop()
    run.stop()
    assert run.measurement is not None
    assert run.measurement.workload.samples == 4
