"""Bytes that one training step keeps and moves, from the same operation list.

What is kept for the backward pass is read off the tape: a product keeps its inputs, each tensor
once, if it needs them for a gradient; pointwise work says what it keeps. For a GPT block that
is the 34 s b h + 5 a s^2 b bytes of Korthikanti et al. 2022 (arXiv:2205.05198), term by term.
States are sharded as in ZeRO (Rajbhandari et al. 2020, arXiv:1910.02054).

Exact for the plan that is described; fragmentation, workspaces and communication buffers come
on top and belong to the time model.
"""

from __future__ import annotations

import math
from typing import Literal

from footprint.errors import FootprintError
from footprint.flops.operations import CORE, EXPERTS, Layer, Matmul, Model, Number
from footprint.flops.passes.gradients import Step, Trained, passes
from footprint.records import NamedTuple
from footprint.schema import Attention, Recompute

BYTE_PER_VALUE = {
    "fp64": 8.0,
    "fp32": 4.0,
    "tf32": 4.0,
    "fp16": 2.0,
    "bf16": 2.0,
    "fp8": 1.0,
    "int8": 1.0,
    "fp4": 0.5,
}
MIXED = frozenset({"fp16", "bf16", "fp8"})
"""Precisions trained with a 32-bit master copy of the weights; fp8 keeps its weights in 16 bit."""
OPTIMISER_BYTE = {
    "sgd": 0.0,
    "momentum": 4.0,
    "adagrad": 4.0,
    "adafactor": 4.0,
    "adam": 8.0,
    "adamw": 8.0,
    "lamb": 8.0,
}
"""32-bit optimiser state a trained parameter (Adafactor: the first moment; its second is factored)."""
MASTER_BYTE = 4.0
QUANTISED_BYTE = 0.5
"""A frozen weight under QLoRA: 4 bits; the scales of its blocks (1/64 of 16 bit) come on top."""
QUANTISED_SCALE_BYTE = 2.0 / 64.0

Zero = Literal[0, 1, 2, 3]


class Plan(NamedTuple):
    """How a step is split over devices."""

    data: int = 1
    tensor: int = 1
    pipeline: int = 1
    context: int = 1
    expert: int = 1
    zero: Zero = 0
    micro_batches: int = 1
    """Micro-batches a device works through in one step (gradient accumulation)."""
    sequence_parallel: bool = True
    """Tensor parallelism also splits what lies between the products (norms, dropout)."""


class Memory(NamedTuple):
    """Bytes on the fullest device, at the peak of a step."""

    weights_byte: float
    gradients_byte: float
    optimiser_byte: float
    """Optimiser state, and the 32-bit master weights of mixed precision."""
    activations_byte: float

    @property
    def total_byte(self) -> float:
        """All of it [byte]."""
        return sum(self)

    def fits(self, usable_byte: float) -> bool:
        """Whether it fits a device of whose memory so much can be filled."""
        return self.total_byte <= usable_byte


class Kept(NamedTuple):
    """What one layer keeps for its backward pass."""

    values: Number
    """Elements at the precision of the activations."""
    masks: Number
    """Elements of one byte."""
    sharded: Number
    """Those of ``values`` that tensor parallelism splits in any case: inside attention and MLP."""
    sharded_masks: Number
    boundary: Number
    """Elements of the layer's input: all that full recomputation keeps."""


def kept(
    layer: Layer, steps: list[Step], *, recompute: Recompute = "none", attention: Attention = "eager"
) -> Kept:
    """What one layer keeps for its backward pass, each tensor once."""
    values: Number = 0
    masks: Number = 0
    sharded: Number = 0
    sharded_masks: Number = 0
    boundary: Number = 0
    split: set[str] = set()
    seen: set[str] = set()
    no_scores = attention == "flash" or recompute == "selective"
    for operation, inputs, own in steps:
        inside = any(tensor in split for tensor in operation.inputs)
        size: Number = 0
        ones: Number = 0
        if (inside or type(operation) is Matmul) and operation.output not in layer.carries:
            split.add(operation.output)
        if type(operation) is Matmul:
            size = _inputs_kept(operation, inputs, own, seen, no_scores)
            if operation.weights and not boundary:
                boundary = operation.m * operation.k
        elif (inputs or own) and not (operation.component == CORE and no_scores):
            size, ones = operation.saved, operation.masks  # type: ignore[union-attr]
        else:
            continue
        values += size
        masks += ones
        if inside:
            sharded += size
            sharded_masks += ones
    return Kept(values, masks, sharded, sharded_masks, boundary)


def _inputs_kept(operation: Matmul, inputs: int, own: bool, seen: set[str], no_scores: bool) -> Number:
    """Elements of a product's inputs that its gradients need and that were not kept before.

    A tensor that several projections read is kept once; the two sides of a product of activations
    are always tensors of their own, though a fused projection may have made them together.
    """
    if operation.weights:
        tensor = operation.inputs[0]
        if not own or tensor in seen:
            return 0
        seen.add(tensor)
        return operation.m * operation.k * operation.count
    if not inputs:
        return 0
    left = operation.count * operation.m * operation.k
    right = operation.count * operation.k * operation.n / operation.groups
    if operation.component == CORE and not operation.scores and no_scores:
        left = 0  # the probabilities are computed again
    return left + right


def activation_byte(
    model: Model,
    trained: Trained,
    plan: Plan = Plan(),  # noqa: B008 - immutable
    *,
    precision: str = "bf16",
    recompute: Recompute = "none",
    attention: Attention = "flash",
) -> float:
    """Activations that one device keeps at the peak of a step [byte].

    ``model`` is the list of the global batch; a device holds one micro-batch of its share, and
    the first stage of a pipeline as many micro-batches as there are stages.
    """
    _check(plan)
    width = 2.0 if precision == "fp8" else _width(precision)
    share = 1.0 / (plan.data * plan.context * plan.micro_batches)
    blocks = others = largest = 0.0
    for layer, times, steps in passes(model, trained):
        part = kept(layer, steps, recompute=recompute, attention=attention)
        loose = width * float(part.values - part.sharded) + float(part.masks - part.sharded_masks)
        inner = width * float(part.sharded) + float(part.sharded_masks)
        size = loose / (plan.tensor if plan.sequence_parallel else 1) + inner / plan.tensor
        if not layer.checkpointed:
            others += times * size
        elif recompute == "full":
            blocks += times * width * float(part.boundary) / (plan.tensor if plan.sequence_parallel else 1)
            largest = max(largest, size)
        else:
            blocks += times * size
    in_flight = min(plan.pipeline, plan.micro_batches)
    return share * (blocks / plan.pipeline * in_flight + largest + others)


def state_byte(
    model: Model,
    trained: Trained,
    plan: Plan = Plan(),  # noqa: B008 - immutable
    *,
    precision: str = "bf16",
    optimizer: str = "adam",
    quantised: bool = False,
) -> Memory:
    """Weights, gradients and optimiser states of the fullest device, without activations [byte].

    ``quantised``: frozen weights of the blocks are held in 4 bits (QLoRA).
    """
    _check(plan)
    weight_byte = 2.0 if precision == "fp8" else _width(precision)
    if optimizer not in OPTIMISER_BYTE:
        raise FootprintError(f"optimizer {optimizer!r} is not known; it can be {', '.join(OPTIMISER_BYTE)}")
    weights = gradients = states = 0.0
    seen: set[int] = set()
    for layer, times, steps in passes(model, trained):
        copies = 1 if layer.shared else times
        if layer.shared and id(layer) in seen:
            continue
        seen.add(id(layer))
        for operation, _, own in steps:
            owned = copies * float(operation.parameters)
            if not owned:
                continue
            experts = operation.component == EXPERTS and type(operation) is Matmul and operation.weights > 1
            pieces = plan.tensor * (plan.expert if experts else 1)
            pieces *= plan.pipeline if layer.checkpointed else (1 if plan.pipeline == 1 else 2)
            replicas = max(1.0, plan.data * plan.context / (plan.expert if experts else 1))
            here = owned / pieces
            held = weight_byte
            if quantised and not own and layer.checkpointed and type(operation) is Matmul:
                held = QUANTISED_BYTE + QUANTISED_SCALE_BYTE
            weights += held * here / (replicas if plan.zero == 3 else 1.0)
            if own:
                gradients += weight_byte * here / (replicas if plan.zero >= 2 else 1.0)
                master = MASTER_BYTE if precision in MIXED else 0.0
                states += (OPTIMISER_BYTE[optimizer] + master) * here / (replicas if plan.zero >= 1 else 1.0)
    return Memory(weights, gradients, states, 0.0)


def memory(
    model: Model,
    trained: Trained,
    plan: Plan = Plan(),  # noqa: B008 - immutable
    *,
    precision: str = "bf16",
    optimizer: str = "adam",
    recompute: Recompute = "none",
    attention: Attention = "flash",
    quantised: bool = False,
) -> Memory:
    """What one training step keeps on the fullest device [byte]."""
    states = state_byte(model, trained, plan, precision=precision, optimizer=optimizer, quantised=quantised)
    activations = activation_byte(
        model, trained, plan, precision=precision, recompute=recompute, attention=attention
    )
    return states._replace(activations_byte=activations)


def moved_byte(
    model: Model, trained: Trained, *, precision: str = "bf16", attention: Attention = "flash"
) -> float:
    """Bytes that the products of one step read and write, forward and backward, each operand once [byte].

    Fused attention leaves its score matrix on the chip, so only queries, keys, values and
    outputs move.
    """
    width = _width(precision)
    total = 0.0
    for _, times, steps in passes(model, trained):
        for operation, inputs, own in steps:
            if type(operation) is not Matmul:
                continue
            m, k, n, count = (float(v) for v in (operation.m, operation.k, operation.n, operation.count))
            right = operation.weights * k * n if operation.weights else count * k * n / operation.groups
            operands = [count * m * k, right, count * m * n]
            if operation.component == CORE and attention == "flash":
                operands[2 if operation.scores else 0] = 0.0
            gradients = (min(inputs, 1) if operation.weights else inputs) + own
            total += times * (1 + gradients) * sum(operands)
    return width * total


def _width(precision: str) -> float:
    if precision not in BYTE_PER_VALUE:
        raise FootprintError(f"precision {precision!r} is not known; it can be {', '.join(BYTE_PER_VALUE)}")
    return BYTE_PER_VALUE[precision]


def _check(plan: Plan) -> None:
    for name in ("data", "tensor", "pipeline", "context", "expert", "micro_batches"):
        value = getattr(plan, name)
        if (
            isinstance(value, bool)
            or not isinstance(value, (int, float))
            or not math.isfinite(value)
            or value < 1
        ):
            raise FootprintError(f"{name} must be a number of at least 1, not {value!r}")
    if plan.zero not in (0, 1, 2, 3):
        raise FootprintError(f"the ZeRO stage must be 0, 1, 2 or 3, not {plan.zero!r}")
