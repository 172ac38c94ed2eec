"""Sums over the operation list: forward, backward, recomputation, by component; and parameters."""

from __future__ import annotations

from footprint.flops.operations import CORE, EMBEDDING, Matmul, Model, Number
from footprint.flops.passes.gradients import Trained, passes
from footprint.named_tuples import NamedTuple
from footprint.records import record
from footprint.vocabulary import Attention, Recompute


@record
class Parameters:
    """Parameters of a model, counted from the operation list."""

    total: Number
    active: Number
    """Parameters used for one token: all except the experts to which it is not routed."""
    trainable: Number
    non_embedding: Number
    """Parameters without look-up tables (tokens, positions, types)."""


class Totals(NamedTuple):
    """FLOP of one training step in several sums."""

    forward: Number
    backward: Number
    causal: Number
    """Forward and backward, with only the attention pairs within masks."""
    dense_forward: Number
    """Forward pass as eager code executes it, including masked pairs and pairs outside windows."""
    dense_backward: Number
    recomputed: Number
    """Forward work that is repeated for the backward pass."""
    executed: Number
    """Forward, backward and recomputation as the hardware executes them."""
    parameters: Parameters
    components: dict[str, Number]
    """Forward and backward, full attention, by component."""


def totals(
    model: Model, trained: Trained, recompute: Recompute = "none", attention: Attention = "eager"
) -> Totals:
    """Forward, backward and recomputed FLOP of one step [FLOP].

    Full recomputation repeats the forward pass of every block that the backward pass reaches. Selective
    recomputation repeats the attention core. Fused attention repeats Q K^T in its backward kernel;
    selective recomputation adds nothing to that.
    """
    fused, skips = attention != "eager", attention == "flash"
    selective = not fused and recompute == "selective"
    full_pass = recompute == "full"
    forward: Number = 0
    backward: Number = 0
    masked: Number = 0
    outside_forward: Number = 0
    outside_backward: Number = 0
    recomputed: Number = 0
    total: Number = 0
    idle: Number = 0
    tables: Number = 0
    trainable: Number = 0
    components: dict[str, Number] = {}
    shared: set[int] = set()
    for group in passes(model, trained):
        layer, times, steps = group
        repeated = full_pass and layer.checkpointed and group.backward
        copies = times
        if layer.shared:  # one set of parameters, counted once
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
            dense = full = times * operation.dense_flop
            gradients = (1 if inputs and operation.weights else inputs) + own
            if operation.full_flop is not None:
                full = times * operation.full_flop
                outside_forward += dense - full
                outside_backward += gradients * (dense - full)
            if operation.causal_flop is not None:
                masked += (1 + gradients) * (full - times * operation.causal_flop)
            forward += full
            backward += gradients * full
            name = operation.component
            components[name] = components.get(name, 0) + (1 + gradients) * full
            if repeated or (selective and name == CORE and gradients and layer.checkpointed):
                recomputed += full if skips else dense
            if fused and operation.scores and gradients:
                recomputed += full if skips else dense
    outside = 0 if skips else outside_forward + outside_backward
    return Totals(
        forward=forward,
        backward=backward,
        causal=forward + backward - masked,
        dense_forward=forward + outside_forward,
        dense_backward=backward + outside_backward,
        recomputed=recomputed,
        executed=forward + backward + outside + recomputed,
        parameters=Parameters(
            total=total, active=total - idle, trainable=trainable, non_embedding=total - tables
        ),
        components=components,
    )
