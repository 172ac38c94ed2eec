"""codecarbon behind the protocol, with its own classes and a stand-in for NVIDIA's driver."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

PROGRAM = """
import json, sys, threading, time
from footprint.meters import meter_from
before = set(threading.enumerate())
meter = meter_from("codecarbon", json.loads(sys.argv[1]))
channels = meter.start()
moments, readings = [], []
for pause_s in (0.5, 1.0):
    time.sleep(pause_s)
    moments.append(time.monotonic())
    readings.append(meter.read())
    moments.append(time.monotonic())
first, reading = readings
meter.stop()
def grown(before, after): return {name: kwh - before.get(name, 0.0) for name, kwh in after.items()}
print(json.dumps({
    "channels": [[c.component, c.how, c.source] for c in channels],
    "energy": grown(first.energy_kwh, reading.energy_kwh),
    "devices": grown(first.device_kwh, reading.device_kwh), "busy": reading.device_busy,
    "own": sorted(reading.own_devices) if reading.own_devices is not None else None,
    "least_s": moments[2] - moments[1], "most_s": moments[3] - moments[0],
    "threads": len(set(threading.enumerate()) - before),
    "files": __import__("os").listdir("."),
}))
"""


def measured(tmp_path: Path, options: dict | None = None, **environ: str) -> dict:
    """What the second between two readings gives in a fresh interpreter, in an empty folder."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "HOME": str(tmp_path), **environ}
    work = tmp_path / "work"
    work.mkdir(exist_ok=True)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM, json.dumps(options or {})],
        capture_output=True, text=True, env=environment, cwd=work, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return json.loads(done.stdout.splitlines()[-1])


def draws(result: dict, kwh: float, watts: float) -> bool:
    """Whether so much energy is that power for the time between two readings, to a tenth.

    The meter reads at some moment within each call, which lasts longer on a busy machine.
    """
    return 0.9 * watts * result["least_s"] <= kwh * 3.6e6 <= 1.1 * watts * result["most_s"]


@pytest.fixture
def nvidia(tmp_path: Path) -> dict[str, str]:
    """An environment in which codecarbon finds two boards of exactly 400 W and 100 W."""
    smi = tmp_path / "bin" / "nvidia-smi"
    smi.parent.mkdir()
    smi.write_text("#!/bin/sh\nexit 0\n")
    smi.chmod(0o755)
    fake = Path(__file__).parent / "fake_nvml"
    return {"PATH": f"{smi.parent}:{os.environ['PATH']}", "PYTHONPATH": f"{fake}:{ROOT}"}


def test_nothing_is_printed_written_or_left_running(tmp_path: Path) -> None:
    from codecarbon.external.ram import RAM

    watts = RAM(tracking_mode="machine").total_power().W
    result = measured(tmp_path)
    assert draws(result, result["energy"]["ram"], watts)
    assert result["threads"] == 0
    assert result["files"] == []
    assert {component for component, _, _ in result["channels"]} >= {"cpu", "ram"}
    assert all(how in {"measured", "modelled"} for _, how, _ in result["channels"])


def test_all_boards_by_default(tmp_path: Path, nvidia: dict[str, str]) -> None:
    result = measured(tmp_path, **nvidia)
    assert ["accelerators", "measured"] in [channel[:2] for channel in result["channels"]]
    assert draws(result, result["energy"]["accelerators"], 500)
    boards = {uuid[:12]: kwh for uuid, kwh in result["devices"].items()}
    assert boards.keys() == {"GPU-00000000", "GPU-00000001"}
    assert draws(result, boards["GPU-00000000"], 400)
    assert draws(result, boards["GPU-00000001"], 100)
    assert sum(result["devices"].values()) == pytest.approx(result["energy"]["accelerators"], rel=1e-9)
    assert {uuid[:12]: share for uuid, share in result["busy"].items()} == {
        "GPU-00000000": 0.97,
        "GPU-00000001": 0.0,
    }
    assert [uuid[:12] for uuid in result["own"]] == ["GPU-00000000"]


@pytest.mark.live
@pytest.mark.slow
@pytest.mark.parametrize(("visible", "watts"), [("1", 100), ("GPU-00000000", 400), ("1,0", 500)])
def test_only_visible_boards(tmp_path: Path, nvidia: dict[str, str], visible: str, watts: float) -> None:
    result = measured(tmp_path, CUDA_VISIBLE_DEVICES=visible, **nvidia)
    assert draws(result, result["energy"]["accelerators"], watts)


def test_an_empty_list_of_boards_means_none(tmp_path: Path, nvidia: dict[str, str]) -> None:
    result = measured(tmp_path, CUDA_VISIBLE_DEVICES="", **nvidia)
    assert "accelerators" not in result["energy"]
    assert "accelerators" not in {channel[0] for channel in result["channels"]}


@pytest.mark.live
def test_a_second_rank_leaves_the_host_out(tmp_path: Path, nvidia: dict[str, str]) -> None:
    result = measured(tmp_path, {"host": False}, CUDA_VISIBLE_DEVICES="1", **nvidia)
    assert set(result["energy"]) == {"accelerators"}
    assert {channel[0] for channel in result["channels"]} == {"accelerators"}
