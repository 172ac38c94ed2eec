"""What recipes do that is not the fastest: recompute without need, shard first, one micro-batch a step."""

from __future__ import annotations

from collections.abc import Mapping

from footprint.arithmetic import Number, maximum, where
from footprint.performance.roofline.layout import Layout
from footprint.performance.roofline.machine import Machine
from footprint.performance.roofline.memory import ADAM_BYTE
from footprint.performance.roofline.work import Work
from footprint.results import Assumption
from footprint.vocabulary import NARROW

LANGUAGE = ("decoder", "mixture-of-experts")
"""Families of models whose recipes recompute by habit."""
NO_HABITS = {
    "recompute_habit": 0.0, "recompute_habit_adapters": 0.0, "recompute_habit_adapters_short": 0.0,
    "recompute_said": 0.0, "every_second": 0.0, "accumulates": 1.0, "splits_last": 0.0,
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
RECOMPUTED_FROM = 2048
"""Tokens of a sequence from which most recipes with adapters recompute every block; few do below."""


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


def unwillingness(machine: Machine, model_ranks: Number, stages: Number, micro_batches: Number) -> Number:
    """The factor on a step's time by which recipes avoid a layout.

    Those of some stacks take one micro-batch a step, with recomputation if it must be. A pipeline needs
    several in any case. Those of some shard the weights over all accelerators and split the model only where
    it does not fit so, or where the batch is too small.
    """
    known = machine.constants.values
    factor: Number = 1.0
    if not known.get("accumulates", 1.0):
        factor = where((stages == 1) & (micro_batches > 1.0), LAST_RESORT, 1.0)
    if known.get("splits_last"):
        factor = factor * where(model_ranks > 1, LAST_RESORT**2, 1.0)
    return factor


def recomputed_by_habit(work: Work, machine: Machine, needed_share: Number) -> Number:
    """Share of the blocks that recipes recompute where memory requires ``needed_share`` of them [1]."""
    habit = habit_of(work, machine)
    if machine.constants.values.get("every_second"):
        return maximum(needed_share, habit)
    return needed_share + habit * (1.0 - needed_share)


def habit_of(work: Work, machine: Machine) -> float:
    """Share of the blocks that recipes recompute though memory does not require it [1].

    It is what the file of a stack says of its recipes. Else those of PyTorch's own stacks with adapters do
    so, mostly where sequences are long.
    """
    if not work.heads or work.family not in LANGUAGE or not machine.techniques.partial_recompute:
        return 0.0
    constants = machine.constants
    if constants.values.get("every_second"):
        return work.seconds_share
    said = constants.values.get("recompute_said")
    if said is not None:
        return said
    habit = constants[habit_name(work)]
    return habit * (constants["native_share_unknown"] if machine.native is None else float(machine.native))


def habit_name(work: Work) -> str:
    """The constant that is the habit of recipes for such a model and length."""
    if not work.is_adapters:
        return "recompute_habit"
    is_short = work.rows < RECOMPUTED_FROM * work.samples
    return "recompute_habit_adapters_short" if is_short else "recompute_habit_adapters"


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
    habit = habit_of(work, machine)
    said = bool({"recompute_said", "every_second"} & machine.constants.values.keys())
    row = Assumption(
        name="share of blocks recomputed without need, as recipes do", value=habit, unit="1",
        basis="assumed" if said else "fitted", source="training-recipes" if said else source,
        option="--recompute",
    )  # fmt: skip
    return (row,) if habit else ()
