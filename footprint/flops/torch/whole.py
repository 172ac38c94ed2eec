"""The count of one whole step by torch, refused where a part of the model was not run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from footprint.flops.torch.torch_counter import CannotCountError, TorchCount, count_with_torch
from footprint.schema import StepShape

IDLE_SHARE = 0.02
"""Accepted share of parameters that the step does not use (an unused pooler, a mask token) [1]."""


def whole_count(config: Mapping[str, Any], shape: StepShape, objective: str) -> TorchCount:
    """The count of one sample; CannotCountError if the step does not use a large part of the model.

    The error prevents a wrong count where a part needs inputs that are not given here, such as images.
    """
    counted = count_with_torch(config, shape, objective, mended=True)
    idle_share = counted.idle / counted.parameters
    if idle_share > IDLE_SHARE or counted.idle_parts:
        parts = ", ".join(counted.idle_parts[:3]) or "parts of its layers"
        raise CannotCountError(
            f"torch ran model_type {config['model_type']!r} without {idle_share:.1%} of its parameters "
            f"({parts}), so the count would be too low: count its parts separately"
        )
    return counted
