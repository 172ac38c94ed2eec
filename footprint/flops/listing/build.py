"""An operation list from the file that `footprint trace` wrote, or that a stranger edited.

The file stands where a config stands: its ``model_type`` is ``operations``. Every value is checked
here, since the sums of a step trust a list.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from typing import Any

from footprint.flops.config.fields import ConfigError, Fields, shown
from footprint.flops.operations import (
    COMPONENTS,
    NORM,
    POINTWISE,
    Layer,
    Matmul,
    Model,
    Number,
    Operation,
    Pointwise,
    Positions,
    Stage,
)
from footprint.schema import StepShape

MODEL_TYPES = ("operations",)
BASIS = "traced"
FORM = "footprint/operations/1"
MAX_NUMBER = 1e15
"""Largest believable size, count or number of elements."""
MAX_OPERATIONS = 200_000
MAX_POSITIONS = 100_000
MAX_NAME = 200
_COMPONENTS = frozenset((*COMPONENTS, NORM, POINTWISE))


def build(fields: Fields, shape: StepShape, objective: str) -> Model:
    """The list of the file, for a batch of another size where one is asked for.

    Raises ConfigError for a file that is not one, and for sizes that it was not traced at.
    """
    if fields.values.get("format") != FORM:
        raise fields.error("format", f"must be {FORM!r}")
    if objective:
        raise ConfigError(f"an operation list has the objective that was traced: leave out {objective!r}")
    _require_traced(fields, shape)
    samples = _number(fields, "samples", least=1)
    once = frozenset(_names(fields, "once"))
    reader = _Reader(shape.sequences, samples, once)
    stages = tuple(
        reader.stage(stage, f"{fields.path}.stages[{index}]")
        for index, stage in enumerate(_rows(fields, "stages"))
    )
    if not reader.products:
        raise fields.error("stages", "must hold at least one matmul")
    family = fields.text("family")
    return Model(
        family=family if family.isprintable() and len(family) <= MAX_NAME else "traced",
        stages=stages,
        samples=shape.sequences,
        tokens=reader.scaled(_optional(fields, "tokens")),
        source_tokens=reader.scaled(_optional(fields, "source_tokens")),
        target_tokens=reader.scaled(_optional(fields, "target_tokens")),
        lora_targets=_names(fields, "lora_targets"),
        frozen=frozenset(_names(fields, "frozen")),
    )


def own_sizes(fields: Fields) -> StepShape:
    """The sizes of one sample as they were traced."""
    return StepShape(
        sequences=1,
        sequence_length=_size(fields, "sequence_length"),
        target_sequence_length=_size(fields, "target_sequence_length"),
        image_size=_size(fields, "image_size"),
    )


def _require_traced(fields: Fields, shape: StepShape) -> None:
    """ConfigError for a size of a sample that the list was not traced at."""
    for name, option in (
        ("sequence_length", "`seq_len=`"),
        ("target_sequence_length", "`tgt_seq_len=`"),
        ("image_size", "`image_size=`"),
    ):
        asked, traced = getattr(shape, name), _size(fields, name)
        if asked is not None and asked != traced:
            have = "has none" if traced is None else f"was traced at {traced}"
            raise ConfigError(
                f"{option} {asked}: this operation list {have}; leave it out, or trace inputs of that size"
            )
    for name in ("predicted_positions", "document_length"):
        if getattr(shape, name) is not None:
            raise ConfigError(f"`{name}=` does not change an operation list: leave it out")


class _Reader:
    """Reads stages; grows their work with the batch."""

    def __init__(self, sequences: Number, samples: Number, once: frozenset[str]) -> None:
        self.sequences, self.samples, self.once = sequences, samples, once
        self.operations = self.products = 0

    def scaled(self, value: Number | None) -> Any:
        """What was traced for its batch, at the batch that is asked for; whole where it can be."""
        if value is None or self.sequences == self.samples:
            return value
        whole = value * self.sequences
        if isinstance(whole, int) and isinstance(self.samples, int) and whole % self.samples == 0:
            return whole // self.samples
        return whole / self.samples

    def stage(self, raw: Any, path: str) -> Stage:
        """One stage, its layers in order."""
        if not isinstance(raw, list) or not raw:
            raise ConfigError(f"{path} must be a list of layers")
        return tuple(self.layer(_table(one, f"{path}[{index}]")) for index, one in enumerate(raw))

    def layer(self, fields: Fields) -> Layer:
        """One layer and the positions at which it stands."""
        operations = tuple(
            self.operation(_table(one, f"{fields.path}.operations[{index}]"))
            for index, one in enumerate(_rows(fields, "operations"))
        )
        return Layer(
            part=_name(fields, "part"),
            operations=operations,
            positions=_positions(fields),
            carries=_names(fields, "carries"),
            checkpointed=fields.flag("checkpointed", default=True),
            shared=fields.flag("shared", default=False),
        )

    def operation(self, fields: Fields) -> Operation:
        """One product, or one operation without products."""
        self.operations += 1
        if self.operations > MAX_OPERATIONS:
            raise ConfigError(f"the list holds more than {MAX_OPERATIONS} operations")
        kind: type[Matmul] | type[Pointwise] = Matmul if "matmul" in fields.values else Pointwise
        values: dict[str, Any] = {"name": _name(fields, "matmul" if kind is Matmul else "pointwise")}
        for key, value in fields.values.items():
            if key in ("matmul", "pointwise"):
                continue
            if key == "name" or key not in kind._fields:
                raise ConfigError(f"{fields.path}.{str(key)[:60]} is no field of an operation")
            values[key] = _value(fields, key, value)
        for key in kind._fields:
            if key not in values and key not in kind._field_defaults:
                raise ConfigError(f"{fields.path}.{key} is missing")
        if values["component"] not in _COMPONENTS:
            raise fields.error("component", f"must be one of {', '.join(sorted(_COMPONENTS))}")
        operation = kind(**values)
        if isinstance(operation, Pointwise):
            return self._grown(operation, "saved", "masks")
        _check(fields, operation)
        self.products += 1
        grown = "m" if operation.weights else "count"
        return self._grown(operation, grown, "full_flop", "causal_flop")

    def _grown(self, operation: Operation, *names: str) -> Operation:
        if self.sequences == self.samples or operation.name in self.once:
            return operation
        return operation._replace(**{name: self.scaled(getattr(operation, name)) for name in names})


def _check(fields: Fields, operation: Matmul) -> None:
    """ConfigError where the fields of a product contradict each other."""
    for name in ("m", "k", "n", "count"):
        if getattr(operation, name) <= 0:
            raise fields.error(name, "must be above 0")
    if operation.weights and not operation.inputs:
        raise fields.error("inputs", "must name what the weight multiplies")
    if not operation.weights and len(operation.inputs) > 2:
        raise fields.error("inputs", "names the two sides of a product")
    chosen = operation.chosen
    if chosen is not None and not 0 < chosen <= operation.weights:
        raise fields.error("chosen", "must lie above 0 and up to the weights")
    most = operation.dense_flop
    for name in ("full_flop", "causal_flop"):
        value = getattr(operation, name)
        if value is not None and value > most * 1.000001:
            raise fields.error(name, f"must not exceed the {most:g} FLOP of all pairs")


def _value(fields: Fields, name: str, value: Any) -> Any:
    """A field of an operation, of the type that it has."""
    if name == "inputs":
        return _names(fields, name)
    if name in ("output", "component"):
        return _name(fields, name)
    if name in ("tied", "scores", "fixed"):
        return fields.flag(name, default=False)
    if value is None and name in ("chosen", "full_flop", "causal_flop"):
        return None
    if name in ("groups", "taps", "heads"):
        return fields.size(name, minimum=0 if name == "heads" else 1, maximum=10**9)
    return _number(fields, name, most=1e60 if name.endswith("_flop") else MAX_NUMBER)


def _positions(fields: Fields) -> Positions:
    raw = fields.values.get("positions", [0])
    if isinstance(raw, Mapping):
        ends: tuple[Any, ...] = tuple(raw.get(key) for key in ("first", "stop", "step"))
        first, stop, step = ends
        if all(type(value) is int for value in ends) and 0 <= first < stop <= MAX_POSITIONS and step > 0:
            return range(first, stop, step)
        raise fields.error("positions", f"must have first < stop <= {MAX_POSITIONS} and step > 0")
    if not isinstance(raw, list) or not raw or len(raw) > MAX_POSITIONS:
        raise fields.error("positions", "must be a list of places in the stage")
    if any(type(value) is not int or not 0 <= value < MAX_POSITIONS for value in raw):
        raise fields.error("positions", f"must be whole numbers from 0 to {MAX_POSITIONS}")
    if any(later <= earlier for earlier, later in itertools.pairwise(raw)):
        raise fields.error("positions", "must rise")
    return tuple(raw)


def _rows(fields: Fields, name: str) -> list[Any]:
    value = fields.values.get(name)
    if not isinstance(value, list) or not value:
        raise fields.error(name, "must be a list that is not empty")
    return value


def _table(raw: Any, path: str) -> Fields:
    if not isinstance(raw, Mapping):
        raise ConfigError(f"{path} must be a table, not {shown(raw)}")
    return Fields(raw, path)


def _name(fields: Fields, name: str) -> str:
    value = fields.values.get(name)
    if not isinstance(value, str) or not value or len(value) > MAX_NAME or not value.isprintable():
        raise fields.error(name, f"must be a name of up to {MAX_NAME} letters")
    return value


def _names(fields: Fields, name: str) -> tuple[str, ...]:
    value = fields.values.get(name, [])
    if not isinstance(value, list) or not all(isinstance(one, str) and len(one) <= MAX_NAME for one in value):
        raise fields.error(name, "must be a list of names")
    return tuple(value)


def _number(fields: Fields, name: str, *, least: float = 0, most: float = MAX_NUMBER) -> Number:
    value = fields.values.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise fields.error(name, f"must be a number from {least:g} to {most:g}")
    if isinstance(value, float) and value.is_integer() and math.fabs(value) < 2**53:
        return int(value)
    return value


def _optional(fields: Fields, name: str) -> Number | None:
    return None if fields.values.get(name) is None else _number(fields, name)


def _size(fields: Fields, name: str) -> int | None:
    return None if fields.values.get(name) is None else fields.size(name)
