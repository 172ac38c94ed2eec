"""Whether a step fits into the memory of one accelerator.

References: Korthikanti et al. 2022, arXiv:2205.05198 (activations); Rajbhandari et al. 2020,
arXiv:1910.02054 (optimiser states and their sharding).
"""

from __future__ import annotations

from typing import Protocol

from footprint.arithmetic import Number, maximum, minimum, where
from footprint.named_tuples import NamedTuple
from footprint.performance.roofline.constants import Constants
from footprint.performance.roofline.layout import LayoutNumbers
from footprint.performance.roofline.machine import BYTES, SIXTEEN_BYTE, Machine
from footprint.performance.roofline.techniques import Techniques
from footprint.performance.roofline.work import Work
from footprint.schema import Accelerator
from footprint.units import BYTE_PER_GIB
from footprint.vocabulary import NARROW

FACTOR = "memory_factor"
"""The constant of a job whose measured steps need so many times the memory that is counted."""
SCORE_COPIES = 2.5
"""16-bit elements kept for each attention score without fused attention (5 a s^2 b bytes)."""


WIDE_BYTE = 4.0
"""Bytes of a 32-bit number."""
ADAM_BYTE = 12.0
"""Bytes of Adam's states in 32 bits, with those of the master weights."""


class Storage(Protocol):
    """Precision, constants and techniques, which set how many bytes are kept; a `Machine` is one."""

    @property
    def precision(self) -> str:
        """The precision of the training."""

    @property
    def constants(self) -> Constants:
        """The constants of the model."""

    @property
    def techniques(self) -> Techniques:
        """The techniques of the year's software."""


class ParameterBytes(NamedTuple):
    """Bytes of one parameter before it is sharded."""

    weight: float
    frozen: float
    """A weight of a block that is not trained; QLoRA stores it with fewer bits than it is multiplied in."""
    gradient: float
    optimiser: float
    used: float
    """The weight as the products read it; embeddings and heads are frozen in this form."""
    copy: float
    """A copy for the products beside the weight, which nothing shards."""


class Memory(NamedTuple):
    """Bytes on the fullest accelerator, at the peak of a step."""

    weights_byte: Number
    gradients_byte: Number
    optimiser_byte: Number
    """Optimiser states, and the 32-bit master weights of mixed precision."""
    activations_byte: Number

    @property
    def total_byte(self) -> Number:
        """The sum of all parts [byte]."""
        return sum(self)


def memory(work: Work, layout: LayoutNumbers, storage: Storage) -> Memory:
    """Memory that one accelerator of the fullest pipeline stage needs, by part [byte]."""
    return Memory(*_states(work, layout, storage), passing_byte(work, layout, storage))


def memory_byte(work: Work, layout: LayoutNumbers, storage: Storage) -> Number:
    """Memory that one accelerator of the fullest pipeline stage needs [byte]."""
    return state_byte(work, layout, storage) + passing_byte(work, layout, storage)


def passing_byte(work: Work, layout: LayoutNumbers, storage: Storage) -> Number:
    """What a step holds for a time: activations, or later the copies of the optimiser, if larger [byte]."""
    return maximum(activation_byte(work, layout, storage), optimiser_copy_byte(work, layout, storage))


def optimiser_copy_byte(work: Work, layout: LayoutNumbers, storage: Storage) -> Number:
    """The copy of its parameters that PyTorch's Adam makes when it updates all of them at once [byte].

    It is the default since 2023 (``foreach``). Fused optimisers make no copy.
    """
    copied = storage.constants.values.get("optimiser_copy_byte", 0.0)
    if layout.sixteen_bit_states:
        copied = min(copied, SIXTEEN_BYTE)
    if not copied or not storage.techniques.fused_attention:
        return 0.0
    ranks = layout.tp * layout.pp * where(layout.zero >= 1, layout.dp * layout.cp, 1.0)
    return copied * work.trained_share * work.parameters / ranks


def state_byte(work: Work, layout: LayoutNumbers, storage: Storage) -> Number:
    """Weights, gradients and optimiser states [byte]."""
    weights, gradients, optimiser = _states(work, layout, storage)
    return weights + gradients + optimiser


def parameter_bytes(precision: str, constants: Constants) -> ParameterBytes:
    """Bytes of one parameter in this precision, with the optimiser of these constants."""
    used, known = float(BYTES[precision]), constants.values
    weight = max(used, known.get("weight_byte", used))
    # A weight of 32 bits is its own master weight.
    master = WIDE_BYTE if weight >= WIDE_BYTE else 0.0
    return ParameterBytes(
        weight=weight,
        frozen=known.get("frozen_weight_byte", used),
        gradient=max(constants["gradient_byte"], used),
        optimiser=max(0.0, constants["optimiser_state_byte"] - master),
        used=used,
        copy=known.get("copy_byte", 0.0) if used < WIDE_BYTE else 0.0,
    )


def in_sixteen_bits(byte: ParameterBytes, constants: Constants) -> ParameterBytes:
    """The bytes of a parameter whose weight, gradient and states all have the 16 bits of the products."""
    return byte._replace(
        weight=byte.used, gradient=byte.used, optimiser=sixteen_bit_states_byte(constants), copy=0.0
    )


def sixteen_bit_states_byte(constants: Constants) -> float:
    """Bytes of the optimiser's states of a parameter in 16 bits, of which none is a master weight."""
    return max(0.0, constants["optimiser_state_byte"] - WIDE_BYTE) / 2.0


def has_sixteen_bit_states(layout: LayoutNumbers, storage: Storage) -> bool:
    """Whether no state of a trained parameter has more than 16 bits, by its layout or by its stack."""
    if BYTES[storage.precision] > SIXTEEN_BYTE:
        return False
    return bool(layout.sixteen_bit_states or "holds_sixteen" in storage.constants.values)


def _kept_byte(precision: str, constants: Constants) -> float:
    """Bytes of an activation, an embedding or a head; some stacks cast them beside quantised weights."""
    known = constants.values
    cast = known.get("rest_byte", 0.0) if "frozen_weight_byte" in known else 0.0
    return max(float(BYTES[precision]), cast)


def _states(work: Work, layout: LayoutNumbers, storage: Storage) -> tuple[Number, Number, Number]:
    """Weights, gradients and optimiser states [byte].

    ZeRO shards optimiser states from stage 1, gradients from stage 2 and weights from stage 3 over the
    replicas. Stage 3 also holds the gathered weights of two layers, and PyTorch's the gradients of one.
    """
    byte = parameter_bytes(storage.precision, storage.constants)
    if layout.sixteen_bit_states:
        byte = in_sixteen_bits(byte, storage.constants)
    replicas = layout.dp * layout.cp
    uneven = _uneven(work, layout, storage)
    blocks = uneven * work.block_parameters / (layout.pp * layout.tp)
    # The embeddings are on the first stage and the head is on the last.
    ends = work.other_parameters / layout.tp / where(layout.pp == 1, 1.0, 2.0)
    # Expert ranks beyond the number of replicas share the tensor ranks, which already split the experts.
    expert_ranks = layout.tp * layout.expert_split
    expert = uneven * work.expert_parameters / (layout.pp * expert_ranks)
    expert_replicas = maximum(1.0, replicas / layout.ep)

    replicated = blocks + ends + expert
    sharded = (blocks + ends) / replicas + expert / expert_replicas

    def held(byte_each: float, stage: int) -> Number:
        return byte_each * where(layout.zero >= stage, sharded, replicated)

    trained = work.trained_share
    weight = byte.weight * trained + byte.frozen * (1.0 - trained)
    whole_layer = work.block_parameters + work.expert_parameters / layout.expert_split
    gathered = where(layout.zero == 3, whole_layer / (work.layers * layout.tp), 0.0)
    weights = held(weight, 3) + 2.0 * byte.used * gathered
    # Quantised are the blocks, not the embeddings and heads.
    rest = _kept_byte(storage.precision, storage.constants)
    unquantised = (rest - byte.frozen) * (1.0 - trained) * ends
    weights = weights + unquantised / where(layout.zero >= 3, replicas, 1.0)
    weights = weights + where(layout.zero >= 3, 0.0, byte.copy * trained * replicated)
    gradients = held(byte.gradient * trained, 2)
    if "whole_inputs" in storage.constants.values:
        # The gradients of a layer are whole until they are summed, perhaps as a copy in more bits.
        gradients = (
            gradients + (byte.used + storage.constants.values.get("reduce_byte", 0.0)) * trained * gathered
        )
    return weights, gradients, held(byte.optimiser * trained, 1)


def _uneven(work: Work, layout: LayoutNumbers, storage: Storage) -> Number:
    """Layers of the fullest pipeline stage over the mean [1]."""
    return work.uneven(layout.pp, head="stages_by_cost" in storage.constants.values)


class _Activations(NamedTuple):
    """What a step keeps of its activations, and what it holds for a while [byte]."""

    kept: Number
    """Of the blocks, from the forward to the backward pass."""
    block: Number
    """Of one block that is computed again, in the backward pass."""
    ends: Number
    """Of embeddings, head and loss, between the two passes."""


def activation_byte(work: Work, layout: LayoutNumbers, storage: Storage) -> Number:
    """Activations kept for the backward pass, and logits or those of one recomputed layer [byte].

    The logits are gone when the backward pass reaches the blocks, so the larger of the two counts.
    """
    kept, block, ends = _activations(work, layout, storage)
    whole = kept + maximum(block, ends)
    if "stages_apart" in storage.constants.values:
        # The last stage has the head, and one micro-batch in flight.
        whole = where(layout.pp == 1, whole, maximum(kept + block, kept / layout.pp + ends))
    return whole


def stale_byte(work: Work, layout: LayoutNumbers, storage: Storage) -> Number:
    """What an allocator may still reserve of the smaller of the two [byte].

    Blocks of memory that the logits had seldom fit the smaller tensors of a layer. The allocator gives them
    back before it runs out of memory.
    """
    _, block, ends = _activations(work, layout, storage)
    return where(layout.pp == 1, minimum(block, ends), 0.0)


def _activations(work: Work, layout: LayoutNumbers, storage: Storage) -> _Activations:
    constants, known = storage.constants, storage.constants.values
    byte = _kept_byte(storage.precision, constants)
    device_share = layout.micro_batch / work.samples / (layout.cp * layout.tp)
    # The first stage of a pipeline holds the activations of as many micro-batches as there are stages.
    interleaved = where(layout.interleaving > 1, 1.0 / layout.interleaving, 0.0)
    in_flight = where(layout.pp == 1, 1.0, 1.0 + interleaved)
    said = "whole_inputs" in known  # what PyTorch's own code keeps does not depend on the year
    kept_share = constants["activation_kept"] if said or storage.techniques.fused_attention else 1.0
    if storage.precision in NARROW:
        kept_share *= constants["activation_kept_narrow"]
    # What PyTorch keeps beyond the list is not among the inputs of frozen products.
    # PyTorch's own code copies a token for each of its experts, and weights their results: both are kept.
    stored = kept_share * (work.stored_block + (2.0 * work.routed if said else 0.0))
    if not ("frozen_weight_byte" in known and storage.techniques.quantised_inputs):
        stored = stored - min(kept_share, 1.0) * work.unkept_block
    if not layout.flash:
        copies = known.get("score_copies", SCORE_COPIES)
        stored = stored + where(layout.is_selective, 0.0, copies * work.scores)
    # Selective recomputation also drops what latent attention projects up (DeepSeek-V3, 3.2.3).
    stored = stored - where(layout.is_selective, kept_share * work.projected, 0.0)
    # PyTorch's tensor parallelism keeps the gathered inputs of products, which Megatron-LM gathers again.
    if said:
        stored = stored + work.boundary * work.reductions / work.layers * (layout.tp - 1)
    share = layout.recompute_share
    in_stages = in_flight * _uneven(work, layout, storage)
    inputs = 0.0 if "offloads_inputs" in known else work.boundary
    kept = (1.0 - share) * stored * in_stages + share * inputs
    block = stored / work.layers
    if known.get("every_second") and 0.0 < work.seconds_share < 1.0:
        # From nothing over every second product to whole blocks.
        results = work.seconds_kept - work.boundary
        seconds = where(
            share <= work.seconds_share,
            stored + (results + inputs - stored) * (share / work.seconds_share),
            inputs + results * (1.0 - share) / (1.0 - work.seconds_share),
        )
        kept = minimum(kept, seconds * in_stages)
        block = block - minimum(seconds, stored) / work.layers + inputs / work.layers
    block = where(layout.is_full, block, 0.0)
    ends = work.stored_other * byte
    ends = ends + known.get("logit_byte", constants["logit_copies"] * byte) * work.logits
    return _Activations(*(part * device_share for part in (kept * byte, block * byte, ends)))


def usable_byte(machine: Machine) -> Number:
    """Memory of one accelerator that a step can fill, as `memory_byte` counts it [byte]."""
    return _usable(machine.memory_gib, machine.constants) / machine.constants.values.get(FACTOR, 1.0)


def usable_of(chip: Accelerator, constants: Constants) -> float:
    """Memory of a chip less the memory that runtime, fragmentation and communication take [byte]."""
    return float(_usable(chip.memory_gib, constants))


def _usable(memory_gib: Number, constants: Constants) -> Number:
    whole = memory_gib * BYTE_PER_GIB
    return whole * constants["memory_usable"] - constants["memory_reserved_byte"]
