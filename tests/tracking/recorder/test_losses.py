"""The losses that a program names: what was named is in the journal's means, in bounded memory."""

from __future__ import annotations

import math
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

import footprint
from footprint.reports.page.fleet_page import fleet_page
from footprint.tracking.recorder import losses as module
from footprint.tracking.recorder.losses import LATER_POINTS, MOST_POINTS, RECENT, Losses
from tests.integrations.training_helpers import options


class Bad:
    def __float__(self) -> float:
        raise RuntimeError("on a device that was lost")


def test_few_losses_come_back_as_they_were() -> None:
    losses = Losses()
    for value in (3.0, 2.5, -1.0):
        losses.log(loss=value)
    assert [mean for _, mean in losses.take(math.inf)] == [3.0, 2.5, -1.0]
    assert losses.take(math.inf) == ()


def test_many_are_means_of_neighbours_in_bounded_memory() -> None:
    values = [10 / (n + 1) + math.sin(n) for n in range(40_000)]
    losses, longest = Losses(), 0
    for value in values:
        losses.log(loss=value)
        longest = max(longest, len(losses._kept))
    assert longest <= RECENT
    points = losses.take(1e12)
    assert len(points) == MOST_POINTS
    ages = [age for age, _ in points]
    assert ages == sorted(ages, reverse=True)
    means = [mean for _, mean in points if mean is not None]
    assert len(means) == MOST_POINTS
    # each is a mean over the neighbours, so all lie between the ends, and the first is the oldest
    assert min(values) < min(means) < max(means) < max(values)


def test_each_loss_counts_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever was folded, the sums over all that was kept are those of what was named."""
    seen: list[Any] = []
    real, halved = module._in_groups, module._halved

    def checked(kept: Any, found: Any) -> Any:
        seen.append((math.fsum(one[1] for one in kept), sum(one[2] for one in kept)))
        assert math.fsum(one[1] for one in found) == pytest.approx(seen[-1][0])
        assert sum(one[2] for one in found) == seen[-1][1]
        return found

    monkeypatch.setattr(module, "_in_groups", lambda kept, most: checked(kept, real(kept, most)))
    monkeypatch.setattr(module, "_halved", lambda kept: checked(kept, halved(kept)))
    assert module._halved([(0.0, 1.0, 1), (1.0, 2.0, 1), (2.0, 4.0, 1)]) == [(0.5, 3.0, 2), (2.0, 4.0, 1)]
    losses = Losses()
    for n in range(5_000):
        losses.log(loss=float(n))
    losses.take(0.0)
    assert seen[-1] == (sum(range(5_000)), 5_000)


def test_a_long_run_has_one_mean_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MANY", 20)
    losses, lengths = Losses(), []
    for _ in range(6):
        for n in range(50):
            losses.log(loss=float(n))
        points = losses.take(0.0)
        lengths.append(len(points))
    assert lengths == [MOST_POINTS] * 3 + [LATER_POINTS] * 3
    assert points[0][1] == pytest.approx(sum(range(50)) / 50)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e31, 10**400])
def test_what_is_not_finite_is_a_gap_and_said_once(value: Any) -> None:
    losses = Losses()
    for one in (1.0, value, value, 2.0):
        losses.log(loss=one)
    assert [mean for _, mean in losses.take(math.inf)] == [1.0, None, None, 2.0]
    assert len(losses.take_notes()) == 1
    assert losses.take_notes() == []


@pytest.mark.parametrize("value", ["0.5", b"1", None, [1.0], {}, Bad(), 1j, object()])
def test_what_is_no_number_is_left_out_and_said(value: Any) -> None:
    losses = Losses()
    losses.log(loss=value)
    assert losses.take(math.inf) == ()
    (note,) = losses.take_notes()
    assert type(value).__name__ in note


def test_any_number_is_taken() -> None:
    import numpy as np

    torch = pytest.importorskip("torch")
    losses = Losses()
    for value in (2, np.float32(0.25), np.array([4.0])[0], torch.tensor(1.5, requires_grad=True)):
        losses.log(loss=value)
    assert [mean for _, mean in losses.take(math.inf)] == [2.0, 0.25, 4.0, 1.5]


def test_threads_lose_none() -> None:
    losses, each = Losses(), 20_000
    old = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    total: list[float] = []

    def name() -> None:
        for _ in range(each):
            losses.log(loss=1.0)

    threads = [threading.Thread(target=name) for _ in range(4)]
    try:
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            total.append(sum(one[1] for one in losses._kept[:]))
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(old)
    assert sum(one[1] for one in losses._kept) == 4 * each
    assert total == sorted(total)  # no moment at which some are missing


def test_the_journal_holds_what_was_named(tmp_path: Path) -> None:
    named = [2.0 * 0.9**n for n in range(20)]
    with footprint.track(**options(tmp_path)) as run:
        for loss in named:
            run.log(loss=loss)
            run.step()
            with run.phase("eval"):
                pass
        for _ in range(100):
            run.log(loss=math.nan)
        with footprint.track(name="inner") as phase:
            phase.log(loss=0.125)
    assert "log(loss=...) was nan" in run.problems
    report = footprint.report(tmp_path / "runs")
    (series,) = report.series
    assert any("log(loss=...) was nan; its curve of loss has a gap" in one for one in report.warnings)
    assert "A line of loss breaks where the loss was NaN or infinite." in fleet_page(report)
    hours = [hour for hour, _ in series.losses]
    assert hours == sorted(hours)
    assert run.measurement is not None
    assert 0 <= hours[0] <= hours[-1] <= run.measurement.duration_h.mid + 1e-3
    found = [loss for _, loss in series.losses]
    assert None in found
    assert found[-1] == 0.125
    numbers = [loss for loss in found[:-1] if loss is not None]
    assert max(named) >= numbers[0] > numbers[-1] >= min(named)


def test_a_run_that_names_no_loss_has_none(tmp_path: Path) -> None:
    with footprint.track(**options(tmp_path)) as run:
        run.step()
    assert all(one.losses == () for one in footprint.report(tmp_path / "runs").series)
    (path,) = (tmp_path / "runs").glob("*/*.jsonl")
    assert "losses" not in path.read_text()
