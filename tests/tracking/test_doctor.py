"""What the doctor says is what the meter and the folder really do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from footprint.meters import Channel, Reading, meter_from
from footprint.tracking import doctor
from footprint.tracking.doctor import diagnose
from tests.tracking.fault_harness import ROOT


class Scripted:
    """Reads 200 W of boards and 50 W of processors; memory is modelled at 10 W."""

    def start(self):
        self.began = time.monotonic()
        return (
            Channel(component="accelerators", how="measured", source="counter"),
            Channel(component="cpu", how="measured", source="RAPL"),
            Channel(component="ram", how="modelled", source="size"),
        )

    def read(self):
        seconds = time.monotonic() - self.began
        watts = {"accelerators": 200.0, "cpu": 50.0, "ram": 10.0}
        return Reading(energy_kwh={name: w * seconds / 3.6e6 for name, w in watts.items()})

    def stop(self) -> None:
        pass


def test_draw_by_component(tmp_path: Path) -> None:
    found = diagnose(Scripted(), tmp_path / "runs", 0.6)
    watts = {component["component"]: component["power_w"] for component in found.components}
    assert watts == {
        "accelerators": pytest.approx(200, rel=0.1),
        "cpu": pytest.approx(50, rel=0.1),
        "ram": pytest.approx(10, rel=0.1),
    }
    assert found.problems == []
    assert not any("processors" in text for text in found.advice)  # measured already
    assert any("memory" in text for text in found.advice)


def test_the_folder_is_tested_and_left_as_it_was(tmp_path: Path) -> None:
    deep = tmp_path / "a" / "b"
    found = diagnose(meter_from("constant:10W"), deep, 0.5)
    assert found.journal["works"]
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").write_text("x")
    broken = diagnose(meter_from("constant:10W"), tmp_path / "file", 0.5)
    assert not broken.journal["works"]
    assert any("cannot be kept" in problem for problem in broken.problems)


def test_a_meter_that_does_not_start_is_a_finding(tmp_path: Path) -> None:
    class Dead(Scripted):
        def start(self):
            raise RuntimeError("no power file")

    found = diagnose(Dead(), tmp_path, 0.5)
    assert {component["how"] for component in found.components} == {"absent"}
    assert any("no power file" in problem for problem in found.problems)


def test_a_locked_counter_names_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counter = tmp_path / "intel-rapl:0" / "energy_uj"
    counter.parent.mkdir()
    counter.write_text("1")
    monkeypatch.setattr(doctor, "RAPL", tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(doctor.os, "access", lambda path, mode: False)
        assert "chmod a+r" in doctor._rapl_advice()
    assert "readable" in doctor._rapl_advice()
    monkeypatch.setattr(doctor, "RAPL", tmp_path / "none")
    assert "no RAPL counter" in doctor._rapl_advice()


def test_the_command_speaks_to_people_and_programs(tmp_path: Path) -> None:
    def run(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "footprint", "doctor", "--meter", "constant:100W", "--seconds", "0.5",
             *arguments],
            cwd=tmp_path, capture_output=True, text=True, check=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        return done.stdout

    record = json.loads(run("--format", "json"))
    assert record["schema"] == "footprint/doctor/1"
    (node,) = record["components"]
    assert (node["component"], node["how"]) == ("node", "modelled")
    assert node["power_w"] == pytest.approx(100, rel=0.1)
    text = run()
    assert "node" in text
    assert "journal" in text
    assert list(tmp_path.iterdir()) == []
