"""The chain of a live run: what its hours and its energy mean, by the same rooms as an estimate.

The arguments of a run are resolved once. From then on there is arithmetic only, cheap enough for every
flush.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from footprint import equations
from footprint.errors import FootprintError
from footprint.estimator.request import SEARCH_FIELDS
from footprint.records import record
from footprint.results import Quantity

if TYPE_CHECKING:
    from footprint.estimator.chain import Outcome
    from footprint.estimator.facts import Facts, Site
    from footprint.estimator.prediction import Prediction

OF_THE_WORK = (
    "tokens", "samples", "steps", "epochs", "hours", "step_time_s", "tokens_per_second", "samples_per_second",
    "mfu", "goodput", "it_power_w", "accelerator_power_w", "runs", "failed_share", "force",
    *SEARCH_FIELDS,
)  # fmt: skip
"""Arguments that a run answers itself: how much, how long, with what power."""


@record
class RunModel:
    """The rooms' answer for the hours of a run: what no meter reads is taken from here, labelled."""

    facts: Facts
    prediction: Prediction
    outcome: Outcome


def model_of_hours(
    given: Mapping[str, Any], hours: float, work: Mapping[str, float] | None = None
) -> tuple[RunModel | None, str]:
    """What known hours of the run's cluster mean, and the work done in them where that is known.

    Without a profile, or where a name is unknown, None and what stands in the way.
    """
    if not given.get("hw"):
        return None, "no hardware profile: only the energy that the meter read is counted"
    from footprint.estimator.chain import chain
    from footprint.estimator.predict import predict_run
    from footprint.estimator.rooms import facts_of

    fields = {**fields_of_run(given), "hours": hours, "force": True}  # a measured MFU is what it is
    without_work = {key: value for key, value in fields.items() if key != "model"}
    problem = ""
    for attempt in ({**fields, **work}, without_work) if work else (without_work,):
        try:
            facts = facts_of(_request(attempt))
            prediction = predict_run(facts)
            return RunModel(facts=facts, prediction=prediction, outcome=chain(facts, prediction)), problem
        except (FootprintError, TypeError) as error:
            problem = f"MFU, CO2e or cost cannot be computed: {error}"
    return None, problem


def fields_of_run(given: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a run that are fields of a scenario."""
    from footprint.estimator import EstimateRequest

    return {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in given.items()
        if key in EstimateRequest.__dataclass_fields__ and key not in OF_THE_WORK
    }


def _request(fields: Mapping[str, Any]) -> Any:
    from footprint.estimator import EstimateRequest

    return EstimateRequest(**fields)


def site_of_run(given: Mapping[str, Any]) -> Site:
    """PUE and grid for a run's arguments; no place means the world average, an unknown one none."""
    from footprint.estimator.resolve.site import settle_place, site_of
    from footprint.records import replace

    fields = {**fields_of_run(given), "hw": given.get("hw") or "none"}
    request = _request({name: fields[name] for name in _OF_THE_SITE if name in fields})
    try:
        place, _, warnings = settle_place(request)
    except FootprintError as error:  # an unknown place has the average site of its year, and no grid
        return replace(site_of(request, None), warnings=(str(error),))
    return replace(site_of(request, place), warnings=warnings)


_OF_THE_SITE = ("hw", "region", "year", "provider", "pue", "grid_g_per_kwh")


@record
class RunChain:
    """What stands between IT energy and the numbers people ask for; made once a run."""

    site: Site
    usd_per_h: Quantity | None
    """Cost of an hour of the cluster."""
    modelled_w: Mapping[str, float]
    """Power by component of the whole cluster, from the power model, where it is known."""

    def unread_w(self, read: set[str]) -> float:
        """Power of the components that no meter here reads [W]."""
        if "node" in read:
            return 0.0
        return sum(watts for name, watts in self.modelled_w.items() if name not in read)

    def energy_kwh(self, it_kwh: Quantity) -> Quantity:
        """Facility energy [kWh]."""
        energy: Quantity = equations.facility_energy_kwh(it_kwh, self.site.pue)
        return energy

    def co2e_kg(self, it_kwh: Quantity) -> Quantity | None:
        """Operational CO2e, location-based [kg]."""
        if self.site.grid_g_per_kwh is None:
            return None
        mass: Quantity = equations.co2e_kg(self.energy_kwh(it_kwh), self.site.grid_g_per_kwh)
        return mass

    def cost_usd(self, hours: Quantity) -> Quantity | None:
        """Cost of so many hours of the cluster [USD]."""
        return None if self.usd_per_h is None else self.usd_per_h * hours


def make_chain(given: Mapping[str, Any]) -> RunChain:
    """The chain for a run's arguments; without a hardware profile only PUE and grid are known."""
    model, _ = model_of_hours(given, 1.0)
    if model is None or is_absent(given):
        return RunChain(site=site_of_run(given), usd_per_h=None, modelled_w={})
    power = model.outcome.power
    watts: dict[str, float] = {}
    if power is not None:
        from footprint.estimator.chain import COMPONENTS

        watts = {name: getattr(power, name).mid for name in COMPONENTS}
    if is_processor(given.get("hw")):
        watts["cpu"] = watts.pop("accelerators", 0.0) + watts.get("cpu", 0.0)
    return RunChain(site=model.facts.site, usd_per_h=model.outcome.consequences.cost_usd, modelled_w=watts)


def is_absent(given: Mapping[str, Any]) -> bool:
    """Whether the hardware that was named is not on the machine, and nobody asked to model it."""
    return given.get("hw_found") is False and given.get("absent_hardware") != "model"


def is_processor(hw: str | None) -> bool:
    """Whether a cluster's accelerators are processors, which the ``cpu`` channel reads."""
    if not hw:
        return False
    from footprint.catalog.hardware import parse_cluster

    try:
        return parse_cluster(hw)[0].accelerator.kind == "cpu"
    except FootprintError:
        return False
