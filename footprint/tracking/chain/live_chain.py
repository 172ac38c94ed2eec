"""From the watts and hours of a live run to kWh, CO2e and USD, cheap enough for every flush."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from footprint import equations
from footprint.records import record
from footprint.results import Quantity
from footprint.tracking.chain.estimator_calls import estimate_hours
from footprint.tracking.chain.site import is_processor, site_of
from footprint.units import W_PER_KW


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
    model, _ = estimate_hours(given, 1.0)
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
