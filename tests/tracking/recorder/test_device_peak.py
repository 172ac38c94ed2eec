"""The peak of a device's memory is what torch says, if the program has torch and uses a device."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest

from footprint.tracking.recorder.device_peak import DevicePeak


def fake(*peaks: int, initialized: bool = True) -> SimpleNamespace:
    def max_memory_allocated(device: int) -> int:
        if not initialized:
            raise RuntimeError("this would begin a context on the device")
        return peaks[device]

    cuda = SimpleNamespace(
        is_initialized=lambda: initialized, device_count=lambda: len(peaks),
        max_memory_allocated=max_memory_allocated,
    )  # fmt: skip
    return SimpleNamespace(cuda=cuda)


def peak_with(monkeypatch: pytest.MonkeyPatch, peak: DevicePeak, torch: object) -> int | None:
    monkeypatch.setitem(sys.modules, "torch", torch)
    return peak.byte()


def test_it_is_that_of_the_fullest_device_and_outlives_a_reset(monkeypatch: pytest.MonkeyPatch) -> None:
    peak = DevicePeak()
    assert peak_with(monkeypatch, peak, fake(3 * 2**30, 5 * 2**30)) == 5 * 2**30
    assert peak_with(monkeypatch, peak, fake(2**30, 2**30)) == 5 * 2**30
    assert peak_with(monkeypatch, peak, fake(2**30, 6 * 2**30)) == 6 * 2**30


@pytest.mark.parametrize(
    "torch", [None, object(), fake(initialized=False), fake(7, initialized=False), fake(), fake(0, 0)]
)
def test_without_a_device_in_use_there_is_none(monkeypatch: pytest.MonkeyPatch, torch: object) -> None:
    assert peak_with(monkeypatch, DevicePeak(), torch) is None


def test_torch_is_never_imported_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    assert DevicePeak().byte() is None
    assert "torch" not in sys.modules


def test_what_torch_raises_costs_a_run_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    peak = DevicePeak()
    assert peak_with(monkeypatch, peak, fake(5)) == 5
    broken = fake(1)
    broken.cuda.device_count = lambda: 3
    assert peak_with(monkeypatch, peak, broken) == 5


def test_the_torch_of_this_machine_has_what_is_asked_of_it() -> None:
    torch = pytest.importorskip("torch")
    for name in ("is_initialized", "device_count", "max_memory_allocated"):
        assert callable(getattr(torch.cuda, name))
