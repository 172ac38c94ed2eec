"""The tape of a forward pass as it is written: events, values, and what is left of each parameter."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from footprint.flops.trace.events import Factor, PointwiseEvent, ProductEvent
from footprint.flops.trace.products import Product
from footprint.flops.trace.values import Value, Values, distinct

if TYPE_CHECKING:
    import torch


class Tape:
    """What was seen so far."""

    def __init__(self, module: torch.nn.Module) -> None:
        self.values = Values()
        self.events: list[ProductEvent | PointwiseEvent] = []
        self.owners: list[str] = []
        """Calls of modules that are being executed, outermost first."""
        self.kinds = {name: _kind(part) for name, part in module.named_modules()}
        """What the operations of each module are."""
        self.parameters: dict[str, torch.Tensor] = dict(module.named_parameters())
        """Each once, under its first name."""
        self.left = {name: one.numel() for name, one in self.parameters.items()}
        """Elements of each parameter that no operation has used yet."""
        self.idle: set[str] = set()
        """Parameters to which the backward pass gave no gradient."""
        self.factors: Counter[Factor] = Counter()
        """What the products of the backward pass multiply, and how often."""
        self.recomputed = False
        """Whether the backward pass runs modules again, whose products are then made of copies."""
        self.top_k = 1
        """Experts that the latest router chose for each token."""
        self.multiplied: set[int] = set()
        """Storages that products keep for their own backward pass."""
        self.pending: list[torch.Tensor] = []
        """What autograd keeps for the operation that comes next."""
        self.results: tuple[torch.Tensor, ...] = ()
        """Results that the backward pass of the latest operation needs itself."""
        self._used: set[tuple[str, int, int]] = set()
        self._stored: set[tuple[int, int]] = set()
        for name, parameter in self.parameters.items():
            self.values.set(parameter, Value(node=self.values.node(), learned=True, parameter=name))

    def settle(self) -> None:
        """Forget what autograd keeps of the latest operation: it is counted in another way."""
        self.pending.clear()
        self.results = ()

    def cut(self) -> None:
        """Disconnect inputs of products for which the backward pass made no gradient.

        The state before the first step of a recurrence needs none, and nothing reads that after the last.
        """
        if self.recomputed:
            return
        for event in self.events:
            if isinstance(event, ProductEvent):
                for index, other in enumerate(event.others):
                    if self.factors[other] > 0:
                        self.factors[other] -= 1
                    else:
                        event.inputs[index] = self.values.node()
                        event.cut += (index,)

    def owns(self, name: str, weight: torch.Tensor, elements: int) -> bool:
        """Whether a product is the first to use this part of a parameter."""
        part = (name, int(weight.storage_offset()), elements)
        if part in self._used or elements > self.left[name]:
            return False
        self._used.add(part)
        self.left[name] -= elements
        return True

    def claim(self, name: str, elements: int) -> int:
        """Elements of a parameter that were not used before."""
        claimed = min(elements, self.left[name])
        self.left[name] -= claimed
        return claimed

    def counts(self, tensor: torch.Tensor) -> bool:
        """Whether a kept tensor is an activation or a mask, not a parameter or a constant table."""
        value = self.values.of(tensor)
        if value.parameter is not None:
            return False
        return value.learned or value.noise or tensor.element_size() == 1

    def keep(self, event: PointwiseEvent, tensor: torch.Tensor) -> None:
        """Book what autograd keeps of an operation."""
        if not self.counts(tensor):
            return
        if self.values.of(tensor).noise or tensor.element_size() == 1:
            event.masks += tensor.numel()
            return
        storage = tensor.untyped_storage()._cdata
        part = (storage, int(tensor.storage_offset()))
        if part not in self._stored:
            self._stored.add(part)
            event.saved[storage] = event.saved.get(storage, 0) + distinct(tensor)


def factor(tensor: torch.Tensor, product: Product) -> Factor:
    """A side of a product by its place in memory; a product and its gradients have the same three sizes."""
    sizes = sorted((product.m, product.k, product.n))
    return (tensor.untyped_storage()._cdata, int(tensor.storage_offset()), product.count, *sizes)


def holder(parameter: str) -> str:
    """The module that holds a weight; the weight's own name where the module holds several."""
    module, _, own = parameter.rpartition(".")
    return module if own == "weight" and module else parameter


def _kind(module: torch.nn.Module) -> str:
    if next(module.children(), None) is not None:
        return "pointwise"
    if "norm" in type(module).__name__.lower():
        return "norm"
    return "pointwise" if next(module.parameters(), None) is not None else "activation"
