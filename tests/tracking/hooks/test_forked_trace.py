"""Which modules are traced in a copy of their process, and which are not."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode

from footprint.flops import count_step
from footprint.schema import StepShape
from footprint.tracking.hooks.facts import facts_of
from footprint.tracking.hooks.forked_trace import answer_of, begin_trace, why_not
from tests.flops.trace.strangers import Placed


def net() -> nn.Module:
    return nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 4))


class FullyShardedDataParallel(nn.Sequential):
    """Has the name of torch's."""


def test_what_is_not_traced() -> None:
    assert not why_not(net())
    assert why_not(nn.Sequential(FullyShardedDataParallel(nn.Linear(2, 2)))) == "its weights are sharded"
    partitioned = net()
    partitioned[0].weight = nn.Parameter(torch.empty(0))  # as DeepSpeed's ZeRO 3 leaves it
    assert why_not(partitioned) == "its weights are sharded"
    compiled = net()
    compiled.compile(backend="eager")
    assert why_not(compiled) == "it is compiled"


def on_an_accelerator(make: Callable[[], nn.Module], *devices: str) -> nn.Module:
    """A module whose weights say that they stand on accelerators, without one: torch's fake tensors."""
    with FakeTensorMode():
        module = make()
        for number, part in enumerate(one for one in module.modules() if isinstance(one, nn.Linear)):
            device = devices[number % len(devices)]
            part.weight = nn.Parameter(torch.empty(part.weight.shape, device=device))
            part.bias = nn.Parameter(torch.empty(part.bias.shape, device=device))
    return module


def refused(*_: Any) -> Any:
    raise RuntimeError("Cannot re-initialize CUDA in forked subprocess.")


def test_a_module_on_an_accelerator_is_traced_without_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The copy of a process cannot use its accelerator, as torch says there: it must not be asked."""
    module = on_an_accelerator(Placed, "cuda:0")
    with FakeTensorMode():
        batch = torch.empty(3, 8, device="cuda:0")
    monkeypatch.setenv("FOOTPRINT_DATA", str(tmp_path))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    for name in ("current_device", "get_device_properties", "_lazy_init"):
        monkeypatch.setattr(torch.cuda, name, refused)
    file, problem = answer_of(begin_trace(module, (batch,), {}))
    assert not problem
    counted = count_step(json.loads(Path(file).read_text()), StepShape(sequences=3))
    assert (counted.forward_flop, counted.backward_flop) == (2 * 2 * 3 * 8 * 8, 3 * 2 * 3 * 8 * 8)


@pytest.mark.parametrize(("devices", "ranks", "count"), [(["cuda:0"], 4, 4), (["cuda:0", "cuda:1"], 2, 4)])
def test_the_accelerators_that_hold_the_weights_are_those_of_the_run(
    devices: list[str], ranks: int, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = on_an_accelerator(net, *devices)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "NVIDIA H100 80GB HBM3")
    optimizer = torch.optim.AdamW(net().parameters())
    found = facts_of(module, optimizer, "", ranks)
    assert found == {
        "precision": "fp32", "optimizer": "adamw", "hw": f"h100-sxm5-80gb:{count}", "hw_detected": "in use"
    }  # fmt: skip
    torch.backends.cuda.matmul.allow_tf32 = True
    try:
        assert facts_of(module, optimizer, "", ranks)["precision"] == "tf32"
    finally:
        torch.backends.cuda.matmul.allow_tf32 = False
    assert facts_of(module, optimizer, "torch.bfloat16", ranks)["precision"] == "bf16"
    if len(devices) > 1:  # a mixed machine has no name of its own
        monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: f"NVIDIA H{device.index}00")
        assert "hw" not in facts_of(module, optimizer, "", ranks)
