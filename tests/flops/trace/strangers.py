"""Modules of strangers that cannot be traced, each a function for `footprint trace`, and some that can."""

from __future__ import annotations

import sys
from typing import Any

import torch
from torch import nn
from torch.nn import functional

BATCH = torch.zeros(2, 4)


class Calls(nn.Module):
    """Four inputs, four outputs, and something of a stranger's between them."""

    def __init__(self, between: Any) -> None:
        super().__init__()
        self.linear, self.between = nn.Linear(4, 4), between

    def forward(self, x: Any) -> Any:
        return self.between(self.linear(x))


class Sealed:
    """A result without a dictionary of its own, in which no tensor can be found."""

    __slots__ = ("loss",)

    def __init__(self, loss: Any) -> None:
        self.loss = loss


def other_batch() -> tuple[Any, Any]:
    return nn.Linear(4, 4), torch.zeros(2, 5)


def no_parameters() -> tuple[Any, Any]:
    return nn.ReLU(), BATCH


def branches() -> tuple[Any, Any]:
    return Calls(lambda y: y * 2 if y.max() > 0 else y), BATCH


def lazy() -> tuple[Any, Any]:
    return nn.Sequential(nn.LazyLinear(8), nn.LazyLinear(4)), BATCH


def leaves() -> tuple[Any, Any]:
    return Calls(lambda y: sys.exit(3)), BATCH


def sealed() -> tuple[Any, Any]:
    return Calls(lambda y: Sealed(y.sum())), BATCH


def detached() -> tuple[Any, Any]:
    return Calls(lambda y: y.detach()), BATCH


def nothing_said() -> tuple[Any, Any]:
    return Calls(lambda y: None), BATCH


def empty_batch() -> tuple[Any, Any]:
    return nn.Linear(4, 4), torch.zeros(0, 4)


def no_tensor() -> tuple[Any, Any]:
    return nn.Linear(4, 4), {"x": 3}


def sparse() -> tuple[Any, Any]:
    return Calls(lambda y: torch.sparse.mm(torch.eye(2).to_sparse(), y)), BATCH


def script() -> tuple[Any, Any]:
    return torch.jit.script(nn.Sequential(nn.Linear(4, 4), nn.ReLU())), BATCH


def looks_up() -> tuple[Any, Any]:
    return nn.Embedding(10, 4), torch.zeros(3, dtype=torch.long)


def raises() -> tuple[Any, Any]:
    raise RuntimeError("no such file")


def leaves_at_once() -> tuple[Any, Any]:
    sys.exit("usage: train.py DATA")


REFUSED = {
    "other_batch": "fails on its batch",
    "no_parameters": "has no parameters",
    "branches": "asks for the values of its tensors",
    "lazy": "made at its first call",
    "leaves": "SystemExit",
    "sealed": "has a gradient",
    "detached": "has a gradient",
    "nothing_said": "has a gradient",
    "empty_batch": "no sample",
    "no_tensor": "no tensor",
    "sparse": "has sparse tensors",
    "script": "is TorchScript",
    "looks_up": "multiplies nothing",
    "raises": "no such file",
    "leaves_at_once": "usage: train.py DATA",
}


class Shared(nn.Module):
    """One matrix looked up, applied twice and used as the head."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.mix = nn.Embedding(50, 8), nn.Linear(8, 8, bias=False)

    def forward(self, ids: Any) -> Any:
        x = self.mix(self.mix(self.words(ids)))
        return functional.linear(x, self.words.weight)


class Adapted(nn.Module):
    """A frozen matrix, and beside it two narrow ones that are trained."""

    def __init__(self) -> None:
        super().__init__()
        self.base = nn.Linear(8, 8, bias=False).requires_grad_(False)
        self.down, self.up = nn.Linear(8, 2, bias=False), nn.Linear(2, 8, bias=False)

    def forward(self, x: Any) -> Any:
        return self.base(x) + self.up(self.down(x))


class Cast(nn.Module):
    """Two products in 16 bits."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Linear(8, 8), nn.Linear(8, 8)

    def forward(self, x: Any) -> Any:
        with torch.autocast("cpu", torch.bfloat16):
            return self.two(self.one(x))


class Functional(nn.Module):
    """A module of its own that is called with the weights handed to it."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(8, 8)

    def forward(self, x: Any) -> Any:
        return torch.func.functional_call(self.inner, dict(self.inner.named_parameters()), (x,))


class Pooled(nn.Module):
    """A learned query that reads all rows."""

    def __init__(self) -> None:
        super().__init__()
        self.query = nn.Parameter(torch.zeros(1, 1, 8))
        self.keys, self.values = nn.Linear(8, 8), nn.Linear(8, 8)

    def forward(self, x: Any) -> Any:
        query = self.query.expand(x.shape[0], -1, -1)
        return functional.scaled_dot_product_attention(query, self.keys(x), self.values(x))


class Again(nn.Module):
    """A part that the backward pass runs again, as older programs have it."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(8, 8), nn.Linear(8, 8)

    def forward(self, x: Any) -> Any:
        from torch.utils.checkpoint import checkpoint

        return checkpoint(self.second, self.first(x), use_reentrant=True)


class Placed(nn.Module):
    """Two products, and what the forward pass puts on an accelerator."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Linear(8, 8), nn.Linear(8, 8)

    def forward(self, x: Any) -> Any:
        drawn = torch.zeros(x.shape[0], 8, device="cuda:0") + torch.ones(8).cuda()
        with torch.autocast("cuda", torch.bfloat16):
            return self.two(self.one(x + drawn))


ROWS_OF_8 = (3, 8)


def cuda_at_once() -> tuple[Any, Any]:
    return Placed().cuda(), torch.zeros(ROWS_OF_8, device="cuda")


def cuda_after() -> tuple[Any, Any]:
    return Placed().to(torch.device("cuda", 0)), torch.zeros(ROWS_OF_8).pin_memory().to(0)


def cuda_around() -> tuple[Any, Any]:
    with torch.device("cuda"):
        return Placed(), torch.zeros(ROWS_OF_8)


def cuda_by_default() -> tuple[Any, Any]:
    torch.set_default_device("cuda")
    return Placed(), torch.zeros(ROWS_OF_8)


def cuda_with_values() -> tuple[Any, Any]:
    """What asks a small constant for its value is traced on fake tensors."""
    assert torch.linspace(0, 1, 3, device="cpu")[-1].item() == 1
    return Placed().cuda(), torch.zeros(ROWS_OF_8, device="mps")


PLACED = ("cuda_at_once", "cuda_after", "cuda_around", "cuda_by_default", "cuda_with_values")
