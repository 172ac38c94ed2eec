"""Values of a step's shape and objective that families require."""

from __future__ import annotations

from collections.abc import Sequence

from footprint.errors import FootprintError
from footprint.flops.config.fields import Fields
from footprint.schema import StepShape


def required_length(shape: StepShape) -> int:
    """The sequence length, which text models require; FootprintError if it is missing."""
    if shape.sequence_length is None:
        raise FootprintError("this model reads sequences: give their length (`seq_len=`)")
    return shape.sequence_length


def required_target(shape: StepShape) -> int:
    """The target length, which encoder-decoders require; FootprintError if it is missing."""
    if shape.target_sequence_length is None:
        raise FootprintError("this model writes a target sequence: give its length (`tgt_seq_len=`)")
    return shape.target_sequence_length


def labels(fields: Fields) -> int:
    """Number of classes of a classification head: ``num_labels``, the size of ``id2label``, or 2."""
    if "num_labels" in fields:
        return fields.size("num_labels")
    _, names = fields.raw("id2label", default={})
    return len(names) or 2


def unknown_objective(objective: str, known: Sequence[str]) -> FootprintError:
    """The error for an objective that a family does not have."""
    shown = objective if len(objective) <= 60 else objective[:57] + "..."
    return FootprintError(f"objective {shown!r} does not fit this model; it can be {', '.join(known)}")
