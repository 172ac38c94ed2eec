"""The operation lines of a step, summed once for one tensor split.

The time of a step is linear in the data that one accelerator handles and in the number of its
micro-batches. So the lines are added up once for each number of tensor ranks, and every layout and
batch is then evaluated from a dozen sums, as plain numbers or as arrays.
"""

from __future__ import annotations

from footprint.arithmetic import Number
from footprint.flops.operations import CONVOLUTION, CORE, EXPERTS, HEAD, RECURRENCE
from footprint.performance.roofline.machine import NARROW, Machine
from footprint.performance.roofline.work import Line, Work
from footprint.records import record

THIN = 128
"""Products with a side this thin (adapters, routers) stay in 16 bits in a narrow run."""
ALIGNED = 64
"""Matrix units take tiles of so many elements; a side that is no multiple of it runs slower."""
RAMP_PEAK = 312e12
"""Peak for which ``ramp_depth`` is given: an A100's, 16 bits [FLOP/s]."""
NARROW_MOVED_BYTE = 1.5
"""Narrow operands are read as one byte and products are written as two: their mean [byte]."""
FROZEN_CASTS = 1.5
"""Casts of a product whose weights are frozen: it needs no transposed copies of its operands."""


@record
class Sums:
    """Seconds of one step by what they scale with, for one tensor split, on one accelerator that does it all.

    ``_repeated`` is what the executed-again forward pass of a recomputed block adds. ``weights`` are
    read once a micro-batch; those of experts are divided among the expert ranks as well.
    """

    compute: Number = 0.0
    compute_repeated: Number = 0.0
    moved: Number = 0.0
    """Operands and products of the data."""
    moved_repeated: Number = 0.0
    weights: float = 0.0
    weights_repeated: float = 0.0
    expert_weights: float = 0.0
    expert_weights_repeated: float = 0.0
    casts: Number = 0.0
    weight_casts: float = 0.0
    expert_weight_casts: float = 0.0
    attention: Number = 0.0
    attention_repeated: Number = 0.0
    head_compute: Number = 0.0
    head_moved: Number = 0.0
    head_weights: float = 0.0
    head_expert_weights: float = 0.0


def sum_lines(work: Work, machine: Machine, tensor_ranks: int, *, flash: bool) -> Sums:
    """The sums over all lines of a step, split over so many tensor ranks."""
    found = dict.fromkeys(Sums.__dataclass_fields__, 0.0)
    for line in work.blocks:
        backward = 1.0 if line.gradients else 0.0
        if line.component == CORE:
            first, repeated = _attention(line, machine, flash=flash)
            found["attention"] += first
            found["attention_repeated"] += repeated
            continue
        compute_s, moved_s, weight_s = _product(line, machine, tensor_ranks)
        ramp, ramp_repeated = _ramp(line, machine, tensor_ranks)
        passes = 1.0 + line.gradients
        found["compute"] += compute_s * (passes + ramp + _wide_gradient(line, machine))
        found["compute_repeated"] += compute_s * (backward + ramp_repeated)
        found["moved"] += moved_s * passes
        found["moved_repeated"] += moved_s * backward
        kind = "expert_weights" if line.component == EXPERTS else "weights"
        found[kind] += weight_s * passes
        found[f"{kind}_repeated"] += weight_s * backward
        data_s, weights_s = _casts(line, machine, tensor_ranks)
        times = passes if line.owned else FROZEN_CASTS
        found["casts"] += data_s * times
        found["expert_weight_casts" if line.component == EXPERTS else "weight_casts"] += weights_s * times
    for line in work.others:
        wide = line.component == HEAD
        compute_s, moved_s, weight_s = _product(line, machine, tensor_ranks, wide=wide)
        passes = 1.0 + line.gradients
        found["head_compute"] += compute_s * passes
        found["head_moved"] += moved_s * passes
        found["head_expert_weights" if line.component == EXPERTS else "head_weights"] += weight_s * passes
    return Sums(**found)


def _product(
    line: Line, machine: Machine, tensor_ranks: int, *, wide: bool = False
) -> tuple[float, float, float]:
    """Seconds of one pass over a product: its FLOPs, its data, and its weights once a micro-batch."""
    constants = machine.constants
    wide = wide or min(line.k, line.n) <= THIN
    rate = machine.rate
    if line.component == CONVOLUTION:
        rate = constants["convolution_rate"] if machine.bytes <= 2 else constants["convolution_rate_wide"]
    elif line.component == RECURRENCE and (line.count > 1 or not line.weights):
        # Projections of all tokens at once, as in state-space models, are products like any other.
        rate = constants["recurrence_rate"]
    elif machine.is_gpu and machine.bytes <= 2:
        small = min(line.k, line.n)
        if small >= ALIGNED and (small / tensor_ranks) % ALIGNED:
            rate /= constants["misaligned"]
    compute_s = line.dense_flop / ((machine.wide_peak if wide else machine.peak) * rate)
    narrow = machine.precision in NARROW and not wide
    # Tensor ranks split one side of a product and keep the other whole.
    moved = _rows(line) * (line.k / line.taps + line.n) * 0.5 * (1.0 + 1.0 / tensor_ranks)
    moved_s = moved * (NARROW_MOVED_BYTE if narrow else machine.bytes) / machine.memory
    # A recurrence reads its weights again at every step of the sequence.
    reads = line.count if line.component == RECURRENCE else 1.0
    weight_s = _weight(line) * reads / tensor_ranks * (1.0 if narrow else machine.bytes) / machine.memory
    return compute_s, moved_s, weight_s


def _rows(line: Line) -> float:
    return line.m * line.count * line.times


def _weight(line: Line) -> float:
    """Elements of the weights of all layers."""
    return line.k * line.n * max(line.weights, 1.0) * line.times


def _casts(line: Line, machine: Machine, tensor_ranks: int) -> tuple[float, float]:
    """Seconds of the casts of a product to the narrow precision: of its data, and of its weights once a step.

    16 bits are read and 8 written, once as they stand and once transposed, for operands and
    gradients. Frozen weights are cast once before the run.
    """
    if machine.precision not in NARROW or min(line.k, line.n) <= THIN:
        return 0.0, 0.0
    byte_s = machine.constants["cast_byte"] / machine.memory / tensor_ranks
    return byte_s * _rows(line) * (line.k + line.n), byte_s * _weight(line) if line.owned else 0.0


def _ramp(line: Line, machine: Machine, tensor_ranks: int) -> tuple[float, float]:
    """What filling and draining the matrix units adds to the passes over a product, over one pass [1].

    Each output tile pays it once, however deep the product is, so it weighs as so many more
    columns of depth: the more, the faster the chip. Weight gradients are as deep as the batch.
    The second number is what a repeated forward pass adds.
    """
    if not line.weights or not machine.is_gpu or machine.bytes > 2:
        return 0.0, 0.0
    # Tensor parallelism splits the depth of every second product.
    depth = machine.constants["ramp_depth"] * machine.peak / RAMP_PEAK * 0.5 * (1.0 + tensor_ranks)
    backward = depth / line.n if line.gradients > line.owned else 0.0
    return depth / line.k + backward, depth / line.k if line.gradients else 0.0


def _wide_gradient(line: Line, machine: Machine) -> float:
    """What a weight gradient in 16 bits costs above one in the narrow precision (TPU int8), in passes [1]."""
    if machine.precision != "int8" or not line.owned:
        return 0.0
    return machine.peak / machine.wide_peak - 1.0


def _attention(line: Line, machine: Machine, *, flash: bool) -> tuple[float, float]:
    """Seconds of one of the two attention products, and of its repetition where blocks are recomputed."""
    backward = 1.0 if line.gradients else 0.0
    passes = 1.0 + line.gradients
    if flash:
        # Fused kernels skip what the mask hides and compute Q K^T again in the backward pass.
        one_s = line.causal_flop / (machine.wide_peak * machine.flash_rate)
        passes += backward if line.scores else 0.0
    else:
        one_s = line.dense_flop / (machine.wide_peak * machine.core_rate)
    return one_s * passes, one_s * backward
