"""The last room: an estimate's record from facts, prediction and outcome; nothing is computed anew."""

from __future__ import annotations

from collections.abc import Iterator
from time import gmtime, strftime

from footprint.catalog.upkeep.age import end_of, today, too_old
from footprint.catalog.version import DATA_VERSION, footprint_version
from footprint.estimator.chain import Consequences, Outcome, of_all_runs, repeats_of
from footprint.estimator.facts import Facts, Price
from footprint.estimator.prediction import Prediction, device_memory
from footprint.estimator.resolve.price import summary
from footprint.estimator.run import (
    cluster_summary,
    flop_summary,
    layout_summary,
    model_summary,
    published_run,
    workload_summary,
)
from footprint.estimator.unheeded import unheeded
from footprint.performance.power import share_row
from footprint.results import Assumption, Quantity
from footprint.results.estimate import (
    EnergyComponents,
    Estimate,
    PriceSummary,
    RepeatTotal,
)
from footprint.results.link import Trace

BOUNDARY = "facility"
MFU_CONVENTION = "step MFU: model FLOPs with full attention over the dense peak of the run's precision"
MFU_WALL_CLOCK = "wall-clock MFU from the given hours: model FLOPs with full attention over the dense peak"


def present(facts: Facts, prediction: Prediction, outcome: Outcome, trace: Trace) -> Estimate:
    """The estimate, in the shape of the JSON contract."""
    request, cluster, site, means = facts.request, facts.cluster, facts.site, outcome.consequences
    if site.summary is None or site.grid_g_per_kwh is None or means.co2e_kg is None:
        raise AssertionError("the place of an estimate is known")
    repeats = repeats_of(request)
    return Estimate(
        footprint_version=footprint_version(),
        data_version=DATA_VERSION,
        created_at=strftime("%Y-%m-%dT%H:%M:%S+00:00", gmtime()),
        name=name_of(facts),
        boundary=BOUNDARY,
        model=model_summary(facts),
        cluster=cluster_summary(facts),
        workload=workload_summary(facts),
        flop=flop_summary(facts, prediction.layout),
        parallelism=layout_summary(facts.parallelism, prediction.layout),
        memory=device_memory(facts, prediction.layouts),
        peak_flop_per_s=cluster.accelerator.peak_flop_per_s[facts.precision],
        step_time_s=prediction.step_time_s,
        step_terms=prediction.terms,
        mfu=prediction.mfu,
        mfu_convention=MFU_CONVENTION if request.hours is None else MFU_WALL_CLOCK,
        goodput=prediction.goodput,
        duration_h=outcome.duration_h,
        accelerator_h=outcome.accelerator_h,
        it_power_w=outcome.it_power_w,
        it_energy_kwh=outcome.it_energy_kwh,
        energy_components_kwh=EnergyComponents(**outcome.components_kwh, cooling=means.cooling_kwh),
        pue=site.pue,
        energy_kwh=means.energy_kwh,
        place=site.summary,
        grid_g_per_kwh=site.grid_g_per_kwh,
        co2e_kg=means.co2e_kg,
        co2e_market_kg=means.co2e_market_kg,
        embodied_co2e_kg=means.embodied_co2e_kg,
        water_l=means.water_l,
        price=None if facts.price is None else price_summary(facts.price, means, outcome.accelerator_h),
        cost_usd=means.cost_usd,
        repeats=repeats,
        total=RepeatTotal(
            accelerator_h=of_all_runs(outcome.accelerator_h, repeats),
            energy_kwh=of_all_runs(means.energy_kwh, repeats),
            co2e_kg=of_all_runs(means.co2e_kg, repeats),
            cost_usd=None if means.cost_usd is None else of_all_runs(means.cost_usd, repeats),
        ),
        published=published_run(facts),
        assumptions=tuple(dict.fromkeys(rows_of(facts, prediction))),
        warnings=tuple(dict.fromkeys(warnings_of(facts, prediction, outcome))),
        scenario=request.given(),
        links=tuple(trace.links),
    )


def rows_of(facts: Facts, prediction: Prediction) -> Iterator[Assumption]:
    """What was assumed, in the order in which the chain takes it."""
    yield from facts.site.rows
    yield from facts.anchor_rows
    yield from facts.rows
    yield from prediction.rows
    yield from facts.time_rows
    if facts.power is not None:
        yield from facts.share_rows
        yield from facts.power.board_rows
        if facts.power.depends_on_work and prediction.busy_share is not None:
            yield share_row("busy share of a step", prediction.busy_share)
            yield from facts.power.busy_rows
            if prediction.fed_share is not None:
                yield share_row("share of the time that steps fill", prediction.fed_share)
                yield from facts.power.idle_rows
        yield from facts.power.network_rows
    yield from facts.site.pue_rows
    if facts.embodied is not None:
        yield from facts.embodied.rows
    if facts.price is not None:
        yield from facts.price.rows
    if facts.request.trials is not None or facts.request.search is not None:
        from footprint.performance.searches import search_rows

        yield from search_rows(facts.request)


def warnings_of(facts: Facts, prediction: Prediction, outcome: Outcome) -> Iterator[str]:
    """What is worth a warning."""
    yield from facts.site.warnings
    yield from facts.warnings
    yield from prediction.warnings
    yield from unheeded(facts, prediction)
    if outcome.power is not None and outcome.power.held:
        node = facts.cluster.node
        yield f"node power held at the rated maximum of {node.name}, {node.max_w:.0f} W a node"
    yield from facts.site.pue_warnings
    if facts.embodied is not None:
        yield from facts.embodied.warnings
    yield from facts.price_warnings
    if facts.price is not None:
        yield from facts.price.warnings
    if facts.request.year is None:  # a year that was asked for is not compared with today
        yield from _aged(facts)


def _aged(facts: Facts) -> Iterator[str]:
    """Warnings of figures that are so old that their kind has usually changed since."""
    day = today()
    offers = None if facts.price is None else facts.price.summary
    place = facts.site.summary
    found = []
    if offers is not None and offers.dated:
        found.append(
            too_old("price", "the newest price behind the cost", offers.dated.rpartition("/")[2], day)
        )
    if place is not None and place.year and place.basis != "given":
        found.append(too_old("grid", f"the carbon intensity of {place.name}", end_of(place.year), day))
    yield from filter(None, found)


def name_of(facts: Facts) -> str:
    """The name that was given, else the model and the cluster."""
    model, cluster = facts.model, facts.cluster
    default = f"{model.id if model else 'run'} on {cluster.accelerator.id}:{cluster.count}"
    return facts.request.name or default


def price_summary(price: Price, means: Consequences, accelerator_h: Quantity) -> PriceSummary:
    """The price of an accelerator-hour; that of owned hardware follows from the run."""
    if price.summary is not None:
        return price.summary
    cost, tariff = means.cost_usd, price.electricity_usd_per_kwh
    if cost is None or tariff is None:
        raise AssertionError("owned hardware has a cost and a tariff")
    parts = (
        f"capital {price.usd_per_accelerator_h.mid:.4g} USD an accelerator-hour, "
        f"electricity {tariff.mid:.4g} USD/kWh"
    )
    return summary(cost / accelerator_h, "owned", "capital share and electricity", parts)
