"""The memory of one step on a layout that is given: the layout finder's formulas without a chip."""

from __future__ import annotations

from footprint.catalog.assumptions import assumed_values
from footprint.errors import FootprintError
from footprint.flops import StepFlops
from footprint.performance.layouts.shapes import interleaving
from footprint.performance.predict import work_of
from footprint.performance.roofline.constants import Constants, memory_constants
from footprint.performance.roofline.layout import Layout
from footprint.performance.roofline.machine import BYTES
from footprint.performance.roofline.memory import Memory, memory
from footprint.performance.roofline.techniques import Techniques, techniques_of
from footprint.records import record, replace

_QLORA_WEIGHT = "qlora_weight"


@record
class _Storage:
    """The `Storage` that `memory` needs, without a chip."""

    precision: str
    constants: Constants
    techniques: Techniques


def step_memory(step: StepFlops, layout: Layout, *, precision: str, optimizer: str, year: int) -> Memory:
    """Memory of the fullest accelerator, by part [byte]; the interleaving is the one the finder would choose.

    Raises FootprintError for an unknown precision or optimiser, and for a step without an operation list.
    """
    if step.operations is None:
        raise FootprintError("torch counted this model: without an operation list its memory is unknown")
    if precision not in BYTES:
        raise FootprintError(f"precision {precision!r} is not known; it can be {', '.join(BYTES)}")
    optimizers = [name for name in assumed_values("optimisers") if name != _QLORA_WEIGHT]
    if optimizer not in optimizers:
        raise FootprintError(f"optimizer {optimizer!r} is not known; it can be {', '.join(optimizers)}")
    work = work_of(step.operations, step.training)
    storage = _Storage(
        precision=precision,
        constants=memory_constants(optimizer, step.training.method),
        techniques=techniques_of(year),
    )
    return memory(work, replace(layout, interleaving=interleaving(work.layers, layout.pp)), storage)
