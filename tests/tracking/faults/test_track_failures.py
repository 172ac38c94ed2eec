"""Meters, folders and disks that fail: what is said, and that training goes on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from footprint.meters import Channel, Reading
from footprint.results.row_reader import read_rows
from footprint.tracking import Run
from footprint.tracking.journal.lines import StateLine
from footprint.tracking.journal.reader import read_journal

Quick = Callable[..., Run]


def journal_of(run: Run) -> Any:
    assert run.folder is not None
    (path,) = run.folder.glob("*.journal.jsonl")
    return read_journal(path)


class Fickle:
    """A meter that does what its script says, reading by reading."""

    def __init__(self, *script: Any, start: Any = None, stop: Any = None) -> None:
        self.script, self.on_start, self.on_stop, self.reads = list(script), start, stop, 0

    def start(self) -> Any:
        if isinstance(self.on_start, BaseException):
            raise self.on_start
        return self.on_start or (Channel(component="cpu", how="measured", source="script"),)

    def read(self) -> Any:
        item = self.script[min(self.reads, len(self.script) - 1)]
        self.reads += 1
        if isinstance(item, BaseException):
            raise item
        if callable(item):
            return item()
        return Reading(energy_kwh={"cpu": item}) if isinstance(item, int | float) else item

    def stop(self) -> None:
        if isinstance(self.on_stop, BaseException):
            raise self.on_stop


@pytest.mark.parametrize(
    ("meter", "problem"),
    [
        (Fickle(1e-9, start=RuntimeError("no device")), "no device"),
        (Fickle(1e-9, start=SystemExit(3)), "SystemExit"),
        (Fickle(1e-9, start=42), "TypeError"),
        (Fickle(ValueError("bus error")), "bus error"),
        (Fickle(None), "returned nothing"),
        (Fickle("energy"), "not a Reading"),
        (Fickle(float("nan")), "not a number"),
        (Fickle(-1.0), "went back"),
        (Fickle(1e9), "impossible"),
        (Fickle(1e-9, stop=OSError("gone")), "gone"),
    ],
)
def test_a_meter_that_fails_is_reported_and_training_goes_on(quick: Quick, meter: Any, problem: str) -> None:
    steps = 0
    with quick(meter=meter) as run:
        for _ in range(5):
            time.sleep(0.03)
            run.step()
            steps += 1
    assert steps == 5
    assert any(problem in text for text in run.problems), run.problems
    measured = run.measurement
    assert measured is not None
    assert measured.status == "completed"
    assert measured.workload.steps == 5
    if problem != "gone":
        assert measured.it_energy_kwh is None


def test_a_meter_that_hangs_delays_nothing(quick: Quick, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("METER_END_WAIT_S", "LAST_READ_WAIT_S", "READ_WAIT_S"):
        monkeypatch.setattr(f"footprint.tracking.recorder.recorder.{name}", 0.1)
    monkeypatch.setattr("footprint.tracking.recorder.meter_thread.HUNG_AFTER_S", 0.2)
    release = threading.Event()
    with quick(meter=Fickle(lambda: release.wait(60))) as run:
        took_s = []
        for _ in range(30):
            before = time.perf_counter()
            run.step()
            took_s.append(time.perf_counter() - before)
            time.sleep(0.02)
        ending = time.perf_counter()
    assert time.perf_counter() - ending < 20.0
    assert sorted(took_s)[-6] < 0.05  # each would wait; a busy machine may stop us within a few
    assert any("has not come back" in text for text in run.problems)
    steps = [line.steps for line in journal_of(run).lines if isinstance(line, StateLine)]
    assert len(set(steps)) > 3  # the journal went on meanwhile
    release.set()


def test_a_slow_meter_does_not_delay_the_first_step(quick: Quick) -> None:
    stepped, in_time = threading.Event(), []

    def slow() -> Any:
        in_time.append(stepped.wait(20))
        return (Channel(component="cpu", how="measured", source="slow"),)

    meter = Fickle(1e-7)
    meter.start = slow  # type: ignore[method-assign]
    with quick(meter=meter) as run:
        run.step()
        stepped.set()
    assert in_time == [True]  # the step came while the meter started
    assert run.measurement is not None
    assert run.measurement.workload.steps == 1


def test_zero_for_more_than_a_second_is_a_fault(quick: Quick) -> None:
    with quick(meter=Fickle(0.0), flush_s=0.2) as run:
        time.sleep(1.5)
    assert any("zero for" in problem for problem in run.problems)
    assert run.measurement is not None
    assert [(m.component, m.how) for m in run.measurement.meters] == [
        ("accelerators", "absent"), ("cpu", "absent"), ("ram", "absent"),
    ]  # fmt: skip


def test_a_report_csv_that_cannot_be_written_is_said(quick: Quick, tmp_path: Path) -> None:
    (tmp_path / "runs.csv").write_text("a,b\n1,2\n")
    with quick(csv="runs.csv") as run:
        run.step()
    assert any("another file" in problem for problem in run.problems)
    assert (tmp_path / "runs.csv").read_text() == "a,b\n1,2\n"


def test_a_journal_folder_that_cannot_be_made_goes_elsewhere(quick: Quick, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    with quick(journal_dir=tmp_path / "taken") as run:
        run.step()
    assert run.folder is not None
    assert run.folder.name == run.run_id
    assert journal_of(run).end.steps == 1
    assert any("instead" in problem for problem in run.problems)


def test_with_no_disk_at_all_memory_serves(
    quick: Quick, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "taken").write_text("a file")
    monkeypatch.setattr(
        "footprint.tracking.journal.writer.tempfile.gettempdir", lambda: str(tmp_path / "taken")
    )
    with quick(journal_dir=tmp_path / "taken", csv="runs.csv") as run:
        for _ in range(3):
            run.step()
    assert run.folder is None
    assert run.measurement is not None
    assert run.measurement.workload.steps == 3
    assert len(read_rows(tmp_path / "runs.csv", kind="measurement")[0]) == 1


def test_drivers_that_hang_delay_nothing(quick: Quick, monkeypatch: pytest.MonkeyPatch) -> None:
    """A board that fell off its bus may keep NVML waiting for ever while the hardware is found out."""
    release = threading.Event()
    monkeypatch.setattr(
        "footprint.tracking.recorder.preparation.detect_hardware", lambda who: release.wait(60) or (None, "")
    )
    monkeypatch.setattr("footprint.tracking.recorder.recorder.METER_END_WAIT_S", 0.2)
    with quick() as run:
        for _ in range(20):
            time.sleep(0.02)
            run.step()
        ending = time.perf_counter()
    assert time.perf_counter() - ending < 20.0
    assert any("drivers may hang" in text for text in run.problems)
    states = [line for line in journal_of(run).lines if isinstance(line, StateLine)]
    assert len({state.steps for state in states}) > 3
    measured = run.measurement
    assert measured is not None
    assert (measured.status, measured.workload.steps) == ("completed", 20)
    assert measured.it_energy_kwh is not None
    release.set()


def test_the_first_line_is_there_before_the_first_step(quick: Quick, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("footprint.tracking.recorder.preparation.prepare", lambda *_: time.sleep(1.0))
    with quick(model="gpt2", budget="2 kWh") as run:
        (path,) = Path("footprint-runs").glob("*/*.journal.jsonl")
        start = read_journal(path).start
    assert start.run_id == run.run_id
    assert start.given["budget"] == "2 kWh"


def test_a_disk_that_hangs_does_not_delay_the_first_step(
    quick: Quick, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = threading.Event()
    monkeypatch.setattr(
        "footprint.tracking.journal.writer.JournalWriter._create", lambda self: release.wait()
    )
    monkeypatch.setattr("footprint.tracking.run.run.END_WAIT_S", 0.2)
    with quick() as run:  # who waited for it would wait for ever
        run.step()
    assert "recover" in run._summary
    release.set()


def test_what_a_deleted_journal_said_once_comes_back(quick: Quick) -> None:
    import shutil

    with quick(model="gpt2", hw="v100-sxm2-16gb:1", total_steps=10) as run:
        assert run.estimate is not None
        time.sleep(0.2)
        shutil.rmtree("footprint-runs")
        time.sleep(0.2)
        run.step()
    journal = journal_of(run)
    assert {"estimate", "meter", "end"} <= {line.kind for line in journal.lines}
    assert run.comparison is not None
    assert journal.end.steps == 1


class LateMeter(Fickle):
    """100 W of processor, after half a second of start-up."""

    def start(self) -> Any:
        time.sleep(0.5)
        self.began = time.monotonic()
        return (Channel(component="cpu", how="measured", source="late"),)

    def read(self) -> Any:
        return Reading(energy_kwh={"cpu": 100.0 * (time.monotonic() - self.began) / 3.6e6})


@pytest.mark.parametrize("block_s", [0.1, 0.8])
def test_what_we_do_after_the_block_is_no_part_of_the_run(quick: Quick, block_s: float) -> None:
    """A run shorter than the meter's start-up waits for it, and neither its time nor its energy grows."""
    entered = time.monotonic()
    with quick(meter=LateMeter()) as run:
        began = time.monotonic()
        time.sleep(block_s)
        over = time.monotonic()
    measured = run.measurement
    assert measured is not None
    run_s = measured.duration_h.mid * 3600
    # 0.25 s is for a busy machine, which may stop us at the end of the block; the start-up alone is 0.5 s
    assert over - began - 0.001 <= run_s <= over - entered + 0.25
    assert measured.it_energy_kwh is not None
    assert measured.it_energy_kwh.mid * 3.6e6 == pytest.approx(100 * run_s, rel=0.15)
    assert sum(part["duration_h"] for part in measured.phases.values()) * 3600 == pytest.approx(
        run_s, rel=0.1
    )
