"""Defaults of LoRA's adapters: their rank, and the projections that they stand beside."""

from __future__ import annotations

from collections.abc import Sequence

from footprint.flops import StepFlops
from footprint.flops.operations import ADAPTERS
from footprint.results import Assumption
from footprint.schema import TrainingMethod
from footprint.vocabulary import ADAPTED

_FIRST = ".lora_A"


def adapter_rank(given: int | None, method: str) -> tuple[int, tuple[Assumption, ...]]:
    """The rank of the adapters, and the row that says so where a method has adapters and nobody gave it."""
    rank = TrainingMethod().lora_rank if given is None else given
    if given is not None or method not in ADAPTED:
        return rank, ()
    row = Assumption(
        name="LoRA rank", value=rank, unit="", basis="assumed", option="--lora-rank",
        source="of the size that is usual: Hu et al. 2021, arXiv:2106.09685, table 6, try 1 to 64",
    )  # fmt: skip
    return rank, (row,)


def adapted_row(given: Sequence[str], step: StepFlops) -> tuple[Assumption, ...]:
    """The row that names the projections with adapters, where a step has some and nobody chose them."""
    if given or step.operations is None or step.training.method not in ADAPTED:
        return ()
    layers = (layer for stage in step.operations.stages for layer in stage)
    names = {
        one.name.removesuffix(_FIRST)
        for layer in layers
        for one in layer.operations
        if getattr(one, "component", None) == ADAPTERS and one.name.endswith(_FIRST)
    }
    row = Assumption(
        name="projections with adapters", value=", ".join(sorted(names)), unit="", basis="assumed",
        option="--lora-targets",
        source="QLoRA: every projection, as Dettmers et al. 2023, arXiv:2305.14314"
        if step.training.method == "qlora"
        else "LoRA: those that are usual for the family, as queries and values in Hu et al. 2021",
    )  # fmt: skip
    return (row,)
