"""What recipes recompute without need: published ones of fine-tuning recompute every block, whatever fits."""

from __future__ import annotations

from collections.abc import Mapping

from footprint.arithmetic import Number, where
from footprint.performance.roofline.layout import Layout
from footprint.performance.roofline.machine import Machine
from footprint.performance.roofline.work import Work
from footprint.results import Assumption

LANGUAGE = ("decoder", "mixture-of-experts")
"""Families of models whose recipes recompute by habit."""
NO_HABITS = {"recompute_habit": 0.0, "recompute_habit_adapters": 0.0, "accumulates": 1.0}
"""The constants of a run that is said to take the fastest layout, whatever recipes do."""
LAST_RESORT = 1e6
"""Factor on the time of a layout that is taken only where no other fits."""


def recomputes_part(machine: Machine) -> bool:
    """Whether stacks of this year recompute only as many blocks as memory requires, and this one does."""
    return machine.techniques.partial_recompute and bool(
        machine.constants.values.get("recomputes_part", 1.0)
    )


def unwillingness(machine: Machine, stages: Number, micro_batches: Number) -> Number:
    """The factor on a step's time by which recipes avoid a layout.

    Those of some stacks take one micro-batch a step, with recomputation if it must be. A pipeline needs
    several in any case.
    """
    if machine.constants.values.get("accumulates", 1.0):
        return 1.0
    return where((stages == 1) & (micro_batches > 1.0), LAST_RESORT, 1.0)


def recomputed_by_habit(work: Work, machine: Machine, needed_share: Number) -> Number:
    """Share of the blocks that recipes recompute where memory requires ``needed_share`` of them [1]."""
    return needed_share + habit_of(work, machine) * (1.0 - needed_share)


def habit_of(work: Work, machine: Machine) -> float:
    """Share of the blocks that recipes recompute though memory does not require it [1].

    Recipes of PyTorch's own stacks do so, mostly those with adapters.
    """
    if not work.heads or work.family not in LANGUAGE or not machine.techniques.partial_recompute:
        return 0.0
    constants = machine.constants
    habit = constants["recompute_habit_adapters" if work.is_adapters else "recompute_habit"]
    return habit * (constants["native_share_unknown"] if machine.native is None else float(machine.native))


def habit_rows(
    work: Work | None, machine: Machine | None, layout: Layout, given: Mapping[str, object], source: str
) -> tuple[Assumption, ...]:
    """The habit as an assumption row, where it applies to a layout that was found."""
    if work is None or machine is None or "recompute" in given or not layout.is_full:
        return ()
    habit = habit_of(work, machine)
    row = Assumption(
        name="share of blocks recomputed without need, as recipes do", value=habit, unit="1", basis="fitted",
        source=source, option="--recompute",
    )  # fmt: skip
    return (row,) if habit else ()
