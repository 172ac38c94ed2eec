"""Finds the gradients that each operation needs, by passing through each kind of layer once or twice.

The backward pass of Y = X W has two products of the same size as the forward product: the input gradient
is needed if X depends on trained parameters, the weight gradient if W is trained. A product of two
activations needs one gradient for each side that depends on trained parameters. These rules cover frozen
parts, adapters, first layers and the first time step of a recurrence.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from footprint.flops.operations import ADAPTERS, EMBEDDING, HEAD, Layer, Model, Operation, Positions, Stage
from footprint.named_tuples import NamedTuple
from footprint.records import record

Step = tuple[Operation, int, bool]
"""An operation, the number of input gradients it needs, and whether its parameters are trained."""


@record
class Trained:
    """The trained part of a model: everything except the frozen parts, or only adapters."""

    adapters_only: bool = False
    frozen: frozenset[str] = frozenset()
    """Names of frozen parts and operations."""
    spans: tuple[tuple[str, int, int], ...] = ()
    """Frozen blocks as (part, first, last + 1); the part "" means every part."""
    tied: bool = False
    """Whether the matrix that the head shares with the embeddings is frozen."""
    inputs: bool = False
    """Whether the results of look-ups need a gradient although the tables are frozen."""

    @property
    def everything(self) -> bool:
        """Whether nothing is frozen."""
        return not (self.adapters_only or self.frozen or self.spans or self.inputs)

    def reaches(self, layer: Layer, index: int) -> bool:
        """Whether the layer at this position may have trained parameters."""
        if layer.part in self.frozen:
            return False
        return not any(
            first <= index < stop and (part == layer.part or (not part and layer.checkpointed))
            for part, first, stop in self.spans
        )

    def trains(self, operation: Operation) -> bool:
        """Whether an operation of such a layer has trained parameters."""
        if self.adapters_only:
            return operation.component == ADAPTERS
        if self.tied and operation.tied and operation.component in (HEAD, EMBEDDING):
            return False
        return operation.name not in self.frozen


class Pass(NamedTuple):
    """``times`` layers of one kind that need the same gradients."""

    layer: Layer
    times: int
    steps: list[Step]

    @property
    def backward(self) -> bool:
        """Whether the backward pass reaches these layers."""
        return any(inputs or trained for _, inputs, trained in self.steps)


def passes(model: Model, trained: Trained) -> Iterator[Pass]:
    """The layers of a model, in order, grouped by the gradients they need.

    The set of tensors that need a gradient only grows along the model. So a stage of any depth has few
    groups: the layers before the first one that enlarges the set, that layer, and the rest.
    """
    needs: frozenset[str] = frozenset()
    for stage in model.stages:
        for start, stop in _spans(stage, trained):
            while start < stop:
                walks = [(layer, *_walk(layer, needs, trained, start)) for layer in stage]
                turn, after = stop, needs
                for layer, _, grown in walks:
                    if grown is not needs and (first := _first(layer.positions, start)) < turn:
                        turn, after = first + 1, grown
                for layer, steps, _ in walks:
                    times = _within(layer.positions, start, turn)
                    if times:
                        yield Pass._make((layer, times, steps))
                start, needs = turn, after


def _spans(stage: Stage, trained: Trained) -> list[tuple[int, int]]:
    """Ranges of positions in which the same layers are frozen."""
    stop = max([layer.positions[-1] for layer in stage]) + 1
    if not trained.spans:
        return [(0, stop)]
    edges = {edge for _, *span in trained.spans for edge in span if 0 < edge < stop}
    return list(pairwise([0, *sorted(edges), stop]))


def _walk(
    layer: Layer, needs: frozenset[str], trained: Trained, index: int
) -> tuple[list[Step], frozenset[str]]:
    """The gradients that each operation needs, and the tensors that need a gradient after the layer.

    If the layer adds no tensor, the set is the same object as the given one.
    """
    everything = trained.everything
    reached = everything or trained.reaches(layer, index)
    live = set(needs)
    steps: list[Step] = []
    for operation in layer.operations:
        inputs = 0
        for tensor in operation.inputs:
            if tensor in live:
                inputs += 1
        own = reached and operation.learns and (everything or trained.trains(operation))
        if inputs or own or (trained.inputs and operation.component == EMBEDDING and not operation.inputs):
            live.add(operation.output)
        steps.append((operation, inputs, own))
    grown = live.intersection(layer.carries)
    return steps, needs if needs.issuperset(grown) else needs | grown


def _before(positions: Positions, index: int) -> int:
    """Number of positions before ``index``."""
    if isinstance(positions, range):
        return max(0, min(len(positions), -((positions.start - index) // positions.step)))
    from bisect import bisect_left  # few models need it

    return bisect_left(positions, index)


def _first(positions: Positions, start: int) -> int:
    """The first position at or after ``start``; a very large number if there is none."""
    passed = _before(positions, start)
    return positions[passed] if passed < len(positions) else 2**62


def _within(positions: Positions, start: int, stop: int) -> int:
    """Number of positions in [start, stop)."""
    if start <= positions[0] and positions[-1] < stop:
        return len(positions)
    return _before(positions, stop) - _before(positions, start)
