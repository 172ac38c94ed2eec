"""A settled scenario, and what an output says of it."""

from __future__ import annotations

from footprint.estimator.execution import executed_flop
from footprint.estimator.request import EstimateRequest
from footprint.estimator.workload import Workload
from footprint.flops import StepFlops
from footprint.performance.layout import Layout
from footprint.records import record
from footprint.results import Assumption
from footprint.results.estimate import (
    FlopSummary,
    ModelSummary,
    Parallelism,
    PhaseSummary,
    PublishedRun,
    WorkloadSummary,
)
from footprint.schema import Cluster, ModelConfig


@record
class Scenario:
    """A request with every name looked up and every default settled."""

    request: EstimateRequest
    cluster: Cluster
    model: ModelConfig | None
    workload: Workload | None
    step_flops: tuple[StepFlops, ...]
    precision: str
    parallelism: Parallelism
    year: int
    assumptions: tuple[Assumption, ...]
    warnings: tuple[str, ...]


def model_summary(scenario: Scenario) -> ModelSummary | None:
    """Name and size of the model; None where only hours are known."""
    if scenario.model is None or not scenario.step_flops:
        return None
    counted = scenario.step_flops[0]
    return ModelSummary(
        name=scenario.model.id,
        family=counted.family,
        parameters=counted.parameters.total,
        active_parameters=counted.parameters.active,
    )


OF_THE_RUN = (
    "tokens", "samples", "steps", "epochs", "batch_size", "seq_len", "tgt_seq_len", "image_size", "method",
    "document_length", "frozen", "precision", "tp", "pp", "dp", "cp", "ep", "micro_batch", "recompute",
    "attention", "optimizer", "stack", "network_byte_per_s", "anchor", "hours", "step_time_s",
    "tokens_per_second", "samples_per_second", "mfu", "goodput",
)  # fmt: skip
"""Arguments that make an estimate one of another run than was published, or no prediction of its hours."""


def published_run(request: EstimateRequest, scenario: Scenario) -> PublishedRun | None:
    """Hardware and hours of the model's own training, where they were published."""
    model, cluster = scenario.model, scenario.cluster
    recipe = model.recipe if model is not None else None
    if model is None or recipe is None or recipe.accelerator is None:
        return None
    cites = (model.cite.get(path) for path in ("recipe.duration_h", "recipe.accelerator", "recipe"))
    return PublishedRun(
        accelerator=recipe.accelerator,
        count=recipe.accelerators,
        duration_h=recipe.duration_h,
        note=recipe.note or "",
        year=model.year,
        estimated_year=scenario.year,
        same_run=(cluster.accelerator.id, cluster.count) == (recipe.accelerator, recipe.accelerators)
        and not any(getattr(request, name) for name in OF_THE_RUN),
        source=next((cite.source for cite in cites if cite is not None), ""),
    )


def flop_summary(scenario: Scenario, layout: Layout | None) -> FlopSummary | None:
    """FLOPs of the whole run under a layout's recomputation; None where the workload is unknown."""
    model, workload = scenario.model, scenario.workload
    if model is None or workload is None:
        return None
    steps = [phase.steps or 0.0 for phase in workload.phases]
    pairs = list(zip(steps, scenario.step_flops, strict=True))
    return FlopSummary(
        model_flop=sum(n * s.training_flop for n, s in pairs),
        hardware_flop=sum(n * executed_flop(s, model.config, layout, workload.objective) for n, s in pairs),
        model_flop_causal=sum(n * s.training_flop_causal for n, s in pairs),
    )


def workload_summary(scenario: Scenario) -> WorkloadSummary | None:
    """Amounts over the whole run; None where the workload is unknown."""
    workload = scenario.workload
    if workload is None:
        return None
    steps = [phase.steps or 0.0 for phase in workload.phases]
    lengths = {phase.sequence_length for phase in workload.phases}

    def over_steps(field: str) -> float | None:
        """Sum over all steps of a count a step; None where the family has no such count."""
        whole = 0.0
        for n, step in zip(steps, scenario.step_flops, strict=True):
            value = getattr(step, field)
            if value is None:
                return None
            whole += n * value
        return whole

    return WorkloadSummary(
        tokens=over_steps("tokens"),
        source_tokens=over_steps("source_tokens"),
        target_tokens=over_steps("target_tokens"),
        samples=workload.samples,
        steps=workload.steps,
        phases=tuple(
            PhaseSummary(
                steps=phase.steps or 0.0,
                sequences_per_step=phase.sequences_per_step or 0.0,
                sequence_length=phase.sequence_length,
                target_sequence_length=phase.target_sequence_length,
                image_size=phase.image_size,
            )
            for phase in workload.phases
        ),
        sequences_per_step=workload.samples / workload.steps,
        sequence_length=lengths.pop() if len(lengths) == 1 else None,
        method=workload.method,
        precision=scenario.precision,
    )
