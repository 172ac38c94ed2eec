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
start = time.monotonic()
time.sleep(0.5)
meter.read()
time.sleep(0.5)
reading = meter.read()
elapsed = time.monotonic() - start
meter.stop()
print(json.dumps({
    "channels": [[c.component, c.how, c.source] for c in channels],
    "energy": reading.energy_kwh, "devices": reading.device_kwh, "busy": reading.device_busy,
    "own": sorted(reading.own_devices) if reading.own_devices is not None else None,
    "elapsed": elapsed, "threads": len(set(threading.enumerate()) - before),
    "files": __import__("os").listdir("."),
}))
"""


def measured(tmp_path: Path, options: dict | None = None, **environ: str) -> dict:
    """What one second of metering gives in a fresh interpreter, in an empty folder."""
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
    assert result["energy"]["ram"] * 3.6e6 / result["elapsed"] == pytest.approx(watts, rel=0.1)
    assert result["threads"] == 0
    assert result["files"] == []
    assert {component for component, _, _ in result["channels"]} >= {"cpu", "ram"}
    assert all(how in {"measured", "modelled"} for _, how, _ in result["channels"])


def test_all_boards_by_default(tmp_path: Path, nvidia: dict[str, str]) -> None:
    result = measured(tmp_path, **nvidia)
    assert ["accelerators", "measured"] in [channel[:2] for channel in result["channels"]]
    joule = result["energy"]["accelerators"] * 3.6e6
    # the counter steps by whole reads, so the window is known to about a tenth
    assert joule / result["elapsed"] == pytest.approx(500, rel=0.1)
    by_device = {uuid[:12]: kwh * 3.6e6 / result["elapsed"] for uuid, kwh in result["devices"].items()}
    assert by_device == {
        "GPU-00000000": pytest.approx(400, rel=0.1),
        "GPU-00000001": pytest.approx(100, rel=0.1),
    }
    assert sum(result["devices"].values()) == pytest.approx(result["energy"]["accelerators"], rel=1e-9)
    assert {uuid[:12]: share for uuid, share in result["busy"].items()} == {
        "GPU-00000000": 0.97,
        "GPU-00000001": 0.0,
    }
    assert [uuid[:12] for uuid in result["own"]] == ["GPU-00000000"]


@pytest.mark.live
@pytest.mark.parametrize(("visible", "watts"), [("1", 100), ("GPU-00000000", 400), ("1,0", 500)])
def test_only_visible_boards(tmp_path: Path, nvidia: dict[str, str], visible: str, watts: float) -> None:
    result = measured(tmp_path, CUDA_VISIBLE_DEVICES=visible, **nvidia)
    assert result["energy"]["accelerators"] * 3.6e6 / result["elapsed"] == pytest.approx(watts, rel=0.1)


def test_an_empty_list_of_boards_means_none(tmp_path: Path, nvidia: dict[str, str]) -> None:
    result = measured(tmp_path, CUDA_VISIBLE_DEVICES="", **nvidia)
    assert "accelerators" not in result["energy"]
    assert "accelerators" not in {channel[0] for channel in result["channels"]}


@pytest.mark.live
def test_a_second_rank_leaves_the_host_out(tmp_path: Path, nvidia: dict[str, str]) -> None:
    result = measured(tmp_path, {"host": False}, CUDA_VISIBLE_DEVICES="1", **nvidia)
    assert set(result["energy"]) == {"accelerators"}
    assert {channel[0] for channel in result["channels"]} == {"accelerators"}
