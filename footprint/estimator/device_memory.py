"""The memory that a step needs on its fullest accelerator, with its interval, and the room that is left."""

from __future__ import annotations

from collections.abc import Sequence

from footprint.arithmetic import is_array
from footprint.catalog.assumptions import assumed
from footprint.estimator.facts import Facts
from footprint.performance.roofline.holding import is_known
from footprint.performance.roofline.layout import Layout
from footprint.performance.roofline.memory import memory_byte
from footprint.results import Quantity
from footprint.results.estimate import DeviceMemory
from footprint.units import BYTE_PER_GIB

CAUSE = "memory_model"


def device_memory(facts: Facts, layouts: Sequence[Layout | None]) -> DeviceMemory | None:
    """The memory of the phase that needs most; None where no step was predicted."""
    needed: list[Quantity] = []
    for step, layout in zip(facts.steps, layouts, strict=False):
        if layout is None or step.work is None or step.machine is None or is_array(layout.dp):
            continue
        residual = assumed(f"memory.residual_{'said' if is_known(step.machine.constants) else 'unsaid'}")
        spread = Quantity.between(residual.low, residual.value, residual.high, CAUSE)
        needed.append(spread * (float(memory_byte(step.work, layout, step.machine)) / BYTE_PER_GIB))
    if not needed:
        return None
    most = max(needed, key=lambda quantity: quantity.mid)
    device_gib = facts.cluster.accelerator.memory_gib
    return DeviceMemory(needed_gib=most, device_gib=device_gib, room_gib=device_gib - most.mid)
