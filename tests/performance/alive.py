"""Bytes of the storages that torch's operations make and that are still alive."""

from __future__ import annotations

import weakref
from typing import Any

import pytest

torch = pytest.importorskip("torch")
dispatch = pytest.importorskip("torch.utils._python_dispatch")


class Alive(dispatch.TorchDispatchMode):  # type: ignore[misc]
    """Counts while it is entered; ``only`` leaves out tensors of other types."""

    def __init__(self, only: Any = None) -> None:
        super().__init__()
        self.only = only
        self.byte: dict[int, int] = {}
        """Of each storage that is alive."""
        self.peak = 0

    def __torch_dispatch__(self, called: Any, kinds: Any, args: Any = (), named: Any = None) -> Any:
        result = called(*args, **(named or {}))
        for tensor in torch.utils._pytree.tree_leaves(result):
            if isinstance(tensor, torch.Tensor) and self.only in (None, tensor.dtype):
                storage = tensor.untyped_storage()
                if storage._cdata not in self.byte:
                    self.byte[storage._cdata] = storage.nbytes()
                    weakref.finalize(storage, self.byte.pop, storage._cdata, None)
        self.peak = max(self.peak, sum(self.byte.values()))
        return result
