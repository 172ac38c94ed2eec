"""From watts and hours to facility kWh, CO2e, embodied CO2e and water."""

from __future__ import annotations

import math
from dataclasses import replace

from footprint import equations
from footprint.catalog.assumptions import assumed
from footprint.catalog.places import find_place, given_place, grid_quantity
from footprint.catalog.prices import find_provider
from footprint.catalog.pue import PueFact, find_pue
from footprint.errors import FootprintError
from footprint.estimator.request import EstimateRequest
from footprint.performance import predict_power
from footprint.records import record
from footprint.results import Assumption, Quantity, total
from footprint.results.estimate import EnergyComponents, PlaceSummary
from footprint.schema import Cluster, Place
from footprint.units import HOURS_PER_YEAR

LEAST_WATTS_OF_BOARD = 0.05
"""No accelerator idles below this share of its TDP."""
MOST_WATTS_OVER_RATED = 3.0
"""A given power above this many times the cluster's modelled one is a slip of units."""


@record
class Energy:
    """Power and energy at the node and the facility."""

    it_power_w: Quantity
    it_energy_kwh: Quantity
    pue: Quantity
    energy_kwh: Quantity
    components: EnergyComponents
    water_l: Quantity | None
    """Evaporated on site; None where nobody publishes the site's water usage effectiveness."""
    assumptions: tuple[Assumption, ...]
    warnings: tuple[str, ...]


@record
class Emissions:
    """What the facility energy means at a place, and the hardware's own share."""

    place: PlaceSummary
    grid_g_per_kwh: Quantity
    co2e_kg: Quantity
    co2e_market_kg: Quantity | None
    embodied_co2e_kg: Quantity | None
    assumptions: tuple[Assumption, ...]
    warnings: tuple[str, ...]


def energy_of(
    request: EstimateRequest,
    cluster: Cluster,
    busy_share: Quantity | None,
    fed_share: Quantity | None,
    duration_h: Quantity,
    place: Place,
) -> Energy:
    """IT and facility energy by component [kWh]; PUE is applied once, between the two."""
    rows: list[Assumption] = []
    warnings: list[str] = []
    powers: dict[str, Quantity | None] = dict.fromkeys(
        ("accelerators", "cpu", "ram", "other_node", "network")
    )
    if request.it_power_w is not None:
        it_power = Quantity(request.it_power_w)
    else:
        if busy_share is None:
            busy, fed = assumed("time.busy_share"), assumed("power.fed_share_unknown")
            busy_share, fed_share = busy.quantity, fed.quantity
            rows += [busy.row("--accelerator-power-w"), fed.row("--accelerator-power-w")]
        power = predict_power(
            cluster=cluster, busy_share=busy_share, accelerator_power_w=request.accelerator_power_w,
            fed_share=fed_share,
        )  # fmt: skip
        powers = {name: getattr(power, name) for name in powers}
        it_power = power.it_power_w
        rows += power.assumptions
        warnings += power.warnings
    it_energy = equations.energy_kwh(it_power, duration_h)
    site = find_pue(provider=request.provider or place.provider, region=place.key, year=request.year)
    if request.pue is not None:
        pue = Quantity(request.pue)
    else:
        pue = _at_least_one(site.pue)
        warnings += site.warnings
        rows.append(_pue_row(site))
    energy = equations.facility_energy_kwh(it_energy, pue)
    components = EnergyComponents(
        **{name: None if p is None else equations.energy_kwh(p, duration_h) for name, p in powers.items()},
        cooling=_overhead(it_energy, pue),
    )
    water = site.wue_l_per_kwh
    return Energy(
        it_power_w=it_power, it_energy_kwh=it_energy, pue=pue, energy_kwh=energy, components=components,
        water_l=None if water is None else equations.water_l(it_energy, water),
        assumptions=tuple(rows), warnings=tuple(warnings),
    )  # fmt: skip


def _pue_row(site: PueFact) -> Assumption:
    return Assumption(
        name="pue", value=site.pue.mid, unit="1", basis=site.basis, source=site.source, option="--pue"
    )


def _at_least_one(pue: Quantity) -> Quantity:
    floor = -math.log(pue.mid)
    return Quantity(pue.mid, {c: (max(a, floor), max(b, floor)) for c, (a, b) in pue.spread.items()})


def _overhead(it_energy: Quantity, pue: Quantity) -> Quantity:
    """Energy of cooling and power distribution, IT energy x (PUE - 1) [kWh]."""
    above = pue.mid - 1.0
    if above <= 0:
        return Quantity(0.0)
    spread = {}
    for cause, ends in pue.spread.items():
        # A PUE of exactly 1 has no finite logarithm; one in a million of the IT energy stands for it.
        low, high = (max(pue.mid * math.exp(end) - 1.0, 1e-6) for end in ends)
        spread[cause] = (math.log(low / above), math.log(high / above))
    return it_energy * Quantity(above, spread)


def emissions_of(
    request: EstimateRequest, cluster: Cluster, energy: Energy, accelerator_h: Quantity, place: Place
) -> Emissions:
    """Operational, market-based and embodied CO2e [kg]; never summed."""
    rows: list[Assumption] = []
    warnings: list[str] = []
    grid = grid_quantity(place)
    market = None
    if place.market_g_per_kwh is not None:
        market = equations.co2e_kg(energy.energy_kwh, place.market_g_per_kwh)
    embodied = _embodied(request, cluster, accelerator_h, rows, warnings)
    return Emissions(
        place=PlaceSummary(
            key=place.key, name=place.name, year=place.year, basis=place.basis, source=place.source
        ),
        grid_g_per_kwh=grid,
        co2e_kg=equations.co2e_kg(energy.energy_kwh, grid),
        co2e_market_kg=market,
        embodied_co2e_kg=embodied,
        assumptions=tuple(rows),
        warnings=tuple(warnings),
    )


def _embodied(
    request: EstimateRequest,
    cluster: Cluster,
    accelerator_h: Quantity,
    rows: list[Assumption],
    warnings: list[str],
) -> Quantity | None:
    """The run's share, by time, of making its accelerators and servers [kg]; None if unknown."""
    chip, node = cluster.accelerator, cluster.node
    if chip.embodied_low_kg is None or chip.embodied_high_kg is None:
        return None
    middle = (chip.embodied_low_kg * chip.embodied_high_kg) ** 0.5
    each = Quantity.between(chip.embodied_low_kg, middle, chip.embodied_high_kg, "embodied_accelerator")
    rows.append(
        Assumption(
            name="embodied CO2e of one accelerator",
            value=middle,
            unit="kg",
            basis="derived",
            source=f"profile {chip.id}, middle of its published range",
        )
    )
    if node.embodied_kg is not None:
        share_kg = node.embodied_kg / node.accelerators
        spread = assumed("embodied.server_factor").quantity
        each = total([each, share_kg * spread])
        rows.append(
            Assumption(
                name="embodied CO2e of its share of the server",
                value=share_kg,
                unit="kg",
                basis="derived",
                source=f"profile {chip.id}, node form {node.id}",
            )
        )
    else:
        warnings.append("embodied CO2e counts the accelerators only: no figure for the server is known")
    working_h = Quantity(HOURS_PER_YEAR)
    for name, given in (("lifetime_years", request.lifetime_years), ("utilisation", request.utilisation)):
        if given is not None:
            working_h = working_h * given
            continue
        number = assumed(f"prices.{name}")
        rows.append(number.row("--" + name.replace("_", "-")))
        working_h = working_h * number.quantity
    share: Quantity = equations.embodied_kg(each, accelerator_h, working_h)
    return share


def settle_place(request: EstimateRequest) -> tuple[Place, tuple[Assumption, ...], tuple[str, ...]]:
    """Where the electricity comes from; the world average, said, where nothing is given."""
    if request.grid_g_per_kwh is not None:
        given = given_place(request.grid_g_per_kwh)
        if request.region is None:
            return given, (), ()
        # The region still says whose site it is: its PUE, water, prices and market-based factor.
        place, _ = find_place(request.region, year=request.year)
        own = replace(
            place,
            basis=given.basis,
            g_per_kwh=given.g_per_kwh,
            low_g_per_kwh=given.low_g_per_kwh,
            high_g_per_kwh=given.high_g_per_kwh,
            source=given.source,
        )
        return own, (), ()
    place, warnings = find_place(request.region, year=request.year)
    if place.basis not in ("lifecycle", "given"):
        warnings += (
            f"the carbon intensity of {place.name} is {place.basis}, without the fuel chain and plants: "
            "do not compare it with life-cycle ones",
        )
    rows: tuple[Assumption, ...] = ()
    if request.region is None:
        rows = (
            Assumption(
                name="place",
                value=place.name,
                unit="",
                basis="assumed",
                source=place.source,
                option="--region",
            ),
        )
    return place, rows, warnings


def require_one_provider(request: EstimateRequest, place: Place) -> None:
    """FootprintError where the provider is not the one that the cloud region belongs to."""
    if request.provider is None or place.provider is None:
        return
    if find_provider(request.provider) != place.provider:
        raise FootprintError(
            f"--region {place.key} is a region of {place.provider}, not of {request.provider}: "
            "change one of them, or name the country or state instead of the cloud region"
        )


def require_sane_power(request: EstimateRequest, cluster: Cluster) -> None:
    """FootprintError where a given power cannot be this cluster's (a slip of kW for W, say)."""
    chip = cluster.accelerator
    board = chip.tdp_w or chip.measured_w
    if board is None or request.force:
        return
    if (
        request.accelerator_power_w is not None
        and request.accelerator_power_w > MOST_WATTS_OVER_RATED * board
    ):
        raise FootprintError(
            f"--accelerator-power-w {request.accelerator_power_w:g} is more than {MOST_WATTS_OVER_RATED:g} "
            f"times what one {chip.name} draws ({board:g} W): give watts of one board, or insist with --force"
        )
    rated = cluster.node.max_w or 2 * cluster.node.accelerators * board + cluster.node.host_high_w
    rated *= max(1.0, cluster.nodes)
    lowest = LEAST_WATTS_OF_BOARD * board
    if request.accelerator_power_w is not None and request.accelerator_power_w < lowest:
        raise FootprintError(
            f"--accelerator-power-w {request.accelerator_power_w:g} is below what one {chip.name} draws idle "
            f"(about {lowest:.0f} W): give watts of one board, or insist with --force"
        )
    if request.it_power_w is not None and request.it_power_w < lowest * cluster.count:
        raise FootprintError(
            f"--it-power-w {request.it_power_w:g} is below what this cluster draws idle (about "
            f"{lowest * cluster.count:.0f} W): give watts of the whole cluster, or insist with --force"
        )
    if request.it_power_w is not None and request.it_power_w > MOST_WATTS_OVER_RATED * rated:
        raise FootprintError(
            f"--it-power-w {request.it_power_w:g} is more than {MOST_WATTS_OVER_RATED:g} times what this "
            f"cluster can draw ({rated:.0f} W): give watts of the whole cluster, or insist with --force"
        )
