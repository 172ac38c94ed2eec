"""The chain: model config -> FLOPs -> hours -> kWh -> CO2e and USD, and nothing else."""

from __future__ import annotations

from time import gmtime, strftime
from typing import Any

from footprint import equations
from footprint.catalog.cluster import parse_cluster
from footprint.catalog.models import find_model
from footprint.catalog.version import DATA_VERSION, DATA_YEAR, footprint_version
from footprint.errors import FootprintError, MissingFactError
from footprint.estimator.execution import (
    as_run,
    given_layout,
    require_applicable,
    settle_layout,
    settle_optimizer,
    settle_precision,
    settle_training,
)
from footprint.estimator.facility import (
    Emissions,
    Energy,
    emissions_of,
    energy_of,
    require_one_provider,
    require_sane_power,
    settle_place,
)
from footprint.estimator.money import Cost, cost_of
from footprint.estimator.request import EstimateRequest
from footprint.estimator.scenario import (
    Scenario,
    flop_summary,
    model_summary,
    published_run,
    workload_summary,
)
from footprint.estimator.timing import Timing, time_of
from footprint.estimator.workload import Workload, resolve_workload, shape_of
from footprint.flops import StepFlops, count_step
from footprint.flops.checks import positions_warning
from footprint.performance.anchoring import Anchor
from footprint.results import Assumption, Quantity
from footprint.results.estimate import ClusterSummary, Estimate, Repeats, RepeatTotal
from footprint.schema import Cluster, TrainingMethod

BOUNDARY = "facility"
MFU_CONVENTION = "step MFU: model FLOPs with full attention over the dense peak of the run's precision"
MFU_WALL_CLOCK = "wall-clock MFU from the given hours: model FLOPs with full attention over the dense peak"


def estimate(request: EstimateRequest | None = None, /, **fields: Any) -> Estimate:
    """The whole chain for one scenario, with 90 % intervals.

    Takes a request, or its fields: ``estimate(model="bert-base", hw="v100:8")``.

    Raises
    ------
    FootprintError
        For anything the request gets wrong or leaves out that nobody published; the message
        names the option that mends it.
    """
    if request is None:
        request = EstimateRequest.from_mapping(fields, "estimate()")
    scenario = settle(request)
    anchor, power_rows, request = _anchored(request, scenario)
    require_sane_power(request, scenario.cluster)
    timing = time_of(
        request, scenario.cluster, scenario.workload, scenario.step_flops, scenario.precision, scenario.year,
        given_layout(request), anchor, settle_optimizer(request, scenario.model),
    )  # fmt: skip
    place, place_rows, place_warnings = settle_place(request)
    require_one_provider(request, place)
    energy = energy_of(
        request, scenario.cluster, timing.busy_share, timing.fed_share, timing.duration_h, place
    )
    accelerator_h = equations.accelerator_h(timing.duration_h, scenario.cluster.count)
    emissions = emissions_of(request, scenario.cluster, energy, accelerator_h, place)
    cost = cost_of(request, scenario.cluster, accelerator_h, energy.energy_kwh, place)
    parts = (scenario, timing, energy, emissions, cost)
    place_rows += power_rows
    assumptions = tuple(dict.fromkeys((*place_rows, *(row for part in parts for row in part.assumptions))))
    warnings = tuple(dict.fromkeys((*place_warnings, *(text for part in parts for text in part.warnings))))
    return _assemble(scenario, timing, energy, emissions, cost, accelerator_h, assumptions, warnings)


def _anchored(
    request: EstimateRequest, scenario: Scenario
) -> tuple[Anchor | None, tuple[Assumption, ...], EstimateRequest]:
    """The measurement of the user's own stack that the request names, and its board power if it is near."""
    if request.anchor is None:
        return None, (), request
    from footprint.estimator.anchors import measured_power, nearest_anchor

    anchor, measured = nearest_anchor(request.anchor, scenario)
    rows, request = measured_power(request, measured, anchor, scenario)
    return anchor, rows, request


def settle(request: EstimateRequest) -> Scenario:
    """Look up every name of a request and settle every default, recording each."""
    cluster, notices = parse_cluster(
        request.hw,
        accelerators_per_node=request.accelerators_per_node,
        cooling=request.cooling,
        network_byte_per_s=request.network_byte_per_s,
    )
    year = request.year or DATA_YEAR
    warnings = list(notices)
    if year < cluster.accelerator.year:
        warnings.append(f"{cluster.accelerator.name} came out in {cluster.accelerator.year}, after {year}")
    model = find_model(request.model) if request.model is not None else None
    if model is None and request.hours is None:
        raise FootprintError(
            "say what is trained with --model NAME or CONFIG.json, or how long it runs with --hours"
        )
    recipe_precision = model.recipe.precision if model is not None and model.recipe is not None else None
    precision, rows = settle_precision(request, recipe_precision, cluster.accelerator, year)
    workload: Workload | None = None
    training = TrainingMethod()
    step_flops: tuple[StepFlops, ...] = ()
    if model is not None:
        try:
            workload = resolve_workload(request, model)
        except MissingFactError as error:
            if request.hours is None:
                raise
            warnings.append(f"FLOPs and MFU are unknown: {error}")
    if model is not None and workload is not None:
        if request.year is None:
            why = "techniques, grid, PUE and prices of this year, the newest in the data"
            rows += (
                Assumption(
                    name="year", value=str(year), unit="", basis="assumed", source=why, option="--year"
                ),
            )
        rows += workload.assumptions
        training, more = settle_training(request, model, workload.method, cluster.accelerator, year)
        rows += more
        step_flops = tuple(
            count_step(model.config, shape_of(phase), training, workload.objective)
            for phase in workload.phases
        )
        require_applicable(request, model, step_flops[0])
        longest = max((phase.sequence_length or 0 for phase in workload.phases), default=0)
        target = max((phase.target_sequence_length or 0 for phase in workload.phases), default=0)
        beyond = positions_warning(model.id, model.config, longest, target)
        warnings += [beyond] if beyond else []
        if workload.steps < 1:
            warnings.append(
                f"the whole run is less than one step ({workload.steps:.3g}): is the amount meant?"
            )
    parallelism = settle_layout(
        request, cluster, workload, step_flops[0] if step_flops else None, training.recompute
    )
    return Scenario(
        request=request, cluster=cluster, model=model, workload=workload, step_flops=step_flops,
        precision=precision, parallelism=parallelism, year=year,
        assumptions=rows, warnings=tuple(warnings),
    )  # fmt: skip


def _assemble(
    scenario: Scenario,
    timing: Timing,
    energy: Energy,
    emissions: Emissions,
    cost: Cost,
    accelerator_h: Quantity,
    assumptions: tuple[Assumption, ...],
    warnings: tuple[str, ...],
) -> Estimate:
    request, cluster = scenario.request, scenario.cluster
    repeats = Repeats(runs=request.runs or 1, failed_share=request.failed_share or 0.0)

    def of_all_runs(one: Quantity) -> Quantity:
        together: Quantity = equations.total_of_runs(one, repeats.runs, repeats.failed_share)
        return together

    model = scenario.model
    default_name = f"{model.id if model else 'run'} on {cluster.accelerator.id}:{cluster.count}"
    return Estimate(
        footprint_version=footprint_version(),
        data_version=DATA_VERSION,
        created_at=strftime("%Y-%m-%dT%H:%M:%S+00:00", gmtime()),
        name=request.name or default_name,
        boundary=BOUNDARY,
        model=model_summary(scenario),
        cluster=_cluster_summary(cluster),
        workload=workload_summary(scenario),
        flop=flop_summary(scenario, timing.layout),
        parallelism=as_run(scenario.parallelism, timing.layout),
        peak_flop_per_s=cluster.accelerator.peak_flop_per_s[scenario.precision],
        step_time_s=timing.step_time_s,
        step_terms=timing.terms,
        mfu=timing.mfu,
        mfu_convention=MFU_CONVENTION if request.hours is None else MFU_WALL_CLOCK,
        goodput=timing.goodput,
        duration_h=timing.duration_h,
        accelerator_h=accelerator_h,
        it_power_w=energy.it_power_w,
        it_energy_kwh=energy.it_energy_kwh,
        energy_components_kwh=energy.components,
        pue=energy.pue,
        energy_kwh=energy.energy_kwh,
        place=emissions.place,
        grid_g_per_kwh=emissions.grid_g_per_kwh,
        co2e_kg=emissions.co2e_kg,
        co2e_market_kg=emissions.co2e_market_kg,
        embodied_co2e_kg=emissions.embodied_co2e_kg,
        water_l=energy.water_l,
        price=cost.price,
        cost_usd=cost.cost_usd,
        repeats=repeats,
        total=RepeatTotal(
            accelerator_h=of_all_runs(accelerator_h),
            energy_kwh=of_all_runs(energy.energy_kwh),
            co2e_kg=of_all_runs(emissions.co2e_kg),
            cost_usd=None if cost.cost_usd is None else of_all_runs(cost.cost_usd),
        ),
        published=published_run(request, scenario),
        assumptions=assumptions,
        warnings=warnings,
    )  # fmt: skip


def _cluster_summary(cluster: Cluster) -> ClusterSummary:
    chip = cluster.accelerator
    return ClusterSummary(
        accelerator=chip.id,
        variant=chip.name,
        unit=chip.unit,
        count=cluster.count,
        nodes=cluster.nodes,
        node_form=cluster.node.name,
    )
