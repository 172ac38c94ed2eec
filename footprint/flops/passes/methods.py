"""Training methods: adapters (LoRA), frozen parts, or training of all parameters."""

from __future__ import annotations

import re

from footprint.errors import FootprintError
from footprint.flops.operations import EMBEDDING, HEAD, Layer, Matmul, Model, Operation, Pointwise
from footprint.flops.passes.gradients import Trained
from footprint.records import replace
from footprint.schema import TrainingMethod
from footprint.vocabulary import ADAPTED


def prepare(model: Model, training: TrainingMethod) -> tuple[Model, Trained]:
    """The model with its adapters, and its trained part."""
    if training.method in ADAPTED:
        if training.frozen:
            raise FootprintError(
                "frozen parts cannot be combined with LoRA: LoRA freezes everything but its adapters"
            )
        from footprint.flops.passes.adapters import with_adapters

        return with_adapters(model, training), Trained(adapters_only=True, inputs=training.input_gradients)
    trained = _frozen(model, training.frozen)
    if model.frozen:
        trained = replace(trained, frozen=trained.frozen | model.frozen)
    if trained.tied and "head" not in trained.frozen:
        model = _with_own_bias(model)
    return model, replace(trained, inputs=True) if training.input_gradients else trained


def _frozen(model: Model, names: tuple[str, ...]) -> Trained:
    if not names:
        return Trained()
    parts = {layer.part for stage in model.stages for layer in stage}
    operations = {
        operation.name
        for stage in model.stages
        for layer in stage
        for operation in layer.operations
        if operation.learns
    }
    known = parts | operations
    frozen: set[str] = set()
    spans: list[tuple[str, int, int]] = []
    for name in names:
        span = re.fullmatch(r"(?:(\w+)\.)?layers:(\d{1,6})(?:-(\d{1,6}))?", name)
        if span and (span[1] is None or span[1] in parts):
            first = int(span[2])
            last = first if span[3] is None else int(span[3])
            if last < first:
                raise FootprintError(f"frozen {name!r}: the last layer comes before the first")
            depths = _depths(model, span[1])
            depth = max(depths, default=1)
            if last >= depth:
                where = f" in the {span[1]}" if span[1] else ""
                there = f"there are {depth} layers{where}"
                if len(depths) > 1:
                    there = (
                        f"a stage has at most {depth} repeated layers{where}, and a range is taken in each"
                    )
                raise FootprintError(f"frozen {name!r}: {there}: layers:0-{depth - 1}")
            spans.append((span[1] or "", first, last + 1))
        elif name in known:
            frozen.add(name)
        else:
            raise FootprintError(
                f"nothing called {name!r} to freeze; this model has {', '.join(sorted(known))}, "
                "and ranges like layers:0-11"
            )
    table, head = _tied(model)
    tied = bool(frozen & {table, head, "embeddings", "head"}) and bool(table)
    if tied:
        frozen.add(table)  # the two names are one matrix; nothing else is frozen with it
    return Trained(frozen=frozenset(frozen), spans=tuple(spans), tied=tied)


def _depths(model: Model, part: str | None) -> list[int]:
    """Depths of the stages to which a range of layers applies: those of a part, or of all repeated blocks."""
    stages = (
        [
            layer.positions[-1] + 1
            for layer in stage
            if (layer.checkpointed if part is None else layer.part == part)
        ]
        for stage in model.stages
    )
    return [max(depths) for depths in stages if depths]


def _tied(model: Model) -> tuple[str, str]:
    """Names of the look-up table and the head that share a matrix; empty if there are none."""
    operations = [operation for stage in model.stages for layer in stage for operation in layer.operations]
    for head in operations:
        if type(head) is Matmul and head.tied and head.component == HEAD:
            for table in operations:
                size = table.parameters if type(table) is Pointwise and table.component == EMBEDDING else 0
                if size == head.k * head.n:
                    return table.name, head.name
    return "", ""


def _with_own_bias(model: Model) -> Model:
    """The model with the bias of a tied head as a separate operation, because the bias is trained."""

    def apart(layer: Layer) -> Layer:
        operations: list[Operation] = []
        for operation in layer.operations:
            if (
                type(operation) is Matmul
                and operation.tied
                and operation.component == HEAD
                and operation.bias
            ):
                operations.append(operation._replace(bias=0))
                name, output = operation.name, operation.output
                bias = Pointwise(
                    name=name, component=HEAD, inputs=(output,), output=output, parameters=operation.bias
                )
                operations.append(bias)
            else:
                operations.append(operation)
        return layer._replace(operations=tuple(operations))

    return replace(model, stages=tuple(tuple(apart(layer) for layer in stage) for stage in model.stages))
