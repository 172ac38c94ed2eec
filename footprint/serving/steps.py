"""The time of a decoding step and of a prompt: memory, compute, exchange and host.

A decoding step reads the weights once for the whole batch and the cache of every sequence. `ideal` gives
these times at the rates of the data sheet; `Constants` of the engine say what of it is reached. Terms are
added: measured rows fit a sum as well as a maximum, and better where two terms are alike. Only eager PyTorch
launches ahead of the device, so that the longer of both decides.

Reference: Pope et al. 2022, arXiv:2211.05102, section 2 (costs of a decoding step on several chips).
"""

from __future__ import annotations

from typing import Literal

from footprint.named_tuples import NamedTuple
from footprint.records import record
from footprint.schema import Accelerator
from footprint.serving.engine import Constants
from footprint.serving.model import Context, Experts, Served
from footprint.vocabulary import FEW_BITS

Bound = Literal["compute", "memory", "host"]
WIDE_BYTE = 2.0
NARROW_CACHE_BYTE = 1.0
STATE_BYTE = 4.0
"""Recurrent states are kept in 32 bits, read and written in each step."""
WEIGHT_BYTE = {
    "fp32": 4.0, "fp16": 2.0, "bf16": 2.0, "fp8": 1.0, "int8": 1.0,
    "int4": 0.5 + 4 / 32, "fp4": 0.5 + 1 / 16, "mxfp4": 0.5 + 1 / 32,
}  # fmt: skip
"""Bytes of a weight with its scales: a 16-bit scale and zero for 32 (int4), 8 bits for 16 (fp4) or 32."""
USUAL_LAYERS = 32
USUAL_WORDS = 1e5
DEPTH_EXPONENT = 0.3
"""How the host's time for a sequence grows with layers: vLLM of 2024 gives 0.29, that of 2026 0.35 [1]."""
ONLY_EXPERTS = ("mxfp4",)
"""Formats in which models are published with their experts alone in few bits."""


@record
class Weights:
    """How weights are stored."""

    precision: str
    narrow_cache: bool = False
    """Whether cached values have 8 bits."""

    @property
    def wide_byte(self) -> float:
        """Bytes of an embedding, a head or a norm."""
        return 4.0 if self.precision == "fp32" else WIDE_BYTE

    @property
    def cached_byte(self) -> float:
        """Bytes of a cached value."""
        return NARROW_CACHE_BYTE if self.narrow_cache else self.wide_byte

    @property
    def block_byte(self) -> float:
        """Bytes of a weight of a block that is no expert."""
        return WIDE_BYTE if self.precision in ONLY_EXPERTS else WEIGHT_BYTE[self.precision]

    @property
    def expert_byte(self) -> float:
        """Bytes of a weight of an expert."""
        return WEIGHT_BYTE[self.precision]

    def total_byte(self, model: Served) -> float:
        """All weights of a model [byte]."""
        blocks = model.narrow_parameters - model.expert_parameters
        return (
            blocks * self.block_byte
            + model.expert_parameters * self.expert_byte
            + (model.parameters - model.narrow_parameters) * self.wide_byte
        )

    def in_own_bits(self, chip: Accelerator) -> bool:
        """Whether products are made in fewer than 16 bits, so that each step quantises their inputs."""
        return self.precision in FEW_BITS and self.precision in chip.peak_flop_per_s

    def peak_flop_per_s(self, chip: Accelerator) -> float:
        """The peak at which weights of this precision are multiplied [FLOP/s].

        Integer weights, and those of fewer than 8 bits where the chip has no units for them, are
        expanded to 16 bits.
        """
        peaks = chip.peak_flop_per_s
        own = peaks.get(self.precision) if self.in_own_bits(chip) or self.precision == "fp32" else None
        return own or max(peaks.get("bf16", 0.0), peaks.get("fp16", 0.0)) or max(peaks.values())


@record
class Layout:
    """How one model is divided among the chips of a cluster; ``replicas`` copies stand side by side."""

    chips: int
    """Of one copy."""
    tp: int
    pp: int = 1
    ep: int = 1
    """Above 1: experts are divided among the chips, and the other weights are on each."""
    replicas: int = 1

    @property
    def whole_dense(self) -> bool:
        """Whether each chip has all weights that are not experts."""
        return self.ep > 1 and self.tp == 1


class Ideal(NamedTuple):
    """Seconds of one decoding step at the data sheet's rates, and the counts for its host and its links."""

    wide_s: float
    narrow_s: float
    """Weights below 16 bits, experts apart."""
    expert_s: float
    expert_narrow: bool
    expanded: bool
    """Whether the chip expands the weights below 16 bits before it multiplies them."""
    quantised_layers: int
    """Layers whose experts multiply in the few bits of their weights."""
    divided_share: float
    """Share of a token's products, attention apart, that experts make which the chips divide [1]."""
    cache_s: float
    compute_s: float
    layers: int
    sequences: float
    words: float
    hops: float
    exchange_s: float


class Terms(NamedTuple):
    """Seconds of one step by what it waits for."""

    memory_s: float
    compute_s: float
    host_s: float
    """Host, launches and the latency of exchanges."""
    exchange_s: float
    read_s: float
    """Memory traffic at the full bandwidth, for the power."""
    multiply_s: float
    """Products at the full peak, for the power."""
    expand_s: float = 0.0
    """Of the memory traffic, weights that are expanded to 16 bits, for the power."""
    overlap_exponent: float = 1.0
    """Exponent at which the times of host and device are added [1]."""

    @property
    def time_s(self) -> float:
        """The step [s]: device and host in turn, or the host ahead of the device as in eager PyTorch."""
        device = self.memory_s + self.compute_s + self.exchange_s
        if self.overlap_exponent == 1.0:
            return device + self.host_s
        ratio = self.host_s / device
        time_s: float = device * (1.0 + ratio**self.overlap_exponent) ** (1.0 / self.overlap_exponent)
        return time_s

    @property
    def bound(self) -> Bound:
        """What takes most of the step; exchange counts as host."""
        parts: dict[Bound, float] = {
            "memory": self.memory_s,
            "compute": self.compute_s,
            "host": self.host_s + self.exchange_s,
        }
        return max(parts, key=lambda name: parts[name])


def ideal(
    model: Served,
    context: Context,
    weights: Weights,
    chip: Accelerator,
    layout: Layout,
    batch: float,
    *,
    one_stage_at_a_time: bool = False,
) -> Ideal:
    """One decoding step of ``batch`` sequences of one copy of the model."""
    rate = chip.memory_byte_per_s
    # A pipeline works on as many parts of the batch as it has stages; each part reads its weights anew.
    part = batch if one_stage_at_a_time else batch / layout.pp
    working = layout.tp if one_stage_at_a_time else layout.chips
    share = 1 if layout.whole_dense else layout.tp
    experts = sum(touched(group, part) for group in model.experts) * weights.expert_byte
    block = model.read_narrow * weights.block_byte
    wide = model.read_wide * weights.wide_byte
    narrow = weights.block_byte < WIDE_BYTE
    cached = context.cached * weights.cached_byte * batch
    states = 2 * STATE_BYTE * model.state_elements * batch
    divided = working / layout.tp * cache_ranks(model, layout)
    several = max(layout.tp, layout.ep)
    hops = 2.0 * model.layers if several > 1 else 0.0
    link = chip.link_byte_per_s or rate
    chosen = sum(group.elements * group.chosen / group.experts for group in model.experts)
    sent = hops * batch * model.width * weights.wide_byte * 2 * (several - 1) / several
    return Ideal(
        wide_s=(wide + (0.0 if narrow else block)) / share / rate,
        narrow_s=(block if narrow else 0.0) / share / rate,
        expert_s=experts / max(layout.tp, layout.ep) / rate,
        expert_narrow=weights.expert_byte < WIDE_BYTE,
        expanded=not weights.in_own_bits(chip),
        quantised_layers=model.expert_layers if weights.in_own_bits(chip) else 0,
        divided_share=2.0 * chosen / model.token_flop if layout.ep > 1 else 0.0,
        cache_s=(cached / divided + states / working) / rate,
        compute_s=batch * context.flop / (working * weights.peak_flop_per_s(chip)),
        layers=model.layers,
        sequences=batch,
        words=model.words,
        hops=hops,
        exchange_s=sent / link,
    )


def touched(group: Experts, tokens: float) -> float:
    """Expert weights that a step with so many tokens reads, as a number of elements."""
    return group.elements * group.touched_share(tokens)


def cache_ranks(model: Served, layout: Layout) -> int:
    """Tensor ranks that divide the cache: more ranks than heads of keys keep copies."""
    if layout.whole_dense:
        return layout.chips
    return min(layout.tp, max(model.kv_heads, 1))


def host_s(layers: int, sequences: float, reached: Constants, words: float = 0.0) -> float:
    """Time of the host in one step, exchanges apart [s]."""
    each: float = reached.sequence_host_s * (layers / USUAL_LAYERS) ** DEPTH_EXPONENT
    each += reached.word_host_s * words / USUAL_WORDS
    return reached.step_host_s + layers * reached.layer_host_s + sequences * each


def products_s(peak_s: float, one: Ideal, reached: Constants) -> float:
    """Time of products that take ``peak_s`` at the full peak [s]; divided experts wait for the last chip."""
    return peak_s / reached.matmul_share * (1.0 + one.divided_share * (reached.divided_factor - 1.0))


def decode_terms(one: Ideal, reached: Constants) -> Terms:
    """The terms of a decoding step [s]; a calibration passes arrays of many steps as one."""
    narrow = reached.narrow_factor
    experts = one.expert_s * reached.expert_factor * (1.0 + one.expert_narrow * (narrow - 1.0))
    experts *= 1.0 + (one.divided_share > 0.0) * (reached.divided_factor - 1.0)
    memory = one.wide_s + one.narrow_s * narrow + experts + one.cache_s
    return Terms(
        memory_s=memory / reached.memory_share,
        compute_s=products_s(one.compute_s, one, reached),
        host_s=host_s(one.layers, one.sequences, reached, one.words)
        + one.quantised_layers * reached.quantise_s
        + one.hops * reached.hop_s,
        exchange_s=one.exchange_s,
        read_s=one.wide_s + one.narrow_s + one.expert_s + one.cache_s,
        multiply_s=one.compute_s,
        expand_s=one.expanded * (one.narrow_s + one.expert_narrow * one.expert_s),
        overlap_exponent=reached.overlap_exponent,
    )


def prompt_ideal(
    flop: float,
    tokens: int,
    model: Served,
    weights: Weights,
    chip: Accelerator,
    layout: Layout,
    *,
    one_stage_at_a_time: bool = False,
) -> Ideal:
    """One prompt alone, up to its first new token, at the data sheet's rates."""
    working = layout.tp if one_stage_at_a_time else layout.chips
    one = ideal(
        model, Context(0.0, 0.0, 0.0), weights, chip, layout, 1.0, one_stage_at_a_time=one_stage_at_a_time
    )
    experts = sum(touched(group, tokens) for group in model.experts) * weights.expert_byte
    several = max(layout.tp, layout.ep)
    return one._replace(
        expert_s=experts / several / chip.memory_byte_per_s,
        cache_s=0.0,
        compute_s=flop / (working * weights.peak_flop_per_s(chip)),
        exchange_s=tokens * one.exchange_s,
    )
