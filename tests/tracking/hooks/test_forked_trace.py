"""Which modules are traced in a copy of their process, and which are not."""

from __future__ import annotations

import torch
from torch import nn

from footprint.tracking.hooks.forked_trace import why_not


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
