"""Which boards a process may use: NVIDIA's documented rules, case by case."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from footprint.meters import devices
from footprint.meters.devices import visible_devices


@pytest.fixture
def nvml() -> ModuleType:
    path = Path(__file__).parent / "fake_nvml" / "pynvml.py"
    spec = importlib.util.spec_from_file_location("fake_pynvml", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.WATTS = [400.0] * 4  # type: ignore[attr-defined]
    return module


# CUDA C++ Programming Guide, "CUDA Environment Variables": the first invalid entry hides the rest.
@pytest.mark.parametrize(
    ("given", "indices", "problems"),
    [
        (None, [0, 1, 2, 3], 0),
        ("0,1,2,3", [0, 1, 2, 3], 0),
        ("2,0", [2, 0], 0),
        ("", [], 0),
        ("-1", [], 0),
        ("1,-1,2", [1], 1),
        ("0,9,1", [0], 1),
        ("1,1", [], 1),
        ("GPU-00000002-0000-0000-0000-000000000000", [2], 0),
        ("GPU-00000003", [3], 0),
        ("GPU-0000000", [], 1),  # a prefix of four boards names none
        ("MIG-GPU-00000001-0000-0000-0000-000000000000/1/0", [1], 1),
        ("MIG-aaaaaaaa-0000-0000-0000-000000000001", [1], 1),
        ("MIG-ffffffff-0000-0000-0000-000000000001", [], 1),
        ("zero", [], 1),
    ],
)
def test_cuda_visible_devices(nvml: ModuleType, given: str | None, indices: list[int], problems: int) -> None:
    environ = {} if given is None else {"CUDA_VISIBLE_DEVICES": given}
    visible = visible_devices(environ, nvml)
    assert [device.index for device in visible.devices] == indices
    assert len(visible.problems) == problems
    assert visible.on_node == 4


def test_boards_of_several_kinds_need_a_stated_order(nvml: ModuleType) -> None:
    nvml.NAMES = ["NVIDIA A100-SXM4-80GB", "NVIDIA T4"]  # type: ignore[attr-defined]
    assert any("PCI_BUS_ID" in problem for problem in visible_devices({}, nvml).problems)
    assert not visible_devices({"CUDA_DEVICE_ORDER": "PCI_BUS_ID"}, nvml).problems


def test_own_boards_by_process_and_unknown_in_a_container(nvml: ModuleType) -> None:
    import os

    boards = visible_devices({}, nvml).devices
    assert devices.devices_of([os.getpid()], boards, nvml) == {boards[0].uuid}
    assert devices.devices_of([2**22], boards, nvml) is None


@pytest.mark.parametrize(
    ("files", "limit"),
    [
        ({"proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/b/memory.max": "max\n",
          "sys/fs/cgroup/a/memory.max": "4294967296\n"}, 4 * 2**30),
        ({"proc/self/cgroup": "0::/a\n", "sys/fs/cgroup/a/memory.max": "max\n"}, None),
        ({"proc/self/cgroup": "5:cpu,memory:/job\n0::/x\n",
          "sys/fs/cgroup/memory/job/memory.limit_in_bytes": "1073741824\n"}, 2**30),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "2147483648\n"}, 2**31),
        ({}, None),
    ],
)  # fmt: skip
def test_memory_limit_of_the_control_group(tmp_path: Path, files: dict[str, str], limit: int | None) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert devices._cgroup_memory_byte(str(tmp_path)) == limit


def test_share_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "_machine_memory_byte", lambda: 64 * 2**30)
    for limit, share in ((16 * 2**30, 0.25), (None, 1.0), (2**63 - 4096, 1.0)):
        monkeypatch.setattr(devices, "_cgroup_memory_byte", lambda limit=limit: limit)
        assert devices.memory_share() == share


def test_no_driver_means_no_boards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", None)  # import fails
    assert visible_devices({}) == devices.Visible()
