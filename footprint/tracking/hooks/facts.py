"""What a trained module and its optimiser say of the run: number format, optimiser, accelerators."""

from __future__ import annotations

from typing import Any

_FORMATS = {"torch.bfloat16": "bf16", "torch.float16": "fp16"}


def facts_of(module: Any, optimizer: Any, autocast: str, world_size: int) -> dict[str, Any]:
    """Fields of a scenario that are known from the objects of a training."""
    weights = list(module.parameters())
    kinds = {weight.device for weight in weights}
    found = {
        "precision": _precision(weights, autocast, {device.type for device in kinds}),
        "optimizer": _optimizer(type(optimizer).__name__.lower()),
        **_hardware(kinds, world_size),
    }
    return {name: value for name, value in found.items() if value is not None}


def _precision(weights: list[Any], autocast: str, devices: set[str]) -> str | None:
    import torch

    held = max(weights, key=lambda weight: weight.numel()).dtype
    known = _FORMATS.get(autocast) or _FORMATS.get(str(held))
    if known is not None or devices != {"cuda"}:
        return known  # other devices choose a format of their own
    return "tf32" if torch.backends.cuda.matmul.allow_tf32 else "fp32"


def _optimizer(name: str) -> str | None:
    from footprint.estimator.request import OPTIMIZERS

    name = name.removeprefix("fused").removeprefix("deepspeedcpu")
    return name if name in OPTIMIZERS else None


def _hardware(devices: set[Any], world_size: int) -> dict[str, Any]:
    """The accelerators that hold the weights, of all processes together."""
    import torch

    from footprint.tracking.process.detected_hardware import find_profile, processor_name

    if {device.type for device in devices} == {"cuda"}:
        names = {torch.cuda.get_device_name(device) for device in devices}
        profile = find_profile(names.pop()) if len(names) == 1 else None
        count = len(devices) * world_size
    elif {device.type for device in devices} == {"cpu"}:
        profile, count = find_profile(processor_name()), 1
    else:
        return {}
    return {} if profile is None else {"hw": f"{profile}:{count}", "hw_detected": "in use"}
