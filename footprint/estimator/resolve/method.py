"""How the run is executed: precision, attention kernel, layout; given, or chosen and said."""

from __future__ import annotations

import math
from collections.abc import Sequence

from footprint.arithmetic import Number, maximum
from footprint.catalog.assumptions import assumed
from footprint.errors import FootprintError
from footprint.estimator.facts import Facts
from footprint.estimator.request import LAYOUT_FIELDS, OPTIMIZERS, EstimateRequest
from footprint.estimator.resolve.defaults import adapter_rank
from footprint.estimator.workload import Workload
from footprint.flops import StepFlops
from footprint.flops.operations import Model
from footprint.flops.passes.splits import no_room, too_many_stages, undivided, wrong_experts
from footprint.performance import choose_precision
from footprint.performance.layouts.feeding import SIZES, cannot_feed, least_fed
from footprint.performance.layouts.shapes import Habits, habits_of
from footprint.performance.roofline.constants import memory_constants
from footprint.performance.roofline.memory import ParameterBytes, parameter_bytes
from footprint.performance.roofline.techniques import techniques_of
from footprint.performance.step import StepPrediction
from footprint.performance.step_facts import StepFacts
from footprint.results import Assumption, chosen_row
from footprint.results.estimate import Parallelism
from footprint.schema import Accelerator, Cluster, ModelConfig, Phase, TrainingMethod
from footprint.units import BYTE_PER_GIB
from footprint.vocabulary import PRECISIONS, Method, Recompute


def settle_precision(
    request: EstimateRequest, recipe_precision: str | None, accelerator: Accelerator, year: int
) -> tuple[str, tuple[Assumption, ...]]:
    """The run's precision; FootprintError if a given one is not in the chip's profile."""
    if request.precision is not None:
        peaks = accelerator.peak_flop_per_s
        if request.precision not in peaks:
            possible = [precision for precision in PRECISIONS if precision in peaks]
            raise FootprintError(
                f"{accelerator.name} does not support {request.precision}: "
                f"use `precision=` {' or '.join(possible)}"
            )
        return request.precision, ()
    precision, why = choose_precision(recipe_precision, accelerator, year)
    return precision, (chosen_row("precision", precision, why, "--precision"),)


def settle_optimizer(request: EstimateRequest, model: ModelConfig | None) -> str:
    """The optimiser whose states take memory: the request's, else the recipe's."""
    recipe = model.recipe if model is not None else None
    name = request.optimizer or (recipe.optimizer if recipe is not None else OPTIMIZERS[0])
    if name not in OPTIMIZERS:
        raise FootprintError(f"optimizer {name!r} of the recipe: give `optimizer=` {' or '.join(OPTIMIZERS)}")
    return name


def settle_training(
    request: EstimateRequest, model: ModelConfig, method: Method, accelerator: Accelerator, year: int
) -> tuple[TrainingMethod, tuple[Assumption, ...]]:
    """What is trained, with which attention kernel and recompute."""
    rows: list[Assumption] = []
    attention = request.attention
    if attention is None:
        # Every chip with bf16 units has fused attention kernels; older ones do not.
        flash = (
            techniques_of(year).fused_attention
            and "bf16" in accelerator.peak_flop_per_s
            and accelerator.kind != "cpu"
        )
        attention = "flash" if flash else "eager"
        why = (
            "fused kernels are the default since 2023 on chips with bf16" if flash else "no fused kernel here"
        )
        rows.append(chosen_row("attention", attention, why, "--attention"))
    rank, more = adapter_rank(request.lora_rank, method)
    training = TrainingMethod(
        method=method,
        lora_rank=rank,
        lora_targets=request.lora_targets,
        lora_dropout=request.lora_dropout or "none",
        frozen=request.frozen,
        input_gradients=request.input_gradients,
        recompute=said_recompute(request, model) or "none",
        attention=attention,
    )
    return training, (*more, *rows)


def said_recompute(request: EstimateRequest, model: ModelConfig | None) -> Recompute | None:
    """What the request, else the recipe, says is recomputed; None where neither does."""
    if request.recompute is not None:
        return request.recompute
    return None if model is None or model.recipe is None else model.recipe.recompute


_TEXT_FAMILIES = (
    "decoder", "encoder", "encoder-decoder", "mixture-of-experts", "recurrent", "state-space",
)  # fmt: skip


def require_applicable(request: EstimateRequest, model: ModelConfig, step_flop: StepFlops) -> None:
    """FootprintError for an option that this kind of model does not have."""
    kind = f"{model.id} is a model of the family {step_flop.family}"
    if request.tgt_seq_len is not None and step_flop.target_tokens is None:
        raise FootprintError(f"{kind}, without target sequences: leave out `tgt_seq_len=`")
    if request.image_size is not None and step_flop.family in _TEXT_FAMILIES:
        raise FootprintError(f"{kind}, without images: leave out `image_size=`")
    if request.seq_len is not None and step_flop.tokens is None:
        raise FootprintError(f"{kind}, which trains on images: leave out `seq_len=` (see `image_size=`)")
    if request.ep is not None and request.ep > 1 and "experts" not in step_flop.components:
        raise FootprintError(f"{kind}, without experts: leave out `ep=`")


def layout_of(request: EstimateRequest, cluster: Cluster, recompute: str) -> Parallelism:
    """The layout as given; unset sizes are searched."""
    given = request.among(SIZES)
    replicas = request.dp or cluster.count // _split(request)
    return Parallelism(
        tp=request.tp, pp=request.pp, dp=replicas if given else None, cp=request.cp, ep=request.ep,
        micro_batch=request.micro_batch, recompute=recompute,
        given=bool(request.among(LAYOUT_FIELDS).keys() - {"recompute"}),
    )  # fmt: skip


def require_layout(request: EstimateRequest, count: int, step_flop: StepFlops | None) -> None:
    """FootprintError where the sizes that are given cannot be those of this model on so many accelerators."""
    said = request.among(SIZES)
    product = math.prod(said.values())
    listed = " x ".join(f"`{name}=`" for name in said)
    wrong = product != count if len(said) == len(SIZES) else count % product
    if wrong:
        split = product // (request.dp or 1)
        way_out = "change one of them or the count in `hw=`"
        if request.dp is not None and count % split == 0:
            way_out = f"`dp={count // split}` fits"
        relation = "is not" if len(said) == len(SIZES) else "does not divide"
        raise FootprintError(f"{listed} is {product}, which {relation} {count} accelerators: {way_out}")
    if request.tp is not None and step_flop is not None and step_flop.operations and not request.force:
        wrong_heads = undivided(step_flop.operations, request.tp, count * request.tp // product)
        if wrong_heads:
            raise FootprintError(f"{wrong_heads}, or insist with `force=True`")
    if step_flop is not None and step_flop.operations:
        _check_splits(request, step_flop.operations, count)
    replicas = request.dp or count // product
    if request.ep is not None and replicas % request.ep and request.ep % replicas:
        raise FootprintError(f"`ep={request.ep}` neither divides nor is a multiple of {replicas} replicas")


def require_batch(
    request: EstimateRequest, workload: Workload, steps: Sequence[StepFacts], state_byte: float
) -> None:
    """FootprintError where no layout's replicas can be fed by the batch of a step."""
    for phase, step in zip(workload.phases, steps, strict=True):
        sequences, count = phase.sequences_per_step or 0, step.cluster.count
        habits = habits_of_step(step)
        if habits is None:  # without an operation list no layout is searched
            least = least_batch(request, step.cluster, count, state_byte)
        else:
            least = least_fed(habits, count, step.given, sequences)
        if sequences < least:
            raise cannot_feed(sequences, count, least, step.given)
        if request.dp is not None or len(request.among(SIZES[:3])) == 3:
            check_micro_batch(request, phase, request.dp or count // _split(request))


def habits_of_step(step: StepFacts) -> Habits | None:
    """What decides which layouts are tried for a step; None without an operation list."""
    if step.work is None or step.machine is None:
        return None
    return habits_of(step.work, step.machine, flash=step.flash, sequence_length=step.sequence_length)


def _split(request: EstimateRequest) -> int:
    """Accelerators that the given sizes take together."""
    return math.prod(request.among(SIZES).values())


def least_batch(request: EstimateRequest, cluster: Cluster, count: Number, state_byte: float) -> Number:
    """Sequences that a usual step has at least: one a replica, as few replicas as memory asks for.

    ``state_byte`` is what `held_once_byte` gives.
    """
    split = _split(request)
    if request.dp is not None or (request.tp is not None and request.pp is not None):
        return request.dp or count // split
    holding = math.ceil(state_byte / (cluster.accelerator.memory_gib * BYTE_PER_GIB))
    ranks = max(1, holding // split)
    return maximum(1, (request.dp or count // split) // ranks)


def _check_splits(request: EstimateRequest, model: Model, count: int) -> None:
    """FootprintError for more stages than layers, or expert ranks that do not divide what they share out."""
    if request.interleaving is not None and request.interleaving > 1 and (request.pp or 1) == 1:
        raise FootprintError("`interleaving=` shares out the layers of pipeline stages: give `pp=` 2 or more")
    if request.pp is None and request.ep is None:
        return
    stages, experts = request.pp or 1, request.ep or 1
    wrong = too_many_stages(model, stages, request.interleaving or 1)
    if wrong is None and not request.force:
        wrong = wrong_experts(model, experts, count // stages)
        wrong = f"{wrong}, or insist with `force=True`" if wrong else None
    wrong = wrong or no_room(experts, count // stages)
    if wrong:
        raise FootprintError(wrong)


def given_layout(request: EstimateRequest) -> dict[str, int | float | str]:
    """What the request fixes of the layout, for the layout finder."""
    return request.among(LAYOUT_FIELDS)


def held_bytes(
    request: EstimateRequest, model: ModelConfig | None, precision: str, training: TrainingMethod
) -> ParameterBytes:
    """What is held of one parameter [byte]."""
    return parameter_bytes(precision, memory_constants(settle_optimizer(request, model), training.method))


def held_once_byte(byte: ParameterBytes, step_flop: StepFlops, *, narrow: bool = False) -> float:
    """Weights, gradients and optimiser states of the whole model [byte].

    QLoRA's frozen weights are counted at full width, unless ``narrow``.
    """
    trained = float(step_flop.parameters.trainable)
    frozen = float(step_flop.parameters.total) - trained
    # Full width lets the check of batches refuse too little rather than too much.
    held = byte.frozen if narrow else byte.weight
    return trained * (byte.weight + byte.gradient + byte.optimiser) + frozen * held


def shared_state_byte(facts: Facts) -> Number:
    """The model's states [byte] on each accelerator, were they shared by all; 0 on CPUs."""
    if facts.cluster.accelerator.kind == "cpu" or facts.held is None:  # a CPU's memory is its owner's choice
        return 0.0
    return held_once_byte(facts.held, facts.step_flops[0], narrow=True) / facts.cluster.count


def least_needed_byte(facts: Facts, parts: Sequence[StepPrediction] | None) -> Number:
    """Memory that an accelerator needs at least [byte].

    Of predicted steps that is the memory of the smallest layout, 0 where one fits; else that of the
    states, were they shared by all accelerators.
    """
    if parts is None or any(step.machine is None for step in facts.steps):
        return shared_state_byte(facts)
    least: Number = 0.0
    for part in parts:
        least = maximum(least, part.least_byte)
    return least


def clear_byte(cluster: Cluster) -> float:
    """Predicted memory above which a step clearly does not fit an accelerator [byte]."""
    return assumed("memory.clear_excess").value * cluster.accelerator.memory_gib * BYTE_PER_GIB


def check_micro_batch(request: EstimateRequest, phase: Phase, replicas: int) -> None:
    """FootprintError where the micro-batch that was asked for does not divide a replica's share of a step."""
    asked, sequences = request.micro_batch, phase.sequences_per_step or 0
    if asked is None:
        return
    if asked * replicas > sequences:
        raise FootprintError(
            f"`micro_batch={asked}` on {replicas} replicas needs a batch of {asked * replicas}, "
            f"not {sequences:g}: lower `micro_batch=` or raise `batch_size=`"
        )
    share = sequences / replicas
    if share == int(share) and share % asked:
        raise FootprintError(
            f"`micro_batch={asked}` does not divide the {share:g} sequences of each of "
            f"{replicas} replicas: `micro_batch={math.gcd(int(share), asked)}` does"
        )
