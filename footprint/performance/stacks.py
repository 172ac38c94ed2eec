"""What a named software stack changes in the step-time model.

A stack changes constants of the roofline: the host's time for one launch, the share of communication
that nothing hides, the passes of pointwise kernels. The structure of the model stays the same.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from footprint.catalog.assumptions import Assumed, assumed
from footprint.catalog.stacks import Stack
from footprint.performance.roofline.constants import Constants
from footprint.results import Assumption, Quantity

STACK_UNKNOWN = Assumption(
    name="software stack", value="half-way between a tuned one and PyTorch's own", unit="", basis="assumed",
    source="no stack given", option="--stack",
)  # fmt: skip
EXPOSED = (
    "tensor_exposed", "tensor_exposed_since_2023", "data_exposed", "expert_exposed", "context_exposed",
)  # fmt: skip
"""Shares of communication that nothing hides."""
Z90 = 1.645
"""Standard deviations from the median of a normal distribution to its 95th percentile."""


def stack_constants(constants: Constants, stack: Stack | None, overlap_share: float | None) -> Constants:
    """The constants with those that the stack, or the given share of hidden communication, replaces."""
    own: dict[str, float] = {}
    if stack is not None and stack.host_s is not None:
        own["launch_s"] = stack.host_s
    if stack is not None and not stack.fuses:
        own["passes_fused"] = constants["passes_eager"]
    if overlap_share is None and stack is not None:
        overlap_share = stack.overlap_share
    if overlap_share is not None:
        own |= dict.fromkeys(EXPOSED, 1.0 - overlap_share)
    return constants.but(**own) if own else constants


def stack_spread(stack: Stack | None, residual: Assumed, cause: str) -> Quantity:
    """The error of the model as a factor; wider for a named stack of which no row was fitted [1]."""
    low, high = residual.low, residual.high
    if stack is not None and stack.basis != "fitted":
        extra = Z90 * assumed("stacks.unfitted").value
        low = math.exp(-math.hypot(math.log(low), extra))
        high = math.exp(math.hypot(math.log(high), extra))
    return Quantity.between(low, residual.value, high, cause)


def stack_rows(stack: Stack | None, overlap_share: float | None) -> tuple[Assumption, ...]:
    """The facts of a named stack that the prediction uses, as assumption rows."""
    if stack is None or stack.is_kind:
        return ()
    facts: Mapping[str, tuple[float | None, str, str]] = {
        "time of the host to launch an operation": (stack.host_s, "s", "--stack"),
        "share of communication that is hidden": (
            stack.overlap_share if overlap_share is None else None, "1", "--overlap",
        ),
    }  # fmt: skip
    kind = "a vendor's tuned kernels" if not stack.native else "PyTorch's own kernels"
    return (
        Assumption(
            name=f"software stack {stack.id}", value=kind, unit="", basis=stack.basis, source=stack.source,
            option="--stack",
        ),
        *(
            Assumption(
                name=f"{stack.id}: {name}", value=value, unit=unit, basis="assumed", source=stack.source,
                option=option,
            )
            for name, (value, unit, option) in facts.items()
            if value is not None
        ),
    )  # fmt: skip
