"""Which module a program trains, found by torch's global module hook in one step; then its calls."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable
from typing import Any

from footprint.records import record

LEAST_SHARE = 0.9
"""Of the trained weights, what one module must hold to stand for the step."""
_WRAPPERS = ("DistributedDataParallel", "DataParallel", "OptimizedModule")


@record
class Trained:
    """The outermost module that a step calls and trains."""

    module: Any
    share: float
    """Of all trained weights, those that it holds."""
    apart: int
    """Modules that the step calls apart, itself included."""
    autocast: str
    """Number format of automatic mixed precision while it ran, else nothing."""


class Search:
    """Notes each module that is called until `end`; a global hook slows every call, so for one step only."""

    def __init__(self) -> None:
        from torch.nn.modules.module import register_module_forward_pre_hook

        self._called: dict[int, weakref.ref[Any]] = {}
        self._autocast = ""
        self._handle = register_module_forward_pre_hook(self._note)

    def _note(self, module: Any, _: Any) -> None:
        from torch import is_grad_enabled

        try:
            if is_grad_enabled():
                self._called.setdefault(id(module), weakref.ref(module))
                self._autocast = self._autocast or autocast_format()
        except Exception:  # noqa: BLE001 - the training goes on, whatever a module is
            self.remove()

    def remove(self) -> None:
        """Take the hook away."""
        self._handle.remove()

    def end(self, weights: Iterable[Any]) -> Trained | None:
        """The module that holds most of the trained weights; None where no module was called."""
        self.remove()
        trained = {id(weight): weight.numel() for weight in weights}
        called = [module for ref in self._called.values() if (module := ref()) is not None]
        held = {id(one): sum(trained.get(id(w), 0) for w in one.parameters()) for one in outermost(called)}
        roots = [one for one in called if held.get(id(one))]
        if not roots:
            return None
        most = max(roots, key=lambda one: held[id(one)])
        share = held[id(most)] / max(1, sum(trained.values()))
        return Trained(module=most, share=share, apart=len(roots), autocast=self._autocast)


def outermost(modules: list[Any]) -> list[Any]:
    """Those of some modules that no other of them holds."""
    inside: set[int] = set()
    found = []
    for module in modules:
        if id(module) not in inside:
            found.append(module)
            inside.update(id(part) for part in module.modules() if part is not module)
    return [module for module in found if id(module) not in inside]


def unwrapped(module: Any) -> Any:
    """The module itself, without what spreads it over processes or compiles it."""
    while type(module).__name__ in _WRAPPERS:
        module = module._orig_mod if type(module).__name__ == "OptimizedModule" else module.module
    return module


def autocast_format() -> str:
    """The number format of automatic mixed precision here, if it is on."""
    import torch

    for device in ("cuda", "cpu"):
        if torch.is_autocast_enabled(device):
            return str(torch.get_autocast_dtype(device))
    return ""


class Calls:
    """Sees each call of one module by a ``__call__`` of its class; a hook would be saved with the module."""

    def __init__(self, module: Any, see: Callable[[Any, tuple[Any, ...], dict[str, Any]], None]) -> None:
        """``see`` is called before each call in training; it must raise nothing."""
        from torch import is_grad_enabled

        kind = type(module)
        self._kind, self._own = kind, kind.__dict__.get("__call__")
        call, number, training = kind.__call__, id(module), module.training

        def seen(self: Any, *args: Any, **kwargs: Any) -> Any:
            if id(self) == number and self.training is training and is_grad_enabled():
                see(self, args, kwargs)
            return call(self, *args, **kwargs)

        self._seen = seen
        kind.__call__ = seen

    def remove(self) -> None:
        """Give the class its own ``__call__`` again."""
        if self._kind.__dict__.get("__call__") is not self._seen:
            return
        if self._own is None:
            del self._kind.__call__
        else:
            self._kind.__call__ = self._own
