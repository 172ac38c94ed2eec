"""Recurrent cells, unrolled over time: one product for all inputs, and one per time step for the state.

The state before the first time step is constant, so the recurrent product of that step has no input
gradient. It is therefore a separate operation in the list.
"""

from __future__ import annotations

from footprint.flops.operations import POINTWISE, RECURRENCE, Matmul, Number, Operation, Pointwise, linear

GATES = {"lstm": 4, "gru": 3, "rnn": 1}


def recurrent_layer(
    batch: Number,
    steps: int,
    inputs: int,
    hidden: int,
    *,
    cell: str = "lstm",
    projection: int = 0,
    biases: int = 2,
    at_once: bool = True,
    source: str = "x",
    output: str = "x",
    prefix: str = "",
) -> tuple[Operation, ...]:
    """One direction of one layer; ``projection`` > 0 projects the state to that width at every step.

    ``biases`` is the number of bias vectors (torch has two, others one). ``at_once`` says whether the
    inputs of all steps are multiplied in one product, as in fused layers, or separately in each step.
    """
    gates = GATES[cell] * hidden
    width = projection or hidden
    state = prefix + "state"
    operations: list[Operation] = [
        Matmul(
            name=prefix + "input", component=RECURRENCE, inputs=(source,), output=state,
            m=batch * (steps if at_once else 1), k=inputs, n=gates, count=1 if at_once else steps,
            weights=1, bias=biases * gates,
        ),
        linear(prefix + "recurrent", RECURRENCE, prefix + "start", state, batch, width, gates),
    ]  # fmt: skip
    if steps > 1:
        operations.append(
            Matmul(
                name=prefix + "recurrent",
                component=RECURRENCE,
                inputs=(state,),
                output=state,
                m=batch,
                k=width,
                n=gates,
                count=steps - 1,
                weights=1,
                tied=True,
            )
        )
    last = state
    if projection:
        last = prefix + "projected"
        operations.append(
            Matmul(
                name=prefix + "projection",
                component=RECURRENCE,
                inputs=(state,),
                output=last,
                m=batch,
                k=hidden,
                n=projection,
                count=steps,
                weights=1,
            )
        )
    operations.append(pass_on(last, output))
    return tuple(operations)


def pass_on(source: str, output: str) -> Operation:
    """An operation without FLOPs that copies a result to the tensor that the next layer reads."""
    return Pointwise(name="output", component=POINTWISE, inputs=(source,), output=output)
