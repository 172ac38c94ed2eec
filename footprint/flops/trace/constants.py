"""Tensors without data, but for small constants, which may be asked for their values.

Libraries ask a ``linspace`` of drop rates, or a mask of ones, for its values while they build or run a
module. Such constants are small, so they are computed; whatever depends on inputs or weights is not.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

SMALL = 4096
"""Most elements of a constant that has data."""


@contextmanager
def without_data() -> Iterator[Any]:
    """Every tensor made inside is without data, but for small constants; gives torch's fake mode."""
    import torch
    from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode, unset_fake_temporarily
    from torch.utils._python_dispatch import TorchDispatchMode
    from torch.utils._pytree import tree_leaves

    class Constants(TorchDispatchMode):  # type: ignore[no-untyped-call]
        """Computes what has no fake input and a small result."""

        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            del types
            keywords = kwargs or {}
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
