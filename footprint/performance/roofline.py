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
from footprint.performance.constants import Constants
from footprint.performance.layout import Layout
from footprint.performance.work import Line, Work
from footprint.schema import Cluster

BYTES = {"fp64": 8, "fp32": 4, "tf32": 4, "fp16": 2, "bf16": 2, "fp8": 2, "fp4": 2, "int8": 2}
"""Bytes of an activation or a gradient; narrow products read casts of 16-bit tensors."""
DEDUPLICATED_SINCE = 2025
"""Year from which expert exchange sends a token once a node (DeepSeek-AI 2024, arXiv:2412.19437)."""
NARROW = ("fp8", "fp4", "int8")


class Machine:
    """The rates of a cluster in one precision, with the constants of the model.

    ``native`` is PyTorch's own kernels and parallelism (True), a vendor's tuned stack (False),
    or unknown (None). ``network`` is of one accelerator, one direction; ``wide_peak`` is the peak
    of the 16-bit parts of a narrow run: attention, head, weight gradients on TPUs.
    """

    __slots__ = (
        "bytes", "cluster", "constants", "core_rate", "flash_rate", "is_gpu", "link", "memory", "native",
        "network", "node", "peak", "precision", "rate", "wide_peak", "year",
    )  # fmt: skip

    def __init__(
        self, cluster: Cluster, precision: str, year: int, constants: Constants, native: bool | None = None
    ) -> None:
        self.cluster, self.precision, self.year = cluster, precision, year
        self.constants, self.native = constants, native
        chip, form, c = cluster.accelerator, cluster.node, constants
        peaks = chip.peak_flop_per_s
        self.peak = peaks[precision]
        sixteen = max(peaks.get("bf16", 0.0), peaks.get("fp16", 0.0))
        self.wide_peak = sixteen if precision in NARROW and sixteen else self.peak
        self.memory = chip.memory_byte_per_s * c["memory_rate"]
        self.link = chip.link_byte_per_s or c["pcie_byte_per_s"]
        self.is_gpu = chip.kind in ("gpu", "npu")
        self.node = form.accelerators
        if chip.kind == "tpu":
            # A slice is one torus: what lies inside it never leaves the links.
            self.node = c.slice_size(chip)
            self.network = c["tpu_dcn_byte_per_s"]
        else:
            self.network = (form.network_byte_per_s or c["network_byte_per_s"]) / form.accelerators
        self.bytes = BYTES[precision]
        self.rate = c.matmul_rate(chip, precision)
        self.flash_rate = c.flash_rate(chip, native)
        self.core_rate = c["core_rate_eager"]

    def bandwidth(self, ranks: int, stride: int = 1) -> float:
        """Bandwidth of one accelerator in a group of ``ranks``, ``stride`` apart [byte/s]."""
        return self.link if ranks * stride <= self.node else self.network

    def gather_bandwidth(self, ranks: int, stride: int) -> float:
        """Bandwidth at which every rank of a group obtains the same data [byte/s].

        Members of one node share what the node receives over its links, so the network carries
        it once a node.
        """
        if ranks * stride <= self.node:
            return self.link
        return min(self.link, self.network * max(1, self.node // stride))


def step_terms(work: Work, layout: Layout, machine: Machine) -> dict[str, float]:
    """Seconds of one step by term, before the factors of era and software."""
    c = machine.constants
    micro_batches = max(1.0, work.samples / (layout.dp * layout.micro_batch))
    share = 1.0 / (layout.dp * layout.cp * layout.tp)
    again = layout.recompute_share
    compute = streaming = attention = casts = 0.0
    forward = 0.0
    for line in work.blocks:
        repeats = 1.0 + line.gradients
        if line.gradients:
            repeats += again
        if line.component == CORE:
            attention += _core(line, layout, machine, again, share)
            continue
        flop_s, byte_s, cast_s = _product(line, layout, machine, micro_batches, share)
        compute += flop_s * repeats + _wide_gradient(line, machine, flop_s)
        streaming += byte_s * repeats
        casts += cast_s * (1.0 + line.gradients)
        forward += flop_s
    compute, streaming, attention, casts = (x / layout.pp for x in (compute, streaming, attention, casts))
    head = 0.0
    for line in work.others:
        flop_s, byte_s, _ = _product(line, layout, machine, micro_batches, share, wide=line.component == HEAD)
        head += (flop_s + byte_s) * (1.0 + line.gradients)
    # The last stage alone computes the head; balancing hides half of it.
    head *= 1.0 if layout.pp == 1 else (1.0 / layout.pp + c["head_imbalance"] * (1.0 - 1.0 / layout.pp))
    elementwise = _elementwise(work, layout, machine, share, again)
    busy = compute + streaming + attention + casts + head + elementwise
    tensor = _tensor(work, layout, machine, again)
    experts = _experts(work, layout, machine, again)
    context = _context(work, layout, machine)
    inside = busy + tensor + experts + context
    bubble = inside * (layout.pp - 1) / (layout.interleaving * micro_batches)
    data = _data(work, layout, machine, micro_batches, inside)
    optimiser = _optimiser(work, layout, machine)
    launches = work.launches / layout.pp * micro_batches * c["launch_s"] * (1.0 + 0.3 * again)
    if not machine.is_gpu:
        launches *= c["launch_compiled"]
    launch = max(0.0, launches - inside)
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
    peak = machine.wide_peak if wide else machine.peak
    rate = machine.rate
    tp = layout.tp
    if line.component == CONVOLUTION:
        rate = c["convolution_rate"] if machine.bytes <= 2 else c["convolution_rate_wide"]
    elif line.component == RECURRENCE:
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


def _tensor(work: Work, layout: Layout, machine: Machine, again: float) -> float:
    """Sums over tensor-parallel ranks that nothing hides."""
    tp = layout.tp
    if tp == 1:
        return 0.0
    c = machine.constants
    elements = work.reductions / layout.pp * work.rows * work.width / (layout.dp * layout.cp)
    rounds = 2.0 + again
    volume = rounds * 2.0 * (tp - 1) / tp * elements * machine.bytes
    exposed = c["tensor_exposed"] if machine.year < 2023 else c["tensor_exposed_since_2023"]
    return exposed * volume / machine.bandwidth(tp)


def _experts(work: Work, layout: Layout, machine: Machine, again: float) -> float:
    """All-to-all exchange of routed tokens."""
    ep = layout.ep
    if ep == 1 or not work.routed:
        return 0.0
    c = machine.constants
    elements = work.routed / layout.pp / (layout.dp * layout.cp * layout.tp)
    volume = (4.0 + again) * elements * machine.bytes
    nodes = max(1.0, ep / machine.node)
    crossing = (nodes - 1.0) / nodes
    if machine.year >= DEDUPLICATED_SINCE and crossing:
        # A token goes once to each node that holds any of its experts.
        reached = nodes * (1.0 - (1.0 - 1.0 / nodes) ** work.chosen)
        crossing *= min(1.0, reached / work.chosen)
    seconds = volume * ((ep - 1) / ep / machine.link + crossing / machine.network)
    return c["expert_exposed"] * seconds


def _context(work: Work, layout: Layout, machine: Machine) -> float:
    """Keys and values passed around the ring of context ranks."""
    cp = layout.cp
    if cp == 1:
        return 0.0
    c = machine.constants
    elements = work.layers / layout.pp * work.rows * work.width / layout.dp * 0.5 / layout.tp
    volume = 3.0 * (cp - 1) / cp * elements * machine.bytes
    return c["context_exposed"] * volume / machine.bandwidth(cp, layout.tp)


def _data(work: Work, layout: Layout, machine: Machine, micro_batches: float, inside: float) -> float:
    """Gradients and parameters exchanged between replicas, less what the backward pass hides."""
    ranks = layout.dp * layout.cp
    if ranks == 1:
        return 0.0
    c = machine.constants
    local = (work.block_parameters / layout.pp + work.other_parameters) / layout.tp * work.trained_share
    local += work.expert_parameters / layout.pp / layout.tp / layout.ep * work.trained_share
    wide = max(1.0, machine.bytes / 2.0) * 2.0
    if layout.zero == 3:
        whole = (
            work.block_parameters + work.expert_parameters / layout.ep
        ) / layout.pp + work.other_parameters
        inner = min(ranks, machine.node) if not machine.is_gpu else ranks
        # Gathered for the forward and again for the backward pass; gradients scattered.
        volume = (2.0 * whole / layout.tp + local) * (inner - 1) / inner * wide * micro_batches
        seconds = volume / machine.gather_bandwidth(inner, layout.tp)
        if inner < ranks:
            # Replicas in several slices exchange their shards once a step.
            seconds += 2.0 * local / inner * wide / machine.network
    else:
        volume = 2.0 * (ranks - 1) / ranks * local * wide
        seconds = volume / machine.gather_bandwidth(ranks, layout.tp)
    hidden = c["data_hidden"] * inside
    exposed = c["data_exposed"] * seconds
    return exposed + max(0.0, seconds - exposed - hidden)


def _optimiser(work: Work, layout: Layout, machine: Machine) -> float:
    """Reading and writing parameters, gradients and optimiser states once a step."""
    parameters = (
        work.block_parameters + work.expert_parameters / layout.ep
    ) / layout.pp + work.other_parameters
    local = parameters * work.trained_share / layout.tp
    if layout.zero >= 1:
        local /= layout.dp * layout.cp
    return machine.constants["optimiser_byte"] * local / machine.memory
