"""The time of one step on a layout, as a sum of printable terms.

Every product of the operation list takes its FLOPs at the rate the chip reaches plus its
operands at the memory's rate; to these add pointwise traffic, communication that nothing
hides, launches, the optimiser and the pipeline's bubble. Terms are summed, not maximised:
kernels do not overlap perfectly.

References: Williams et al. 2009, 10.1145/1498765.1498785 (roofline); Narayanan et al. 2021,
arXiv:2104.04473 (bubble, tensor-parallel volume); Korthikanti et al. 2022, arXiv:2205.05198
(sequence parallelism, recomputation); Rajbhandari et al. 2020, arXiv:1910.02054 (ZeRO volumes);
Dao et al. 2022, arXiv:2205.14135 (fused attention).
"""

from __future__ import annotations

from footprint.flops.operations import CONVOLUTION, CORE, HEAD, RECURRENCE
from footprint.performance.communication import context_s, data_s, experts_s, tensor_s
from footprint.performance.layout import Layout
from footprint.performance.machine import NARROW, Machine
from footprint.performance.work import Line, Work

THIN = 128
"""Products with a side this thin (adapters, routers) stay in 16 bits in a narrow run."""
RAMP_PEAK = 312e12
"""Peak for which ``ramp_depth`` is given: an A100's, 16 bits [FLOP/s]."""


def step_terms(work: Work, layout: Layout, machine: Machine) -> dict[str, float]:
    """Seconds of one step by term, before the factors of era and software."""
    c = machine.constants
    micro_batches = max(1.0, work.samples / (layout.dp * layout.micro_batch))
    share = 1.0 / (layout.dp * layout.cp * layout.tp)
    again = layout.recompute_share
    compute = streaming = attention = casts = 0.0
    for line in work.blocks:
        repeats = 1.0 + line.gradients
        if line.gradients:
            repeats += again
        if line.component == CORE:
            attention += _core(line, layout, machine, again, share)
            continue
        flop_s, byte_s, cast_s = _product(line, layout, machine, micro_batches, share)
        compute += flop_s * (repeats + _ramp(line, layout, machine, again))
        compute += _wide_gradient(line, machine, flop_s)
        streaming += byte_s * repeats
        # Frozen weights need no gradient, and so no transposed copies of their operands.
        casts += cast_s * (1.0 + line.gradients if line.owned else 1.5)
    # The fullest stage sets the pace of a pipeline.
    uneven = work.uneven(layout.pp)
    stage = uneven / layout.pp
    compute, streaming, attention, casts = (x * stage for x in (compute, streaming, attention, casts))
    head = 0.0
    for line in work.others:
        flop_s, byte_s, _ = _product(line, layout, machine, micro_batches, share, wide=line.component == HEAD)
        head += (flop_s + byte_s) * (1.0 + line.gradients)
    # The last stage alone computes the head; balancing hides half of it.
    head *= 1.0 if layout.pp == 1 else (1.0 / layout.pp + c["head_imbalance"] * (1.0 - 1.0 / layout.pp))
    elementwise = uneven * _elementwise(work, layout, machine, share, again)
    busy = compute + streaming + attention + casts + head + elementwise
    tensor = uneven * tensor_s(work, layout, machine, micro_batches, again)
    experts = uneven * experts_s(work, layout, machine, again)
    context = uneven * context_s(work, layout, machine)
    inside = busy + tensor + experts + context
    bubble = inside * (layout.pp - 1) / (layout.interleaving * micro_batches)
    data = data_s(work, layout, machine, micro_batches, inside)
    optimiser = _optimiser(work, layout, machine)
    launch = _launch(work, layout, machine, micro_batches, again, inside)
    return {
        "matmul": compute, "streaming": streaming, "attention": attention, "casts": casts, "head": head,
        "elementwise": elementwise, "tensor_parallel": tensor, "expert_parallel": experts,
        "context_parallel": context, "pipeline_bubble": bubble, "data_parallel": data,
        "optimiser": optimiser, "launch": launch,
    }  # fmt: skip


def _product(
    line: Line, layout: Layout, machine: Machine, micro_batches: float, share: float, *, wide: bool = False
) -> tuple[float, float, float]:
    """Seconds of one pass over a product: at the chip's rate, its operands, its casts."""
    c = machine.constants
    wide = wide or min(line.k, line.n) <= THIN
    peak = machine.wide_peak if wide else machine.peak
    rate = machine.rate
    tp = layout.tp
    if line.component == CONVOLUTION:
        rate = c["convolution_rate"] if machine.bytes <= 2 else c["convolution_rate_wide"]
    elif line.component == RECURRENCE and (line.count > 1 or not line.weights):
        # Projections of all tokens at once, as in state-space models, are products like any other.
        rate = c["recurrence_rate"]
    elif machine.is_gpu and machine.bytes <= 2:
        small = min(line.k, line.n)
        if (small / tp) % 64 and small >= 64:
            rate /= c["misaligned"]
    flop_s = line.dense_flop * share / (peak * rate)
    rows = line.m * line.count * line.times
    weight = line.k * line.n * max(line.weights, 1.0) * line.times
    weight_share = 1.0 / tp / (layout.ep if line.component == "experts" else 1.0)
    tokens = 1.0 / (layout.dp * layout.cp)
    moved = rows * (line.k / line.taps + line.n) * tokens * 0.5 * (1.0 + 1.0 / tp)
    reread = weight * weight_share * micro_batches * (line.count if line.component == RECURRENCE else 1.0)
    narrow = machine.precision in NARROW and not wide
    # Narrow operands are read as one byte and products written as two.
    byte_s = (
        moved * (1.5 if narrow else machine.bytes) + reread * (1.0 if narrow else machine.bytes)
    ) / machine.memory
    cast_s = 0.0
    if narrow:
        # Read 16 bits, write 8, once as it stands and once transposed, for operands and gradients.
        # Weights are cast once a step, and not at all where they are frozen.
        cast_weight = weight * weight_share if line.owned else 0.0
        cast_s = c["cast_byte"] * (rows * (line.k + line.n) * tokens / tp + cast_weight) / machine.memory
    return flop_s, byte_s, cast_s


def _ramp(line: Line, layout: Layout, machine: Machine, again: float) -> float:
    """What filling and draining the matrix units adds to the passes over a product, over one pass [1].

    Each output tile pays it once, however deep the product is, so it weighs as so many more
    columns of depth: the more, the faster the chip. Weight gradients are as deep as the batch.
    """
    if not line.weights or not machine.is_gpu or machine.bytes > 2:
        return 0.0
    # Tensor parallelism splits the depth of every second product.
    depth = machine.constants["ramp_depth"] * machine.peak / RAMP_PEAK * 0.5 * (1.0 + layout.tp)
    ramp = depth / line.k * (1.0 + (again if line.gradients else 0.0))
    return ramp + (depth / line.n if line.gradients > line.owned else 0.0)


def _launch(
    work: Work, layout: Layout, machine: Machine, micro_batches: float, again: float, inside: float
) -> float:
    """Gaps between kernels, and the time by which the host falls behind where kernels are short."""
    c = machine.constants
    # Products of experts are executed one expert after the other.
    alone = max(0.0, work.experts / layout.ep - 1.0) * c["expert_kernels"]
    kernels = (work.launches + alone * work.expert_launches) / layout.pp * micro_batches
    kernels *= 1.0 + 0.3 * again
    if not machine.is_gpu:
        kernels *= c["launch_compiled"]
    gaps = kernels * c["gap_s"]
    return gaps + max(0.0, kernels * c["launch_s"] - inside - gaps)


def _wide_gradient(line: Line, machine: Machine, flop_s: float) -> float:
    """What a weight gradient in 16 bits costs above one in the narrow precision (TPU int8) [s]."""
    if machine.precision != "int8" or not line.owned:
        return 0.0
    return flop_s * (machine.peak / machine.wide_peak - 1.0)


def _core(line: Line, layout: Layout, machine: Machine, again: float, share: float) -> float:
    """Seconds of one of the two attention products, forward and backward."""
    if layout.flash:
        # Fused kernels skip what the mask hides and compute Q K^T again in the backward pass.
        passes = 1.0 + line.gradients * 1.0 + (1.0 if line.scores and line.gradients else 0.0)
        passes += again if line.gradients else 0.0
        return line.causal_flop * passes * share / (machine.wide_peak * machine.flash_rate)
    passes = 1.0 + line.gradients
    if line.gradients:
        passes += 1.0 if layout.recompute == "selective" else again
    return line.dense_flop * passes * share / (machine.wide_peak * machine.core_rate)


def _elementwise(work: Work, layout: Layout, machine: Machine, share: float, again: float) -> float:
    """Norms, activations, dropout, residuals, softmax and loss: memory traffic."""
    c = machine.constants
    fused = machine.year >= 2023 or not machine.is_gpu
    psi = c["passes_fused"] if fused else c["passes_eager"]
    stored = work.stored_block / layout.pp + work.stored_other
    stored += 0.5 * again * work.stored_block / layout.pp
    elements = psi * stored
    if not layout.flash:
        scores = work.scores / layout.pp * (1.0 + 0.5 * (1.0 if layout.recompute == "selective" else again))
        elements += c["passes_scores"] * scores
    elements += c["passes_logits"] * work.logits / layout.pp
    return elements * share * machine.bytes / machine.memory


def _optimiser(work: Work, layout: Layout, machine: Machine) -> float:
    """Reading and writing parameters, gradients and optimiser states once a step."""
    parameters = (
        work.block_parameters + work.expert_parameters / layout.ep
    ) / layout.pp + work.other_parameters
    local = parameters * work.trained_share / layout.tp
    if layout.zero >= 1:
        local /= layout.dp * layout.cp
    return machine.constants["optimiser_byte"] * local / machine.memory
