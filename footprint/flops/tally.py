"""Sums over the operation list: forward, backward, recomputation, by component; and parameters."""

from __future__ import annotations

from footprint.flops.gradients import Trained, passes
from footprint.flops.operations import CORE, EMBEDDING, Matmul, Model, Number
from footprint.records import NamedTuple, record
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


class Tally(NamedTuple):
    """FLOP of one training step, summed three ways."""

    forward: Number
    backward: Number
    causal: Number
    """Forward and backward with only the pairs that masks leave."""
    dense_forward: Number
    """As eager code executes it: masked pairs and pairs outside windows included."""
    dense_backward: Number
    recomputed: Number
    """Forward work that is done again in the backward pass."""
    executed: Number
    """Forward, backward and recomputation as the hardware executes them."""
    parameters: Parameters
    components: dict[str, Number]
    """Forward and backward, full attention, by component."""


def tally(
    model: Model, trained: Trained, recompute: Recompute = "none", attention: Attention = "eager"
) -> Tally:
    """Forward, backward and recomputed FLOP of one step [FLOP].

    Full recomputation repeats the forward pass of every block that the backward pass comes
    through; selective recomputation repeats the attention core. Fused attention repeats Q K^T
    in its backward kernel, which is what selective recomputation would save, so the two do not add.
    """
    eager = attention == "eager"
    selective = eager and recompute == "selective"
    full_pass = recompute == "full"
    forward: Number = 0
    backward: Number = 0
    causal_sum: Number = 0
    dense_forward: Number = 0
    dense_backward: Number = 0
    again: Number = 0
    total: Number = 0
    idle: Number = 0
    tables: Number = 0
    trainable: Number = 0
    components: dict[str, Number] = {}
    shared: set[int] = set()
    for group in passes(model, trained):
        layer, times, steps = group
        again_all = full_pass and layer.checkpointed and group.backward
        copies = times
        if layer.shared:  # one set of parameters, counted where it is first met
            copies = 0 if id(layer) in shared else 1
            shared.add(id(layer))
        for operation, inputs, own in steps:
            owned = copies * operation.parameters
            total += owned
            if own:
                trainable += owned
            if type(operation) is not Matmul:
                if operation.component == EMBEDDING:
                    tables += owned
                continue
            if operation.chosen is not None:
                idle += copies * operation.idle_parameters
            dense = full = causal = times * operation.dense_flop
            if operation.full_flop is not None:
                full = times * operation.full_flop
            if operation.causal_flop is not None:
                causal = times * operation.causal_flop
            gradients = (1 if inputs and operation.weights else inputs) + own
            forward += full
            backward += gradients * full
            causal_sum += (1 + gradients) * causal
            dense_forward += dense
            dense_backward += gradients * dense
            name = operation.component
            components[name] = components.get(name, 0) + (1 + gradients) * full
            if again_all or (selective and name == CORE and gradients and layer.checkpointed):
                again += dense if eager else full
            if not eager and operation.scores and gradients:
                again += full
    executed = dense_forward + dense_backward if eager else forward + backward
    return Tally(
        forward=forward,
        backward=backward,
        causal=causal_sum,
        dense_forward=dense_forward,
        dense_backward=dense_backward,
        recomputed=again,
        executed=executed + again,
        parameters=Parameters(
            total=total, active=total - idle, trainable=trainable, non_embedding=total - tables
        ),
        components=components,
    )
