"""The chain against closed forms: every link given, so the answer is arithmetic."""

import math
from typing import Any

import pytest

import footprint
from footprint.errors import FootprintError
from footprint.estimator import EstimateRequest, estimate
from footprint.performance import predict as prediction

GIVEN = {
    "model": "bert-base", "hw": "v100:8", "step_time_s": 0.25, "goodput": 0.8, "it_power_w": 2600.0,
    "pue": 1.25, "grid_g_per_kwh": 400.0, "usd_per_hour": 2.5,
}  # fmt: skip
STEPS = 1_000_000


def test_all_links_given_is_arithmetic() -> None:
    result = estimate(**GIVEN)
    hours = STEPS * 0.25 / 0.8 / 3600
    assert result.duration_h.mid == pytest.approx(hours, rel=1e-12)
    assert result.accelerator_h.mid == pytest.approx(8 * hours, rel=1e-12)
    assert result.it_energy_kwh.mid == pytest.approx(2.6 * hours, rel=1e-12)
    assert result.energy_kwh.mid == pytest.approx(2.6 * hours * 1.25, rel=1e-12)
    assert result.co2e_kg.mid == pytest.approx(2.6 * hours * 1.25 * 0.4, rel=1e-12)
    assert result.cost_usd is not None
    assert result.cost_usd.mid == pytest.approx(8 * hours * 2.5, rel=1e-12)
    assert result.energy_kwh.low == result.energy_kwh.high, "nothing uncertain is left"


def test_step_time_from_mfu_is_the_definition_of_mfu() -> None:
    result = estimate(**{**GIVEN, "step_time_s": None, "mfu": 0.3, "precision": "fp16"})
    assert result.flop is not None
    seconds = result.flop.model_flop / (8 * 125e12 * 0.3)  # V100 data sheet: 125 TFLOP/s
    assert result.duration_h.mid == pytest.approx(seconds / 0.8 / 3600, rel=1e-9)


def test_bert_tokens_are_those_of_the_paper() -> None:
    result = estimate(**GIVEN)
    assert result.workload is not None
    # Devlin et al. 2018: 1M steps of 256 sequences, 90 % of them at 128 tokens, the rest at 512.
    assert result.workload.tokens == 0.9e6 * 256 * 128 + 0.1e6 * 256 * 512
    assert result.workload.sequence_length is None
    assert [phase.sequence_length for phase in result.workload.phases] == [128, 512]


def test_throughput_and_step_time_say_the_same() -> None:
    by_step = estimate(**GIVEN)
    assert by_step.workload is not None
    assert by_step.workload.tokens is not None
    per_second = by_step.workload.tokens / (STEPS * 0.25)
    by_tokens = estimate(**{**GIVEN, "step_time_s": None, "tokens_per_second": per_second})
    by_samples = estimate(**{**GIVEN, "step_time_s": None, "samples_per_second": 256 / 0.25})
    assert by_tokens.duration_h.mid == pytest.approx(by_step.duration_h.mid, rel=1e-12)
    assert by_samples.duration_h.mid == pytest.approx(by_step.duration_h.mid, rel=1e-12)


def test_hours_are_wall_clock_and_give_the_implied_mfu() -> None:
    result = estimate(model="bert-base", hw="v100:8", hours=100.0, precision="fp16")
    assert result.duration_h.mid == 100.0
    assert result.goodput is None
    assert result.flop is not None
    assert result.mfu is not None
    assert result.mfu.mid == pytest.approx(result.flop.model_flop / (100 * 3600 * 8 * 125e12), rel=1e-9)


def test_hours_that_no_chip_reaches_need_force() -> None:
    with pytest.raises(FootprintError, match=r"MFU of .* `force=True`"):
        estimate(model="bert-base", hw="v100:8", hours=5.0)
    assert estimate(model="bert-base", hw="v100:8", hours=5.0, force=True).duration_h.mid == 5.0


def test_hours_alone_need_no_model() -> None:
    result = estimate(hw="v100:8", hours=10.0, it_power_w=2000.0, pue=1.5, grid_g_per_kwh=100.0)
    assert result.model is None
    assert result.flop is None
    assert result.energy_kwh.mid == pytest.approx(30.0)
    assert result.co2e_kg.mid == pytest.approx(3.0)


def test_hours_do_without_unpublished_tokens() -> None:
    result = estimate(model="gpt2-xl", hw="tpu-v3:32", hours=168.0)
    assert result.flop is None
    assert result.mfu is None
    assert any("`tokens=`" in warning for warning in result.warnings)


def test_components_and_cooling_add_up_to_the_facility() -> None:
    result = estimate(model="bert-base", hw="v100:8", hours=100.0, region="FRA")
    parts = result.energy_components_kwh
    named = (parts.accelerators, parts.cpu, parts.ram, parts.other_node, parts.network, parts.cooling)
    assert math.fsum(p.mid for p in named if p is not None) == pytest.approx(result.energy_kwh.mid, rel=1e-9)
    assert result.energy_kwh.mid == pytest.approx(result.it_energy_kwh.mid * result.pue.mid, rel=1e-12)


def test_eight_busy_v100_draw_what_such_nodes_draw() -> None:
    result = estimate(model="bert-base", hw="v100:8")
    assert 2400 <= result.it_power_w.mid <= 3500  # between measured nodes and the DGX-1's rated 3.5 kW


def test_causes_reach_the_end_of_the_chain() -> None:
    result = estimate(model="bert-base", hw="v100:8", region="FRA")
    assert set(result.energy_kwh.spread) >= {"time_model", "power_model", "pue"}
    assert set(result.co2e_kg.spread) - set(result.energy_kwh.spread) == {"grid:FRA:2025"}
    assert "power_model" not in result.duration_h.spread


def test_two_places_share_every_cause_but_the_grid() -> None:
    here = estimate(model="bert-base", hw="v100:8", region="FRA", pue=1.2).co2e_kg
    there = estimate(model="bert-base", hw="v100:8", region="POL", pue=1.2).co2e_kg
    ratio = there / here
    wide = {cause for cause, (a, b) in ratio.spread.items() if abs(a) + abs(b) > 1e-12}
    assert {cause.split(":")[0] for cause in wide} == {"grid"}


def test_repeats_divide_by_the_share_that_succeeds() -> None:
    once = estimate(**GIVEN)
    many = estimate(**GIVEN, runs=7, failed_share=0.3)
    assert many.energy_kwh == once.energy_kwh
    assert many.total.energy_kwh.mid == pytest.approx(once.energy_kwh.mid * 7 / 0.7, rel=1e-12)


def test_owned_hardware_pays_capital_and_electricity() -> None:
    result = estimate(
        **{**GIVEN, "usd_per_hour": None}, capital_usd=10_000.0, lifetime_years=4.0, utilisation=0.5,
        electricity_usd_per_kwh=0.1,
    )  # fmt: skip
    hours = STEPS * 0.25 / 0.8 / 3600
    capital = 8 * hours * 10_000 / (4 * 8766 * 0.5)
    assert result.cost_usd is not None
    assert result.cost_usd.mid == pytest.approx(capital + result.energy_kwh.mid * 0.1, rel=1e-12)


def test_spot_lengthens_the_run_and_says_so() -> None:
    plain = estimate(model="bert-base", hw="v100:8", step_time_s=0.2, goodput=1.0)
    spot = estimate(model="bert-base", hw="v100:8", step_time_s=0.2, goodput=1.0, purchase="spot")
    rows = [row for row in spot.assumptions if "interruption" in row.name]
    assert len(rows) == 1
    assert spot.duration_h.mid == pytest.approx(plain.duration_h.mid * float(rows[0].value), rel=1e-12)


def test_every_skipped_place_is_said() -> None:
    result = estimate(**{**GIVEN, "grid_g_per_kwh": None})
    assert any(row.name == "place" for row in result.assumptions)
    assert result.place.key == "WLD"
    assert result.grid_g_per_kwh.high / result.grid_g_per_kwh.low > 3, "the world is not one grid"


def test_embodied_and_water_are_not_inside_the_operational_figure() -> None:
    result = estimate(**GIVEN)
    assert result.co2e_kg.mid == pytest.approx(result.energy_kwh.mid * 0.4, rel=1e-12)


def test_public_name_is_the_same_function() -> None:
    assert footprint.estimate is estimate
    assert footprint.estimate(EstimateRequest(**GIVEN)).energy_kwh == estimate(**GIVEN).energy_kwh


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"tp": 3}, "does not divide"),
        ({"tp": 2, "dp": 8}, "`dp=4` fits"),
        ({"batch_size": 4, "dp": 8}, "`batch_size=8`"),
        ({"dp": 8, "micro_batch": 64}, "`micro_batch="),
        ({"precision": "bf16"}, "does not support bf16"),
        ({"it_power_w": 90_000.0, "accelerator_power_w": None}, "`it_power_w="),
        ({"it_power_w": None, "accelerator_power_w": 3000.0}, "`accelerator_power_w="),
        ({"region": "Atlantis", "grid_g_per_kwh": None}, "unknown"),
        ({"model": "bert-bse"}, "did you mean bert-base"),
        ({"hw": "v10:8"}, "did you mean"),
    ],
)
def test_contradictions_name_the_option(fields: dict[str, object], message: str) -> None:
    with pytest.raises(FootprintError, match=message):
        estimate(**{**GIVEN, **fields})


KNOWN_TIMES = [{"mfu": 0.4}, {"step_time_s": 10.0}, {"hours": 500.0}, {"tokens_per_second": 4e5}]


@pytest.mark.parametrize("power", [{"accelerator_power_w": 600.0}, {"it_power_w": 5e4}], ids=str)
@pytest.mark.parametrize("known", KNOWN_TIMES, ids=str)
def test_a_known_time_and_power_search_no_layout(
    known: dict[str, float], power: dict[str, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The layout sets how busy the boards are, and nothing else of a run whose time is known."""
    searched: list[object] = []
    plain = prediction.find_layout

    def noted(*facts: Any, **more: Any) -> Any:
        searched.append(facts)
        return plain(*facts, **more)

    monkeypatch.setattr(prediction, "find_layout", noted)
    given: dict[str, Any] = {"model": "llama2-7b", "hw": "h100:64", "tokens": 1e11, **known}
    footprint.estimate(**given, **power)
    assert not searched
    footprint.estimate(**given)
    assert searched
