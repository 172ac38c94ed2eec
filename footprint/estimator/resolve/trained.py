"""What is trained: the model, its workload and method, and the FLOPs of a step of each phase."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from footprint.catalog.version import DATA_YEAR
from footprint.errors import FootprintError, MissingFactError
from footprint.estimator.request import AMOUNT_FIELDS, SIZE_FIELDS, EstimateRequest
from footprint.estimator.resolve.defaults import BATCH, adapted_row, even_batch
from footprint.estimator.resolve.method import (
    held_bytes,
    held_once_byte,
    least_batch,
    require_applicable,
    settle_training,
)
from footprint.estimator.resolve.shared import Shared
from footprint.estimator.resolve.workload import resolve_workload
from footprint.estimator.workload import Workload, shape_of
from footprint.flops import StepFlops
from footprint.flops.checks import positions_warning
from footprint.named_tuples import NamedTuple
from footprint.records import replace
from footprint.results import Assumption, chosen_row
from footprint.schema import Cluster, ModelConfig, TrainingMethod

if TYPE_CHECKING:
    from footprint.estimator.resolve.generic import Generic


class Trained(NamedTuple):
    """What is trained; without a workload where only the hours are known."""

    workload: Workload | None = None
    method: TrainingMethod = TrainingMethod()
    step_flops: tuple[StepFlops, ...] = ()
    rows: tuple[Assumption, ...] = ()
    warnings: tuple[str, ...] = ()


def model_of(request: EstimateRequest, shared: Shared) -> tuple[ModelConfig | None, Generic | None]:
    """The model of a request, and how far it may be off where only its size is known."""
    if request.model is not None:
        return shared.model(request.model), None
    if request.among(SIZE_FIELDS):
        from footprint.estimator.resolve.generic import generic_of

        generic = generic_of(request)
        return generic.model, generic
    if request.hours is None:
        raise FootprintError(
            "say what is trained with `model=` NAME or CONFIG.json, or its size with `parameters=`, or how "
            "long it runs with `hours=`"
        )
    return None, None


def trained_of(
    request: EstimateRequest,
    model: ModelConfig,
    cluster: Cluster,
    precision: str,
    software_year: int,
    shared: Shared,
) -> Trained:
    """What a request trains of a model, with what is assumed of it."""
    warnings: list[str] = []
    workload = _workload(request, model, warnings, shared, cluster.count)
    if workload is None:
        return Trained(warnings=tuple(warnings))
    method, rows = settle_training(request, model, workload.method, cluster.accelerator, software_year)
    workload = _feeding(workload, request, model, method, cluster, precision, shared)
    warnings += workload.warnings
    step_flops = count_steps(request, model, workload, method, warnings, shared)
    adapted = adapted_row(request.lora_targets, step_flops[0])
    return Trained(
        workload=workload,
        method=method,
        step_flops=step_flops,
        rows=(*_year_rows(request), *workload.assumptions, *rows, *adapted),
        warnings=tuple(warnings),
    )


def _workload(
    request: EstimateRequest, model: ModelConfig, warnings: list[str], shared: Shared, count: int
) -> Workload | None:
    """The steps to train; None, with a warning, where they are unknown and the hours are given."""
    try:
        if request.flop_per_sample is not None:
            from footprint.estimator.resolve.generic import samples_workload

            return samples_workload(request, count)
        gives_work = request.among((*AMOUNT_FIELDS, "schedule"))
        if model.recipe is not None and model.recipe.leaves_out and not gives_work:
            warnings.append(f"only what trains {model.id} is estimated: {model.recipe.leaves_out}")
        return resolve_workload(request, model, shared.parameters(model))
    except MissingFactError as error:
        if request.hours is None:
            raise
        warnings.append(f"FLOPs and MFU are unknown: {error}")
        return None


def _feeding(
    workload: Workload,
    request: EstimateRequest,
    model: ModelConfig,
    training: TrainingMethod,
    cluster: Cluster,
    precision: str,
    shared: Shared,
) -> Workload:
    """The workload, with a batch that nobody gave such that every replica has the same share of it."""
    batch = next((size.value for size in workload.choices if size.name == BATCH), None)
    if batch is None:
        return workload
    counted = shared.count(model, shape_of(workload.phases[0]), training, workload.objective)
    state_byte = held_once_byte(held_bytes(request, model, precision, training), counted)
    least = least_batch(request, cluster, cluster.count, state_byte)
    split = math.prod(getattr(request, name) or 1 for name in ("tp", "pp", "cp"))
    shared_out = even_batch(max(batch, least), cluster.count // split or 1, request.dp, request.micro_batch)
    if shared_out == batch:
        return workload
    settled = resolve_workload(request, model, shared.parameters(model), {BATCH: shared_out})
    if batch < least:
        return settled
    said = (
        f"the usual batch of {batch:g} is taken as {shared_out:g}, which {cluster.count} accelerators share "
        "evenly; `batch_size=` gives another"
    )
    return replace(settled, warnings=(*settled.warnings, said))


def count_steps(
    request: EstimateRequest,
    model: ModelConfig,
    workload: Workload,
    training: TrainingMethod,
    warnings: list[str],
    shared: Shared,
) -> tuple[StepFlops, ...]:
    """FLOPs of one step of each phase; options that this kind of model does not have are errors."""
    counted = tuple(
        shared.count(model, shape_of(phase), training, workload.objective) for phase in workload.phases
    )
    require_applicable(request, model, counted[0])
    longest = max((phase.sequence_length or 0 for phase in workload.phases), default=0)
    target = max((phase.target_sequence_length or 0 for phase in workload.phases), default=0)
    beyond = positions_warning(model.id, model.config, longest, target)
    warnings += [beyond] if beyond else []
    if workload.steps < 1:
        warnings.append(f"the whole run is less than one step ({workload.steps:.3g}): is the amount meant?")
    return counted


def _year_rows(request: EstimateRequest) -> tuple[Assumption, ...]:
    if request.year is not None:
        return ()
    why = "techniques, grid, PUE and prices of this year, the newest in the data"
    return (chosen_row("year", str(DATA_YEAR), why, "--year"),)
