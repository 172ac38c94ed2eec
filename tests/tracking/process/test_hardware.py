"""Which profile a machine gets by its processor's name, and how wide the estimate of an unknown one is."""

from __future__ import annotations

import pytest

import footprint
from footprint.catalog.hardware import find_accelerator
from footprint.tracking.process import detected_hardware
from footprint.tracking.process.identity import identify


def detected(name: str, cores: int, monkeypatch: pytest.MonkeyPatch) -> tuple[str | None, str]:
    monkeypatch.setattr(detected_hardware, "_boards", lambda: ([], ""))
    monkeypatch.setattr(detected_hardware, "processor_name", lambda: name)
    monkeypatch.setattr(detected_hardware, "_sockets", lambda: 2)
    monkeypatch.setattr(detected_hardware, "cores", lambda: cores)
    return detected_hardware.detect_hardware(identify({}))


@pytest.mark.parametrize(
    "name", ["AMD EPYC", "Intel(R) Xeon(R) Processor @ 2.60GHz", "AMD EPYC 7R13 Processor"]
)
def test_a_server_whose_model_is_hidden_is_so_many_cores(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found, note = detected(name, 6, monkeypatch)
    assert found == "server-cpu-core:6"
    assert repr(name) in note
    assert "hw=" in note


def test_a_processor_that_says_its_model_is_that_one(monkeypatch: pytest.MonkeyPatch) -> None:
    assert detected("AMD EPYC 7763 64-Core Processor", 6, monkeypatch) == ("epyc-7763:2", "")


def test_another_processor_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    found, note = detected("Some Laptop 9000", 6, monkeypatch)
    assert found is None
    assert "Some Laptop 9000" in note


def test_the_estimate_of_unknown_cores_holds_those_of_every_server_of_the_catalogue() -> None:
    """Time and power of as many cores of the processors that we know (their data sheets' cores)."""
    known = {
        "epyc-7742": 64,
        "epyc-7763": 64,
        "epyc-9654": 96,
        "xeon-platinum-8380": 40,
        "xeon-e5-2686-v4": 18,
    }
    model = {"model": "gpt2", "tokens": 1e6, "precision": "fp32"}
    unknown = footprint.estimate(hw="server-cpu-core:64", **model)
    width = unknown.duration_h.high / unknown.duration_h.low
    for name, cores in known.items():
        one = footprint.estimate(hw=f"{name}:1", **model)
        assert width > one.duration_h.high / one.duration_h.low
        # a core of a data sheet has two threads
        each_h, each_w = one.duration_h.mid * 2 * cores / 64, one.it_power_w.mid / (2 * cores) * 64
        assert unknown.duration_h.low < each_h < unknown.duration_h.high, name
        assert unknown.it_power_w.low < each_w < unknown.it_power_w.high, name
    assert all(cite.basis == "assumed" for cite in find_accelerator("server-cpu-core").cite.values())
