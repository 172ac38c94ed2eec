"""The operation lines of a step, summed once for one tensor split.

The time of a step is linear in the data that one accelerator handles and in its number of
micro-batches. So the lines are summed once for each number of tensor ranks. Every layout and batch is
then evaluated from these few sums, with plain numbers or arrays.
"""

from __future__ import annotations

from footprint.arithmetic import Number
from footprint.flops.operations import ADAPTERS, CONVOLUTION, CORE, EXPERTS, HEAD, RECURRENCE
from footprint.performance.roofline.adapters import adapter_s, wide_byte
from footprint.performance.roofline.machine import Machine
from footprint.performance.roofline.work import Line, Work
from footprint.records import names_of, record
from footprint.vocabulary import NARROW

LANES = 128
"""Width of the vectors and of the matrix units of TPUs, which narrower heads do not fill."""
THIN = 128
"""Largest side of products (adapters, routers) that stay in 16 bits in a run of narrower precision."""
ALIGNED = 64
"""Tile size of matrix units; a product with a side that is no multiple of it runs slower."""
RAMP_PEAK = 312e12
"""Peak to which ``ramp_depth`` refers: that of an A100 in 16 bits [FLOP/s]."""
NARROW_MOVED_BYTE = 1.5
"""Mean bytes per element of a product in narrow precision: operands have 1 byte, results 2 [byte]."""
FROZEN_CASTS = 0.5
"""Casts of a product with frozen weights, which needs no transposed copies of its operands, over one with
trained weights."""
DISPATCHES = 5.0
"""Products with matrices of ones and zeros in a step: to the experts and back, the gradients of what they
take, and that of the weights with which results come back. Recomputation repeats the first."""
VECTOR = ("fp32", "fp64")
"""Precisions of which GPUs compute convolutions on their vector units."""
WINOGRAD_TAPS = 9.0
"""Kernel positions of a convolution that vector units compute by minimal filtering: 3 by 3."""
WINOGRAD = 36.0 / 16.0
"""Multiplications of such a convolution, computed directly, over those of F(2x2, 3x3), which cuDNN takes in
fp32 (Lavin and Gray 2016, arXiv:1509.09308). The few with a stride of 2 are counted so, too."""


@record
class Sums:
    """Seconds of one step on a single accelerator, by what they scale with, for one tensor split.

    ``_repeated`` is the added time of the second forward pass of recomputed blocks. ``weights`` are
    read once per micro-batch; the weights of experts are also divided among the expert ranks.
    """

    compute: Number = 0.0
    compute_repeated: Number = 0.0
    moved: Number = 0.0
    """Memory traffic of activations."""
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
    found = dict.fromkeys(names_of(Sums), 0.0)
    dense, adapter_byte = not work.experts, wide_byte(machine)
    if work.padded and machine.one_hot:
        dispatch_s = _dispatch_s(work, machine)
        found["compute"] += DISPATCHES * dispatch_s
        found["compute_repeated"] += dispatch_s
    for line in work.blocks:
        backward = 1.0 if line.gradients else 0.0
        if line.component == CORE:
            first, repeated = _attention(line, machine, flash=flash, masked=work.masked)
            found["attention"] += first
            found["attention_repeated"] += repeated
            continue
        compute_s, moved_s, weight_s = _product(line, machine, tensor_ranks, dense=dense)
        if line.traffic is not None:
            moved_s, weight_s = line.traffic / tensor_ranks * machine.bytes / machine.memory, 0.0
        ramp, ramp_repeated = _ramp(line, machine, tensor_ranks)
        passes = 1.0 + line.gradients
        if line.last:
            backward *= machine.recomputes_last
            ramp_repeated *= machine.recomputes_last
        found["compute"] += compute_s * (passes + ramp + _wide_gradient(line, machine))
        found["compute_repeated"] += compute_s * (backward + ramp_repeated)
        step_s, repeated_s = moved_s * passes, moved_s * backward
        if line.component == ADAPTERS and adapter_byte is not None:
            step_s, repeated_s = adapter_s(line, adapter_byte, machine, tensor_ranks)
        found["moved"] += step_s
        found["moved_repeated"] += repeated_s
        if line.component == EXPERTS and not machine.is_gpu and not work.padded:
            weight_s += _tile_s(line, machine, compute_s)
        kind = "expert_weights" if line.component == EXPERTS else "weights"
        found[kind] += weight_s * passes
        found[f"{kind}_repeated"] += weight_s * backward
        data_s, weights_s = _casts(line, machine, tensor_ranks)
        times = 1.0 if line.owned else FROZEN_CASTS
        found["casts"] += data_s * times
        found["expert_weight_casts" if line.component == EXPERTS else "weight_casts"] += weights_s * times
    for line in work.others:
        wide = line.component == HEAD
        compute_s, moved_s, weight_s = _product(line, machine, tensor_ranks, wide=wide, dense=dense)
        passes = 1.0 + line.gradients
        found["head_compute"] += compute_s * passes
        found["head_moved"] += moved_s * passes
        found["head_expert_weights" if line.component == EXPERTS else "head_weights"] += weight_s * passes
    return Sums(**found)


def _product(
    line: Line, machine: Machine, tensor_ranks: int, *, wide: bool = False, dense: bool = False
) -> tuple[Number, Number, Number]:
    """Seconds of one pass over a product: computation, activations, and weights (per micro-batch)."""
    constants = machine.constants
    wide = wide or min(line.k, line.n) <= THIN
    rate = machine.sustained_rate if dense else machine.rate
    if line.component == CONVOLUTION:
        rate = constants["convolution_rate"] if machine.bytes <= 2 else constants["convolution_rate_wide"]
    elif line.component == RECURRENCE and (line.count > 1 or not line.weights):
        # Projections of all tokens at once, as in state-space models, run at the rate of ordinary products.
        rate = constants["recurrence_rate"]
    elif machine.is_gpu and machine.bytes <= 2:
        small = min(line.k, line.n)
        if small >= ALIGNED and (small / tensor_ranks) % ALIGNED:
            rate = rate / constants["misaligned"]
    compute_s = line.dense_flop / ((machine.wide_peak if wide else machine.peak) * rate)
    narrow, line_moved = machine.precision in NARROW and not wide, 1.0
    if line.component == CONVOLUTION and machine.is_gpu:
        if machine.precision in VECTOR:
            compute_s /= WINOGRAD if line.taps == WINOGRAD_TAPS else 1.0
        else:
            line_moved = channels_first(machine)
    # Tensor ranks split one side of a product and keep the other whole.
    moved = _rows(line) * (line.k / line.taps + line.n) * 0.5 * (1.0 + 1.0 / tensor_ranks)
    moved_s = line_moved * moved * (NARROW_MOVED_BYTE if narrow else machine.bytes) / machine.memory
    # A recurrence reads its weights again at every step of the sequence.
    reads = line.count if line.component == RECURRENCE else 1.0
    weight_byte = (1.0 if narrow else machine.bytes) + (0.0 if line.owned else machine.frozen_byte)
    weight_s = _weight(line) * reads / tensor_ranks * weight_byte / machine.memory
    return compute_s, moved_s, weight_s


def _dispatch_s(work: Work, machine: Machine) -> Number:
    """Seconds of one product that sends tokens to their experts, or back, by a matrix of ones and zeros.

    For each sequence the matrix has a row a token and a column a place of an expert (MaxText's einsum
    "BSM,BSEC -> EBCM"), so the work grows with the square of the length.
    """
    return 2.0 * work.routed * work.rows / work.samples / (machine.peak * machine.rate)


def _tile_s(line: Line, machine: Machine, compute_s: Number) -> Number:
    """Seconds of one pass over the rows of tiles that no token fills, in every micro-batch.

    Pallas' megablox goes over the rows of all experts in tiles, and computes one that several experts share
    once for each. Tiles of GPUs are a quarter as large and cost nothing that published rows would tell.
    """
    rows = machine.constants["expert_tile_rows"] * machine.devices * line.weights
    return compute_s * rows / (line.m * line.count)


def channels_first(machine: Machine) -> float:
    """Traffic of a convolution's operands over that of channels last [1].

    PyTorch keeps channels first, and the matrix units of GPUs take channels last: each tensor is turned. A
    stack that asks for channels last may do so in 16 bits alone.
    """
    share = machine.constants["native_share_unknown"] if machine.native is None else float(machine.native)
    if machine.precision == "tf32":
        share = max(share, machine.constants.values.get("first_in_tf32", 0.0))
    return float(machine.constants["channels_first"] ** share)


def _rows(line: Line) -> float:
    return line.m * line.count * line.times


def _weight(line: Line) -> float:
    """Elements of the weights of all layers."""
    return line.k * line.n * max(line.weights, 1.0) * line.times


def _casts(line: Line, machine: Machine, tensor_ranks: int) -> tuple[float, float]:
    """Seconds of casting a product's activations and, once per step, its weights to narrow precision.

    A cast reads 16 bits and writes 8, once as it is and once transposed: of the inputs in the forward pass
    and of the gradients of the results in the backward pass. Frozen weights are cast once before the run.
    """
    if machine.precision not in NARROW or min(line.k, line.n) <= THIN:
        return 0.0, 0.0
    byte_s = machine.constants["cast_byte"] / machine.memory / tensor_ranks
    sides = line.k + line.n
    if line.component == EXPERTS and machine.grouped:
        sides = max(line.k, line.n)  # the kernel casts what it gives the next product
    return byte_s * _rows(line) * sides, byte_s * _weight(line) if line.owned else 0.0


def _ramp(line: Line, machine: Machine, tensor_ranks: int) -> tuple[float, float]:
    """Time to fill and drain the matrix units in a step, and in a recomputed pass; in passes [1].

    Each output tile fills and drains the units once, whatever the depth (inner size) of the product. The
    cost equals a fixed number of additional columns of depth, which grows with the chip's peak. It is
    negligible for weight gradients, whose depth is the batch.
    """
    if not line.weights or not machine.is_gpu or machine.bytes > 2:
        return 0.0, 0.0
    # Tensor parallelism splits the depth of every second product.
    depth = machine.constants["ramp_depth"] * machine.peak / RAMP_PEAK * 0.5 * (1.0 + tensor_ranks)
    backward = depth / line.n if line.gradients > line.owned else 0.0
    return depth / line.k + backward, depth / line.k if line.gradients else 0.0


def _wide_gradient(line: Line, machine: Machine) -> float:
    """Additional time of a weight gradient in 16 bits in an int8 run on TPUs, in passes [1]."""
    if machine.precision != "int8" or not line.owned:
        return 0.0
    return machine.peak / machine.wide_peak - 1.0


def _attention(line: Line, machine: Machine, *, flash: bool, masked: bool) -> tuple[float, float]:
    """Seconds of one of the two attention products in a step, and of a second forward pass."""
    backward = 1.0 if line.gradients else 0.0
    passes = 1.0 + line.gradients
    if flash:
        # Fused kernels skip what a causal mask hides and compute Q K^T again in the backward pass.
        flop, rate = line.causal_flop, machine.flash_rate
        if masked:
            flop, rate = line.dense_flop, rate * machine.constants["masked_over_flash"]
        one_s = flop / (machine.wide_peak * rate)
        passes += backward if line.scores else 0.0
    else:
        one_s = line.dense_flop / (machine.wide_peak * machine.core_rate)
    if machine.cluster.accelerator.kind == "tpu":
        width = line.k if line.scores else line.n
        one_s *= -(-width // LANES) * LANES / width
    return one_s * passes, one_s * backward
