"""What recipes do that is not the fastest: recompute without need, one micro-batch a step, 16-bit states."""

from __future__ import annotations

from collections.abc import Mapping

from footprint.arithmetic import Number, where
from footprint.performance.roofline.layout import Layout
from footprint.performance.roofline.machine import Machine
from footprint.performance.roofline.memory import ADAM_BYTE
from footprint.performance.roofline.work import Work
from footprint.results import Assumption
from footprint.vocabulary import NARROW

SHORT_TOKENS = 1024
"""Longest sequence of which recipes with adapters seldom recompute: its activations are few [tokens]."""
_ADAPTERS = {False: "recompute_habit_adapters", True: "recompute_habit_adapters_short"}
"""The habit of recipes with adapters, by whether their sequences are short."""
LANGUAGE = ("decoder", "mixture-of-experts")
"""Families of models whose recipes recompute by habit."""
NO_HABITS = {
    "recompute_habit": 0.0, "recompute_habit_adapters": 0.0, "recompute_habit_adapters_short": 0.0,
    "recompute_said": 0.0, "accumulates": 1.0,
}  # fmt: skip
"""The constants of a run that is said to take the fastest layout, whatever recipes do."""
SIXTEEN_BIT_SOURCES = "te-llama; zamirai2020"
SIXTEEN_BIT_WARNING = (
    "Adam's states do not fit in 32 bits: weights, gradients and states are taken in 16 bits, as PyTorch has "
    "them of a model that is loaded in bf16. Updates below the rounding of bf16 are lost, which can cost "
    "accuracy; another optimiser and more accelerators avoid it"
)
BFLOAT = ("bf16", *NARROW)
"""Precisions whose weights are kept in bf16; moments in fp16 would leave its range."""
LAST_RESORT = 1e6
"""Factor on the time of a layout that is taken only where no other fits."""


def recomputes_part(machine: Machine) -> bool:
    """Whether stacks of this year recompute only as many blocks as memory requires, and this one does."""
    return machine.techniques.partial_recompute and bool(machine.constants.values.get("recomputes_part", 1.0))


def sixteen_bit_states(machine: Machine) -> bool:
    """Whether all states of a step may have 16 bits where Adam's in 32 bits, with master weights, do not fit.

    PyTorch gives them the type of the weights, which are loaded in 16 bits for fine-tuning. A vendor's
    parallelism keeps master weights.
    """
    known = machine.constants.values
    return (
        machine.techniques.partial_recompute
        and machine.native is not False
        and machine.precision in BFLOAT
        and known["optimiser_state_byte"] >= ADAM_BYTE
        and bool(known.get("sixteen_bit_states"))
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

    It is what the file of a stack says of its recipes. Else those of PyTorch's own stacks do so, mostly
    those with adapters on long sequences.
    """
    if not work.heads or work.family not in LANGUAGE or not machine.techniques.partial_recompute:
        return 0.0
    constants = machine.constants
    said = constants.values.get("recompute_said")
    if said is not None:
        return said
    habit = constants[_ADAPTERS[is_short(work)] if work.is_adapters else "recompute_habit"]
    return habit * (constants["native_share_unknown"] if machine.native is None else float(machine.native))


def is_short(work: Work) -> bool:
    """Whether its sequences are so short that recipes with adapters seldom recompute."""
    return bool(work.rows <= SHORT_TOKENS * work.samples)


def sixteen_bit_row() -> Assumption:
    """The states of a layout that has all of them in 16 bits, as an assumption row."""
    return Assumption(
        name="bits of weights, gradients and optimiser states", value="16", unit="", basis="assumed",
        source=SIXTEEN_BIT_SOURCES, option="--optimizer",
    )  # fmt: skip


def habit_rows(
    work: Work | None, machine: Machine | None, layout: Layout, given: Mapping[str, object], source: str
) -> tuple[Assumption, ...]:
    """The habit as an assumption row, where it applies to a layout that was found."""
    if work is None or machine is None or "recompute" in given or not layout.is_full:
        return ()
    habit, said = habit_of(work, machine), "recompute_said" in machine.constants.values
    row = Assumption(
        name="share of blocks recomputed without need, as recipes do", value=habit, unit="1",
        basis="assumed" if said else "fitted", source="training-recipes" if said else source,
        option="--recompute",
    )  # fmt: skip
    return (row,) if habit else ()
