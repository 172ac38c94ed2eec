"""Which module a program trains, found by torch's global module hook in one step; then its calls."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable
from typing import Any

from footprint.records import record

LEAST_SHARE = 0.9
"""Of the trained weights, what one module must hold to stand for the step."""
_WRAPPERS = ("DistributedDataParallel", "DataParallel")


@record
class Trained:
    """The outermost module that a step calls and trains."""

    module: Any
    share: float
    """Of all trained weights, those that it holds."""
    apart: int
    """Modules with weights that the step calls separately, this one included."""
    beside: tuple[str, ...]
    """Kinds of further modules with weights that the step calls: small trained parts, a frozen teacher."""
    autocast: str
    """Number format of automatic mixed precision while it ran, else nothing."""


class Search:
    """Notes each module that is called until `end`.

    A global hook slows every call of a module, so it is there for one step only. Where torch has compiled
    something, a global hook would have it compile anew: only compiled modules are noted there.
    """

    def __init__(self, *, compiled: bool = False) -> None:
        from torch.nn.modules.module import register_module_forward_pre_hook

        self._called: dict[int, weakref.ref[Any]] = {}
        self._without_gradient: dict[int, weakref.ref[Any]] = {}
        self._autocast = ""
        self._hook: Any
        if compiled:
            from torch._dynamo.eval_frame import OptimizedModule

            self._hook = ClassCalls(OptimizedModule, lambda module, *_: self._note(module))
        else:
            self._hook = register_module_forward_pre_hook(self._note)

    def _note(self, module: Any, *_: Any) -> None:
        from torch import is_grad_enabled

        try:
            if is_grad_enabled():
                self._called.setdefault(id(module), weakref.ref(module))
                self._autocast = self._autocast or autocast_format()
            else:
                self._without_gradient.setdefault(id(module), weakref.ref(module))
        except Exception:  # noqa: BLE001 - the training goes on, whatever a module is
            self.remove()

    def remove(self) -> None:
        """Take the hook away."""
        self._hook.remove()

    def end(self, weights: Iterable[Any]) -> Trained | None:
        """The module that holds most of the trained weights; None where no module was called."""
        self.remove()
        trained = {id(weight): weight.numel() for weight in weights}
        called = _alive(self._called)
        held = {id(one): sum(trained.get(id(w), 0) for w in one.parameters()) for one in outermost(called)}
        roots = [one for one in called if held.get(id(one))]
        if not roots:
            return None
        most = max(roots, key=lambda one: held[id(one)])
        share = held[id(most)] / max(1, sum(trained.values()))
        least = sum(one.numel() for one in most.parameters()) / 100
        every = outermost([*called, *_alive(self._without_gradient)])
        beside = [
            one for one in every if one is not most and sum(w.numel() for w in one.parameters()) > least
        ]
        return Trained(
            module=most,
            share=share,
            apart=len(roots),
            beside=tuple(type(unwrapped(one)).__name__ for one in beside),
            autocast=self._autocast,
        )


def _alive(noted: dict[int, weakref.ref[Any]]) -> list[Any]:
    return [module for ref in noted.values() if (module := ref()) is not None]


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
    """The module itself, without what spreads it over processes."""
    while type(module).__name__ in _WRAPPERS:
        module = module.module
    return module


def autocast_format() -> str:
    """The number format of automatic mixed precision here, if it is on."""
    import torch

    for device in ("cuda", "cpu"):
        if torch.is_autocast_enabled(device):
            return str(torch.get_autocast_dtype(device))
    return ""


See = Callable[[Any, tuple[Any, ...], dict[str, Any]], None]


class ClassCalls:
    """Sees each call of the modules of a class, by a ``__call__`` of that class.

    A hook of one module would be copied and saved with it.
    """

    def __init__(self, kind: Any, see: See) -> None:
        """``see`` is called before each call; it must raise nothing."""
        self._kind, self._own = kind, kind.__dict__.get("__call__")
        call: Any = kind.__call__

        def seen(self: Any, *args: Any, **kwargs: Any) -> Any:
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


class Calls(ClassCalls):
    """Sees each call of one module in training."""

    def __init__(self, module: Any, see: See) -> None:
        from torch import is_grad_enabled

        number, training = id(module), module.training

        def see_one(other: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            if id(other) == number and other.training is training and is_grad_enabled():
                see(other, args, kwargs)

        super().__init__(type(module), see_one)
