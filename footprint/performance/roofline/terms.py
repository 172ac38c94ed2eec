"""The time of one step on a layout, as a sum of printable terms.

The time of a product is its FLOPs at the rate that the chip reaches, plus its operands at the rate of
the memory (`footprint.performance.roofline.sums`). The other terms are pointwise traffic, exposed
communication, kernel launches, the optimiser and the pipeline's bubble. The terms are summed, not
maximised, because kernels do not overlap perfectly. The layout and the batch are plain numbers or
arrays.

References: Williams et al. 2009, 10.1145/1498765.1498785 (roofline); Narayanan et al. 2021,
arXiv:2104.04473 (bubble, tensor-parallel volume); Korthikanti et al. 2022, arXiv:2205.05198
(sequence parallelism, recomputation); Rajbhandari et al. 2020, arXiv:1910.02054 (ZeRO volumes);
Dao et al. 2022, arXiv:2205.14135 (fused attention).
"""

from __future__ import annotations

from footprint import equations
from footprint.arithmetic import Number, log2, maximum, minimum, power, summed, where
from footprint.performance.roofline.communication import (
    context_s,
    exchange_s,
    experts_s,
    exposed_s,
    stages_s,
    tensor_s,
)
from footprint.performance.roofline.constants import Constants
from footprint.performance.roofline.holding import UNSAID_MOVED
from footprint.performance.roofline.layout import LayoutNumbers
from footprint.performance.roofline.machine import SIXTEEN_BYTE, Machine
from footprint.performance.roofline.sums import Sums, sum_lines
from footprint.performance.roofline.work import Work

CONVOLUTIONAL = "convolutional"
"""Family of models whose activations are not kept (the next convolution keeps what they give), yet read."""
REPEATED_KERNELS = 0.3
"""Kernels of a second forward pass, over the kernels of the whole step of a block [1]."""
REPEATED_TRAFFIC = 0.33
"""Pointwise traffic of a second forward pass, over the traffic of forward and backward pass, by torch's
dispatcher on a block of Llama as Transformers has it: 0.30 in bf16, 0.36 under autocast [1]."""


def step_terms(work: Work, layout: LayoutNumbers, machine: Machine) -> dict[str, float]:
    """Seconds of one step by term, before the fitted factors for era and software."""
    return terms_of(sum_lines(work, machine, layout.tp, flash=layout.flash), work, layout, machine)


def terms_of(
    sums: Sums, work: Work, layout: LayoutNumbers, machine: Machine, scale: Number = 1.0
) -> dict[str, Number]:
    """Seconds of one step by term, from the sums of the layout's tensor split.

    ``scale`` is the batch of the step over the batch of ``work`` and ``sums``. It is multiplied last, so
    that most of the work is shared by many batches.
    """
    micro_batches = maximum(1.0, work.samples / layout.dp * scale / layout.micro_batch)
    terms = computed_terms(sums, work, layout, machine, scale, micro_batches)
    computed_s = summed(terms.values())
    terms["pipeline_bubble"] = computed_s * bubble_share(layout.pp, micro_batches, layout.interleaving)
    exchanged_s = exchange_s(work, layout, machine, micro_batches)
    terms["data_parallel"] = exposed_s(exchanged_s, computed_s, machine.constants)
    terms["optimiser"] = optimiser_s(work, layout, machine)
    kernels = kernels_of(work, layout, machine) * micro_batches
    terms["launch"] = launched_s(kernels, computed_s, machine.constants)
    terms["waiting"] = waiting_s(layout, machine)
    return terms


def computed_terms(
    sums: Sums,
    work: Work,
    layout: LayoutNumbers,
    machine: Machine,
    scale: Number,
    micro_batches: Number,
) -> dict[str, Number]:
    """Seconds of the terms that a pipeline's bubble lengthens; linear in scale and micro-batches."""
    constants = machine.constants
    recompute_share = layout.recompute_share
    data_share = 1.0 / (layout.dp * layout.cp)
    rank_share = data_share / layout.tp
    # The fullest stage sets the pace of a pipeline.
    uneven = work.uneven(layout.pp, head=bool(constants.values.get("stages_by_cost")))
    stage = uneven / layout.pp
    compute = scale * (
        stage * rank_share * sums.compute + recompute_share * (stage * rank_share * sums.compute_repeated)
    )
    expert_weights = stage / layout.expert_split * sums.expert_weights
    expert_weights_repeated = stage / layout.expert_split * sums.expert_weights_repeated
    weights = stage * sums.weights + expert_weights
    weights = weights + recompute_share * (stage * sums.weights_repeated + expert_weights_repeated)
    moved = stage * data_share * sums.moved + recompute_share * (stage * data_share * sums.moved_repeated)
    scores_repeated = recompute_share if layout.flash else where(layout.is_selective, 1.0, recompute_share)
    attention = stage * rank_share * sums.attention + scores_repeated * (
        stage * rank_share * sums.attention_repeated
    )
    weight_casts = stage * (sums.weight_casts + sums.expert_weight_casts / layout.expert_split)
    head_weights = sums.head_weights + sums.head_expert_weights / layout.expert_split
    # The last stage alone has the head and the loss; balancing the stages hides part of the others' waiting.
    last = 1.0 / layout.pp + constants["head_imbalance"] * (1.0 - 1.0 / layout.pp)
    last = last * head_beyond(sums, work, layout)
    head_data = last * (rank_share * sums.head_compute + data_share * sums.head_moved)
    elementwise = uneven * _elementwise(work, layout, machine, rank_share, scores_repeated)
    elementwise = elementwise + last * rank_share * _loss_s(work, machine)
    if work.experts and not work.padded:
        # Uneven loads and permutations slow down the layers of experts, not attention.
        compute, moved, weights, elementwise = (
            constants["software_experts"] * one for one in (compute, moved, weights, elementwise)
        )
    around = machine.around_products
    held = stage * held_s(work, layout, machine, micro_batches)
    return {
        "matmul": compute,
        "streaming": scale * moved + micro_batches * weights + held,
        "attention": scale * attention,
        "casts": scale * (stage * data_share * sums.casts) + weight_casts,
        "head": scale * head_data + micro_batches * (last * head_weights),
        "elementwise": scale * (around * elementwise),
        "tensor_parallel": around * uneven * tensor_s(work, layout, machine, micro_batches, scale),
        "expert_parallel": scale * (around * uneven * experts_s(work, layout, machine)),
        "context_parallel": scale * (around * uneven * context_s(work, layout, machine)),
        "pipeline_parallel": around * stages_s(work, layout, machine, micro_batches, scale),
    }


def held_s(work: Work, layout: LayoutNumbers, machine: Machine, micro_batches: Number) -> Number:
    """Memory traffic of casting weights and of summing up their gradients over micro-batches [s].

    Replicas with shards of the gradients cast and add up these alone. Mixtures of experts are left out:
    what their experts' grouped products do is in their own factor.
    """
    known = machine.constants.values
    if work.experts or not machine.is_gpu or machine.bytes > SIXTEEN_BYTE:
        return 0.0
    each = known.get("held_byte", UNSAID_MOVED[0])
    further = known.get("added_byte", UNSAID_MOVED[1])
    byte = where(layout.zero >= 2, 0.0, each * micro_batches + further * (micro_batches - 1.0))
    return byte * work.trained_share * work.block_parameters / layout.tp / machine.memory


def head_beyond(sums: Sums, work: Work, layout: LayoutNumbers) -> Number:
    """Share of the head that is beyond a layer which the last stage lacks [1].

    Where the stages do not divide the layers, recipes leave the last stage a layer short, for the head.
    """
    lacks = work.uneven(layout.pp) > 1.0 + 0.5 / work.layers
    layer_s = (sums.compute + sums.attention) / work.layers
    # A head without products takes no time, whatever its share.
    layers = layer_s / where(sums.head_compute > 0.0, sums.head_compute, layer_s)
    return where(lacks, maximum(0.0, 1.0 - layers), 1.0)


def bubble_share(stages: Number, micro_batches: Number, interleaving: Number) -> Number:
    """Idle time of a pipeline over its busy time [1].

    Micro-batches fill as many stages as they are, and the other stages wait.
    """
    filled = minimum(stages, micro_batches)
    bubble = equations.pipeline_bubble_share(filled, micro_batches, interleaving)
    return bubble + maximum(0.0, equations.idle_stages_share(stages, micro_batches))


def kernels_of(work: Work, layout: LayoutNumbers, machine: Machine) -> Number:
    """Kernels of one micro-batch on one accelerator [1]."""
    constants = machine.constants
    # Each expert launches its own kernels, if they are not one grouped product.
    each = 0.0 if machine.grouped else constants["expert_kernels"]
    if machine.year <= constants.values.get("experts_looped_until_year", 0):
        each = constants["loop_kernels"]
    extra_kernels = maximum(0.0, work.experts / layout.ep - 1.0) * each
    kernels = (work.launches + extra_kernels * work.expert_launches) / layout.pp
    if not machine.is_gpu:
        kernels = kernels * constants["launch_compiled"]
    elif machine.grouped and work.experts:
        # The same recipes capture the whole step as a graph, in which gaps are shorter.
        kernels = kernels * constants["gap_captured_s"] / constants["gap_s"]
    return kernels * (1.0 + REPEATED_KERNELS * layout.recompute_share)


def launched_s(kernels: Number, computed_s: Number, constants: Constants) -> Number:
    """Gaps between kernels, and the host's delay where launches take longer than the kernels [s]."""
    gaps = kernels * constants["gap_s"]
    return gaps + maximum(0.0, kernels * (constants["launch_s"] - constants["gap_s"]) - computed_s)


def waiting_s(layout: LayoutNumbers, machine: Machine) -> Number:
    """Time in which the nodes of a job wait for the slowest of them, for each doubling of the nodes [s]."""
    ranks = layout.tp * layout.pp * layout.cp * layout.dp
    return machine.constants["node_wait_s"] * log2(maximum(1.0, ranks / machine.node))


def _elementwise(
    work: Work, layout: LayoutNumbers, machine: Machine, rank_share: Number, scores_repeated: Number
) -> Number:
    """Memory traffic of norms, activations, dropout, residuals and softmax [s]."""
    constants = machine.constants
    passes = constants["passes_fused"] if machine.techniques.fused else constants["passes_eager"]
    if machine.techniques.fused and machine.is_gpu:
        passes *= power(constants["passes_eager"] / passes, tuned_before(work, machine.native, constants))
    if work.family == CONVOLUTIONAL:
        passes = passes * constants["passes_convolutional"]
    of_blocks = work.stored_block / layout.pp
    stored = of_blocks + work.stored_other + REPEATED_TRAFFIC * layout.recompute_share * of_blocks
    elements = passes * stored
    # No kernel fuses the biases of experts and the clamped activation between them (gpt-oss).
    biased = work.biased / layout.pp * (1.0 + REPEATED_TRAFFIC * layout.recompute_share)
    elements = elements + constants["passes_expert_bias"] * biased
    # Tokens are sorted to their experts and back, unless products with ones and zeros do it.
    if not (work.padded and machine.one_hot):
        elements = elements + _sorted_passes(work, layout, machine) * work.routed / layout.pp
    if not layout.flash:
        scores = work.scores / layout.pp * (1.0 + REPEATED_TRAFFIC * scores_repeated)
        elements = elements + constants["passes_scores"] * scores
    return elements * rank_share * machine.bytes / machine.memory


def _sorted_passes(work: Work, layout: LayoutNumbers, machine: Machine) -> Number:
    """Times that the activation of a token crosses memory for each of its experts in sorting [1]."""
    passes = machine.passes_sorted + machine.passes_sorted_forward * layout.recompute_share
    if not work.experts or not machine.worst_case:
        return passes
    # What expert ranks receive lies in a buffer that would hold the tokens of all of them.
    constants = machine.constants
    received = constants["passes_received"] + constants["passes_received_forward"] * layout.recompute_share
    times = minimum(layout.ep, work.experts / work.chosen)
    return passes + where(layout.ep > 1, received * times, 0.0)


def _loss_s(work: Work, machine: Machine) -> Number:
    """Memory traffic of the loss of all logits on one accelerator [s]."""
    return machine.constants["passes_logits"] * work.logits * machine.bytes / machine.memory


def tuned_before(work: Work, native: bool | None, constants: Constants) -> float:
    """Share of the gain since 2023 that a step does not have, because its stack was tuned before [1].

    The defaults of PyTorch 2 are what changed in 2023. For models without a causal mask (convolutions,
    encoders, translation) a vendor's stack had fused kernels before; for decoders it gained fused attention.
    """
    if native or work.family == "decoder" or work.experts:
        return 0.0
    of_unknown = 1.0 if native is False else 1.0 - constants["native_share_unknown"]
    return constants["tuned_before"] * of_unknown


def optimiser_s(work: Work, layout: LayoutNumbers, machine: Machine) -> Number:
    """Reading and writing parameters, gradients and optimiser states once a step [s]."""
    replicas = layout.dp * layout.cp
    dense = (work.block_parameters / layout.pp + work.other_parameters) / layout.tp
    # Replicas that hold other experts shard none of them.
    expert = work.expert_parameters / (layout.pp * layout.tp * layout.expert_split)
    sharded = dense / replicas + expert / maximum(1.0, replicas / layout.ep)
    local = where(layout.zero >= 1, sharded, dense + expert) * work.trained_share
    return machine.around_products * machine.constants["optimiser_byte"] * local / machine.memory
