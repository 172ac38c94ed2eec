"""Accelerators that are not on the machine: said at the start, in journal and result, and in no total."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from footprint.meters.base import Channel, Reading
from footprint.reports.texts.run_text import run_text
from footprint.tracking import Run
from footprint.tracking.journal.reader import read_journal
from footprint.tracking.process.hardware_presence import is_here
from footprint.tracking.recorder import preparation

Quick = Callable[..., Run]
KW_OF = {"cpu": 0.100, "ram": 0.020, "accelerators": 2.0}


class Components:
    """A meter of some components, each of constant power."""

    def __init__(self, *names: str) -> None:
        self.names = names

    def start(self) -> tuple[Channel, ...]:
        self.began_s = time.monotonic()
        return tuple(Channel(component=name, how="measured", source="test") for name in self.names)

    def read(self) -> Reading:
        hours = (time.monotonic() - self.began_s) / 3600
        return Reading(energy_kwh={name: KW_OF[name] * hours for name in self.names})

    def stop(self) -> None:
        pass


@pytest.fixture
def nothing_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preparation, "is_here", lambda hw: False)


def work(run: Run) -> None:
    with run:
        for _ in range(10):
            time.sleep(0.05)
            run.step(tokens=1024)


GIVEN: dict[str, Any] = {
    "model": "gpt2", "hw": "v100-sxm2-16gb:8", "pue": 1.0, "usd_per_hour": 3.0, "grid_g_per_kwh": 400.0,
}  # fmt: skip


@pytest.mark.usefixtures("nothing_here")
def test_only_what_was_read_is_in_the_totals(quick: Quick) -> None:
    run = quick(meter=Components("cpu", "ram"), total_steps=10, **GIVEN)
    work(run)
    measured = run.measurement
    assert measured is not None
    assert measured.it_energy_kwh is not None
    # 120 W of processor and memory, and not the kilowatts of eight boards
    assert measured.it_energy_kwh.mid == pytest.approx(0.120 * measured.duration_h.mid, rel=0.05)
    assert measured.energy_components_kwh.accelerators is None
    assert (measured.cost_usd, measured.embodied_co2e_kg, measured.accelerator_h) == (None, None, None)
    assert measured.mfu is None
    assert measured.cluster is None
    assert measured.model is not None
    assert measured.model.name == "gpt2"
    assert run.comparison is None
    assert run.forecast is not None
    assert run.forecast.cost_usd is None
    (label,) = [meter for meter in measured.meters if meter.component == "accelerators"]
    assert label.how == "absent"
    assert "v100-sxm2-16gb:8 not found here" in label.source
    assert any("not found here" in warning for warning in measured.warnings)
    assert "not found here" in run_text(measured, None)


@pytest.mark.usefixtures("nothing_here")
def test_it_is_in_the_journal(quick: Quick) -> None:
    run = quick(meter=Components("cpu"), **GIVEN)
    work(run)
    assert run.folder is not None
    (path,) = run.folder.glob("*.journal.jsonl")
    assert read_journal(path).given["hw_found"] is False


@pytest.mark.usefixtures("nothing_here")
def test_it_is_said_at_the_start_and_in_the_result(quick: Quick, capfd: pytest.CaptureFixture[str]) -> None:
    run = quick(meter="none", quiet=False, **GIVEN)
    work(run)
    start, _, _ = capfd.readouterr().err.partition(" completed")
    assert "\n  v100-sxm2-16gb:8 not found here" in start
    assert run.measurement is not None
    assert run.measurement.energy_kwh is None


@pytest.mark.usefixtures("nothing_here")
def test_modelled_where_the_user_asks(quick: Quick) -> None:
    run = quick(meter=Components("cpu", "ram"), absent_hardware="model", total_steps=10, **GIVEN)
    work(run)
    measured = run.measurement
    assert measured is not None
    assert measured.cost_usd is not None
    assert measured.cost_usd.mid == pytest.approx(8 * 3.0 * measured.duration_h.mid, rel=1e-6)
    boards = measured.energy_components_kwh.accelerators
    assert boards is not None
    assert 8 * 0.04 < boards.mid / measured.duration_h.mid < 8 * 0.3  # kW: from idle to the limit of 300 W
    assert any("not found here" in warning for warning in measured.warnings)
    assert run.comparison is not None


@pytest.mark.usefixtures("nothing_here")
def test_a_meter_that_reads_boards_proves_that_they_are_here(quick: Quick) -> None:
    run = quick(meter=Components("accelerators", "cpu"), **GIVEN)
    work(run)
    measured = run.measurement
    assert measured is not None
    assert measured.cost_usd is not None
    assert not any("not found" in warning for warning in measured.warnings)


def test_the_power_of_a_node_that_is_stated_is_taken_at_its_word(quick: Quick) -> None:
    with quick(**GIVEN) as run:
        run.step(tokens=1)
    assert run.measurement is not None
    assert run.measurement.cost_usd is not None


@pytest.mark.parametrize(
    ("hw", "file"),
    [
        ("mi300x:8", "dev/kfd"),
        ("trainium1:16", "dev/neuron0"),
        ("tpu-v4:4", "dev/accel0"),
        ("gaudi2:8", "dev/hl0"),
    ],
)
def test_by_the_files_of_the_drivers(hw: str, file: str, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr("sys.modules", {k: v for k, v in __import__("sys").modules.items() if k != "torch"})
    assert is_here(hw, str(tmp_path)) is False
    (tmp_path / file).parent.mkdir(parents=True)
    (tmp_path / file).touch()
    assert is_here(hw, str(tmp_path)) is True


def test_boards_that_are_hidden_are_not_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert is_here("h100:8") is False


def test_what_cannot_be_told_is_not_judged() -> None:
    assert is_here("no such chip") is None


def test_a_run_that_counted_no_step_is_not_compared_as_if_it_were_done(quick: Quick) -> None:
    with quick(model="gpt2", hw="v100-sxm2-16gb:1", total_steps=100) as run:
        time.sleep(0.1)
    assert run.status == "completed"
    comparison = run.comparison
    assert comparison is not None
    assert comparison.work_share is None
    assert [row.name for row in comparison.quantities] == ["it_power_w"]
    assert comparison.time_factor is None
    assert run.measurement is not None
    assert "no step was counted" in run_text(run.measurement, comparison)
