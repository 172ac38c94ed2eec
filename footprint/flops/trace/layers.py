"""From the tape of a trace to stages of layers: equal blocks become one layer with many positions."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from footprint.flops.operations import POINTWISE, Layer, Model, Operation, Pointwise, Stage
from footprint.flops.passes.methods import prepare
from footprint.flops.passes.totals import totals
from footprint.flops.trace.blocks import block_names
from footprint.flops.trace.chunks import Chunk, chunks_of
from footprint.flops.trace.names import Names
from footprint.flops.trace.recorder import Recorder
from footprint.flops.trace.writing import Writer
from footprint.schema import TrainingMethod

if TYPE_CHECKING:
    import torch


def model_of(recorder: Recorder, module: torch.nn.Module, **sizes: Any) -> tuple[Model, tuple[str, ...]]:
    """The operation list of a trace, and the operations whose work does not grow with the batch."""
    blocks = block_names(module, recorder.calls)
    chunks = chunks_of(recorder, blocks)
    names = Names(recorder.values, chunks)
    writer = Writer(recorder, names, module)
    stages: list[Stage] = []
    run: list[tuple[Chunk, Layer]] = []
    for chunk in chunks:
        layer = writer.layer(chunk)
        if not layer.operations:
            continue
        if chunk.block is not None:
            run.append((chunk, layer))
            continue
        stages += _stages(run)
        run = []
        stages.append((layer,))
    stages += _stages(run)
    unused = _unused(recorder)
    if unused:
        last = stages[-1][-1]
        end = last._replace(
            part="head", positions=range(1), operations=unused, checkpointed=False, shared=False
        )
        stages.append((end,))
    model = Model(
        family="traced",
        stages=tuple(stages),
        lora_targets=writer.lora_targets(),
        frozen=frozenset(writer.frozen),
        **sizes,
    )
    return model, tuple(sorted(writer.once))


def differences(model: Model, forward: int, backward: int) -> tuple[str, ...]:
    """What is said of a list that has not what torch counted, to one part in a thousand."""
    sums = totals(*prepare(model, TrainingMethod()))
    pairs = (("forward", sums.dense_forward, forward), ("backward", sums.dense_backward, backward))
    return tuple(
        f"the {name} pass of the list has {ours:.4g} FLOP, and torch counts {theirs:.4g}"
        for name, ours, theirs in pairs
        if abs(ours - theirs) > theirs / 1000
    )


def _stages(run: list[tuple[Chunk, Layer]]) -> list[Stage]:
    """One stage of consecutive blocks, equal ones as one layer."""
    if not run:
        return []
    places: dict[Layer, list[int]] = {}
    weights: dict[Layer, set[tuple[str, ...]]] = {}
    for position, (chunk, layer) in enumerate(run):
        places.setdefault(layer, []).append(position)
        weights.setdefault(layer, set()).add(chunk.weights)
    stage = []
    for layer, positions in places.items():
        steps = {later - earlier for earlier, later in itertools.pairwise(positions)}
        even = len(steps) <= 1
        step = steps.pop() if steps else 1
        where = range(positions[0], positions[-1] + 1, step) if even else tuple(positions)
        shared = len(positions) > 1 and len(weights[layer]) == 1 and weights[layer] != {()}
        stage.append(layer._replace(positions=where, shared=shared))
    return [tuple(stage)]


def _unused(recorder: Recorder) -> tuple[Operation, ...]:
    """Parameters that took no part."""
    left = sum(recorder.left.values())
    if not left:
        return ()
    frozen = not any(recorder.parameters[name].requires_grad for name, n in recorder.left.items() if n)
    unused = Pointwise("unused", POINTWISE, (), "unused", parameters=left, fixed=frozen)
    return (unused,)
