"""What an output says of the model, its work, its layout and its published run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from footprint.arithmetic import summed
from footprint.estimator.facts import Facts
from footprint.estimator.workload import known
from footprint.flops import StepFlops, count_step
from footprint.performance.roofline.layout import Layout
from footprint.records import replace
from footprint.results.estimate import (
    ClusterSummary,
    FlopSummary,
    ModelSummary,
    Parallelism,
    PhaseSummary,
    PublishedRun,
    WorkloadSummary,
)
from footprint.results.link import Trace
from footprint.vocabulary import ADAPTED


def cluster_summary(facts: Facts) -> ClusterSummary:
    """The accelerators and the server form that carries them."""
    chip, node = facts.cluster.accelerator, facts.cluster.node
    return ClusterSummary(
        accelerator=chip.id,
        variant=chip.name,
        unit=chip.unit,
        count=facts.cluster.count,
        nodes=facts.cluster.nodes,
        node_form=node.name,
    )


def layout_summary(parallelism: Parallelism, layout: Layout | None) -> Parallelism:
    """The layout as the step-time model took it, where it predicted one."""
    if layout is None:
        return parallelism
    return Parallelism(
        tp=layout.tp, pp=layout.pp, dp=layout.dp, cp=layout.cp, ep=layout.ep,
        micro_batch=layout.micro_batch, recompute=layout.recompute, given=parallelism.given,
    )  # fmt: skip


def executed_flop(
    step_flop: StepFlops, config: Mapping[str, Any], layout: Layout | None, objective: str
) -> float:
    """FLOP that one step executes under the layout's recomputation [FLOP]."""
    if layout is None or layout.recompute == step_flop.training.recompute or step_flop.shape is None:
        return step_flop.hardware_flop
    training = replace(step_flop.training, recompute=layout.recompute)
    recomputed = count_step(config, step_flop.shape, training, objective).hardware_flop
    recompute_share = layout.recompute_share if layout.recompute == "full" else 1.0
    return step_flop.hardware_flop + recompute_share * (recomputed - step_flop.hardware_flop)


def model_summary(facts: Facts) -> ModelSummary | None:
    """Name and size of the model; None where only hours are known."""
    if facts.model is None or not facts.step_flops:
        return None
    counted, stated = facts.step_flops[0], facts.model.parameters
    if counted.family == "generic":
        return ModelSummary(
            name=facts.model.id, family=counted.family, parameters=stated,
            active_parameters=facts.model.config.get("active_parameters"),
        )  # fmt: skip
    return ModelSummary(
        name=facts.model.id,
        family=counted.family,
        parameters=counted.parameters.total,
        active_parameters=counted.parameters.active,
    )


OF_THE_RUN = (
    "tokens", "samples", "steps", "epochs", "batch_size", "seq_len", "tgt_seq_len", "image_size", "method",
    "document_length", "predicted_positions", "packing", "padding_share", "frozen", "input_gradients",
    "objective", "precision", "tp", "pp", "dp", "cp", "ep", "zero", "interleaving", "micro_batch",
    "recompute", "attention", "optimizer", "stack", "overlap", "stack_date", "network_byte_per_s", "anchor",
    "hours", "step_time_s", "tokens_per_second", "samples_per_second", "mfu", "goodput",
)  # fmt: skip
"""Arguments that make an estimate one of another run than was published, or no prediction of its hours."""


def published_run(facts: Facts) -> PublishedRun | None:
    """Hardware and hours of the model's own training, where they were published."""
    model, cluster = facts.model, facts.cluster
    recipe = model.recipe if model is not None else None
    if model is None or recipe is None or recipe.accelerator is None:
        return None
    paths = ("recipe.duration_h", "recipe.accelerator_h", "recipe.accelerator", "recipe")
    cites = (model.cite.get(path) for path in paths)
    return PublishedRun(
        accelerator=recipe.accelerator,
        count=recipe.accelerators,
        duration_h=recipe.duration_h,
        accelerator_h=recipe.accelerator_h,
        note=recipe.note or "",
        year=model.year,
        estimated_year=facts.year,
        same_run=(cluster.accelerator.id, cluster.count) == (recipe.accelerator, recipe.accelerators)
        and not any(getattr(facts.request, name) for name in OF_THE_RUN),
        source=next((cite.source for cite in cites if cite is not None), ""),
    )


FLOP_FORM = "sum over phases of steps x FLOP a step; FLOP a step from the list of matrix products"

FLOP_FORM_GIVEN = "sum over phases of steps x FLOP a step; FLOP of a token or a sample as given"


def note_flop(facts: Facts, trace: Trace) -> None:
    """Note how the model FLOPs of the run come about."""
    if facts.workload is None:
        return
    phases: dict[str, str] = {}
    for number, phase in enumerate(facts.workload.phases, 1):
        size = f"{phase.sequence_length}" if phase.sequence_length is not None else f"{phase.image_size} px"
        if phase.sequence_length is None and phase.image_size is None:
            size = "1 sample"
        if phase.target_sequence_length is not None:
            size += f"/{phase.target_sequence_length}"
        phases[f"phase_{number}"] = (
            f"{_counted(known(phase.steps))} steps of {_counted(known(phase.sequences_per_step))} x {size}"
        )
    given = facts.request.flop_per_token or facts.request.flop_per_sample
    trace.note("training_flop", FLOP_FORM if given is None else FLOP_FORM_GIVEN, phases, model_flop(facts))


def model_flop(facts: Facts) -> float:
    """Model FLOPs of the whole run; 0 where the workload is unknown."""
    return summed(steps * step.training_flop for steps, step in _counted_steps(facts))


def _counted_steps(facts: Facts) -> list[tuple[float, StepFlops]]:
    """The number of steps of each phase, and what one of them takes; empty where the workload is unknown."""
    phases = facts.workload.phases if facts.workload is not None else ()
    return [(known(phase.steps), step) for phase, step in zip(phases, facts.step_flops, strict=True)]


def _counted(value: float) -> str:
    """A count to its last digit, so that the product can be checked by hand."""
    return f"{value:,.0f}" if value >= 1000 or value == int(value) else f"{value:,.4g}"


def flop_summary(facts: Facts, layout: Layout | None) -> FlopSummary | None:
    """FLOPs of the whole run under a layout's recomputation; None where the workload is unknown."""
    model, workload = facts.model, facts.workload
    if model is None or workload is None:
        return None
    counted = _counted_steps(facts)
    return FlopSummary(
        model_flop=model_flop(facts),
        hardware_flop=summed(
            steps * executed_flop(step, model.config, layout, workload.objective) for steps, step in counted
        ),
        model_flop_causal=summed(steps * step.training_flop_causal for steps, step in counted),
    )


def workload_summary(facts: Facts) -> WorkloadSummary | None:
    """Amounts over the whole run; None where the workload is unknown."""
    workload = facts.workload
    if workload is None:
        return None
    lengths = {phase.sequence_length for phase in workload.phases}

    def over_steps(field: str) -> float | None:
        """Sum over all steps of a count a step; None where the family has no such count."""
        whole = 0.0
        for steps, step in _counted_steps(facts):
            value = getattr(step, field)
            if value is None:
                return None
            whole += steps * value
        return whole

    return WorkloadSummary(
        tokens=over_steps("tokens"),
        source_tokens=over_steps("source_tokens"),
        target_tokens=over_steps("target_tokens"),
        samples=workload.samples,
        steps=workload.steps,
        phases=tuple(
            PhaseSummary(
                steps=known(phase.steps),
                sequences_per_step=known(phase.sequences_per_step),
                sequence_length=phase.sequence_length,
                target_sequence_length=phase.target_sequence_length,
                image_size=phase.image_size,
            )
            for phase in workload.phases
        ),
        sequences_per_step=workload.samples / workload.steps,
        sequence_length=lengths.pop() if len(lengths) == 1 else None,
        method=workload.method,
        precision=facts.precision,
        objective=workload.objective,
        packing=facts.request.packing,
        lora_rank=facts.training.lora_rank if workload.method in ADAPTED else None,
    )
