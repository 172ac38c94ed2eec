"""What the second room gives: the time of a step, how busy the boards are, the layout, and its memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from footprint.arithmetic import Number, is_array
from footprint.catalog.assumptions import assumed
from footprint.estimator.facts import Facts
from footprint.performance.roofline.holding import is_known
from footprint.performance.roofline.layout import Layout
from footprint.performance.roofline.memory import memory_byte
from footprint.records import record
from footprint.results import Assumption, Quantity
from footprint.results.estimate import DeviceMemory, StepTerm
from footprint.units import BYTE_PER_GIB

MEMORY_CAUSE = "memory_model"


@record
class Prediction:
    """What is known of a run's steps; None where nothing is."""

    steps: Number | None = None
    step_time_s: Quantity | None = None
    mfu: Quantity | None = None
    goodput: Quantity | None = None
    """None where the wall-clock hours were given, which hold it."""
    busy_share: Quantity | None = None
    """Share of a step in which a board is busy; None where the power does not follow from it."""
    fed_share: Quantity | None = None
    """Share of a known time that the predicted steps fill; None where the time was predicted."""
    terms: tuple[StepTerm, ...] = ()
    layout: Layout | None = None
    """Layout of the phase that takes longest, given or found; None where no step was predicted."""
    layouts: tuple[Layout | None, ...] = ()
    """Layout of each phase; empty where no step was predicted."""
    fits: tuple[Any, ...] = ()
    """Whether the step of each phase fits into the memory of its accelerators."""
    rows: tuple[Assumption, ...] = ()
    warnings: tuple[str, ...] = ()


def device_memory(facts: Facts, layouts: Sequence[Layout | None]) -> DeviceMemory | None:
    """The memory that a step needs on its fullest accelerator, and the room that is left.

    That of the phase that needs most; None where no step was predicted.
    """
    needed: list[Quantity] = []
    for step, layout in zip(facts.steps, layouts, strict=False):
        if layout is None or step.work is None or step.machine is None or is_array(layout.dp):
            continue
        residual = assumed(f"memory.residual_{'said' if is_known(step.machine.constants) else 'unsaid'}")
        spread = Quantity.between(residual.low, residual.value, residual.high, MEMORY_CAUSE)
        needed.append(spread * (float(memory_byte(step.work, layout, step.machine)) / BYTE_PER_GIB))
    if not needed:
        return None
    most = max(needed, key=lambda quantity: quantity.mid)
    device_gib = facts.cluster.accelerator.memory_gib
    return DeviceMemory(needed_gib=most, device_gib=device_gib, room_gib=device_gib - most.mid)
