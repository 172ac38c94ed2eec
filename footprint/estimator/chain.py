"""The third room: from step time, power, place and price to hours, kWh, CO2e and USD; arithmetic only.

Each line is an equation of `footprint.equations` or of `footprint.performance.power`. Its numbers are
quantities of floats or of arrays, so one scenario and a million go the same way. Who wants to explain
the answer passes a `Trace`, which notes each equation as it is computed.
"""

from __future__ import annotations

from collections.abc import Mapping

from footprint import equations
from footprint.estimator.facts import Embodied, Facts, Price, Site
from footprint.estimator.prediction import Prediction
from footprint.estimator.request import EstimateRequest
from footprint.performance.power import PowerPrediction, cluster_power
from footprint.records import record
from footprint.results import Quantity
from footprint.results.estimate import Repeats
from footprint.results.link import UNTRACED, Trace

COMPONENTS = ("accelerators", "cpu", "ram", "other_node", "network")
"""Parts of the IT energy."""


@record
class Consequences:
    """What an IT energy and accelerator-hours mean at a site; None where a factor is unknown."""

    energy_kwh: Quantity
    cooling_kwh: Quantity
    co2e_kg: Quantity | None
    co2e_market_kg: Quantity | None
    embodied_co2e_kg: Quantity | None
    water_l: Quantity | None
    cost_usd: Quantity | None


@record
class Outcome:
    """The numbers of a run."""

    duration_h: Quantity
    accelerator_h: Quantity
    it_power_w: Quantity
    it_energy_kwh: Quantity
    components_kwh: Mapping[str, Quantity | None]
    power: PowerPrediction | None
    consequences: Consequences


def chain(facts: Facts, prediction: Prediction, trace: Trace = UNTRACED) -> Outcome:
    """Hours, energy and what they mean, from facts and a prediction."""
    duration_h = run_time_h(facts, prediction, trace)
    accelerator_h = trace(
        "accelerator_h", equations.accelerator_h, duration_h=duration_h, count=facts.cluster.count
    )
    power = None
    if facts.power is None:
        it_power_w = Quantity(facts.request.it_power_w or 0.0)
        trace.note("it_power_w", "given", {}, it_power_w)
    else:
        power = run_power(facts, prediction, trace)
        it_power_w = power.it_power_w
    it_energy_kwh = trace("it_energy_kwh", equations.energy_kwh, it_power_w=it_power_w, duration_h=duration_h)
    return Outcome(
        duration_h=duration_h,
        accelerator_h=accelerator_h,
        it_power_w=it_power_w,
        it_energy_kwh=it_energy_kwh,
        components_kwh={
            name: None if power is None else equations.energy_kwh(getattr(power, name), duration_h)
            for name in COMPONENTS
        },
        power=power,
        consequences=consequences(
            it_energy_kwh, accelerator_h, facts.site, facts.embodied, facts.price, trace
        ),
    )


def run_time_h(facts: Facts, prediction: Prediction, trace: Trace = UNTRACED) -> Quantity:
    """Wall-clock duration of the run: as given, or that of its steps."""
    if facts.request.hours is not None or prediction.steps is None:
        given = Quantity(facts.request.hours or 0.0)
        trace.note("duration_h", "given", {}, given)
        return given
    duration: Quantity = trace(
        "duration_h", equations.duration_h, steps=prediction.steps, step_time_s=prediction.step_time_s,
        goodput=prediction.goodput, interruptions=facts.interruptions,
    )  # fmt: skip
    return duration


def run_power(facts: Facts, prediction: Prediction, trace: Trace = UNTRACED) -> PowerPrediction:
    """Mean power of the cluster while it trains; the power of the whole cluster must not be given."""
    if facts.power is None:
        raise AssertionError("the power of the cluster is given")
    busy = prediction.busy_share if prediction.busy_share is not None else Quantity(1.0)
    return cluster_power(facts.power, facts.cluster, busy, prediction.fed_share, trace)


def consequences(
    it_energy_kwh: Quantity,
    accelerator_h: Quantity,
    site: Site,
    embodied: Embodied | None = None,
    price: Price | None = None,
    trace: Trace = UNTRACED,
) -> Consequences:
    """What an IT energy, estimated or measured, and accelerator-hours mean; never summed."""
    energy_kwh = trace("energy_kwh", equations.facility_energy_kwh, it_energy_kwh=it_energy_kwh, pue=site.pue)
    co2e_kg = market_kg = water_l = embodied_kg = None
    if site.grid_g_per_kwh is not None:
        co2e_kg = trace(
            "co2e_kg", equations.co2e_kg, energy_kwh=energy_kwh, grid_g_per_kwh=site.grid_g_per_kwh
        )
    if site.market_g_per_kwh is not None:
        market_kg = equations.co2e_kg(energy_kwh, site.market_g_per_kwh)
    if site.wue_l_per_kwh is not None:
        water_l = trace(
            "water_l", equations.water_l, it_energy_kwh=it_energy_kwh, wue_l_per_kwh=site.wue_l_per_kwh
        )
    cost_usd = None if price is None else _cost(price, accelerator_h, energy_kwh, trace)
    if embodied is not None:
        embodied_kg = trace(
            "embodied_co2e_kg", equations.embodied_kg, kg_per_accelerator=embodied.kg_per_accelerator,
            server_kg_per_accelerator=embodied.server_kg_per_accelerator, accelerator_h=accelerator_h,
            working_h=embodied.working_h,
        )  # fmt: skip
    return Consequences(
        energy_kwh=energy_kwh,
        cooling_kwh=equations.cooling_kwh(it_energy_kwh, site.pue),
        co2e_kg=co2e_kg,
        co2e_market_kg=market_kg,
        embodied_co2e_kg=embodied_kg,
        water_l=water_l,
        cost_usd=cost_usd,
    )


def _cost(price: Price, accelerator_h: Quantity, energy_kwh: Quantity, trace: Trace) -> Quantity:
    """Cost of the run [USD]."""
    if price.electricity_usd_per_kwh is None:
        rent: Quantity = trace(
            "cost_usd", equations.cost_usd, accelerator_h=accelerator_h,
            usd_per_accelerator_h=price.usd_per_accelerator_h,
        )  # fmt: skip
        return rent
    owned: Quantity = trace(
        "cost_usd", equations.owned_usd, accelerator_h=accelerator_h,
        capital_usd_per_h=price.usd_per_accelerator_h, energy_kwh=energy_kwh,
        electricity_usd_per_kwh=price.electricity_usd_per_kwh,
    )  # fmt: skip
    return owned


def of_all_runs(one_run: Quantity, repeats: Repeats) -> Quantity:
    """Hours, energy, mass or money of all runs together, failed ones included."""
    runs: Quantity | float = repeats.runs
    if repeats.search is not None:
        runs = repeats.search.whole_runs + repeats.runs
    together: Quantity = equations.total_of_runs(one_run, runs, repeats.failed_share)
    return together


def repeats_of(request: EstimateRequest) -> Repeats:
    """How often a run is made, and the search for hyper-parameters that a request asks for."""
    search = None
    if request.trials is not None or request.search is not None:
        from footprint.performance.searches import search_of

        search = search_of(request)
    alone = 1 if search is None else 0
    return Repeats(runs=request.runs or alone, failed_share=request.failed_share or 0.0, search=search)
