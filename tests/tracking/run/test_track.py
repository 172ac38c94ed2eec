"""The context manager: what it measures, what it writes, and that it stays out of the way."""

from __future__ import annotations

import json
import logging
import signal
import statistics
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import footprint
from footprint.errors import FootprintError
from footprint.results.row_reader import read_rows
from footprint.tracking import BudgetReachedError, Run
from footprint.tracking.journal.reader import read_journal

Quick = Callable[..., Run]
ESTIMATED = {"model": "gpt2", "hw": "v100-sxm2-16gb:1", "region": "FRA", "total_steps": 100}


def journal_of(run: Run) -> Any:
    assert run.folder is not None
    (path,) = run.folder.glob("*.journal.jsonl")
    return read_journal(path)


def test_constant_power_times_time_times_pue_times_grid(quick: Quick) -> None:
    entered = time.monotonic()
    with quick(hw="v100-sxm2-16gb:1", pue=1.5, grid_g_per_kwh=200.0, usd_per_hour=3.0) as run:
        began = time.monotonic()
        for _ in range(10):
            time.sleep(0.05)
            run.step(tokens=100)
        loop_h = (time.monotonic() - began) / 3600
    block_h = (time.monotonic() - entered) / 3600
    measured = run.measurement
    assert measured is not None
    assert loop_h <= measured.duration_h.mid <= block_h
    hours = measured.duration_h.mid
    assert measured.it_energy_kwh is not None
    assert measured.it_energy_kwh.mid == pytest.approx(0.360 * hours, rel=0.05)
    assert measured.energy_kwh is not None
    assert measured.energy_kwh.mid == pytest.approx(1.5 * measured.it_energy_kwh.mid)
    assert measured.co2e_kg is not None
    assert measured.co2e_kg.mid == pytest.approx(0.2 * measured.energy_kwh.mid)
    assert measured.cost_usd is not None
    assert measured.cost_usd.mid == pytest.approx(3.0 * hours)
    assert (measured.workload.steps, measured.workload.tokens) == (10, 1000)
    assert measured.status == run.status == "completed"
    assert [(meter.component, meter.how) for meter in measured.meters] == [("node", "modelled")]


def test_rows_for_the_estimate_and_the_measurement(quick: Quick, tmp_path: Path) -> None:
    with quick(csv="runs.csv", **ESTIMATED) as run:
        run.step(tokens=1024)
    estimates, _ = read_rows(tmp_path / "runs.csv", kind="estimate")
    measurements, _ = read_rows(tmp_path / "runs.csv", kind="measurement")
    assert [row["run_id"] for row in (*estimates, *measurements)] == [run.run_id] * 2
    assert run.estimate is not None
    assert float(estimates[0]["energy_kwh_mid"]) == run.estimate.energy_kwh.mid
    reference = footprint.estimate(model="gpt2", hw="v100-sxm2-16gb:1", region="FRA", steps=100)
    assert run.estimate.energy_kwh.mid == reference.energy_kwh.mid
    assert run.measurement is not None
    assert run.measurement.energy_kwh is not None
    assert float(measurements[0]["energy_kwh_mid"]) == run.measurement.energy_kwh.mid
    assert measurements[0]["meters_node"] == "modelled"
    assert measurements[0]["status"] == "completed"


def test_predicted_beside_measured_splits_the_gap(quick: Quick) -> None:
    with quick(**ESTIMATED) as run:
        for _ in range(5):
            time.sleep(0.02)
            run.step()
    comparison = run.comparison
    assert comparison is not None
    assert comparison.work_share == pytest.approx(5 / 100)
    energy, hours, watts = comparison["it_energy_kwh"], comparison["duration_h"], comparison["it_power_w"]
    assert comparison.time_factor is not None
    assert comparison.power_factor is not None
    assert energy.ratio == pytest.approx(comparison.time_factor * comparison.power_factor)
    assert hours.predicted.mid == pytest.approx(run.estimate.duration_h.mid * 0.05)  # type: ignore[union-attr]
    assert watts.measured.mid == pytest.approx(360, rel=0.1)
    assert json.loads(json.dumps(comparison.to_json()))["run_id"] == run.run_id


def test_what_cannot_be_is_said(quick: Quick, capfd: pytest.CaptureFixture[str]) -> None:
    """A step of 8 billion parameters and 8192 tokens in 20 ms on one V100 of 125 TFLOP/s and 16 GiB."""
    with quick(model="llama3-8b", hw="v100:1", batch_size=1, total_steps=5, quiet=False) as run:
        for _ in range(5):
            time.sleep(0.02)
            run.step(tokens=8192)
    measured = run.measurement
    assert measured is not None
    assert measured.mfu is not None
    assert measured.mfu.mid > 6 * 8e9 * 8192 / 0.1 / 125e12  # a tenth of a second and not 0.02, to be safe
    text = " ".join(capfd.readouterr().err.split())
    for said in ("does not fit into the 16 GiB", "is impossible (above 1)"):
        assert any(said in warning for warning in measured.warnings)
        assert said in text
    assert "--" not in text


def test_works_with_no_arguments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("footprint.tracking.process.detected_hardware.processor_name", lambda: "")
    with footprint.track(meter="none") as run:
        run.step()
    lines = capfd.readouterr().err.splitlines()
    assert [line for line in lines if not line.startswith("  ")] == [
        line for line in lines if line.startswith(f"footprint: run {run.run_id} ")
    ]
    assert sum(line.startswith("footprint:") for line in lines) == 2
    # a path is never broken
    assert all(len(line) <= 80 or str(run.folder) in line for line in lines)
    assert run.measurement is not None
    assert run.measurement.energy_kwh is None
    assert run.measurement.place is not None
    assert run.measurement.place.key == "WLD"
    assert (tmp_path / "footprint-runs" / run.run_id).is_dir()


def test_the_place_of_the_journals(quick: Quick, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOOTPRINT_DIR", str(tmp_path / "by-variable"))
    with quick() as by_variable, quick(run_id="other", journal_dir=tmp_path / "by-argument") as by_argument:
        pass
    assert by_variable.folder == tmp_path / "by-variable" / by_variable.run_id
    assert by_argument.folder == tmp_path / "by-argument" / "other"


class BoomError(Exception):
    pass


@pytest.mark.parametrize(
    "error", [BoomError("x"), KeyboardInterrupt(), SystemExit(7), GeneratorExit(), BaseException()]
)
def test_the_users_exception_passes_unchanged(quick: Quick, error: BaseException) -> None:
    with pytest.raises(type(error)) as caught, quick() as run:
        raise error
    assert caught.value is error
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    expected = "interrupted" if isinstance(error, KeyboardInterrupt) else "failed"
    assert run.status == expected
    assert journal_of(run).end.status == expected


def test_a_clean_exit_is_no_failure(quick: Quick) -> None:
    with pytest.raises(SystemExit), quick() as run:
        raise SystemExit(0)
    assert run.status == "completed"


def test_no_thread_outlives_the_run(quick: Quick) -> None:
    before = set(threading.enumerate())
    with quick() as run:
        run.step()
        assert run.problems is not None  # everything has begun by now
        names = {thread.name for thread in set(threading.enumerate()) - before}
        assert {"footprint-recorder", "footprint-meter"} <= names
    assert set(threading.enumerate()) == before


def test_handlers_and_logging_are_as_before(quick: Quick) -> None:
    handlers = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)]
    root = (list(logging.getLogger().handlers), logging.getLogger().level)
    with quick():
        assert signal.getsignal(signal.SIGTERM) is not handlers[0]
        assert signal.getsignal(signal.SIGINT) is handlers[2]
    assert [signal.getsignal(n) for n in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)] == handlers
    assert (list(logging.getLogger().handlers), logging.getLogger().level) == root


def test_a_handler_the_user_sets_meanwhile_stays(quick: Quick) -> None:
    before = signal.getsignal(signal.SIGTERM)

    def mine(number: int, frame: object) -> None:
        pass

    try:
        with quick():
            signal.signal(signal.SIGTERM, mine)
        assert signal.getsignal(signal.SIGTERM) is mine
    finally:
        signal.signal(signal.SIGTERM, before)


def test_the_users_own_handler_is_called_and_training_goes_on(quick: Quick) -> None:
    seen: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: seen.append(number))
    try:
        with quick() as run:
            signal.raise_signal(signal.SIGTERM)
            run.step()
        assert seen == [signal.SIGTERM]
        assert run.status == "completed"
    finally:
        signal.signal(signal.SIGTERM, before)


def test_one_object_entered_twice_is_an_error(quick: Quick) -> None:
    run = quick()
    with run:
        pass
    with pytest.raises(FootprintError, match="again"), run:
        pass


def test_the_budget_exception_leaves_the_block_quietly(quick: Quick) -> None:
    with quick() as run:
        raise BudgetReachedError("enough")
    assert run.stopped
    assert journal_of(run).end.status == "stopped_by_budget"


def test_resuming_adds_a_segment_and_counts_nothing_twice(quick: Quick, tmp_path: Path) -> None:
    took_s = []
    for begin in (0, 6):
        entered = time.monotonic()
        with quick(run_id="long", initial_step=begin, csv="runs.csv") as run:
            for _ in range(8):
                time.sleep(0.02)
                run.step(tokens=10)
        took_s.append(time.monotonic() - entered)
    measured = run.measurement
    assert measured is not None
    assert measured.workload.steps == 16  # 8, then 8 more from step 6, as trained and paid for
    assert measured.workload.tokens == 160
    assert [segment.steps for segment in measured.segments] == [8, 8]
    assert any("2 steps were trained twice" in warning for warning in measured.warnings)
    rows, _ = read_rows(tmp_path / "runs.csv", kind="measurement")
    for row, most_s in zip(rows, took_s, strict=True):  # a row is one launch, all of it
        assert (float(row["workload_steps"]), float(row["workload_tokens"])) == (8, 80)
        assert 8 * 0.02 <= float(row["duration_h_mid"]) * 3600 <= most_s
    assert sum(float(row["duration_h_mid"]) for row in rows) == pytest.approx(measured.duration_h.mid)
    together = sum(float(row["it_energy_kwh_mid"]) for row in rows)
    assert measured.it_energy_kwh is not None
    assert together == pytest.approx(measured.it_energy_kwh.mid, rel=0.02)


def test_the_step_time_is_that_of_the_whole_run(quick: Quick) -> None:
    took_s = []
    with quick() as run:
        for n in range(75):
            began = time.monotonic()
            time.sleep(0.01 if n < 60 else 0.06)  # slow steps in the last lines of the journal
            run.step()
            took_s.append(time.monotonic() - began)
    assert run.measurement is not None
    assert run.measurement.step_time_s is not None
    assert run.measurement.step_time_s.mid == pytest.approx(statistics.median(took_s), rel=0.3)
