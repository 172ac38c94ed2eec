"""The JSON form of an operation list, one operation a line."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from footprint.flops.operations import Layer, Matmul, Model, Operation, Pointwise, Positions

MODEL_TYPE = "operations"
FORM = "footprint/operations/1"

KINDS: dict[str, type[Matmul] | type[Pointwise]] = {"matmul": Matmul, "pointwise": Pointwise}


def as_config(model: Model, once: Collection[str] = (), **about: Any) -> dict[str, Any]:
    """The list as JSON types, which `footprint.flops.listing.build` reads again.

    ``once`` names operations whose work does not grow with the batch; ``about`` is added as it is.
    """
    return {
        "format": FORM,
        "model_type": MODEL_TYPE,
        **about,
        "family": model.family,
        "samples": model.samples,
        "tokens": model.tokens,
        "source_tokens": model.source_tokens,
        "target_tokens": model.target_tokens,
        "lora_targets": list(model.lora_targets),
        "frozen": sorted(model.frozen),
        "once": sorted(once),
        "stages": [[_layer(layer) for layer in stage] for stage in model.stages],
    }


def as_text(config: dict[str, Any]) -> str:
    """The file's text: one operation a line, so that people and ``diff`` can read it."""
    stages = []
    for stage in config["stages"]:
        layers = []
        for layer in stage:
            head = json.dumps({name: value for name, value in layer.items() if name != "operations"})
            lines = ",\n".join(f"    {json.dumps(one)}" for one in layer["operations"])
            layers.append(f'   {head[:-1]}, "operations": [\n{lines}\n   ]}}')
        stages.append("  [\n" + ",\n".join(layers) + "\n  ]")
    head = ",\n".join(
        f" {json.dumps(name)}: {json.dumps(value)}" for name, value in config.items() if name != "stages"
    )
    return "{\n" + head + ',\n "stages": [\n' + ",\n".join(stages) + "\n ]\n}\n"


def _layer(layer: Layer) -> dict[str, Any]:
    return {
        "part": layer.part,
        "positions": _positions(layer.positions),
        "carries": list(layer.carries),
        "checkpointed": layer.checkpointed,
        "shared": layer.shared,
        "operations": [_operation(operation) for operation in layer.operations],
    }


def _positions(positions: Positions) -> dict[str, int] | list[int]:
    if isinstance(positions, range):
        return {"first": positions.start, "stop": positions.stop, "step": positions.step}
    return list(positions)


def _operation(operation: Operation) -> dict[str, Any]:
    """The fields that differ from their defaults, the name first under the kind."""
    kind = "matmul" if isinstance(operation, Matmul) else "pointwise"
    usual = KINDS[kind]._field_defaults
    values = {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in zip(operation._fields, operation, strict=True)
        if name != "name" and not (name in usual and usual[name] == value)
    }
    return {kind: operation.name, **values}
