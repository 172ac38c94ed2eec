"""Watches a module run on tensors without data, and writes its tape."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from footprint.flops.trace.events import PointwiseEvent, ProductEvent
from footprint.flops.trace.note_others import note_other
from footprint.flops.trace.note_products import note_product
from footprint.flops.trace.products import SYSTEM, product_of
from footprint.flops.trace.tape import Tape, factor
from footprint.flops.trace.values import Value

if TYPE_CHECKING:
    import torch


class Recorder(Tape):
    """The tape of one forward pass: `see` takes each operation of torch."""

    def __init__(self, module: torch.nn.Module) -> None:
        super().__init__(module)
        self.calls: dict[str, int] = {}
        self.muted = False

    def input(self, tensor: torch.Tensor) -> None:
        """Note an input of the module."""
        self.values.set(tensor, Value(node=self.values.node(), live=True))

    @contextmanager
    def watching(self, module: torch.nn.Module) -> Iterator[None]:
        """Follows which module is executed."""
        handles = []
        for name, part in module.named_modules():
            handles.append(part.register_forward_pre_hook(self._enter(name)))
            handles.append(part.register_forward_hook(self._leave))
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _enter(self, name: str) -> Callable[..., None]:
        def enter(*_: Any) -> None:
            self.recomputed = self.recomputed or self.muted
            self.calls[name] = self.calls.get(name, 0) + 1
            self.owners.append(f"{name}#{self.calls[name]}")

        return enter

    def _leave(self, *_: Any) -> None:
        self.owners.pop()

    def kept(self, tensor: torch.Tensor) -> torch.Tensor:
        """Note what autograd keeps for the backward pass."""
        if not self.muted:
            storage = tensor.untyped_storage()._cdata
            last = self.events[-1] if self.events else None
            own = any(result.untyped_storage()._cdata == storage for result in self.results)
            if isinstance(last, PointwiseEvent) and own:
                self.keep(last, tensor)
            else:
                self.pending.append(tensor)
        return tensor

    def see(self, name: str, arguments: tuple[Any, ...], keywords: Mapping[str, Any], result: Any) -> None:
        """Note one operation of torch."""
        results = tuple(_tensors(result))
        if not results:
            return
        product = product_of(name, arguments, result)
        if self.muted:
            if product is not None:
                self.factors.update(factor(side, product) for side in (product.left, product.right))
        elif product is not None:
            note_product(self, product, results[0])
            last = self.events[-1]
            if name == SYSTEM and isinstance(last, ProductEvent):
                last.others.clear()  # its gradients are made of the result
        else:
            note_other(self, name, tuple(_tensors((*arguments, *keywords.values()))), results)


def _tensors(nested: Any) -> Iterator[torch.Tensor]:
    import torch

    if isinstance(nested, torch.Tensor):
        yield nested
    elif isinstance(nested, (list, tuple)):
        for one in nested:
            yield from _tensors(one)
