"""What to change about a layout that does not fit into memory."""

from __future__ import annotations

from collections.abc import Iterator

from footprint.errors import FootprintError
from footprint.performance.layouts.finder import find_layout
from footprint.performance.layouts.shapes import MOST_STAGES, MOST_TENSOR_RANKS, Given
from footprint.performance.roofline.layout import Layout
from footprint.performance.roofline.machine import Machine
from footprint.performance.roofline.memory import FACTOR
from footprint.performance.roofline.work import Work


def does_not_fit(
    work: Work, machine: Machine, layout: Layout, given: Given, flash: bool, sequence_length: float
) -> str:
    """A sentence that says what does not fit and names up to two changes, each of which would make it fit."""
    remedies = []
    for option, changed in _changes(work, machine, layout, given):
        if _fits(work, machine, changed, flash, sequence_length):
            remedies.append(option)
        if len(remedies) == 2:
            break
    chip = machine.cluster.accelerator
    measured = ", anchored on a measured one" if FACTOR in machine.constants.values else ""
    advice = f"it fits with {' or '.join(remedies)}" if remedies else "use more accelerators"
    return (
        f"by the predicted memory{measured}, the step does not fit into the {chip.memory_gib:g} GiB of "
        f"{chip.name} ({layout.text}): {advice}"
    )


def _fits(work: Work, machine: Machine, given: Given, flash: bool, sequence_length: float) -> bool:
    """Whether some layout has these sizes and fits."""
    try:
        return find_layout(work, machine, given=given, flash=flash, sequence_length=sequence_length)[1]
    except FootprintError:
        return False


def _changes(work: Work, machine: Machine, layout: Layout, given: Given) -> Iterator[tuple[str, Given]]:
    """Single changes of the given sizes, the mildest first."""
    if layout.recompute != "full":
        yield "`recompute='full'`", {**given, "recompute": "full"}
    if layout.micro_batch > 1 and "micro_batch" in given:
        yield "`micro_batch=1`", {**given, "micro_batch": 1}
    chip = machine.cluster.accelerator.kind
    for name in ("pp", "tp"):
        size = int(getattr(layout, name))
        most = MOST_STAGES if name == "pp" else min(machine.node, MOST_TENSOR_RANKS[chip])
        while (size := size * 2) <= most and machine.cluster.count % size == 0:
            if name == "pp" or work.heads % size == 0:
                yield f"`{name}={size}`", {**given, name: size}
    free = {key: value for key, value in given.items() if key not in ("tp", "pp", "cp", "micro_batch")}
    if free != given:
        yield "the layout left open", free
