"""Owned hardware: capital and electricity against sums done by hand."""

from __future__ import annotations

import math

import pytest

from footprint import equations
from footprint.catalog.prices import owned_price
from footprint.errors import FootprintError

GIVEN = {"capital_usd": 20000.0, "lifetime_years": 4.0, "utilisation": 0.5, "electricity_usd_per_kwh": 0.12}


def test_capital_an_hour_is_the_price_over_the_hours_it_works() -> None:
    # 20,000 USD for 8 cards over 4 years of 8,766 h at 50 %: 2,500 / 17,532 h.
    price = owned_price(**GIVEN, accelerators=8)
    assert price.capital_usd_per_accelerator_h.mid == pytest.approx(2500 / 17532)
    assert price.capital_usd_per_accelerator_h.spread == {}
    assert price.electricity_usd_per_kwh.mid == 0.12
    assert price.assumptions == ()


def test_a_server_that_never_rests_costs_its_price_again_in_capital() -> None:
    """Over a whole life at full use, capital x hours returns what was paid."""
    price = owned_price(capital_usd=30000, lifetime_years=5, utilisation=1, electricity_usd_per_kwh=0.1)
    cost = equations.owned_usd(
        5 * 8766, price.capital_usd_per_accelerator_h, 0.0, price.electricity_usd_per_kwh
    )
    assert cost.mid == pytest.approx(30000)


def test_electricity_is_charged_on_facility_energy_once() -> None:
    price = owned_price(**GIVEN, accelerators=8)
    hours, facility_w = 1000.0, 480.0
    energy_kwh = hours * facility_w / 1000
    job = equations.owned_usd(
        hours, price.capital_usd_per_accelerator_h, energy_kwh, price.electricity_usd_per_kwh
    )
    assert job.mid == pytest.approx(hours * 2500 / 17532 + 480 * 0.12)


def test_what_is_not_given_is_assumed_ranged_and_listed() -> None:
    price = owned_price(capital_usd=25000)
    assert {row.option for row in price.assumptions} == {
        "--lifetime-years", "--utilisation", "--electricity-usd-per-kwh",
    }  # fmt: skip
    values = {row.name: row.value for row in price.assumptions}
    busy_h = values["prices.lifetime_years"] * 8766 * values["prices.utilisation"]
    assert price.capital_usd_per_accelerator_h.mid == pytest.approx(25000 / busy_h)
    # both divisors at their 90 % ends, independent: half-widths in quadrature of the logs
    low = math.hypot(math.log(6 / 5), math.log(0.9 / 0.6))
    high = math.hypot(math.log(5 / 3), math.log(0.6 / 0.3))
    assert price.capital_usd_per_accelerator_h.low == pytest.approx(25000 / busy_h * math.exp(-low))
    assert price.capital_usd_per_accelerator_h.high == pytest.approx(25000 / busy_h * math.exp(high))


@pytest.mark.parametrize("name", [*GIVEN, "accelerators"])
@pytest.mark.parametrize("value", [0.0, -1.0, math.nan, math.inf, -math.inf])
def test_values_that_are_no_amount_are_an_error_naming_them(name: str, value: float) -> None:
    with pytest.raises(FootprintError, match=name):
        owned_price(**{**GIVEN, name: value})


def test_utilisation_is_a_share() -> None:
    with pytest.raises(FootprintError, match="share"):
        owned_price(**{**GIVEN, "utilisation": 60.0})


def test_values_too_large_or_small_for_a_result_are_an_error() -> None:
    for changes in (
        {"lifetime_years": 1e-323, "utilisation": 1e-9},
        {"capital_usd": 1e308, "utilisation": 1e-300},
    ):
        with pytest.raises(FootprintError):
            owned_price(**{**GIVEN, **changes})
