"""One training step: its sizes and its FLOPs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal

from footprint.errors import FootprintError
from footprint.flops.operations import Model, Number
from footprint.flops.passes.totals import Parameters
from footprint.records import field, record, replace
from footprint.results.shown import Shown, show_as_text
from footprint.schema import StepShape, TrainingMethod

Basis = Literal["formula", "traced", "counted"]
MAX_SEQUENCES = 1e15
MAX_LENGTH = 10**8


@record
class StepFlops(Shown):
    """FLOP of one training step, with full attention except in names with ``causal``."""

    __repr__ = show_as_text

    family: str
    parameters: Parameters
    tokens: Number | None
    """Input tokens with padding; source + target for encoder-decoders; None for images."""
    source_tokens: Number | None
    target_tokens: Number | None
    samples: Number
    forward_flop: Number
    backward_flop: Number
    training_flop: Number
    """Forward and backward: model FLOPs."""
    training_flop_causal: Number
    """The same with only the (query, key) pairs within masks."""
    hardware_flop: Number
    """Executed FLOP: model FLOPs, recomputation, and for eager attention the pairs outside windows."""
    components: Mapping[str, Number]
    """Training FLOP by component."""
    basis: Basis
    """By formula, from a traced module's own list, or counted by torch without a list."""
    operations: Model | None = field(default=None, repr=False, compare=False)
    """The operation list, for the step-time model; None if torch counted the step."""
    training: TrainingMethod = field(default=TrainingMethod(), repr=False, compare=False)
    shape: StepShape | None = field(default=None, repr=False, compare=False)


def checked(shape: StepShape) -> StepShape:
    """The shape with whole numbers as ints, so that sums are exact; FootprintError if unusable."""
    sequences = shape.sequences
    if isinstance(sequences, bool) or not isinstance(sequences, (int, float)) or not math.isfinite(sequences):
        raise FootprintError(f"sequences must be a finite number, not {sequences!r}")
    if not 0 < sequences <= MAX_SEQUENCES:
        raise FootprintError(f"sequences must lie above 0 and up to {MAX_SEQUENCES:g}, not {sequences!r}")
    for name in ("sequence_length", "target_sequence_length", "predicted_positions", "image_size"):
        value = getattr(shape, name)
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_LENGTH:
            raise FootprintError(f"{name} must be a whole number from 1 to {MAX_LENGTH}, not {value!r}")
    if shape.predicted_positions is not None:
        length = shape.target_sequence_length or shape.sequence_length
        if length is not None and shape.predicted_positions > length:
            raise FootprintError(
                f"predicted_positions = {shape.predicted_positions} exceeds the {length} positions"
            )
    document = shape.document_length
    if document is not None and not (
        isinstance(document, (int, float)) and not isinstance(document, bool) and 1 <= document <= MAX_LENGTH
    ):
        raise FootprintError(f"document_length must be a number from 1 to {MAX_LENGTH}, not {document!r}")
    if isinstance(sequences, float) and sequences.is_integer():
        return replace(shape, sequences=int(sequences))
    return shape
