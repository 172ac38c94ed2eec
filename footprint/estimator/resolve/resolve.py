"""A request becomes facts: each look-up and each default happens here, and nowhere after."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from footprint.catalog.assumptions import Assumed, assumed
from footprint.catalog.prices import interruption_factor
from footprint.catalog.version import DATA_YEAR
from footprint.errors import FootprintError, MissingFactError
from footprint.estimator.facts import Alternative, Facts
from footprint.estimator.request import SIZE_FIELDS, EstimateRequest
from footprint.estimator.resolve.adapters import adapted_row
from footprint.estimator.resolve.defaults import BATCH, even_batch
from footprint.estimator.resolve.hardware import cluster_of, embodied_of, require_sane_power
from footprint.estimator.resolve.method import (
    clear_byte,
    given_layout,
    held_bytes,
    held_once_byte,
    layout_of,
    least_batch,
    require_applicable,
    require_batch,
    require_layout,
    said_recompute,
    settle_optimizer,
    settle_precision,
    settle_training,
)
from footprint.estimator.resolve.shared import Shared
from footprint.estimator.resolve.site import at_desk, require_one_provider
from footprint.estimator.resolve.sources import sources_of
from footprint.estimator.resolve.workload import resolve_workload
from footprint.estimator.workload import Workload, shape_of
from footprint.flops import StepFlops
from footprint.flops.checks import positions_warning
from footprint.parsing import parse_month
from footprint.performance.goodput import goodput_facts
from footprint.performance.power import PowerFactors, power_factors
from footprint.performance.step import StepFacts, step_facts
from footprint.records import replace
from footprint.results import Assumption, Quantity
from footprint.schema import Cluster, ModelConfig, TrainingMethod

if TYPE_CHECKING:
    from footprint.performance.anchoring import Anchor

_POWER_OPTION = "--accelerator-power-w"


def resolve(
    request: EstimateRequest,
    anchors: Sequence[Anchor] = (),
    *,
    possible: bool = True,
    shared: Shared | None = None,
    alternatives: bool = True,
) -> Facts:
    """Everything that an estimate of this request rests on.

    ``anchors`` are measured steps of the user's own stack. Without ``possible``, whether the cluster's
    count and the batch allow the layout that was given is left open. ``shared`` keeps what other
    requests need as well. Without ``alternatives``, other values of unset sizes are left out, so that the
    medians are the same and the intervals lack these causes.

    Raises
    ------
    FootprintError
        For anything the request gets wrong or leaves out that nobody published; the message
        names the option that mends it.
    """
    shared = shared or Shared()
    cluster, notices, chip_rows = cluster_of(request, shared)
    year = request.year or DATA_YEAR
    released = None if request.stack_date is None else parse_month(request.stack_date)
    software_year = year if released is None else int(released)
    warnings = list(notices)
    if year < cluster.accelerator.year:
        warnings.append(f"{cluster.accelerator.name} came out in {cluster.accelerator.year}, after {year}")
    model = shared.model(request.model) if request.model is not None else None
    generic = None
    if model is None and any(getattr(request, name) is not None for name in SIZE_FIELDS):
        from footprint.estimator.resolve.generic import generic_of

        generic = generic_of(request)
        model = generic.model
    if model is None and request.hours is None:
        raise FootprintError(
            "say what is trained with `model=` NAME or CONFIG.json, or its size with `parameters=`, or how "
            "long it runs with `hours=`"
        )
    recipe_precision = model.recipe.precision if model is not None and model.recipe is not None else None
    precision, rows = settle_precision(request, recipe_precision, cluster.accelerator, software_year)
    if generic is not None:
        rows = (*generic.rows, *rows)
    rows = (*chip_rows, *rows)
    workload = None if model is None else _workload(request, model, warnings, shared, cluster.count)
    training = TrainingMethod()
    step_flops: tuple[StepFlops, ...] = ()
    if model is not None and workload is not None:
        if request.year is None:
            rows += (_year_row(year),)
        training, more = settle_training(request, model, workload.method, cluster.accelerator, software_year)
        workload = _feeding(workload, request, model, training, cluster, precision, shared)
        rows += (*workload.assumptions, *more)
        warnings += workload.warnings
        step_flops = _count(request, model, workload, training, warnings, shared)
        rows += adapted_row(request.lora_targets, step_flops[0])
    if possible:
        require_layout(request, cluster.count, step_flops[0] if step_flops else None)
    require_sane_power(request, cluster)
    optimizer = settle_optimizer(request, model)

    def steps_of(counted: tuple[StepFlops, ...]) -> tuple[StepFacts, ...]:
        found = tuple(
            step_facts(
                step_flop=one, cluster=cluster, precision=precision, year=software_year, released=released,
                recompute=said_recompute(request, model),
                layout=given_layout(request), stack=request.stack, overlap=request.overlap, anchors=anchors,
                optimizer=optimizer,
                work=shared.work(one),
            )
            for one in counted
        )  # fmt: skip
        return found if generic is None else tuple(generic.spread_over(step) for step in found)

    steps = steps_of(step_flops)
    held = held_bytes(request, model, precision, training)
    if possible and workload is not None:
        require_batch(request, workload, steps, held_once_byte(held, step_flops[0]))
    place, place_rows, place_warnings = shared.place(request)
    require_one_provider(request, place)
    goodput = goodput_facts(request.goodput)
    interruptions, spot = interruption_factor(request.purchase or "on_demand")
    power = _power(request, cluster, shared)
    # Where the work is unknown, typical shares stand for what a step would have shown.
    typical = _typical_shares() if power is not None and workload is None else ()
    site = shared.site(request, place, desk=at_desk(cluster))
    site = replace(site, rows=place_rows, warnings=place_warnings)
    worn = (request.lifetime_years, request.utilisation)
    embodied = shared.once(("embodied", id(cluster), *worn), lambda: embodied_of(request, cluster))
    price, price_warnings = shared.price(request, cluster.accelerator.id, place)
    facts = Facts(
        request=request,
        cluster=cluster,
        year=year,
        precision=precision,
        model=model,
        workload=workload,
        training=training,
        step_flops=step_flops,
        flop_spread=Quantity(1.0) if generic is None else generic.flop,
        steps=steps,
        held=held if step_flops else None,
        clear_byte=clear_byte(cluster),
        parallelism=layout_of(request, cluster, training.recompute),
        goodput=goodput,
        interruptions=interruptions,
        power=power,
        busy_share=typical[0].quantity if typical else None,
        fed_share=typical[1].quantity if typical else None,
        site=site,
        embodied=embodied,
        price=price,
        rows=rows,
        time_rows=() if spot is None else (spot,),
        share_rows=tuple(number.row(_POWER_OPTION) for number in typical),
        warnings=tuple(warnings),
        price_warnings=price_warnings,
        sources=sources_of(cluster, steps, goodput, spot, power, site, embodied, price),
    )
    if model is None or workload is None or not workload.choices or not alternatives:
        return facts

    def with_size(name: str, value: float) -> Facts | None:
        other = _other_work(facts, name, value, shared)
        other = replace(other, steps=steps_of(other.step_flops))
        return other if not possible or _can_be_fed(other) else None

    others = (
        Alternative(name=size.name, low=with_size(size.name, size.low), high=with_size(size.name, size.high))
        for size in workload.choices
    )
    return replace(facts, alternatives=tuple(others))


def _power(request: EstimateRequest, cluster: Cluster, shared: Shared) -> PowerFactors | None:
    """The factors of the power; None where the power of the whole cluster is given."""
    if request.it_power_w is not None:
        return None
    board_w = request.accelerator_power_w
    # Clusters are kept, so that each keeps its id.
    return shared.once(("power", id(cluster), board_w), lambda: power_factors(cluster, board_w))


def _gives_work(request: EstimateRequest) -> bool:
    return any(getattr(request, name) is not None for name in ("tokens", "samples", "steps", "schedule"))


def _workload(
    request: EstimateRequest, model: ModelConfig, warnings: list[str], shared: Shared, count: int
) -> Workload | None:
    """The steps to train; None, with a warning, where they are unknown and the hours are given."""
    try:
        if request.flop_per_sample is not None:
            from footprint.estimator.resolve.generic import samples_workload

            return samples_workload(request, count)
        if model.recipe is not None and model.recipe.leaves_out and not _gives_work(request):
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


def _other_work(facts: Facts, name: str, value: float, shared: Shared) -> Facts:
    """The facts with the work of another value of a size, without its steps."""
    request, model, workload = facts.request, facts.model, facts.workload
    if model is None or workload is None:
        raise AssertionError("sizes are those of a model's workload")
    kept = {size.name: size.value for size in workload.choices}
    other = resolve_workload(request, model, shared.parameters(model), {**kept, name: value})
    counted = _count(request, model, other, facts.training, [], shared)
    return replace(facts, workload=other, step_flops=counted)


def _can_be_fed(facts: Facts) -> bool:
    """Whether some layout takes the batch."""
    if facts.workload is None or facts.held is None:
        raise AssertionError("sizes are those of a model's workload")
    state_byte = held_once_byte(facts.held, facts.step_flops[0])
    try:
        require_batch(facts.request, facts.workload, facts.steps, state_byte)
    except FootprintError:
        return False
    return True


def _count(
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


def _year_row(year: int) -> Assumption:
    why = "techniques, grid, PUE and prices of this year, the newest in the data"
    return Assumption(name="year", value=str(year), unit="", basis="assumed", source=why, option="--year")


def _typical_shares() -> tuple[Assumed, Assumed]:
    """Busy share of a step, and share of the time that steps fill, of work that is not known."""
    return assumed("time.busy_share"), assumed("power.fed_share_unknown")
