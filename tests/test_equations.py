"""The formulas against published cells and closed forms."""

from __future__ import annotations

import pytest

from footprint import equations as eq
from footprint.results import Quantity


@pytest.mark.parametrize(
    ("hours", "watts", "kwh", "lb"),
    [
        (12, 1415.78, 27, 26),
        (84, 1515.43, 201, 192),
        (336, 517.66, 275, 262),
        (274120, 1515.43, 656347, 626155),
    ],
)
def test_strubell_cells_round_to_what_is_printed(hours, watts, kwh, lb):
    # Table 3 of arXiv:1906.02243; its power column is the whole bracket of equation 1, its PUE 1.58.
    energy = eq.facility_energy_kwh(eq.energy_kwh(watts, hours), 1.58)
    assert abs(energy - kwh) <= 0.5
    assert abs(eq.strubell_co2e_lb(energy) - lb) <= 0.5


def test_patterson_transformer_big():
    # arXiv:2104.10350 Table 1: 8 P100 at 296 W, 3.5 days, PUE 1.59: 316 kWh.
    assert eq.facility_energy_kwh(eq.energy_kwh(8 * 296, 84), 1.59) == pytest.approx(316, rel=0.005)


def test_mfu_is_palms_definition():
    # arXiv:2204.02311 Table 3: 238.3 k tokens/s on 6144 TPU v4 is 46.2 % with attention.
    layers, width_heads, length, parameters = 118, 48 * 256, 2048, 540.35e9
    flop_a_token = 6 * parameters + 12 * layers * width_heads * length
    assert eq.mfu(flop_a_token * 238.3e3, 1.0, 6144, 275e12) == pytest.approx(0.462, rel=0.005)


def test_step_time_and_mfu_are_inverse():
    seconds = eq.step_time_s(3.0e17, 64, 312e12, 0.37)
    assert eq.mfu(3.0e17, seconds, 64, 312e12) == pytest.approx(0.37, rel=1e-12)


def test_board_power_is_linear_between_waiting_and_busy():
    assert eq.in_step_power_w(700, 0.0, 0.97, 0.40) == pytest.approx(280)
    assert eq.in_step_power_w(700, 1.0, 0.97, 0.40) == pytest.approx(679)
    assert eq.in_step_power_w(700, 0.5, 0.97, 0.40) == pytest.approx((280 + 679) / 2)


def test_a_starved_board_sinks_to_its_idle_power():
    assert eq.fed_power_w(679.0, 140.0, 0.0) == pytest.approx(140)
    assert eq.fed_power_w(679.0, 140.0, 0.5) == pytest.approx((140 + 679) / 2)
    assert eq.fed_power_w(679.0, 140.0, 1.0) == pytest.approx(679)


def test_cooling_is_what_the_facility_draws_above_its_it():
    it = Quantity.between(40.0, 50.0, 60.0, "power_model")
    pue = Quantity.between(1.2, 1.5, 2.0, "pue")
    cooling = eq.cooling_kwh(it, pue)
    assert cooling.mid == pytest.approx(25.0)
    # With the IT energy certain, the ends are those of PUE - 1.
    certain = eq.cooling_kwh(Quantity(50.0), pue)
    assert (certain.low, certain.high) == (pytest.approx(10.0), pytest.approx(50.0))
    facility = eq.facility_energy_kwh(it, pue)
    assert cooling.mid == pytest.approx(facility.mid - it.mid)
    assert eq.cooling_kwh(it, Quantity(1.0)).mid == 0.0


def test_pipeline_bubble_of_the_megatron_paper():
    # arXiv:2104.04473 section 2.2: (p - 1) / m, and (p - 1) / (v m) interleaved.
    assert eq.pipeline_bubble_share(8, 32) == pytest.approx(7 / 32)
    assert eq.pipeline_bubble_share(8, 32, 4) == pytest.approx(7 / 128)
    # One micro-batch passes four stages one after the other: the others are idle for three times as long.
    assert eq.idle_stages_share(4, 1) == 3


def test_failed_share_is_of_all_hours():
    assert eq.total_of_runs(100.0, 3, 0.25) == pytest.approx(400.0)


def test_quantities_pass_through_the_chain():
    hours = eq.duration_h(
        1000, Quantity.between(0.9, 1.0, 1.2, "time_model"), Quantity.between(0.8, 0.9, 1.0, "goodput")
    )
    energy = eq.facility_energy_kwh(eq.energy_kwh(2000.0, hours), 1.5)
    assert energy.mid == pytest.approx(2.0 * 1000 / 0.9 / 3600 * 1.5)
    assert set(energy.spread) == {"time_model", "goodput"}
    # A lower goodput makes a longer run: the divisor's cause is turned round.
    assert energy.spread["goodput"][0] > 0 > energy.spread["goodput"][1]


def test_arrays_pass_through():
    numpy = pytest.importorskip("numpy")
    result = eq.co2e_kg(eq.energy_kwh(numpy.array([1000.0, 2000.0]), 10.0), 400.0)
    assert result.tolist() == pytest.approx([4.0, 8.0])


def test_water_on_site():
    assert eq.water_l(100.0, 1.8) == pytest.approx(180.0)


def test_owned_hardware():
    # 30,000 USD over five years of 8766 h at 60 % use.
    in_use_h = eq.working_h(5.0, 0.6)
    assert in_use_h == pytest.approx(5 * 8766 * 0.6)
    an_hour = eq.owned_usd_per_h(30000, in_use_h)
    assert an_hour == pytest.approx(1.1407, rel=1e-3)
    assert eq.owned_usd(10.0, an_hour, 200.0, 0.12) == pytest.approx(10 * 1.1407 + 24.0, rel=1e-3)


def test_embodied_share_by_time():
    assert eq.embodied_kg(100.0, 50.0, 64 * 79.2, 4 * 8766) == pytest.approx(150 * 64 * 79.2 / 35064)
    assert eq.cost_usd(eq.accelerator_h(79.2, 64), 0.74) == pytest.approx(3750.9, abs=0.05)
    assert eq.flop_6nd(175e9, 300e9) == pytest.approx(3.15e23)
    assert eq.ring_share(8) == pytest.approx(7 / 8)
    assert eq.mean_power_w(54.9, 21.1) == pytest.approx(2601.9, abs=0.1)
