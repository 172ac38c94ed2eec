"""The price of an hour of an owned accelerator.

The cost of owned hardware has two parts, which are kept apart so that neither is counted twice:

* capital per accelerator-hour: the price paid, divided by the hours in use over the lifetime.
* electricity per facility kilowatt-hour: the tariff, to be multiplied by the estimate's facility energy
  (with PUE).

``footprint.estimator`` adds capital x accelerator-hours and tariff x facility kWh.
"""

from __future__ import annotations

import math

from footprint import equations
from footprint.catalog.assumptions import assumed
from footprint.catalog.prices.tariffs import Tariff, find_tariff
from footprint.errors import FootprintError
from footprint.records import record
from footprint.results import Assumption, Quantity
from footprint.schema import Place


@record
class OwnedPrice:
    """Prices of owned hardware: capital per accelerator-hour, electricity per kWh."""

    capital_usd_per_accelerator_h: Quantity
    electricity_usd_per_kwh: Quantity
    """Tariff, for facility energy."""
    assumptions: tuple[Assumption, ...]
    """One row for each input that was not given."""


def owned_price(
    *,
    capital_usd: float | None,
    lifetime_years: float | None = None,
    utilisation: float | None = None,
    electricity_usd_per_kwh: float | None = None,
    accelerators: float = 1.0,
    place: Place | None = None,
) -> OwnedPrice:
    """Price of owned hardware: capital [USD/accelerator-h] and electricity [USD/kWh].

    ``capital_usd`` is the price paid for ``accelerators`` accelerators (1 by default) with their share of
    servers, network and installation. ``utilisation`` is the share of all hours of the lifetime in which
    they work. Missing inputs are assumed, with an interval and an assumption row; electricity has the
    price of ``place``. Without ``capital_usd`` the hardware is paid for: the cost is its electricity.

    Straight-line depreciation to zero: capital / (lifetime x 8766 h x utilisation).

    Raises:
        FootprintError: a value that is not finite, not positive or, for a share, above 1.
    """
    rows: list[Assumption] = []

    def given_or_assumed(value: float | None, name: str, option: str) -> Quantity:
        if value is not None:
            return Quantity(_positive(name, value))
        number = assumed(f"prices.{name}")
        rows.append(number.row(option))
        return number.quantity

    if utilisation is not None and utilisation > 1:
        raise FootprintError(
            f"utilisation is a share of all hours, above 0 and at most 1, not {utilisation!r}"
        )
    tariff = _tariff(electricity_usd_per_kwh, place)
    if capital_usd is None:
        paid = Assumption(
            name="owned hardware", value="paid for: electricity alone, no amortisation", unit="",
            basis="assumed", source="default", option="--capital-usd",
        )  # fmt: skip
        return OwnedPrice(
            capital_usd_per_accelerator_h=Quantity(0.0),
            electricity_usd_per_kwh=tariff.usd_per_kwh,
            assumptions=(paid, *tariff.rows),
        )
    life = given_or_assumed(lifetime_years, "lifetime_years", "--lifetime-years")
    busy = given_or_assumed(utilisation, "utilisation", "--utilisation")
    each_usd = _positive("capital_usd", capital_usd) / _positive("accelerators", accelerators)
    return OwnedPrice(
        capital_usd_per_accelerator_h=equations.owned_usd_per_h(each_usd, equations.working_h(life, busy)),
        electricity_usd_per_kwh=tariff.usd_per_kwh,
        assumptions=(*rows, *tariff.rows),
    )


def _tariff(given: float | None, place: Place | None) -> Tariff:
    """The price of electricity that was given, else that of the place."""
    if given is None:
        return find_tariff(place)
    return Tariff(usd_per_kwh=Quantity(_positive("electricity_usd_per_kwh", given)))


def _positive(name: str, value: float) -> float:
    if not (math.isfinite(value) and value > 0):
        raise FootprintError(f"{name} must be a finite number above 0, not {value!r}")
    return value
