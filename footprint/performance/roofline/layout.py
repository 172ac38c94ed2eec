"""The record of a parallel layout: how a job is split over chips."""

from __future__ import annotations

from typing import Any

from footprint.records import record

LayoutNumbers = Any
"""A `Layout`, or many of them as arrays under the same names (`layouts.candidates.Layouts`)."""


SIZES = ("tp", "pp", "dp", "cp", "ep")
"""The fields of a layout that say over how many ranks each kind of parallelism splits a step."""


@record
class Layout:
    """A parallel layout: tensor, pipeline, data, context and expert ranks, sharding and recomputation.

    ``tp * pp * cp * dp`` is the number of accelerators; expert ranks lie inside ``dp * cp``
    (or ``tp``). ``zero`` is 0 (states replicated), 1 (optimiser states sharded), 2 (gradients, too)
    or 3 (everything sharded, gathered when used).
    """

    tp: int = 1
    pp: int = 1
    dp: int = 1
    cp: int = 1
    ep: int = 1
    micro_batch: float = 1.0
    zero: int = 1
    recompute: str = "none"
    recomputed: float = 1.0
    """Share of the blocks that ``full`` recomputes; below 1 for stacks since 2023, if memory allows."""
    interleaving: int = 1
    flash: bool = True
    sixteen_bit_states: bool = False
    """Whether weights, gradients and the optimiser's states have 16 bits, without 32-bit master weights."""

    @property
    def model_ranks(self) -> int:
        """Accelerators that hold one replica."""
        return self.tp * self.pp * self.cp

    @property
    def expert_split(self) -> int:
        """Ranks that share the experts of one replica of the tensors; the others are tensor ranks."""
        return min(self.ep, self.dp * self.cp)

    @property
    def is_split(self) -> bool:
        """Whether the model is split; if not, each accelerator is a replica or holds a shard of one."""
        return bool(is_split(self))

    @property
    def recompute_share(self) -> float:
        """Share of the blocks whose forward pass is executed twice."""
        return self.recomputed if self.recompute == "full" else 0.0

    @property
    def is_full(self) -> bool:
        """Whether whole blocks are recomputed, all of them or a share."""
        return self.recompute == "full"

    @property
    def is_selective(self) -> bool:
        """Whether only the attention scores are recomputed."""
        return self.recompute == "selective"

    @property
    def text(self) -> str:
        """The layout as a line for people."""
        parts = [f"{name} {getattr(self, name)}" for name in SIZES if getattr(self, name) > 1]
        parts.append(f"micro-batch {self.micro_batch:g}")
        if self.zero == 3:
            parts.append("fully sharded")
        if self.sixteen_bit_states:
            parts.append("all states in 16 bits")
        if self.recompute == "full" and self.recomputed < 1.0:
            parts.append(f"recompute of {self.recomputed:.0%} of the blocks")
        elif self.recompute != "none":
            parts.append(f"{self.recompute} recompute")
        return ", ".join(parts)


def is_split(layout: LayoutNumbers) -> Any:
    """Whether a layout, or each of many, splits the model's tensors, layers, sequences or experts."""
    return layout.tp * layout.pp * layout.cp * layout.ep > 1
