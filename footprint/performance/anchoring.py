"""One measured step of the user's own stack, and what it says of other steps on it.

Errors of the step-time model are mostly bias between software stacks, so a measurement of the
same stack removes part of it: the more, the nearer its model and sequence length are. On
another chip or precision a measurement proved worth nothing (see docs/method.md), so there it
is left aside, and the output says so. The constants are fitted by ``calibration/anchor.py``.
"""

from __future__ import annotations

import math

from footprint.catalog.assumptions import assumed
from footprint.records import record
from footprint.results import Assumption, Quantity

NEAR = 0.5
"""Weight from which a measurement counts as near; residuals are kept apart for both sides."""


@record
class Anchor:
    """A measured step: how far the model was off, and what was measured."""

    name: str
    ratio: float
    """Measured over predicted step time [1]."""
    accelerator: str
    precision: str
    parameters: float
    sequence_length: float

    def applies(self, accelerator: str, precision: str) -> bool:
        """Whether the measurement says anything of a step on this chip in this precision."""
        return self.accelerator == accelerator and self.precision == precision

    def row(self, weight: float) -> Assumption:
        """The row that an output prints for it."""
        return Assumption(
            name=f"anchor {self.name}: measured over predicted step time, taken at {weight:.0%}",
            value=self.ratio, unit="1", basis="measured", source="your own measurement", option="--anchor",
        )  # fmt: skip


def weight_of(parameters: float, sequence_length: float, anchor: Anchor) -> float:
    """Share of the anchor's deviation that carries over to another step [1]."""
    apart = _distance(parameters, anchor.parameters) / assumed("anchor_fitted.size_scale").value
    apart += _distance(sequence_length, anchor.sequence_length) / assumed("anchor_fitted.length_scale").value
    return assumed("anchor_fitted.share").value * math.exp(-apart)


def _distance(one: float, other: float) -> float:
    """Absolute log ratio; 0 where either is unknown (images)."""
    return abs(math.log(one / other)) if one > 0 and other > 0 else 0.0


def anchored_factor(weight: float, anchor: Anchor, cause: str) -> Quantity:
    """What the predicted step time is multiplied by, with what stays uncertain [1]."""
    residual = assumed(f"anchor_fitted.residual_{'near' if weight >= NEAR else 'far'}")
    shift: float = anchor.ratio**weight
    return Quantity.between(residual.low, residual.value, residual.high, cause) * shift
