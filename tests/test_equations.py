"""The formulas against published cells and closed forms."""

from __future__ import annotations

import math

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
def test_strubell_equations_round_to_the_printed_cells(hours, watts, kwh, lb):
    # Table 3 of arXiv:1906.02243; its power column is the whole bracket of equation 1.
    energy = eq.strubell_energy_kwh(hours, 0.0, 0.0, 1, watts)
    assert abs(energy - kwh) <= 0.5
    assert abs(eq.strubell_co2e_lb(energy) - lb) <= 0.5


def test_strubell_energy_adds_processor_memory_and_boards():
    assert eq.strubell_energy_kwh(10, 100, 50, 4, 200) == pytest.approx(
        1.58 * 10 * (100 + 50 + 4 * 200) / 1000
    )


def test_patterson_transformer_big():
    # arXiv:2104.10350 Table 1: 8 P100 at 296 W, 3.5 days, PUE 1.59: 316 kWh.
    it = eq.energy_kwh(eq.node_power_w(8, 296, 0.0), 84)
    assert eq.facility_energy_kwh(it, 1.59) == pytest.approx(316, rel=0.005)


def test_mfu_is_palms_definition():
    # arXiv:2204.02311 Table 3: 238.3 k tokens/s on 6144 TPU v4 is 46.2 % with attention.
    layers, width_heads, length, parameters = 118, 48 * 256, 2048, 540.35e9
    flop_a_token = 6 * parameters + 12 * layers * width_heads * length
    assert eq.mfu(flop_a_token * 238.3e3, 1.0, 6144, 275e12) == pytest.approx(0.462, rel=0.005)


def test_step_time_and_mfu_are_inverse():
    seconds = eq.step_time_s(3.0e17, 64, 312e12, 0.37)
    assert eq.mfu(3.0e17, seconds, 64, 312e12) == pytest.approx(0.37, rel=1e-12)


def test_accelerator_power_is_linear_between_waiting_and_busy():
    assert eq.accelerator_power_w(700, 0.0, 0.97, 0.40) == pytest.approx(280)
    assert eq.accelerator_power_w(700, 1.0, 0.97, 0.40) == pytest.approx(679)
    assert eq.accelerator_power_w(700, 0.5, 0.97, 0.40) == pytest.approx((280 + 679) / 2)
    assert eq.accelerator_power_w(700, 1.0, 0.97, 0.40, 0.0, 0.20) == pytest.approx(140)
    assert eq.accelerator_power_w(700, 1.0, 0.97, 0.40, 0.5, 0.20) == pytest.approx((140 + 679) / 2)
    assert eq.accelerator_power_w(700, 0.3, 0.97, 0.4, 1.0, 0.2) == pytest.approx(700 * 0.571)


def test_pipeline_bubble_of_the_megatron_paper():
    # arXiv:2104.04473 section 2.2: (p - 1) / m, and (p - 1) / (v m) interleaved.
    assert eq.pipeline_bubble_share(8, 32) == pytest.approx(7 / 32)
    assert eq.pipeline_bubble_share(8, 32, 4) == pytest.approx(7 / 128)


def test_chinchilla_loss_of_the_published_parametric_fit():
    # arXiv:2404.10102: at 7.22e10 parameters and 1.329e12 tokens the refitted law gives 1.974.
    loss = eq.loss_nats(7.22e10, 1.329e12, 1.8172, 482.01, 2085.43, 0.3478, 0.3658)
    assert loss == pytest.approx(1.974, abs=0.001)


def test_repeated_data_saturates():
    assert eq.effective_tokens(1e9, 0.5e9) == 0.5e9
    assert eq.effective_tokens(1e9, 2e9) == pytest.approx(
        1e9 * (1 + 15.387756 * (1 - math.exp(-1 / 15.387756)))
    )
    assert eq.effective_tokens(1e9, 1e15) == pytest.approx(1e9 * (1 + 15.387756), rel=1e-9)


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


def test_water_on_and_off_site():
    assert eq.water_l(100.0, 1.8, 120.0, 3.0) == pytest.approx(540.0)


def test_owned_hardware():
    # 30,000 USD over five years of 8766 h at 60 % use.
    assert eq.owned_usd_per_h(30000, 5 * 8766, 0.6) == pytest.approx(1.1407, rel=1e-3)
    assert eq.electricity_usd(200.0, 0.12) == pytest.approx(24.0)


def test_embodied_share_by_time():
    assert eq.embodied_kg(150.0, 64 * 79.2, 4 * 8766) == pytest.approx(150 * 64 * 79.2 / 35064)
    assert eq.cost_usd(eq.accelerator_h(79.2, 64), 0.74) == pytest.approx(3750.9, abs=0.05)
    assert eq.kg_from_lb(626155) == pytest.approx(284019.1, rel=1e-6)
    assert eq.flop_6nd(175e9, 300e9) == pytest.approx(3.15e23)
    assert eq.ring_share(8) == pytest.approx(7 / 8)
