"""Time of communication that no computation hides: tensor, pipeline, expert, context, data parallelism.

Volumes: Narayanan et al. 2021, arXiv:2104.04473 (tensor parallelism); Rajbhandari et al. 2020,
arXiv:1910.02054 (ZeRO). A collective also has a latency that does not depend on its volume: a tree over
R ranks has log2 R levels each way (Thakur et al. 2005, 10.1177/1094342005051521). For one rank the
formulas give 0.
"""

from __future__ import annotations

from footprint.arithmetic import Number, log2, maximum, minimum, power, where, whole_ratio
from footprint.equations import ring_share
from footprint.named_tuples import NamedTuple
from footprint.performance.roofline.constants import Constants
from footprint.performance.roofline.layout import LayoutNumbers
from footprint.performance.roofline.machine import Machine
from footprint.performance.roofline.work import Work

ALL_REDUCE = 2.0
"""An all-reduce is a reduce-scatter and an all-gather."""
PASSES = 2.0
"""Forward and backward pass."""
TOKEN_EXCHANGES = 4.0
"""Tokens go to their experts and come back, in the forward and in the backward pass."""
CONTEXT_ROUNDS = 3.0
"""Keys and values go round once in the forward pass, and with their gradients in the backward pass."""
GATHERS = 2.0
"""Sharded parameters are gathered for the forward pass and again for the backward pass."""
SHARDED_COLLECTIVES = GATHERS + 1.0
"""For each layer: the gathers, and a scatter of the gradients."""


def tensor_s(
    work: Work, layout: LayoutNumbers, machine: Machine, micro_batches: Number, scale: Number = 1.0
) -> Number:
    """Exposed all-reduces over tensor-parallel ranks, at ``scale`` times the batch of ``work`` [s]."""
    tp = layout.tp
    constants = machine.constants
    elements = work.reductions / layout.pp * work.rows * work.width / (layout.dp * layout.cp)
    exposed = constants[
        "tensor_exposed_since_2023" if machine.techniques.era == "since_2023" else "tensor_exposed"
    ]
    moved_s = exposed * ALL_REDUCE * ring_share(tp) * elements * machine.bytes / machine.bandwidth(tp)
    hop_s = work.reductions / layout.pp * ALL_REDUCE * hops_s(tp, 1, machine)
    rounds = PASSES + layout.recompute_share
    return rounds * (scale * moved_s + micro_batches * hop_s)


def experts_s(work: Work, layout: LayoutNumbers, machine: Machine) -> Number:
    """All-to-all exchange of routed tokens [s]."""
    if not work.experts:
        return 0.0
    ep = layout.ep
    elements = work.routed / layout.pp / (layout.dp * layout.cp * layout.tp)
    nodes = maximum(1.0, ep / machine.node)
    crossing = ring_share(nodes)
    if machine.techniques.deduplicated_experts and machine.constants.values.get("sends_once", 1.0):
        # A token is sent once to each node that holds any of its experts.
        reached = nodes * (1.0 - power(1.0 - 1.0 / nodes, work.chosen))
        crossing = crossing * minimum(1.0, reached / work.chosen)
    byte_s = ring_share(ep) / machine.link + crossing / machine.network
    round_s = where(ep == 1, 0.0, machine.constants["expert_exposed"] * elements * machine.bytes * byte_s)
    return (TOKEN_EXCHANGES + layout.recompute_share) * round_s


def context_s(work: Work, layout: LayoutNumbers, machine: Machine) -> Number:
    """Keys and values passed around the ring of context ranks [s]."""
    cp = layout.cp
    elements = work.keys_values / layout.pp / layout.dp / layout.tp
    volume = CONTEXT_ROUNDS * ring_share(cp) * elements * machine.bytes
    return machine.constants["context_exposed"] * volume / machine.bandwidth(cp, layout.tp)


def stages_s(
    work: Work, layout: LayoutNumbers, machine: Machine, micro_batches: Number, scale: Number = 1.0
) -> Number:
    """Activations and their gradients passed from each chunk of layers to the next one [s].

    Stages lie next to each other where a node holds them, and tensor ranks share what they send.
    """
    split = layout.tp * layout.cp
    elements = work.rows * work.width / (layout.dp * split)
    moved_s = scale * elements * machine.bytes / machine.bandwidth(layout.pp, split)
    hop_s = micro_batches * hops_s(minimum(layout.pp, 2), split, machine)
    passes = where(layout.pp == 1, 0.0, PASSES * layout.interleaving)
    return machine.constants["stage_exposed"] * passes * (moved_s + hop_s)


def exchange_s(work: Work, layout: LayoutNumbers, machine: Machine, micro_batches: Number) -> Number:
    """Exchange of gradients and parameters between replicas, before any of it is hidden [s]."""
    sharded, replicated = layout.zero == 3, layout.zero != 3
    seconds: Number = 0.0
    # Arrays may hold both kinds of layout; then both branches are computed.
    if _any(replicated):
        seconds = _replicated_s(work, layout, machine, micro_batches)
    if _any(sharded):
        seconds = where(sharded, _sharded_s(work, layout, machine, micro_batches), seconds)
    return machine.around_products * seconds


def exposed_s(exchanged_s: Number, computed_s: Number, constants: Constants) -> Number:
    """The part of an exchange between replicas that computation does not hide [s]."""
    exposed = constants["data_exposed"]
    return exposed * exchanged_s + maximum(
        0.0, (1.0 - exposed) * exchanged_s - constants["data_hidden"] * computed_s
    )


def _any(condition: bool | Number) -> bool:
    return condition if isinstance(condition, bool) else bool(condition.any())


class _Group(NamedTuple):
    """Accelerators that hold the same weights, or shards of them."""

    ranks: Number
    stride: Number
    """Ranks between neighbours of the group."""
    whole: Number
    """Parameters of one rank of the group before they are sharded, without embeddings and head."""
    other: Number
    """The same, of embeddings and head."""


def _groups(work: Work, layout: LayoutNumbers) -> tuple[_Group, ...]:
    """The replicas, and the replicas of the same experts: those of one node hold different ones."""
    ranks = layout.dp * layout.cp
    dense = _Group(
        ranks, layout.tp, work.block_parameters / layout.pp / layout.tp, work.other_parameters / layout.tp
    )
    if not work.experts:
        return (dense,)
    split = layout.expert_split
    held = work.expert_parameters / layout.pp / layout.tp / split
    return dense, _Group(ranks / split, layout.tp * split, held, 0.0)


def _replicated_s(work: Work, layout: LayoutNumbers, machine: Machine, micro_batches: Number) -> Number:
    """All-reduces of the gradients over replicas, in buckets [s].

    Replicas that hold a shard of the gradients (ZeRO-2) scatter them in every micro-batch, and gather the
    parameters once.
    """
    rounds = where(layout.zero == 2, 1.0 + micro_batches, ALL_REDUCE)
    seconds: Number = 0.0
    for group in _groups(work, layout):
        byte = (group.whole + group.other) * work.trained_share * machine.bytes
        messages = maximum(1.0, byte / machine.constants["bucket_byte"])
        moved_s = ring_share(group.ranks) * byte / machine.gather_bandwidth(group.ranks, group.stride)
        hop_s = messages * hops_s(group.ranks, group.stride, machine)
        seconds = seconds + rounds * (moved_s + hop_s)
    return seconds


def _sharded_s(work: Work, layout: LayoutNumbers, machine: Machine, micro_batches: Number) -> Number:
    """Fully sharded replicas: gathering parameters before use and scattering gradients [s]."""
    byte = machine.bytes
    # The stages of a pipeline keep gathered parameters until the step ends.
    gathers = where(layout.pp == 1, micro_batches, 1.0)
    # Frozen weights of fewer bits are gathered as they are held; embeddings and heads have 16 bits.
    frozen = machine.constants.values.get("frozen_weight_byte", byte)
    held = work.trained_share * byte + (1.0 - work.trained_share) * frozen
    reduce_byte = machine.constants.values.get("reduce_byte", byte)
    seconds: Number = 0.0
    for ranks, stride, whole, other in _groups(work, layout):
        inner = ranks if machine.is_gpu else minimum(ranks, machine.node)
        local = (whole + other) * work.trained_share * reduce_byte
        volume = (GATHERS * (whole * held + other * byte) + local) * ring_share(inner)
        gather_s = volume / machine.gather_bandwidth(inner, stride)
        gather_s = gather_s + SHARDED_COLLECTIVES * work.layers / layout.pp * hops_s(inner, stride, machine)
        # Replicas in several slices exchange their shards once a step.
        between_s = where(inner < ranks, ALL_REDUCE * local / inner / machine.network, 0.0)
        seconds = seconds + gathers * gather_s + between_s
    return seconds


def hops_s(ranks: Number, stride: Number, machine: Machine) -> Number:
    """Latency of one traversal of a tree over ``ranks``, ``stride`` apart, without data [s]."""
    inside = minimum(ranks, maximum(1, whole_ratio(machine.node, stride)))
    constants = machine.constants
    return constants["link_hop_s"] * log2(inside) + constants["network_hop_s"] * log2(ranks / inside)
