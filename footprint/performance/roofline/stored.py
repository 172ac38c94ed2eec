"""What a layer keeps for the backward pass, and what it need not keep if it computes some of it again."""

from __future__ import annotations

from footprint.flops.operations import CORE, EXPERTS, ROUTER, Matmul, Pointwise
from footprint.flops.passes.gradients import Pass
from footprint.named_tuples import NamedTuple


class Stored(NamedTuple):
    """Elements that one layer keeps for the backward pass."""

    every: float
    unkept: float
    """Those of them that are written, not kept: inputs of products with frozen weights."""
    projected: float
    """Those that selective recomputation computes again: up-projections of latent attention."""


class Seconds(NamedTuple):
    """What one layer keeps and repeats where every second product is computed again."""

    kept: float
    """Elements beside the layer's inputs."""
    flop: float
    """Forward FLOPs of the products that are computed again [FLOP]."""
    every_flop: float
    """Forward FLOPs of all products with weights [FLOP]."""


def stored(group: Pass) -> Stored:
    """What one layer of a group keeps."""
    needed = {tensor for operation, _, own in group.steps if own for tensor in operation.inputs}
    seen: set[str] = set()
    every = unkept = projected = 0.0
    for operation, _, _ in group.steps:
        if isinstance(operation, Pointwise):
            if operation.component != CORE:  # the softmax is fused or counted with the scores
                every += operation.saved + 0.5 * operation.masks
            continue
        kept = _kept(operation, seen)
        every += kept
        if operation.weights and operation.inputs[0] not in needed:
            unkept += kept
        projected += kept if operation.latent else 0.0
    return Stored(every, unkept, projected)


def seconds(group: Pass) -> Seconds:
    """What one layer keeps where every second product is computed again.

    So does torchtitan (``SelectiveAC``): results of products are kept, but for every second one, those of
    the router and those of experts, which are one grouped product. With a bias they are another operation
    (``addmm``), and all are kept, as is the result of attention.
    """
    kept = again = every = 0.0
    number = 0
    for operation, _, _ in group.steps:
        if not isinstance(operation, Matmul) or operation.scores:
            continue
        result = float(operation.m * operation.n * operation.count)
        if not operation.weights:
            kept += result
            continue
        is_listed = operation.component not in (EXPERTS, ROUTER)
        is_counted = is_listed and not operation.bias
        number += is_counted
        flop = float(operation.dense_flop)
        every += flop
        if is_listed and not (is_counted and number % 2 == 0):
            kept += result
        else:
            again += flop
    return Seconds(kept, again, every)


def _kept(operation: Matmul, seen: set[str]) -> float:
    """Elements of a product's inputs that the backward pass needs; each tensor counts once."""
    if operation.scores:
        # Queries and keys; grouped keys are stored once per group.
        return float(operation.count * operation.k) * (operation.m + operation.n / operation.groups)
    if not operation.weights:
        return float(operation.count * operation.k * operation.n) / operation.groups
    if operation.inputs[0] in seen:
        return 0.0
    seen.add(operation.inputs[0])
    return float(operation.m * operation.k * operation.count) / operation.taps
