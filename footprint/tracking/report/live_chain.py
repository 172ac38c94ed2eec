"""From the watts and hours of a live run to kWh, CO2e and USD, cheap enough for every flush."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from footprint import equations
from footprint.errors import FootprintError
from footprint.records import record
from footprint.results import Quantity
from footprint.results.estimate import Estimate, PlaceSummary
from footprint.units import W_PER_KW

_WORK_FIELDS = ("tokens", "samples", "steps", "epochs", "hours", "step_time_s", "tokens_per_second",
                "samples_per_second", "mfu", "goodput", "it_power_w", "accelerator_power_w", "runs",
                "failed_share", "force")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Site:
    """PUE and grid of a run."""

    pue: Quantity
    grid: Quantity | None
    summary: PlaceSummary | None
    warnings: tuple[str, ...] = ()


def site_of(given: Mapping[str, Any]) -> Site:
    """PUE and grid for a run's arguments; no place means the world average, an unknown one none."""
    from footprint.catalog.places import find_place, given_place, grid_quantity

    try:
        grams = given.get("grid_g_per_kwh")
        place, warnings = (
            (given_place(grams), ())
            if grams is not None
            else find_place(given.get("region"), year=given.get("year"))
        )
    except FootprintError as error:  # an unknown place has the average site of its year, and no grid
        return Site(_pue(given, given.get("provider"), None), None, None, (str(error),))
    pue = _pue(given, given.get("provider") or place.provider, place.key)
    summary = PlaceSummary(
        key=place.key, name=place.name, year=place.year, basis=place.basis, source=place.source
    )
    return Site(pue, grid_quantity(place), summary, tuple(warnings))


def _pue(given: Mapping[str, Any], provider: str | None, region: str | None) -> Quantity:
    if given.get("pue"):
        return Quantity(float(given["pue"]))
    from footprint.catalog.places import find_pue

    return find_pue(provider=provider, region=region, year=given.get("year")).pue


def model_of_hours(
    given: Mapping[str, Any], hours: float, work: Mapping[str, float] | None = None
) -> tuple[Estimate | None, str]:
    """The estimator's chain for known hours, and for the work done in them where that is known.

    Without a profile, or where a name is unknown, None and what stands in the way.
    """
    if not given.get("hw"):
        return None, "no hardware profile: only what the meter read is counted"
    from footprint.estimator import EstimateRequest, estimate

    request: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in given.items()
        if key in EstimateRequest.__dataclass_fields__ and key not in _WORK_FIELDS
    }
    request["hours"] = hours
    request["force"] = True  # a measured MFU is what it is
    without_work = {key: value for key, value in request.items() if key != "model"}
    problem = ""
    for attempt in ({**request, **work}, without_work) if work else (without_work,):
        try:
            return estimate(EstimateRequest(**attempt)), problem
        except (FootprintError, TypeError) as error:
            problem = f"the chain after the measurement is incomplete: {error}"
    return None, problem


@record
class LiveChain:
    """What stands between IT energy and the numbers people ask for; made once a run."""

    pue: Quantity
    grid_g_per_kwh: Quantity | None
    usd_per_h: Quantity | None
    modelled_w: Mapping[str, float]
    """Power by component of the whole cluster, from the model of the estimate, where it is known."""

    def unread_w(self, read: set[str]) -> float:
        """Power of the components that no meter here reads [W]."""
        if "node" in read:
            return 0.0
        return sum(watts for name, watts in self.modelled_w.items() if name not in read)

    def energy_kwh(self, it_kwh: Quantity) -> Quantity:
        """Facility energy [kWh]."""
        energy: Quantity = equations.facility_energy_kwh(it_kwh, self.pue)
        return energy

    def co2e_kg(self, it_kwh: Quantity) -> Quantity | None:
        """Operational CO2e, location-based [kg]."""
        if self.grid_g_per_kwh is None:
            return None
        mass: Quantity = equations.co2e_kg(self.energy_kwh(it_kwh), self.grid_g_per_kwh)
        return mass

    def cost_usd(self, hours: Quantity) -> Quantity | None:
        """Cost of so many hours of the cluster [USD]."""
        return None if self.usd_per_h is None else self.usd_per_h * hours


def make_chain(given: Mapping[str, Any]) -> LiveChain:
    """The chain for a run's arguments: one hour of the cluster through the estimator.

    Without a hardware profile only PUE and grid are known.
    """
    model, _ = model_of_hours(given, 1.0)
    if model is None:
        site = site_of(given)
        return LiveChain(pue=site.pue, grid_g_per_kwh=site.grid, usd_per_h=None, modelled_w={})
    parts = model.energy_components_kwh
    components = {
        "accelerators": parts.accelerators, "cpu": parts.cpu, "ram": parts.ram,
        "other_node": parts.other_node, "network": parts.network,
    }  # fmt: skip
    watts = {name: part.mid * W_PER_KW for name, part in components.items() if part is not None}
    if is_processor(given.get("hw")):
        watts["cpu"] = watts.pop("accelerators", 0.0) + watts.get("cpu", 0.0)
    return LiveChain(
        pue=model.pue, grid_g_per_kwh=model.grid_g_per_kwh, usd_per_h=model.cost_usd, modelled_w=watts
    )


def is_processor(hw: str | None) -> bool:
    """Whether a cluster's accelerators are processors, which the ``cpu`` channel reads."""
    if not hw:
        return False
    from footprint.catalog.hardware import parse_cluster

    try:
        return parse_cluster(hw)[0].accelerator.kind == "cpu"
    except FootprintError:
        return False
