"""Our own sheets: figures typed from the forms, units, and what is left for the user."""

from __future__ import annotations

import re
from typing import Any

import pytest

import footprint
from footprint.reports.exports import as_filed, export, export_names
from footprint.reports.exports.eu_mdf import duration_range
from footprint.reports.exports.shared.written import order_of_magnitude, scientific
from tests.reports.exports.records import RECORDS, estimated, exported, measured


def scaled(**values: float) -> dict[str, Any]:
    """An estimate with other medians of all runs, each with an interval of a half to twice."""
    record = estimated()
    for name, value in values.items():
        record["total"][name] = {"low": value / 2, "mid": value, "high": value * 2}
    return record


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (2.4e25, "2.4e25"),
        (100.0, "1.0e2"),
        (0.0123, "1.2e-2"),
        (9.96, "1.0e1"),
        (0.0, "0"),
        (7.3e10, "7.3e10"),
    ],
)
def test_two_significant_figures(value: float, text: str) -> None:
    """The form's own examples (2.4e25 FLOP, 1.0e2 MWh, 7.3e10 parameters), and the edges of rounding."""
    assert scientific(value) == text


@pytest.mark.parametrize(("value", "text"), [(2.4e25, "1e25"), (9.9e23, "1e23"), (1e24, "1e24")])
def test_the_order_of_magnitude(value: float, text: str) -> None:
    assert order_of_magnitude(value) == text


@pytest.mark.parametrize(
    ("days", "text"), [(29, "< 1 month"), (31, "1 - 3 months"), (100, "3 - 6 months"), (200, "> 6 months")]
)
def test_the_range_of_the_training_time(days: float, text: str) -> None:
    assert duration_range(days * 24) == text


def test_the_model_documentation_form_is_in_mwh_and_days() -> None:
    record = scaled(energy_kwh=123456.0, accelerator_h=24 * 90.0)
    record["duration_h"] = {"low": 12.0, "mid": 24.0, "high": 48.0}
    record["pue"] = {"mid": 1.15}
    record["accelerator_h"] = record["total"]["accelerator_h"]
    record["flop"] |= {"model_flop": 2.44e25, "hardware_flop": 2.9e25}
    sheet = exported("eu-mdf", record)
    training = sheet["training"]
    energy = training["energy_mwh"]
    assert (energy["low"], energy["value"], energy["high"]) == ("6.2e1", "1.2e2", "2.5e2")
    assert energy["known_or_estimated"] == "estimated"
    assert "PUE of 1.15" in energy["boundary"]
    assert training["wall_clock_days"] == "1.0e0"
    assert training["hardware_days"] == [{"device": "NVIDIA Tesla V100 SXM2 16 GB", "days": "9.0e1"}]
    assert training["compute_flop"]["ai_office"] == "2.4e25"
    assert training["compute_flop"]["national_authorities"] == "1e25"
    assert sheet["model"]["parameters"] == "1.1e8"
    flags = {name: one["above"] for name, one in sheet["thresholds"].items() if name != "caveat"}
    assert flags == {"general_purpose_indicative": True, "systemic_risk_presumed": True}
    assert sheet["thresholds"]["caveat"]


def test_thresholds_are_unknown_where_the_computation_is() -> None:
    sheet = exported("eu-mdf", {**estimated(), "flop": None})
    assert sheet["thresholds"]["systemic_risk_presumed"]["above"] is None


def test_grams_for_each_unit_are_those_of_the_specification() -> None:
    """Its example: 180,000 kg operational and 20,000 kg embodied for 5e22 FLOP are 4e-15 g a FLOP."""
    record = scaled(co2e_kg=180_000.0)
    record["embodied_co2e_kg"] = {"mid": 20_000.0}
    record["flop"]["model_flop"] = 5e22
    record["workload"] |= {"tokens": 2e12, "steps": 1e6}
    record["model"]["parameters"] = 2.5e9
    sheet = exported("sci-ai", record)
    scores = {score["per"]: score["mid"] for score in sheet["scores"]}
    assert scores == {
        "1e15 FLOP": pytest.approx(4.0),
        "1e3 training tokens": pytest.approx(2e8 * 1e3 / 2e12),
        "1e9 parameters": pytest.approx(2e8 / 2.5),
        "1e3 training steps": pytest.approx(2e5),
    }
    assert sheet["total_kg"] == {"low": 110_000.0, "mid": 200_000.0, "high": 380_000.0}


def test_a_score_without_embodied_carbon_says_so() -> None:
    written = export({**estimated(), "embodied_co2e_kg": None}, "sci-ai")
    assert any("embodied" in line for line in written.left)


def test_repeats_are_in_both_the_carbon_and_the_units() -> None:
    """Three runs with no failures: three times the carbon of three times the tokens is one score."""
    one, three = estimated(), estimated()
    three["repeats"] = {"runs": 3, "failed_share": 0.0}
    for name in ("co2e_kg", "accelerator_h"):
        three["total"][name] = {end: 3 * value for end, value in one[name].items()}
    found = [exported("sci-ai", record)["scores"] for record in (one, three)]
    for single, triple in zip(*found, strict=True):
        factor = 3 if "parameters" in single["per"] else 1
        assert triple["mid"] == pytest.approx(factor * single["mid"], rel=1e-12), single["per"]


def test_a_search_is_in_the_energy_and_in_the_flop() -> None:
    """Eight trials of a whole run each, or repeats with failures: one factor for hours, energy and FLOP."""
    one = footprint.estimate(model="bert-base", hw="v100:8", runs=2, failed_share=0.5)
    record = as_filed(one)
    assert record.every == pytest.approx(4.0)
    assert record.model_flop == pytest.approx(4 * one.flop.model_flop if one.flop else 0)
    assert record.energy_kwh is not None
    assert record.energy_kwh.mid == pytest.approx(4 * one.energy_kwh.mid)
    searched = footprint.estimate(model="bert-base", hw="v100:8", trials=8)
    ratio = searched.total.energy_kwh.mid / searched.energy_kwh.mid
    assert as_filed(searched).every == pytest.approx(ratio)
    assert ratio > 1


def test_scopes_are_in_tonnes_and_the_two_bases_apart() -> None:
    record = scaled(co2e_kg=1500.0)
    record["co2e_market_kg"] = {"low": 10.0, "mid": 20.0, "high": 40.0}
    sheet = exported("ghg", record)
    assert sheet["electricity"]["location_based_t"]["mid"] == pytest.approx(1.5)
    assert sheet["electricity"]["market_based_t"]["mid"] == pytest.approx(0.02)
    without = export({**record, "co2e_market_kg": None}, "ghg")
    assert any("market-based figure" in line for line in without.left)
    assert '"market_based_t": null' in without.text


def test_a_life_cycle_factor_is_not_passed_off_as_scope_2() -> None:
    assert any("scope 3 category 3" in line for line in export(estimated(), "ghg").left)
    direct = estimated()
    direct["place"]["basis"] = "direct"
    assert not any("scope 3 category 3" in line for line in export(direct, "ghg").left)


@pytest.mark.parametrize("kind", RECORDS)
@pytest.mark.parametrize("name", export_names())
def test_the_standard_is_named_and_conformity_is_not_claimed(kind: str, name: str) -> None:
    written = export(RECORDS[kind](), name)
    assert written.standard
    assert written.left
    assert not re.search(r"\b(conforms|compliant|certified|complies)\b", written.text, re.IGNORECASE)


def test_a_measured_energy_is_known_only_where_a_meter_read_it() -> None:
    record = measured()
    assert exported("eu-mdf", record)["training"]["energy_mwh"]["known_or_estimated"] == "estimated"
    record["meters"] = [{"component": "gpu", "how": "measured", "source": "NVML"}]
    found = exported("eu-mdf", record)["training"]["energy_mwh"]
    assert found["known_or_estimated"] == "known"
    assert "gpu measured (NVML)" in found["method"]
