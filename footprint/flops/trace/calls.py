"""What a module is called with, what it gives back, and what sizes a sample has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from footprint.flops.torch.dummy_inputs import scalar
from footprint.named_tuples import NamedTuple


class Call(NamedTuple):
    """Arguments of a call of which some are positional and some named."""

    arguments: tuple[Any, ...]
    keywords: dict[str, Any]


def call_of(inputs: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Positional and keyword arguments of one call."""
    if isinstance(inputs, Call):
        return inputs
    if isinstance(inputs, Mapping):
        return (), dict(inputs)
    if isinstance(inputs, (tuple, list)):
        return tuple(inputs), {}
    return (inputs,), {}


def faked(inputs: Any, fake: Any) -> Any:
    """The inputs without their data."""
    import torch
    from torch._subclasses.fake_tensor import FakeTensor
    from torch.utils._pytree import tree_map

    def one(value: Any) -> Any:
        if isinstance(value, torch.Tensor) and not isinstance(value, FakeTensor):
            return fake.from_tensor(value.detach())
        return value

    return tree_map(one, dict(inputs) if isinstance(inputs, Mapping) else inputs)


def moved(inputs: Any, device: str) -> Any:
    """The inputs on another device."""
    import torch
    from torch.utils._pytree import tree_map

    def one(value: Any) -> Any:
        return value.detach().to(device) if isinstance(value, torch.Tensor) else value

    return tree_map(one, dict(inputs) if isinstance(inputs, Mapping) else inputs)


def loss_of(outputs: Any) -> Any:
    """A scalar that depends on everything the module predicts; its loss where it computes one."""
    import torch
    from torch.utils._pytree import tree_leaves

    if isinstance(outputs, Mapping):
        loss = outputs.get("loss")
        return loss if isinstance(loss, torch.Tensor) else scalar(outputs)
    if hasattr(outputs, "__dict__") and not isinstance(outputs, torch.Tensor):
        outputs = list(vars(outputs).values())
    found = [one for one in tree_leaves(outputs) if isinstance(one, torch.Tensor) and one.requires_grad]
    real = [torch.view_as_real(one) if one.is_complex() else one for one in found]
    return sum(one.sum() for one in real) if real else None


def sizes_of(keywords: dict[str, Any], tensors: list[Any]) -> dict[str, Any]:
    """Samples, tokens and the sizes of one sample."""
    import torch

    named = {name: value for name, value in keywords.items() if isinstance(value, torch.Tensor)}
    words = named.get("input_ids")
    if words is None:
        words = next((t for t in tensors if t.dim() == 2 and t.dtype in (torch.int64, torch.int32)), None)
    target = named.get("decoder_input_ids")
    first = words if words is not None else next((t for t in tensors if t.dim() > 0), tensors[0])
    samples = first.shape[0] if first.dim() else 1
    tokens = words.numel() if words is not None else None
    more = target.numel() if target is not None else None
    return {
        "model": {
            "samples": samples,
            "tokens": tokens if tokens is None or more is None else tokens + more,
            "source_tokens": tokens if more is not None else None,
            "target_tokens": more,
        },
        "sample": {
            "sequence_length": words.shape[1] if words is not None else None,
            "target_sequence_length": target.shape[1] if target is not None else None,
            "image_size": None if words is not None or first.dim() < 2 else first.shape[-1],
        },
    }
