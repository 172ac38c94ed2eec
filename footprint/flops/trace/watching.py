"""How torch is made to show what it does: its operations, its attention, its plain kernels."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from footprint.flops.torch.dummy_inputs import quiet_torch
from footprint.flops.trace.note_products import note_attention
from footprint.flops.trace.recorder import Recorder

if TYPE_CHECKING:
    import torch


@contextmanager
def quiet() -> Iterator[None]:
    """Keeps torch's loggers and everyone's warnings silent: they are about data that is not there."""
    import warnings

    with quiet_torch(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextmanager
def plain_kernels() -> Iterator[None]:
    """Keeps torch from handing whole recurrent layers to a library, whose products no one sees."""
    import torch

    used = torch._C._get_mkldnn_enabled()
    torch._C._set_mkldnn_enabled(False)
    try:
        yield
    finally:
        torch._C._set_mkldnn_enabled(used)


_PORTABLE = {
    "_attn_implementation_internal": ("sdpa", "eager"),
    "_experts_implementation_internal": ("batched_mm", "grouped_mm"),
}
"""Kernels of transformers that run anywhere and without data, the first to take in the place of others."""


@contextmanager
def portable_kernels(module: torch.nn.Module) -> Iterator[None]:
    """Has models of transformers leave kernels that need an accelerator (flash attention) or data alone."""
    changed: list[tuple[Any, str, str]] = []
    for part in module.modules():
        config = getattr(part, "config", None)
        for name, portable in _PORTABLE.items():
            chosen = getattr(config, name, None)
            if isinstance(chosen, str) and chosen not in portable:
                changed.append((config, name, chosen))
                setattr(config, name, portable[0 if getattr(part, "_supports_sdpa", True) else -1])
    try:
        yield
    finally:
        for config, name, chosen in changed:
            setattr(config, name, chosen)


def watch_of(recorder: Recorder) -> Any:
    """A mode that shows each operation to the recorder, and adds up what torch's own formulas give."""
    import torch
    from torch.utils._python_dispatch import TorchDispatchMode
    from torch.utils.flop_counter import flop_registry

    from footprint.flops.torch.torch_counter import convolution_backward

    class Watch(TorchDispatchMode):  # type: ignore[no-untyped-call]
        """Sees every operation below autograd, forward and backward."""

        flop = 0

        @classmethod
        def _should_skip_dynamo(cls) -> bool:
            return False  # the guard costs more than the rest

        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            del types
            keywords = kwargs or {}
            result = func(*args, **keywords)
            packet = func._overloadpacket
            if func.namespace == "prim":
                return result  # questions such as that for the device
            if packet is torch.ops.aten.convolution_backward:
                self.flop += convolution_backward(*_shapes(args))
            elif packet is torch.ops.aten.linalg_solve_triangular:
                self.flop += 2 * args[0].shape[-1] * math.prod(args[1].shape)
            elif packet in flop_registry:
                self.flop += flop_registry[packet](*args, **keywords, out_val=result)
            recorder.see(packet.__name__, args, keywords, result)
            return result

    return Watch()  # type: ignore[no-untyped-call]


def _shapes(arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(getattr(one, "shape", one) for one in arguments)


@contextmanager
def seeing_attention(recorder: Recorder) -> Iterator[None]:
    """Sees calls of torch's own attention, which knows what is causal."""
    from torch.nn import functional

    original = functional.scaled_dot_product_attention
    mine = threading.get_ident()

    def attention(query: Any, key: Any, value: Any, *args: Any, **kwargs: Any) -> Any:
        if threading.get_ident() != mine or recorder.muted:
            return original(query, key, value, *args, **kwargs)
        recorder.muted = True
        try:
            result = original(query, key, value, *args, **kwargs)
        finally:
            recorder.muted = False
        causal = kwargs.get("is_causal", args[2] if len(args) > 2 else False)
        shared = 1
        if kwargs.get("enable_gqa") and query.dim() > 2:
            shared = query.shape[-3] // key.shape[-3]
        queries, keys = query.shape[-2], key.shape[-2]
        pairs = (queries + 1) / (2 * queries) if causal and queries == keys else None
        note_attention(recorder, query, key, value, result, pairs=pairs, shared=shared)
        return result

    functional.scaled_dot_product_attention = attention
    try:
        yield
    finally:
        functional.scaled_dot_product_attention = original
