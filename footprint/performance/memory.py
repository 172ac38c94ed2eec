"""Whether a step fits into the memory of one accelerator.

References: Korthikanti et al. 2022, arXiv:2205.05198 (activations); Rajbhandari et al. 2020,
arXiv:1910.02054 (optimiser states and their sharding).
"""

from __future__ import annotations

from footprint.performance.constants import Constants
from footprint.performance.layout import Layout
from footprint.performance.machine import BYTES, NARROW, Machine
from footprint.performance.work import Work
from footprint.schema import Accelerator
from footprint.units import BYTE_PER_GIB

SCORE_COPIES = 2.5
"""16-bit elements kept for each attention score without fused attention: 5 a s^2 b bytes."""


def memory_byte(work: Work, layout: Layout, machine: Machine) -> float:
    """Memory that one accelerator of the fullest pipeline stage needs [byte]."""
    return state_byte(work, layout, machine) + activation_byte(work, layout, machine)


def state_byte(work: Work, layout: Layout, machine: Machine) -> float:
    """Weights, gradients and optimiser states [byte]."""
    c = machine.constants
    replicas = layout.dp * layout.cp
    uneven = work.uneven(layout.pp)
    blocks = uneven * work.block_parameters / (layout.pp * layout.tp)
    # Head and embeddings sit on the first and last stage.
    ends = work.other_parameters / layout.tp / (1.0 if layout.pp == 1 else 2.0)
    dense = blocks + ends
    expert = uneven * work.expert_parameters / (layout.pp * layout.tp * layout.ep)
    trained = work.trained_share
    weight = BYTES[machine.precision]
    # Frozen weights may be stored in fewer bits than they are multiplied in (QLoRA).
    frozen = c.values.get("frozen_weight_byte", weight)
    kept = (weight + c["gradient_byte"]) * trained + frozen * (1.0 - trained)
    states = c["optimiser_state_byte"] * trained
    expert_replicas = max(1.0, replicas * layout.tp / (layout.ep * layout.tp))
    if layout.zero == 3:
        gathered = 2.0 * weight * (work.block_parameters + work.expert_parameters) / (work.layers * layout.tp)
        return (dense / replicas + expert / expert_replicas) * (kept + states) + gathered
    if layout.zero == 0:
        return (dense + expert) * (kept + states)
    return dense * (kept + states / replicas) + expert * (kept + states / expert_replicas)


def activation_byte(work: Work, layout: Layout, machine: Machine) -> float:
    """Activations kept for the backward pass, logits and working space [byte]."""
    c = machine.constants
    here = layout.micro_batch / work.samples / (layout.cp * layout.tp)
    # The first stage of a pipeline holds as many micro-batches as there are stages.
    in_flight = (
        1.0 if layout.pp == 1 else 1.0 + (1.0 / layout.interleaving if layout.interleaving > 1 else 0.0)
    )
    kept_share = c["activation_kept"] if machine.year >= 2023 else 1.0
    if machine.precision in NARROW:
        kept_share *= c["activation_kept_narrow"]
    stored = kept_share * work.stored_block + (
        0.0 if layout.flash or layout.recompute == "selective" else SCORE_COPIES * work.scores
    )
    kept = stored * in_flight * work.uneven(layout.pp)
    if layout.recompute == "full":
        share = layout.recomputed
        kept = (1.0 - share) * kept + share * work.boundary * layout.tp + stored / work.layers
    logits = c["logit_copies"] * work.logits
    return (kept + work.stored_other + logits) * here * machine.bytes


def usable_byte(machine: Machine) -> float:
    """Memory of one accelerator that a step can fill [byte]."""
    return usable_of(machine.cluster.accelerator, machine.constants)


def usable_of(chip: Accelerator, constants: Constants) -> float:
    """Memory of a chip less what runtime, fragmentation and communication take [byte]."""
    whole = chip.memory_gib * BYTE_PER_GIB
    return whole * constants["memory_usable"] - constants["memory_reserved_byte"]


def fits(work: Work, layout: Layout, machine: Machine) -> bool:
    """Whether the layout fits the accelerator's memory."""
    return memory_byte(work, layout, machine) <= usable_byte(machine)
