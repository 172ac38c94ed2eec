"""Peaks of the memory of one accelerator: what is measured of them, and how far predictions are off."""

from __future__ import annotations

from typing import get_args

from footprint.catalog.assumptions import assumed
from footprint.results import Quantity
from footprint.units import BYTE_PER_GIB
from footprint.vocabulary import MemoryScope

CAUSE = "memory_model"
SCOPES: tuple[str, ...] = get_args(MemoryScope)
"""What was measured: by tensors, by PyTorch's allocator, or by the driver for the whole device."""


def beyond_gib(scope: str | None) -> float:
    """What is measured beyond the tensors [GiB]; without a scope, tensors alone are."""
    scope = scope or SCOPES[0]
    cached = assumed("memory.cached_byte").value if scope != SCOPES[0] else 0.0
    context = assumed("memory.context_byte").value if scope == SCOPES[2] else 0.0
    return (cached + context) / BYTE_PER_GIB


def memory_error(*, said: bool) -> Quantity:
    """The error of the predicted memory as a factor; ``said``: the stack is known."""
    excess = assumed(f"memory.residual_{'said' if said else 'unsaid'}")
    return Quantity.between(excess.low, excess.value, excess.high, CAUSE)
