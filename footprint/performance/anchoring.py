"""Corrects the step-time model with one measured step of the user's own software stack.

Errors of the step-time model are mostly bias between software stacks, so a measurement on the
same stack removes part of the error. It removes more where the model sizes and sequence lengths
are closer. A measurement on another chip or in another precision did not improve predictions
(see docs/method.md), so it is not used there, and the output says so.
``calibration/anchor.py`` fits the constants.
"""

from __future__ import annotations

import math

from footprint.catalog.assumptions import assumed
from footprint.records import record
from footprint.results import Assumption, Quantity

NEAR = 0.5
"""Weight from which a measurement counts as near; near and far measurements have residuals of their own."""


@record
class Anchor:
    """A measured step and its ratio to the predicted one."""

    name: str
    ratio: float
    """Measured over predicted step time [1]."""
    accelerator: str
    precision: str
    parameters: float
    sequence_length: float

    def applies(self, accelerator: str, precision: str) -> bool:
        """Whether the measurement is used for steps on this chip in this precision."""
        return self.accelerator == accelerator and self.precision == precision

    def row(self, weight: float) -> Assumption:
        """The assumption row of this anchor, applied with this weight."""
        return Assumption(
            name=f"anchor {self.name}: measured over predicted step time, taken at {weight:.0%}",
            value=self.ratio, unit="1", basis="measured", source="your own measurement", option="--anchor",
        )  # fmt: skip


def weight_of(parameters: float, sequence_length: float, anchor: Anchor) -> float:
    """Share of the anchor's deviation that carries over to another step [1]."""
    distance = _distance(parameters, anchor.parameters) / assumed("anchor_fitted.size_scale").value
    distance += (
        _distance(sequence_length, anchor.sequence_length) / assumed("anchor_fitted.length_scale").value
    )
    return assumed("anchor_fitted.share").value * math.exp(-distance)


def _distance(one: float, other: float) -> float:
    """Absolute log ratio; 0 where either is unknown (images)."""
    return abs(math.log(one / other)) if one > 0 and other > 0 else 0.0


def anchored_factor(weight: float, anchor: Anchor, cause: str) -> Quantity:
    """Factor on the predicted step time, with the interval that remains after anchoring [1]."""
    residual = assumed(f"anchor_fitted.residual_{'near' if weight >= NEAR else 'far'}")
    shift: float = anchor.ratio**weight
    return Quantity.between(residual.low, residual.value, residual.high, cause) * shift
