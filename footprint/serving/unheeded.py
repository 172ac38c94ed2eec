"""What a serving answer says of sizes that its model does not read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from footprint.errors import FootprintError
from footprint.estimator.unheeded import said_of
from footprint.flops import count_step
from footprint.records import replace
from footprint.schema import StepShape
from footprint.serving.request import InferenceRequest


def unread(request: InferenceRequest, config: Mapping[str, Any], shape: StepShape) -> Iterator[str]:
    """A warning of given sizes that this model does not read, and of splits of what each chip has whole."""
    names = []
    for name, size in (("image_size", "image_size"), ("prompt_tokens", "sequence_length")):
        if getattr(request, name) is None:
            continue
        without: dict[str, Any] = {size: None}
        try:
            least = count_step(config, replace(shape, **without))
        except FootprintError:
            continue  # it is needed
        if least.training_flop == count_step(config, shape).training_flop:
            names.append(name)
    splits = [name for name in ("tp", "ep") if (getattr(request, name) or 1) > 1]
    yield from said_of([("the model does not read it", names), ("each chip has the whole model", splits)])
