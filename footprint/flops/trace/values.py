"""What is known of each tensor of a trace: where it came from, and which name it has on the tape.

Views share a storage, and a storage is one value. Names are joined where tensors are added, as on the
tapes that families write: what is added to the residual stream is called as the stream.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from footprint.records import state

if TYPE_CHECKING:
    import torch


@state
class Value:
    """One storage."""

    node: int | None = None
    """Its name on the tape; None for what depends neither on inputs nor on parameters."""
    live: bool = False
    """Whether it depends on the inputs of the module."""
    learned: bool = False
    """Whether it depends on parameters."""
    noise: bool = False
    """What dropout multiplies by."""
    parameter: str | None = None
    """The parameter that it is, as it stands, cast or rearranged."""
    gathered: int = 0
    """Matrices of a parameter, of which some are chosen for each token."""
    product: int | None = None
    """The product whose result it is but for views and additions."""
    softmax: int | None = None
    """The scores whose softmax it is."""
    spread: int = 1
    """How often each element of what it was copied from stands in it."""


class Values:
    """Values by storage, and their names."""

    def __init__(self) -> None:
        self._values: dict[int, Value] = {}
        self._kept: list[Any] = []  # storages, so that no address is used twice
        self._parent: list[int] = []

    def of(self, tensor: torch.Tensor) -> Value:
        """The value of a tensor; a new one for a storage that was not seen before."""
        storage = tensor.untyped_storage()
        found = self._values.get(storage._cdata)
        if found is None:
            found = self._values[storage._cdata] = Value()
            self._kept.append(storage)
        return found

    def set(self, tensor: torch.Tensor, value: Value) -> None:
        """Say what a tensor is."""
        storage = tensor.untyped_storage()
        if storage._cdata not in self._values:
            self._kept.append(storage)
        self._values[storage._cdata] = value

    def node(self) -> int:
        """A new name."""
        self._parent.append(len(self._parent))
        return len(self._parent) - 1

    def name(self, node: int) -> int:
        """The name that a node has after all that was joined."""
        parent = self._parent
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    def join(self, nodes: list[int]) -> int:
        """One name for all of them, of which there is at least one: the oldest."""
        roots = sorted({self.name(node) for node in nodes})
        for root in roots[1:]:
            self._parent[root] = roots[0]
        return roots[0]


def distinct(tensor: torch.Tensor) -> int:
    """Elements of a tensor that stand in memory: those that ``expand`` repeats count once."""
    elements = 1
    for size, stride in zip(tensor.shape, tensor.stride(), strict=True):
        elements *= 1 if stride == 0 else size
    return elements
