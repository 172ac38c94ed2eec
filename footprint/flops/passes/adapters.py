"""LoRA: small trained products beside projections, or beside a part of a fused one.

Hu et al. 2021, arXiv:2106.09685. Where one product makes queries, keys and values, an adapter of the
queries alone has the width of the queries.
"""

from __future__ import annotations

from footprint.errors import FootprintError
from footprint.flops.operations import (
    ADAPTERS,
    MLP,
    POINTWISE,
    PROJECTIONS,
    Layer,
    Matmul,
    Model,
    Number,
    Operation,
    Pointwise,
)
from footprint.named_tuples import NamedTuple
from footprint.records import replace
from footprint.schema import TrainingMethod

ALL_LINEAR = "all-linear"
_MAX_RANK = 100_000
_ATTENDED = ("q", "k", "v", "cq", "ck", "cv")
_SHORT = ("q", "k", "v", "o", "gate", "up")


class _Place(NamedTuple):
    """A projection, or the part of one, that an adapter can stand beside."""

    operation: str
    adapter: str
    """Name of the adapter: that of the projection, or with the part's name after it."""
    width: Number
    """Outputs of the part."""


def with_adapters(model: Model, training: TrainingMethod) -> Model:
    """The model with adapters beside the targets.

    Raises FootprintError for an impossible rank and for a target that the model does not have.
    """
    rank = training.lora_rank
    if isinstance(rank, bool) or not isinstance(rank, int) or not 1 <= rank <= _MAX_RANK:
        raise FootprintError(f"the LoRA rank must be a whole number from 1 to {_MAX_RANK}, not {rank!r}")
    targets = training.lora_targets or ((ALL_LINEAR,) if training.method == "qlora" else model.lora_targets)
    known = _all_places(model)
    adaptable = adaptable_projections(model)
    if ALL_LINEAR in targets or not targets:
        targets = tuple(adaptable)
    missing = {target for target in targets if not any(_named(target, places) for places in known)}
    if missing:
        short = [name for name in _SHORT if any(name in places for places in known)]
        raise FootprintError(
            f"no projection called {', '.join(sorted(missing))} to adapt; this model has "
            f"{', '.join((*sorted(adaptable), *short))} (or {ALL_LINEAR})"
        )

    def adapted(layer: Layer) -> Layer:
        return _adapted(layer, targets, rank, training.lora_dropout)

    return replace(model, stages=tuple(tuple(map(adapted, stage)) for stage in model.stages))


def adaptable_projections(model: Model) -> set[str]:
    """The projections that adapters can be put on."""
    every = (place for places in _all_places(model) for found in places.values() for place in found)
    return {place.operation for place in every}


def _all_places(model: Model) -> list[dict[str, list[_Place]]]:
    layers = (layer for stage in model.stages for layer in stage)
    return [_places(layer) for layer in layers if layer.part not in ("head", "embeddings")]


def _named(target: str, places: dict[str, list[_Place]]) -> list[_Place]:
    """Where a target is: by its own name, else by the short one, so that ``q_proj`` is ``q``."""
    return places.get(target) or places.get(target.removesuffix("_proj"), [])


def _places(layer: Layer) -> dict[str, list[_Place]]:
    """Name -> where it is: every projection, and the short names of those of attention and gated MLPs."""
    found: dict[str, list[_Place]] = {}
    products = [one for one in layer.operations if type(one) is Matmul]
    scores = next((one for one in products if one.scores), None)
    values = next((one for one in products if one.inputs[0] == "p"), None)
    gates = [one.inputs for one in layer.operations if type(one) is Pointwise and one.name == "gate"]
    for one in products:
        if one.weights != 1:
            continue
        found.setdefault(one.name, []).append(_Place(one.name, one.name, one.n))
        parts: dict[str, Number] = {}
        if one.component == PROJECTIONS and one.output in _ATTENDED:  # c: cross-attention
            parts = {one.output[-1]: one.n}
        elif one.component == PROJECTIONS and one.inputs in (("a",), ("ca",)):
            parts = {"o": one.n}
        elif scores is not None and values is not None and one.output == values.inputs[-1]:
            others = scores.heads // scores.groups
            parts = {"q": scores.heads * scores.k, "k": others * scores.k, "v": others * values.n}
        elif one.component == MLP and (one.output,) in gates:
            parts = {"gate": one.n // 2, "up": one.n // 2}
        if sum(parts.values()) == one.n:
            for name, width in parts.items():
                adapter = one.name if width == one.n else f"{one.name}.{name}"
                found.setdefault(name, []).append(_Place(one.name, adapter, width))
    return found


def _adapted(layer: Layer, targets: tuple[str, ...], rank: int, dropout: str) -> Layer:
    places = _places(layer)
    chosen = {place for target in targets for place in _named(target, places)}
    operations: list[Operation] = []
    for operation in layer.operations:
        operations.append(operation)
        if type(operation) is not Matmul or operation.weights != 1:
            continue
        beside = sorted(place for place in chosen if place.operation == operation.name)
        if any(place.adapter == operation.name for place in beside):
            beside = [_Place(operation.name, operation.name, operation.n)]
        read = operation.inputs
        if beside and dropout != "none":
            read = (f"{operation.name if dropout == 'each' else read[0]}.dropped",)
            if all(one.output != read[0] for one in operations):
                operations.append(_dropout(operation, read[0]))
        for place in beside:
            operations += _pair(operation, place, rank, read)
    return layer if len(operations) == len(layer.operations) else layer._replace(operations=tuple(operations))


def _dropout(operation: Matmul, dropped: str) -> Pointwise:
    """The dropout of the inputs of the adapters beside one product."""
    masks = operation.m * operation.k * operation.count
    return Pointwise(
        name="dropout", component=POINTWISE, inputs=operation.inputs, output=dropped, masks=masks
    )


def _pair(
    operation: Matmul, place: _Place, rank: int, inputs: tuple[str, ...]
) -> tuple[Operation, Operation]:
    """The two products of one adapter, which reads these inputs."""
    inner = f"{place.adapter}.lora"
    down = Matmul(
        name=f"{place.adapter}.lora_A", component=ADAPTERS, inputs=inputs, output=inner,
        m=operation.m, k=operation.k, n=rank, count=operation.count, weights=1,
    )  # fmt: skip
    up = Matmul(
        name=f"{place.adapter}.lora_B", component=ADAPTERS, inputs=(inner,), output=operation.output,
        m=operation.m, k=rank, n=place.width, count=operation.count, weights=1,
    )  # fmt: skip
    return down, up
