"""The time of one step on a layout, as a sum of printable terms.

Every product of the operation list takes its FLOPs at the rate the chip reaches plus its
operands at the memory's rate (`footprint.performance.roofline.sums`); to these add pointwise traffic,
communication that nothing hides, launches, the optimiser and the pipeline's bubble. Terms are
summed, not maximised: kernels do not overlap perfectly. The layout and the batch are plain numbers or
arrays of them.

References: Williams et al. 2009, 10.1145/1498765.1498785 (roofline); Narayanan et al. 2021,
arXiv:2104.04473 (bubble, tensor-parallel volume); Korthikanti et al. 2022, arXiv:2205.05198
(sequence parallelism, recomputation); Rajbhandari et al. 2020, arXiv:1910.02054 (ZeRO volumes);
Dao et al. 2022, arXiv:2205.14135 (fused attention).
"""

from __future__ import annotations

from footprint import equations
from footprint.arithmetic import Number, maximum, where
from footprint.performance.roofline.communication import context_s, data_s, experts_s, tensor_s
from footprint.performance.roofline.layout import LayoutNumbers
from footprint.performance.roofline.machine import Machine
from footprint.performance.roofline.sums import Sums, sum_lines
from footprint.performance.roofline.work import Work

REPEATED_KERNELS = 0.3
"""Kernels that a recomputed block launches again, over those of its step: its forward pass."""
REPEATED_TRAFFIC = 0.5
"""Pointwise traffic of a repeated forward pass, over that of forward and backward."""


def step_terms(work: Work, layout: LayoutNumbers, machine: Machine) -> dict[str, float]:
    """Seconds of one step by term, before the factors of era and software."""
    return terms_of(sum_lines(work, machine, layout.tp, flash=layout.flash), work, layout, machine)


def terms_of(
    sums: Sums, work: Work, layout: LayoutNumbers, machine: Machine, scale: Number = 1.0
) -> dict[str, Number]:
    """Seconds of one step by term, from the sums of the layout's tensor split.

    ``scale`` is the batch of the step over that of ``work`` and ``sums``: what grows with the data is
    multiplied by it last, so that of many batches most is computed once.
    """
    constants = machine.constants
    micro_batches = maximum(1.0, work.samples / layout.dp * scale / layout.micro_batch)
    repeated = layout.recompute_share
    of_tokens = 1.0 / (layout.dp * layout.cp)
    share = of_tokens / layout.tp
    # The fullest stage sets the pace of a pipeline.
    uneven = work.uneven(layout.pp)
    stage = uneven / layout.pp
    compute = scale * (stage * share * sums.compute + repeated * (stage * share * sums.compute_repeated))
    expert_weights = stage / layout.ep * sums.expert_weights
    expert_weights_repeated = stage / layout.ep * sums.expert_weights_repeated
    weights = stage * sums.weights + expert_weights
    weights = weights + repeated * (stage * sums.weights_repeated + expert_weights_repeated)
    moved = stage * of_tokens * sums.moved + repeated * (stage * of_tokens * sums.moved_repeated)
    scores_repeated = repeated if layout.flash else where(layout.is_selective, 1.0, repeated)
    attention = stage * share * sums.attention + scores_repeated * (stage * share * sums.attention_repeated)
    weight_casts = stage * (sums.weight_casts + sums.expert_weight_casts / layout.ep)
    head_weights = sums.head_weights + sums.head_expert_weights / layout.ep
    # The last stage alone computes the head; balancing hides part of what the others wait for it.
    last = 1.0 / layout.pp + constants["head_imbalance"] * (1.0 - 1.0 / layout.pp)
    head_data = last * (share * sums.head_compute + of_tokens * sums.head_moved)
    terms = {
        "matmul": compute,
        "streaming": scale * moved + micro_batches * weights,
        "attention": scale * attention,
        "casts": scale * (stage * of_tokens * sums.casts) + weight_casts,
        "head": scale * head_data + micro_batches * (last * head_weights),
        "elementwise": scale * (uneven * _elementwise(work, layout, machine, share, scores_repeated)),
        "tensor_parallel": uneven * tensor_s(work, layout, machine, micro_batches, scale),
        "expert_parallel": scale * (uneven * experts_s(work, layout, machine)),
        "context_parallel": scale * (uneven * context_s(work, layout, machine)),
    }
    inside = sum(terms.values())
    bubble = equations.pipeline_bubble_share(layout.pp, micro_batches, layout.interleaving)
    terms["pipeline_bubble"] = inside * bubble
    terms["data_parallel"] = data_s(work, layout, machine, micro_batches, inside)
    terms["optimiser"] = _optimiser(work, layout, machine)
    terms["launch"] = _launch(work, layout, machine, micro_batches, inside)
    return terms


def _launch(
    work: Work, layout: LayoutNumbers, machine: Machine, micro_batches: Number, inside: Number
) -> Number:
    """Gaps between kernels, and the time by which the host falls behind where kernels are short."""
    constants = machine.constants
    # Products of experts are executed one expert after the other.
    alone = maximum(0.0, work.experts / layout.ep - 1.0) * constants["expert_kernels"]
    kernels = (work.launches + alone * work.expert_launches) / layout.pp
    if not machine.is_gpu:
        kernels = kernels * constants["launch_compiled"]
    kernels = kernels * (1.0 + REPEATED_KERNELS * layout.recompute_share) * micro_batches
    gaps = kernels * constants["gap_s"]
    return gaps + maximum(0.0, kernels * (constants["launch_s"] - constants["gap_s"]) - inside)


def _elementwise(
    work: Work, layout: LayoutNumbers, machine: Machine, share: Number, scores_repeated: Number
) -> Number:
    """Norms, activations, dropout, residuals, softmax and loss: memory traffic [s]."""
    constants = machine.constants
    passes = constants["passes_fused"] if machine.techniques.fused else constants["passes_eager"]
    of_blocks = work.stored_block / layout.pp
    stored = of_blocks + work.stored_other + REPEATED_TRAFFIC * layout.recompute_share * of_blocks
    elements = passes * stored + constants["passes_logits"] * work.logits / layout.pp
    if not layout.flash:
        scores = work.scores / layout.pp * (1.0 + REPEATED_TRAFFIC * scores_repeated)
        elements = elements + constants["passes_scores"] * scores
    return elements * share * machine.bytes / machine.memory


def _optimiser(work: Work, layout: LayoutNumbers, machine: Machine) -> Number:
    """Reading and writing parameters, gradients and optimiser states once a step [s]."""
    parameters = (
        work.block_parameters + work.expert_parameters / layout.ep
    ) / layout.pp + work.other_parameters
    local = parameters * work.trained_share / layout.tp
    local = where(layout.zero >= 1, local / (layout.dp * layout.cp), local)
    return machine.constants["optimiser_byte"] * local / machine.memory
