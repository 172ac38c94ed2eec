"""Tensors without data, but for small constants, which may be asked for their values.

Libraries ask a ``linspace`` of drop rates, or a mask of ones, for its values while they build or run a
module. Such constants are small, so they are computed; whatever depends on inputs or weights is not.
Code that is written for an accelerator is traced where there is none: what it puts there has no data either.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

SMALL = 4096
"""Most elements of a constant that has data."""


ACCELERATORS = ("cuda", "mps", "xpu", "hpu", "npu", "mtia")
"""Devices of torch that a machine may lack."""


@contextmanager
def on_meta() -> Iterator[None]:
    """Every tensor made inside has a shape and a type, and nothing else."""
    import torch

    with no_accelerator("meta"), torch.device("meta"):
        yield


@contextmanager
def no_accelerator(instead: str) -> Iterator[None]:
    """Puts tensors on another device wherever a program asks for an accelerator or a default device."""
    import torch
    from torch.overrides import TorchFunctionMode

    puts = [getattr(torch.Tensor, name, None) for name in ACCELERATORS]

    def other(place: Any) -> Any:
        number = isinstance(place, int) and not isinstance(place, bool)
        named = isinstance(place, (str, torch.device)) and str(place).partition(":")[0] in ACCELERATORS
        return instead if number or named else place

    class Instead(TorchFunctionMode):
        """Changes the device that an operation is asked for."""

        def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            del types
            keywords = dict(kwargs or {})
            if func in puts:
                return args[0].to(instead)
            if func is torch.Tensor.pin_memory:
                return args[0]
            if func is torch.Tensor.to:
                args = (args[0], *map(other, args[1:]))
            elif any(isinstance(one, torch.device) for one in args):
                args = tuple(other(one) if isinstance(one, torch.device) else one for one in args)
            if keywords.get("device") is not None:
                keywords["device"] = other(keywords["device"])
            return func(*args, **keywords)

    def move(module: Any, *places: Any, **named: Any) -> Any:
        """``Module.to`` without a change of device, which weights without data do not survive."""
        rest = [one for one in places if other(one) is one]
        named = {name: one for name, one in named.items() if other(one) is one and name != "non_blocking"}
        return to(module, *rest, **named) if rest or named else module

    default, whole = torch.set_default_device, torch.nn.Module
    own = {name: getattr(whole, name) for name in ("to", *ACCELERATORS) if hasattr(whole, name)}
    to = own["to"]
    if instead == "cpu":
        for name in own:
            setattr(whole, name, move if name == "to" else lambda module, *_, **__: module)
    setattr(torch, "set_default_device", lambda _: None)  # noqa: B010 - within another choice it loses torch's
    try:
        with Instead():
            yield
    finally:
        setattr(torch, "set_default_device", default)  # noqa: B010 - as above
        for name, method in own.items():
            setattr(whole, name, method)


@contextmanager
def without_data() -> Iterator[Any]:
    """Every tensor made inside is without data, but for small constants; gives torch's fake mode."""
    import torch
    from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode, unset_fake_temporarily
    from torch.utils._python_dispatch import TorchDispatchMode
    from torch.utils._pytree import tree_leaves

    class Constants(TorchDispatchMode):  # type: ignore[no-untyped-call]
        """Computes what has no fake input and a small result."""

        @classmethod
        def _should_skip_dynamo(cls) -> bool:
            return False  # the guard costs more than the rest

        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            keywords = kwargs or {}
            if any(issubclass(one, FakeTensor) for one in types):
                return func(*args, **keywords)
            given = [one for one in tree_leaves((args, keywords)) if isinstance(one, torch.Tensor)]
            if any(isinstance(one, FakeTensor) for one in given) or any(one.is_meta for one in given):
                return func(*args, **keywords)
            if sum(one.numel() for one in given) > SMALL:
                return func(*args, **keywords)
            if not given or func._schema.is_mutable is False:
                fake = None if given and not func._schema.returns else _shapes(func, args, keywords)
                if fake is not None and fake > SMALL:
                    return func(*args, **keywords)
            try:
                with unset_fake_temporarily():
                    return func(*args, **keywords)
            except (RuntimeError, AssertionError):  # a device that is not here
                return func(*args, **keywords)

    def _shapes(func: Any, args: Any, keywords: Any) -> int | None:
        try:
            result = func(*args, **keywords)
        except Exception:  # noqa: BLE001 - asks for data, which the real call has
            return None
        return sum(one.numel() for one in tree_leaves(result) if isinstance(one, torch.Tensor))

    mode = FakeTensorMode(allow_non_fake_inputs=True)
    with mode, Constants():  # type: ignore[no-untyped-call]
        yield mode
