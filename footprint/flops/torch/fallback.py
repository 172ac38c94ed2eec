"""Counts a step of a model without a family with torch, and labels the result."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from footprint.errors import FootprintError
from footprint.flops.config.fields import Fields
from footprint.flops.listing.written import as_config
from footprint.flops.operations import CONVOLUTION, CORE, Number
from footprint.flops.passes.totals import Parameters
from footprint.flops.registry import unknown_model_type
from footprint.flops.step import StepFlops, checked
from footprint.flops.torch.depth import DEPTH_KEYS, Axis, with_depth
from footprint.flops.torch.torch_counter import CannotCountError, TorchCount, built_parameters
from footprint.flops.torch.traced import agrees, traced_type, way_of
from footprint.flops.torch.whole import whole_count
from footprint.schema import StepShape, TrainingMethod
from footprint.vocabulary import ADAPTED

PRODUCTS = "matrix_products"
_COMPONENTS = {"bmm": CORE, "baddbmm": CORE, "convolution": CONVOLUTION, "convolution_backward": CONVOLUTION}
SHALLOW = 12
"""Models with at most this many layers are counted at full depth."""
_lists: dict[Any, Any] = {}
"""The lists that this process traced, by config, sizes and objective."""


def counted_step(
    config: Mapping[str, Any], shape: StepShape, training: TrainingMethod, objective: str = ""
) -> StepFlops:
    """FLOP of one training step, counted by torch's counter on tensors without data [FLOP].

    Deep models are counted with one, two and three layers. The count is extrapolated if the third layer
    costs as much as the second and the whole model has the extrapolated number of parameters. Otherwise
    the whole model is counted. torch's counter ignores masks, so the causal count equals the full one.
    Adapters and frozen parts are not supported.

    Raises CannotCountError if torch and transformers are missing or cannot run the model.
    """
    if training.method in ADAPTED or training.frozen:
        raise FootprintError(
            f"model_type {config.get('model_type')!r} is counted by torch, which covers full training only: "
            "LoRA and frozen parts need a model_type that is counted by formula"
        )
    fields = Fields(config)
    shape = checked(shape)
    require_known_type(fields.text("model_type"))
    if isinstance(shape.sequences, float):
        raise FootprintError(f"torch counts whole sequences, not {shape.sequences!r}")
    counted = _deep(fields, config, _one_sample(shape), objective)
    batch = shape.sequences
    forward, backward = batch * counted.forward_flop, batch * counted.backward_flop
    components: dict[str, Number] = {}
    for operation, flop in counted.by_operation.items():
        name = _COMPONENTS.get(operation, PRODUCTS)
        components[name] = components.get(name, 0) + batch * flop
    hardware = forward + backward + (forward if training.recompute == "full" else 0)
    tokens = None if shape.sequence_length is None else batch * shape.sequence_length
    target = None if shape.target_sequence_length is None else batch * shape.target_sequence_length
    return StepFlops(
        family="unknown",
        parameters=Parameters(
            total=counted.parameters,
            active=counted.parameters,
            trainable=counted.parameters,
            non_embedding=counted.non_embedding,
        ),
        tokens=tokens if target is None or tokens is None else tokens + target,
        source_tokens=None if target is None else tokens,
        target_tokens=target,
        samples=batch,
        forward_flop=forward,
        backward_flop=backward,
        training_flop=forward + backward,
        training_flop_causal=forward + backward,
        hardware_flop=hardware,
        components=components,
        basis="counted",
    )


def _one_sample(shape: StepShape) -> StepShape:
    return StepShape(
        sequences=1,
        sequence_length=shape.sequence_length,
        target_sequence_length=shape.target_sequence_length,
        image_size=shape.image_size,
    )


def listed_step(
    config: Mapping[str, Any],
    shape: StepShape,
    training: TrainingMethod,
    objective: str,
    count: Callable[..., StepFlops],
) -> StepFlops:
    """The step by ``count`` from its traced operation list, if that gives what torch counted.

    A list knows times, memory, layouts, adapters and frozen parts. Otherwise the result is that of
    `counted_step`.
    """
    counted = counted_step(config, shape, TrainingMethod(), objective)
    listed = _traced(config, _one_sample(shape), objective)
    if listed is not None:
        batch = StepShape(sequences=counted.samples)
        plain = count(listed, batch)
        near = agrees(plain.forward_flop, counted.forward_flop)
        near = near and agrees(plain.backward_flop, counted.backward_flop)
        if near and plain.parameters.total == counted.parameters.total:
            return replace(
                count(listed, batch, training), tokens=counted.tokens, source_tokens=counted.source_tokens,
                target_tokens=counted.target_tokens, shape=shape,
            )  # fmt: skip
    return counted_step(config, shape, training, objective)


def _traced(config: Mapping[str, Any], shape: StepShape, objective: str) -> Any:
    """The traced list of one sample as a config; None if there is none."""
    key = (json.dumps(config, sort_keys=True, default=str), shape, objective)
    if key not in _lists:
        _lists[key] = None
        with suppress(FootprintError):
            traced = traced_type(config, shape, objective, way_of(str(config["model_type"])))
            _lists[key] = as_config(traced.model, traced.once)
    return _lists[key]


def require_known_type(model_type: str) -> None:
    """Raise UnknownNameError for a ``model_type`` that transformers has not."""
    import transformers

    known = transformers.models.auto.configuration_auto.CONFIG_MAPPING_NAMES
    if model_type not in known:
        raise unknown_model_type(model_type, known)


def _deep(fields: Fields, config: Mapping[str, Any], shape: StepShape, objective: str) -> TorchCount:
    """The count of one sample, from shallow copies if the stack repeats one kind of layer."""
    name = next((key for group in DEPTH_KEYS for key in group if key in fields), None)
    depth = 0 if name is None else fields.layers(name)
    if name is None or depth <= SHALLOW:
        return whole_count(config, shape, objective)
    axis = Axis((name,), depth, 0, 1)
    try:
        one, two, three = (
            whole_count(with_depth(config, axis, layers), shape, objective) for layers in (1, 2, 3)
        )
    except CannotCountError:
        return whole_count(config, shape, objective)
    further = depth - 2

    def extended(part: str) -> int:
        first, second = getattr(one, part), getattr(two, part)
        return int(second + further * (second - first))

    even = all(
        getattr(three, part) - getattr(two, part) == getattr(two, part) - getattr(one, part)
        for part in ("forward_flop", "backward_flop", "parameters")
    )
    # the parameters of the whole model reveal other kinds of layers further up (such as every fourth)
    if not even or built_parameters(config, objective, two.device) != extended("parameters"):
        return whole_count(config, shape, objective)
    return TorchCount(
        forward_flop=extended("forward_flop"),
        backward_flop=extended("backward_flop"),
        parameters=extended("parameters"),
        non_embedding=extended("non_embedding"),
        device=two.device,
        by_operation={
            operation: flop + further * (flop - one.by_operation.get(operation, 0))
            for operation, flop in two.by_operation.items()
        },
    )
