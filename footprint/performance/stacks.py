"""What a named software stack changes in the step-time model.

A stack changes constants of the roofline: the host's time for one launch, the share of communication
that nothing hides, the passes of pointwise kernels. The structure of the model stays the same.
"""

from __future__ import annotations

from footprint.arithmetic import Z90, exp, hypot, log
from footprint.catalog.assumptions import Assumed, assumed
from footprint.catalog.stacks import Stack, find_stack
from footprint.performance.roofline.constants import Constants
from footprint.performance.roofline.holding import held_by
from footprint.records import record
from footprint.results import Assumption, Quantity

EXPOSED = (
    "tensor_exposed", "tensor_exposed_since_2023", "data_exposed", "expert_exposed", "context_exposed",
    "stage_exposed",
)  # fmt: skip
"""Shares of communication that nothing hides."""
WHAT_IT_DOES = ("splits", "pipelines", "accumulates", "recomputes_part")
"""What the search takes a stack to do unless its file says otherwise (`layouts.shapes`, `layouts.habits`)."""


@record
class Software:
    """A software stack, or only the share of communication that is said to be hidden."""

    stack: Stack | None
    overlap_share: float | None

    @property
    def native(self) -> bool | None:
        """Whether it runs PyTorch's own kernels and parallelism; None if the stack is unknown."""
        return None if self.stack is None else self.stack.native

    def applied(
        self, constants: Constants, residual: Assumed, cause: str
    ) -> tuple[Constants, Quantity, tuple[Assumption, ...]]:
        """The constants of this stack, the error of the model as a factor, and the assumption rows."""
        return self.constants(constants), self.spread(residual, cause), self.rows()

    def constants(self, typical: Constants) -> Constants:
        """The constants with those that the stack, or the given share of hidden traffic, replaces."""
        stack, hidden = self.stack, self.overlap_share
        own: dict[str, float] = {}
        if stack is not None:
            hidden = stack.overlap_share if hidden is None else hidden
            if stack.host_s is not None:
                own["launch_s"] = stack.host_s
            if not stack.fuses:
                own["passes_fused"] = typical["passes_eager"]
            own |= {name: 0.0 for name in WHAT_IT_DOES if not getattr(stack, name)}
            if stack.shards_since_year:
                own["shards_since_year"] = float(stack.shards_since_year)
            if stack.grouped_experts:
                own["expert_kernels"] = 0.0
            if stack.recompute_share is not None:
                own["recompute_said"] = stack.recompute_share
            own |= held_by(typical, stack.holds, stack.keeps, stack.loss, stack.stages, stack.rest_byte)
        if hidden is not None:
            own |= dict.fromkeys(EXPOSED, 1.0 - hidden)
        return typical.but(**own) if own else typical

    def spread(self, residual: Assumed, cause: str) -> Quantity:
        """The error of the model as a factor; wider for a named stack of which no row was fitted [1]."""
        low, high = residual.low, residual.high
        if self.stack is not None and self.stack.basis != "fitted":
            extra = Z90 * assumed("stacks.unfitted").value
            low, high = exp(-hypot(log(low), extra)), exp(hypot(log(high), extra))
        return Quantity.between(low, residual.value, high, cause)

    def rows(self) -> tuple[Assumption, ...]:
        """The facts of a named stack that the prediction uses, as assumption rows."""
        stack = self.stack
        if stack is None or stack.is_kind:
            return ()
        hidden = stack.overlap_share if self.overlap_share is None else None
        facts: tuple[tuple[str, float | str | None, str, str, str], ...] = (
            (
                "",
                "PyTorch's own kernels" if stack.native else "a vendor's tuned kernels",
                "",
                stack.basis,
                "--stack",
            ),
            (": time of the host to launch an operation", stack.host_s, "s", "assumed", "--stack"),
            (": share of communication that is hidden", hidden, "1", "assumed", "--stack --overlap"),
        )
        return tuple(
            Assumption(
                name=f"software stack {stack.id}{name}", value=value, unit=unit, basis=basis,
                source=stack.source, option=option,
            )
            for name, value, unit, basis, option in facts
            if value is not None
        )  # fmt: skip


def software_of(stack: str | None, overlap_share: float | None) -> Software:
    """The software of that name; UnknownNameError for a name that no file describes."""
    return Software(stack=None if stack is None else find_stack(stack), overlap_share=overlap_share)
