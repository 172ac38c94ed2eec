"""Samples and tokens of a module's batch, from the shapes of what it is called with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Place = tuple[Any, ...]
"""Keys that lead to a tensor: 0 (positional) or 1 (by name), then indices and names."""


def find_batch(call: tuple[tuple[Any, ...], dict[str, Any]]) -> tuple[Place, bool] | None:
    """Where a call holds the tensor that tells its batch, and whether that holds token ids.

    Ids by their usual name, else the first table of whole numbers, else the first tensor that has sizes.
    """
    found = list(_tensors((), call))
    for place, tensor in found:
        if place[-1] == "input_ids" and len(tensor.shape) == 2:
            return place, True
    for place, tensor in found:
        if len(tensor.shape) == 2 and str(tensor.dtype) in ("torch.int64", "torch.int32"):
            return place, True
    return (found[0][0], False) if found else None


def sizes(call: tuple[tuple[Any, ...], dict[str, Any]], place: Place, words: bool) -> tuple[int, int]:
    """Samples and tokens of a call; 0 tokens where these are no token ids.

    Raises:
        LookupError, TypeError, AttributeError: this call has no tensor there.
    """
    found: Any = call
    for key in place:
        found = found[key]
    shape = found.shape
    return shape[0], shape[0] * shape[1] if words else 0


def _tensors(place: Place, nested: Any) -> Iterator[tuple[Place, Any]]:
    shape = getattr(nested, "shape", None)
    if shape is not None:
        if len(shape) > 0 and hasattr(nested, "requires_grad"):
            yield place, nested
    elif isinstance(nested, Mapping):
        for name in nested:
            yield from _tensors((*place, name), nested[name])
    elif isinstance(nested, list | tuple) and len(place) < 4:
        for index, part in enumerate(nested[:16]):
            yield from _tensors((*place, index), part)
