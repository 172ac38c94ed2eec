"""Sums over the operation list: forward, backward, recomputation, by component; and parameters."""

from __future__ import annotations

from dataclasses import field

from footprint.flops.gradients import Trained, passes
from footprint.flops.operations import CORE, EMBEDDING, Matmul, Model, Number
from footprint.records import record, state
from footprint.schema import Attention, Recompute


@record
class Parameters:
    """Parameters of a model, counted from the operation list."""

    total: Number
    active: Number
    """What one token meets: all but the experts it is not routed to."""
    trainable: Number
    non_embedding: Number
    """Without look-up tables (tokens, positions, types)."""


@state
class Tally:
    """FLOP of one training step, summed three ways."""

    forward: Number = 0
    backward: Number = 0
    causal: Number = 0
    """Forward and backward with only the pairs that masks leave."""
    dense_forward: Number = 0
    """As eager code executes it: masked pairs and pairs outside windows included."""
    dense_backward: Number = 0
    recomputed: Number = 0
    """Forward work that is done again in the backward pass."""
    executed: Number = 0
    """Forward, backward and recomputation as the hardware executes them."""
    trainable: Number = 0
    components: dict[str, Number] = field(default_factory=dict)
    """Forward and backward, full attention, by component."""


def tally(
    model: Model, trained: Trained, recompute: Recompute = "none", attention: Attention = "eager"
) -> Tally:
    """Forward, backward and recomputed FLOP of one step [FLOP].

    Full recomputation repeats the forward pass of every block that the backward pass comes
    through; selective recomputation repeats the attention core. Fused attention repeats Q K^T
    in its backward kernel, which is what selective recomputation would save, so the two do not add.
    """
    result = Tally()
    components = result.components
    eager = attention == "eager"
    shared: set[int] = set()
    for group in passes(model, trained):
        layer, times = group.layer, group.times
        again_all = recompute == "full" and layer.checkpointed and group.backward
        for operation, inputs, own in group.steps:
            if own:
                if not layer.shared:
                    result.trainable += times * operation.parameters
                elif id(operation) not in shared:
                    shared.add(id(operation))
                    result.trainable += operation.parameters
            if type(operation) is not Matmul:
                continue
            weights = operation.weights
            repeats = (min(inputs, 1) if weights else inputs) + own
            dense = times * operation.dense_flop
            full = dense if operation.full_flop is None else times * operation.full_flop
            causal = dense if operation.causal_flop is None else times * operation.causal_flop
            result.forward += full
            result.backward += repeats * full
            result.causal += (1 + repeats) * causal
            result.dense_forward += dense
            result.dense_backward += repeats * dense
            name = operation.component
            components[name] = components.get(name, 0) + (1 + repeats) * full
            executed = dense if eager else full
            if again_all or (
                eager and recompute == "selective" and name == CORE and repeats and layer.checkpointed
            ):
                result.recomputed += executed
            if not eager and operation.scores and repeats:
                result.recomputed += executed
    result.executed = result.recomputed + (
        result.dense_forward + result.dense_backward if eager else result.forward + result.backward
    )
    return result


def parameters(model: Model, trainable: Number) -> Parameters:
    """Parameters of the model, each counted once however often it is used."""
    total: Number = 0
    idle: Number = 0
    tables: Number = 0
    for stage in model.stages:
        for layer in stage:
            copies = 1 if layer.shared else len(layer.positions)
            for operation in layer.operations:
                owned = operation.parameters
                if not owned:
                    continue
                total += copies * owned
                if type(operation) is Matmul:
                    idle += copies * operation.idle_parameters
                elif operation.component == EMBEDDING:
                    tables += copies * owned
    return Parameters(total=total, active=total - idle, trainable=trainable, non_embedding=total - tables)
