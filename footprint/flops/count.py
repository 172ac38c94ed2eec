"""FLOPs of one training step, from a model config."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import field, replace
from typing import Any, Literal

from footprint.errors import FootprintError
from footprint.flops.fields import ConfigError, Fields
from footprint.flops.methods import prepare
from footprint.flops.operations import Model, Number
from footprint.flops.registry import family, model_families
from footprint.flops.tally import Parameters, Tally, tally
from footprint.records import record
from footprint.schema import StepShape, TrainingMethod

MAX_SEQUENCES = 1e15
MAX_LENGTH = 10**8


@record
class StepFlops:
    """FLOP of one training step; full attention unless a name says causal."""

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
    """The same, counting only the (query, key) pairs that masks leave."""
    hardware_flop: Number
    """What is executed: model FLOPs, recomputation, and in eager attention pairs outside windows."""
    components: Mapping[str, Number]
    """Training FLOP by component."""
    basis: Literal["formula", "counted"]
    operations: Model | None = field(default=None, repr=False, compare=False)
    """The operation list behind the sums, for the step-time model; None where torch counted."""
    training: TrainingMethod = field(default=TrainingMethod(), repr=False, compare=False)
    shape: StepShape | None = field(default=None, repr=False, compare=False)


def operation_list(config: Mapping[str, Any], shape: StepShape, objective: str = "") -> Model:
    """The operation list of one training step.

    Raises ConfigError if the config cannot be counted, UnknownNameError if no family counts its
    ``model_type``.
    """
    fields = Fields(config)
    model_type = fields.text("model_type")
    module = family(model_type)
    if module is None:
        raise unknown_model_type(model_type)
    return module.build(fields, checked(shape), objective)


def count_step(
    config: Mapping[str, Any],
    shape: StepShape,
    training: TrainingMethod = TrainingMethod(),  # noqa: B008 - frozen
    objective: str = "",
) -> StepFlops:
    """FLOP of one training step of a Hugging Face model config, with parameters and components [FLOP].

    ``objective`` names what is predicted where a family leaves a choice (``mlm``, ``mlm+nsp``,
    ``clm``, ``classification``, ...); empty means the family's usual one, whatever the config's
    ``architectures`` names.

    A ``model_type`` that no family describes is counted by torch where torch and transformers are
    installed, and labelled ``counted``.

    Raises ConfigError for a config that cannot be counted, UnknownNameError for an unknown
    ``model_type``, FootprintError for an unusable shape or method.
    """
    if family(Fields(config).text("model_type")) is None:
        return _counted(config, shape, training, objective)
    model, sums = step_sums(config, shape, training, objective)
    return StepFlops(
        family=model.family,
        parameters=sums.parameters,
        tokens=model.tokens,
        source_tokens=model.source_tokens,
        target_tokens=model.target_tokens,
        samples=model.samples,
        forward_flop=sums.forward,
        backward_flop=sums.backward,
        training_flop=sums.forward + sums.backward,
        training_flop_causal=sums.causal,
        hardware_flop=sums.executed,
        components=sums.components,
        basis="formula",
        operations=model,
        training=training,
        shape=shape,
    )


def _counted(
    config: Mapping[str, Any], shape: StepShape, training: TrainingMethod, objective: str
) -> StepFlops:
    """The count by torch of a type that no family describes; the error of an unknown type without torch."""
    from importlib.util import find_spec

    if find_spec("torch") is None or find_spec("transformers") is None:
        raise unknown_model_type(str(config["model_type"]))
    from footprint.flops.fallback import counted_step

    return counted_step(config, shape, training, objective)


def step_sums(
    config: Mapping[str, Any], shape: StepShape, training: TrainingMethod, objective: str = ""
) -> tuple[Model, Tally]:
    """The operation list, adapters included, and its sums."""
    model, trained = prepare(operation_list(config, shape, objective), training)
    return model, tally(model, trained, training.recompute, training.attention)


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


def unknown_model_type(model_type: str, further: Iterable[str] = ()) -> FootprintError:
    """The error for a ``model_type`` that no family counts; ``further`` are those that torch could."""
    from difflib import get_close_matches

    from footprint.errors import UnknownNameError

    shown = model_type if len(model_type) <= 60 else model_type[:57] + "..."
    return UnknownNameError(
        "model_type",
        shown,
        get_close_matches(shown, dict.fromkeys([*model_families(), *further]), n=3),
        "other types of the transformers library are counted by torch where both are installed; or describe "
        "the model with a generic model_type: llama (decoder), bert (encoder), t5 (encoder-decoder), "
        "mixtral (experts), vit (images)",
    )


__all__ = ["ConfigError", "StepFlops", "checked", "count_step", "operation_list"]
