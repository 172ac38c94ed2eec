"""What a named software stack changes in the step-time model.

A stack changes constants of the roofline: the host's time for one launch, the share of communication
that nothing hides, the passes of pointwise kernels. The structure of the model stays the same.
"""

from __future__ import annotations

from collections.abc import Mapping

from footprint.arithmetic import Z90, exp, hypot, log
from footprint.catalog.assumptions import Assumed, assumed
from footprint.catalog.stacks import Stack, find_stack
from footprint.parsing import parse_month
from footprint.performance.roofline.constants import Constants
from footprint.performance.roofline.holding import held_by
from footprint.records import record
from footprint.results import Assumption, Quantity

EXPOSED = (
    "tensor_exposed", "tensor_exposed_since_2023", "data_exposed", "expert_exposed", "context_exposed",
    "stage_exposed",
)  # fmt: skip
"""Shares of communication that nothing hides."""


_NUMBERS: Mapping[str, str] = {
    "host_s": "launch_s",
    "captures_since_year": "captured_since",
    "adapter_byte": "adapter_byte",
    "shards_since_year": "shards_since_year",
    "experts_looped_until_year": "experts_looped_until_year",
    "recompute_share": "recompute_said",
    "recompute_stops": "recompute_stops",
}
"""Numbers of a stack's file, and the constants that they are; an unset one changes nothing."""
_OTHER_THAN_USUAL: Mapping[str, tuple[bool, str, float]] = {
    "splits": (True, "splits", 0.0),
    "pipelines": (True, "pipelines", 0.0),
    "accumulates": (True, "accumulates", 0.0),
    "recomputes_part": (True, "recomputes_part", 0.0),
    "sends_once": (True, "sends_once", 0.0),
    "offloads_inputs": (False, "offloads_inputs", 1.0),
    "grouped_experts": (False, "expert_kernels", 0.0),
    "sorts_apart": (False, "sorts_apart", 1.0),
    "first_in_tf32": (False, "first_in_tf32", 1.0),
}
"""What usual software does or does not, and the constant of software that differs (`layouts.shapes` and
`layouts.habits` read the first four)."""


def _said(stack: Stack) -> dict[str, float]:
    """The constants that a stack's file sets as they are."""
    own = {
        constant: float(value)
        for name, constant in _NUMBERS.items()
        if (value := getattr(stack, name)) is not None
    }
    own |= {
        constant: value
        for name, (usual, constant, value) in _OTHER_THAN_USUAL.items()
        if getattr(stack, name) is not usual
    }
    if stack.attention == "tuned":
        own["flash_tuned"] = 1.0
    return own


@record
class Software:
    """A software stack, or only the share of communication that is said to be hidden."""

    stack: Stack | None
    overlap_share: float | None
    released: float | None = None
    """When this release of it came out, where known [years]."""

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
            own = _said(stack) | self._kernels(stack, typical)
            own |= held_by(typical, stack.holds, stack.keeps, stack.loss, stack.stages, stack.rest_byte)
        if hidden is not None:
            own |= dict.fromkeys(EXPOSED, 1.0 - hidden)
        return typical.but(**own) if own else typical

    def _kernels(self, stack: Stack, typical: Constants) -> dict[str, float]:
        """What its kernels fuse, as the constants of stacks that do, or do not."""
        own: dict[str, float] = {}
        if not stack.fuses:
            own["passes_fused"] = typical["passes_eager"]
        if stack.fused_early:
            own |= {"passes_eager": typical["passes_fused"], "tuned_before": 0.0}
        if stack.loss == "compiled":
            # torch.compile fuses the biases of experts with their activation.
            own["passes_expert_bias"] = typical["passes_fused"]
        since = stack.grouped_narrow_since
        if since and self.released is not None and self.released >= parse_month(since):
            own["grouped_narrow"] = 1.0
        return own

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


def software_of(stack: str | None, overlap_share: float | None, released: float | None = None) -> Software:
    """The software of that name; UnknownNameError for a name that no file describes."""
    known = None if stack is None else find_stack(stack)
    return Software(stack=known, overlap_share=overlap_share, released=released)
