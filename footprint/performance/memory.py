"""Whether a step fits into the memory of one accelerator.

References: Korthikanti et al. 2022, arXiv:2205.05198 (activations); Rajbhandari et al. 2020,
arXiv:1910.02054 (optimiser states and their sharding).
"""

from __future__ import annotations

from footprint.arithmetic import Number, maximum, where
from footprint.performance.constants import Constants
from footprint.performance.layout import Layout
from footprint.performance.machine import BYTES, NARROW, Machine
from footprint.performance.work import Work
from footprint.schema import Accelerator
from footprint.units import BYTE_PER_GIB

SCORE_COPIES = 2.5
"""16-bit elements kept for each attention score without fused attention: 5 a s^2 b bytes."""


def memory_byte(work: Work, layout: Layout, machine: Machine) -> Number:
    """Memory that one accelerator of the fullest pipeline stage needs [byte]."""
    return state_byte(work, layout, machine) + activation_byte(work, layout, machine)


def state_byte(work: Work, layout: Layout, machine: Machine) -> Number:
    """Weights, gradients and optimiser states [byte]."""
    c = machine.constants
    replicas = layout.dp * layout.cp
    uneven = work.uneven(layout.pp)
    blocks = uneven * work.block_parameters / (layout.pp * layout.tp)
    # Head and embeddings sit on the first and last stage.
    ends = work.other_parameters / layout.tp / where(layout.pp == 1, 1.0, 2.0)
    dense = blocks + ends
    expert = uneven * work.expert_parameters / (layout.pp * layout.tp * layout.ep)
    trained = work.trained_share
    weight = BYTES[machine.precision]
    # Frozen weights may be stored in fewer bits than they are multiplied in (QLoRA).
    frozen = c.values.get("frozen_weight_byte", weight)
    kept = (weight + c["gradient_byte"]) * trained + frozen * (1.0 - trained)
    states = c["optimiser_state_byte"] * trained
    expert_replicas = maximum(1.0, replicas / layout.ep)
    gathered = 2.0 * weight * (work.block_parameters + work.expert_parameters) / (work.layers * layout.tp)
    sharded = (dense / replicas + expert / expert_replicas) * (kept + states) + gathered
    replicated = (dense + expert) * (kept + states)
    states_sharded = dense * (kept + states / replicas) + expert * (kept + states / expert_replicas)
    return where(layout.zero == 3, sharded, where(layout.zero == 0, replicated, states_sharded))


def activation_byte(work: Work, layout: Layout, machine: Machine) -> Number:
    """Activations kept for the backward pass, logits and working space [byte]."""
    c = machine.constants
    here = layout.micro_batch / work.samples / (layout.cp * layout.tp)
    # The first stage of a pipeline holds as many micro-batches as there are stages.
    interleaved = where(layout.interleaving > 1, 1.0 / layout.interleaving, 0.0)
    in_flight = where(layout.pp == 1, 1.0, 1.0 + interleaved)
    kept_share = c["activation_kept"] if machine.techniques.fused_attention else 1.0
    if machine.precision in NARROW:
        kept_share *= c["activation_kept_narrow"]
    stored = kept_share * work.stored_block
    if not layout.flash:
        stored = stored + where(layout.is_selective, 0.0, SCORE_COPIES * work.scores)
    share = layout.recompute_share
    kept = (1.0 - share) * stored * in_flight * work.uneven(layout.pp) + share * work.boundary * layout.tp
    kept = kept + where(layout.is_full, stored / work.layers, 0.0)
    logits = c["logit_copies"] * work.logits
    return (kept + work.stored_other + logits) * here * machine.bytes


def usable_byte(machine: Machine) -> float:
    """Memory of one accelerator that a step can fill [byte]."""
    return usable_of(machine.cluster.accelerator, machine.constants)


def usable_of(chip: Accelerator, constants: Constants) -> float:
    """Memory of a chip less what runtime, fragmentation and communication take [byte]."""
    whole = chip.memory_gib * BYTE_PER_GIB
    return whole * constants["memory_usable"] - constants["memory_reserved_byte"]
