"""Which operations need which gradient, found by walking each kind of layer's tape once or twice.

Backward of Y = X W is two products of the forward's size: the input gradient, if anything
upstream of X is trained, and the weight gradient, if W is. A product of two activations needs
one product for each side that anything trained lies upstream of. Frozen parts, adapters, first
layers and the first time step of a recurrence follow from this without special cases.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from itertools import pairwise

from footprint.flops.operations import ADAPTERS, EMBEDDING, HEAD, Layer, Model, Operation, Positions, Stage
from footprint.records import NamedTuple, record

Step = tuple[Operation, int, bool]
"""An operation, the number of input gradients it needs, and whether its parameters are trained."""


@record
class Trained:
    """What is trained: all but the frozen parts, layers and operations; or only adapters."""

    adapters_only: bool = False
    frozen: frozenset[str] = frozenset()
    """Frozen parts and operations, by name."""
    spans: tuple[tuple[str, int, int], ...] = ()
    """Frozen blocks: (part, or "" for every part; first; one past the last)."""
    tied: bool = False
    """The matrix that the head shares with the embeddings is frozen."""
    inputs: bool = False
    """What look-ups give needs a gradient though the tables are frozen."""

    @property
    def everything(self) -> bool:
        """Nothing is frozen."""
        return not (self.adapters_only or self.frozen or self.spans or self.inputs)

    def reaches(self, layer: Layer, index: int) -> bool:
        """Whether anything of the layer at this position may be trained."""
        if layer.part in self.frozen:
            return False
        return not any(
            first <= index < stop and (part == layer.part or (not part and layer.checkpointed))
            for part, first, stop in self.spans
        )

    def trains(self, operation: Operation) -> bool:
        """Whether an operation of such a layer has parameters that are trained."""
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
        """Whether the backward pass comes through these layers at all."""
        return any(inputs or trained for _, inputs, trained in self.steps)


def passes(model: Model, trained: Trained) -> Iterator[Pass]:
    """The layers of a model, in order, grouped by the gradients they need.

    What needs a gradient only ever grows along the model, so a stage of any depth falls into a
    few groups: the layers before the first that makes something need a gradient, that one, the rest.
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
    """Stretches of positions over which the same layers are frozen."""
    stop = max([layer.positions[-1] for layer in stage]) + 1
    if not trained.spans:
        return [(0, stop)]
    edges = {edge for _, *span in trained.spans for edge in span if 0 < edge < stop}
    return list(pairwise([0, *sorted(edges), stop]))


def _walk(
    layer: Layer, needs: frozenset[str], trained: Trained, index: int
) -> tuple[list[Step], frozenset[str]]:
    """The gradients each operation needs, and the tensors that need one after the layer.

    The latter is the very set that was given where the layer adds nothing to it.
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
    """How many of the positions come before ``index``."""
    if isinstance(positions, range):
        return max(0, min(len(positions), -((positions.start - index) // positions.step)))
    return bisect_left(positions, index)


def _first(positions: Positions, start: int) -> int:
    """The first of the positions at or after ``start``; beyond every model if there is none."""
    passed = _before(positions, start)
    return positions[passed] if passed < len(positions) else 2**62


def _within(positions: Positions, start: int, stop: int) -> int:
    """How many of the positions lie in [start, stop)."""
    if start <= positions[0] and positions[-1] < stop:
        return len(positions)
    return _before(positions, stop) - _before(positions, start)
