"""Communication that nothing hides: sums over tensor ranks, expert exchange, context rings, replicas.

Volumes: Narayanan et al. 2021, arXiv:2104.04473 (tensor parallelism); Rajbhandari et al. 2020,
arXiv:1910.02054 (ZeRO). A collective also takes its hops: a tree over R ranks has log2 R levels
each way, whatever it carries (Thakur et al. 2005, 10.1177/1094342005051521).
"""

from __future__ import annotations

from math import log2

from footprint.performance.layout import Layout
from footprint.performance.machine import Machine
from footprint.performance.work import Work

DEDUPLICATED_SINCE = 2025
"""Year from which expert exchange sends a token once a node (DeepSeek-AI 2024, arXiv:2412.19437)."""


def tensor_s(work: Work, layout: Layout, machine: Machine, micro_batches: float, again: float) -> float:
    """Sums over tensor-parallel ranks that nothing hides."""
    tp = layout.tp
    if tp == 1:
        return 0.0
    c = machine.constants
    elements = work.reductions / layout.pp * work.rows * work.width / (layout.dp * layout.cp)
    rounds = 2.0 + again
    volume = rounds * 2.0 * (tp - 1) / tp * elements * machine.bytes
    exposed = c["tensor_exposed"] if machine.year < 2023 else c["tensor_exposed_since_2023"]
    sums = rounds * work.reductions / layout.pp * micro_batches
    return exposed * volume / machine.bandwidth(tp) + sums * 2.0 * hops_s(tp, 1, machine)


def experts_s(work: Work, layout: Layout, machine: Machine, again: float) -> float:
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


def context_s(work: Work, layout: Layout, machine: Machine) -> float:
    """Keys and values passed around the ring of context ranks."""
    cp = layout.cp
    if cp == 1:
        return 0.0
    c = machine.constants
    elements = work.layers / layout.pp * work.rows * work.width / layout.dp * 0.5 / layout.tp
    volume = 3.0 * (cp - 1) / cp * elements * machine.bytes
    return c["context_exposed"] * volume / machine.bandwidth(cp, layout.tp)


def data_s(work: Work, layout: Layout, machine: Machine, micro_batches: float, inside: float) -> float:
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
        # Gathered for the forward and again for the backward pass; gradients scattered. Behind a
        # pipeline, stages keep what they gathered until the step ends.
        gathers = micro_batches if layout.pp == 1 else 1.0
        volume = (2.0 * whole / layout.tp + local) * (inner - 1) / inner * wide * gathers
        seconds = volume / machine.gather_bandwidth(inner, layout.tp)
        seconds += 3.0 * work.layers / layout.pp * gathers * hops_s(inner, layout.tp, machine)
        if inner < ranks:
            # Replicas in several slices exchange their shards once a step.
            seconds += 2.0 * local / inner * wide / machine.network
    else:
        volume = 2.0 * (ranks - 1) / ranks * local * wide
        seconds = volume / machine.gather_bandwidth(ranks, layout.tp)
        messages = max(1.0, local * wide / c["bucket_byte"])
        seconds += 2.0 * messages * hops_s(ranks, layout.tp, machine)
    hidden = c["data_hidden"] * inside
    exposed = c["data_exposed"] * seconds
    return exposed + max(0.0, seconds - exposed - hidden)


def hops_s(ranks: int, stride: int, machine: Machine) -> float:
    """Time that one traversal of a tree over ``ranks``, ``stride`` apart, takes when it carries nothing."""
    inside = min(ranks, max(1, machine.node // stride))
    c = machine.constants
    return c["link_hop_s"] * log2(inside) + c["network_hop_s"] * log2(ranks / inside)
