"""Machines beside a desk, towns and electricity of owned hardware, as an estimate has them."""

from __future__ import annotations

import pytest

import footprint
from footprint.catalog.places.tables import table
from footprint.decisions import sweep
from footprint.errors import FootprintError

JOB = {"model": "bert-base", "step_time_s": 10.0}


@pytest.mark.parametrize(
    "hw", ["rtx4090:1", "rtx4090:4", "rtx3090:1", "gtx1080ti:1", "apple-m2-ultra:1", "titanrtx:1"]
)
def test_a_desktop_has_no_overhead_of_a_data_centre(hw: str) -> None:
    answer = footprint.estimate(hw=hw, **JOB)
    assert answer.pue.mid == 1.0
    assert answer.energy_kwh.mid == answer.it_energy_kwh.mid
    (row,) = [row for row in answer.assumptions if "pue" in row.name]
    assert row.basis == "assumed"
    assert row.option == "--pue"


@pytest.mark.parametrize(
    ("hw", "more"),
    [
        ("rtx4090:8", {}),  # a rack server
        ("t4:1", {}), ("l4:1", {}), ("v100:8", {}),  # data-centre cards
        ("rtx4090:1", {"region": "aws:us-east-1"}), ("rtx4090:1", {"provider": "vast"}),
    ],
)  # fmt: skip
def test_a_rack_or_a_provider_has_one(hw: str, more: dict[str, str]) -> None:
    assert footprint.estimate(hw=hw, **JOB, **more).pue.mid > 1.05


def test_a_given_pue_is_taken() -> None:
    assert footprint.estimate(hw="rtx4090:1", pue=1.3, **JOB).pue.mid == 1.3


def test_a_sweep_agrees() -> None:
    found = sweep({"hw": ["rtx4090:1", "rtx4090:8"], "region": ["Paris", "EU"]}, owned=True, **JOB)
    for row in range(4):
        one = footprint.estimate(**{**found.scenario(row), "owned": True, **JOB})
        assert found.columns["energy_kwh_mid"][row] == pytest.approx(one.energy_kwh.mid, rel=1e-9)
        assert found.columns["cost_usd_mid"][row] == pytest.approx(one.cost_usd.mid, rel=1e-9)


def test_hardware_that_is_paid_for_costs_its_electricity() -> None:
    answer = footprint.estimate(hw="v100:8", electricity_usd_per_kwh=0.3, **JOB)
    assert answer.cost_usd.mid == pytest.approx(0.3 * answer.energy_kwh.mid, rel=1e-12)
    assert any("no amortisation" in str(row.value) for row in answer.assumptions)


@pytest.mark.parametrize(
    ("region", "key"),
    [
        ("US-TX", "US-TX"),
        ("Paris", "FRA"),
        ("aws:us-east-1", "US-VA"),
        ("USA", "USA"),
        ("London", "GBR"),
        ("Seoul", "KOR"),
        ("Toronto", "CA-ON"),
    ],
)
def test_the_price_of_electricity_is_that_of_the_place(region: str, key: str) -> None:
    (row,) = [row for row in table("electricity.csv") if row["key"] == key]
    answer = footprint.estimate(hw="v100:8", owned=True, region=region, **JOB)
    assert answer.cost_usd.mid / answer.energy_kwh.mid == pytest.approx(
        1.2 * float(row["usd_per_kwh"]), rel=1e-9
    )
    (row_of_price,) = [one for one in answer.assumptions if one.name == "prices.electricity_usd_per_kwh"]
    assert row_of_price.source == row["source"]


def test_prices_in_other_money_are_near_what_their_source_says_in_dollars() -> None:
    """The report of KEPCO's announcement prints 0.13 USD/kWh beside 182.7 won."""
    (korea,) = [row for row in table("electricity.csv") if row["key"] == "KOR"]
    assert float(korea["usd_per_kwh"]) == pytest.approx(0.13, abs=0.005)


def test_without_a_table_of_the_place_an_average_is_assumed() -> None:
    answer = footprint.estimate(hw="v100:8", owned=True, region="IND", **JOB)
    assert answer.cost_usd.mid / answer.energy_kwh.mid == pytest.approx(0.12)


def test_a_published_price_of_commerce_is_within_the_interval() -> None:
    # EIA, Electric Power Annual 2023: commercial customers, USD/kWh.
    for state, usd in {
        "US-VA": 0.0895,
        "US-TX": 0.0882,
        "US-CA": 0.2391,
        "US-OR": 0.0992,
        "US-IA": 0.1033,
    }.items():
        answer = footprint.estimate(hw="v100:8", owned=True, it_power_w=3000, pue=1, region=state, **JOB)
        assert answer.cost_usd.low <= usd * answer.energy_kwh.mid <= answer.cost_usd.high, state


def test_british_offers_to_businesses_are_within_the_interval() -> None:
    # Unit rates offered to businesses of 5 to 100 MWh a year in October 2025, in pence; 1.33 USD a pound.
    answer = footprint.estimate(hw="v100:8", owned=True, it_power_w=3000, pue=1, region="GBR", **JOB)
    for pence in (27.8, 25.9, 25.5, 25.4, 23.8):
        assert answer.cost_usd.low <= pence / 100 * 1.33 * answer.energy_kwh.mid <= answer.cost_usd.high, (
            pence
        )


@pytest.mark.parametrize(
    "more",
    [
        {"owned": True, "provider": "aws"}, {"owned": True, "usd_per_hour": 2.0},
        {"owned": True, "capital_usd": 2000.0}, {"electricity_usd_per_kwh": 0.1, "purchase": "spot"},
    ],
)  # fmt: skip
def test_owned_and_rented_contradict(more: dict[str, object]) -> None:
    with pytest.raises(FootprintError):
        footprint.estimate(hw="v100:8", **JOB, **more)
