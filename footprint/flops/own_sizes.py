"""Sizes of a step that a model itself fixes: the side of its images, the frames of its audio."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from footprint.errors import FootprintError
from footprint.flops.blocks.vision import USUAL_SIDE, sides
from footprint.flops.config.fields import Fields
from footprint.flops.registry import Family, family
from footprint.records import replace
from footprint.schema import StepShape


def with_own_sizes(config: Mapping[str, Any], shape: StepShape, objective: str = "") -> StepShape:
    """The shape with its missing sizes filled in from the model; unchanged if the model fixes none."""
    if shape.sequence_length is not None or shape.image_size is not None:
        return shape
    fields = Fields(config)
    module = family(fields.text("model_type"))
    if (own := getattr(module, "own_sizes", None)) is not None:
        sizes: StepShape = own(fields)
        return replace(sizes, sequences=shape.sequences)
    own_length = getattr(module, "own_length", None)
    if own_length is not None:
        return replace(shape, sequence_length=own_length(fields))
    if _reads_images(fields, module, objective):
        height, width = sides(fields, default=USUAL_SIDE)
        if height == width:
            return replace(shape, image_size=height)
    return shape


def _reads_images(fields: Fields, module: Family | None, objective: str) -> bool:
    """Whether a step needs no lengths, because the model reads only images of a known size."""
    if module is None:  # torch counts this type and uses the config
        return "image_size" in fields and "vocab_size" not in fields
    if "sample_size" in fields or "input_size" in fields:  # latents, not pixels
        return False
    try:
        return module.build(fields, StepShape(sequences=1), objective).tokens is None
    except FootprintError:
        return False
