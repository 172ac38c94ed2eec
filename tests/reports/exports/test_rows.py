"""The export to codecarbon's CSV and the one to Prometheus, read back by their own readers."""

from __future__ import annotations

import csv
import dataclasses
import io
from typing import Any

import pytest

from footprint.reports.exports import export
from tests.reports.exports.records import HIDDEN, NASTY, RECORDS, estimated, nasty

HOURS = {"low": 10.0, "mid": 20.0, "high": 40.0}


def row(record: dict[str, Any]) -> dict[str, str]:
    (found,) = csv.DictReader(io.StringIO(export(record, "codecarbon").text))
    return found


@pytest.mark.parametrize("kind", RECORDS)
def test_the_columns_are_those_of_codecarbon(kind: str) -> None:
    from codecarbon.output_methods.emissions_data import EmissionsData

    assert list(row(RECORDS[kind]())) == [field.name for field in dataclasses.fields(EmissionsData)]


def test_units_of_codecarbon() -> None:
    """Emissions in kg and kg/s, time in s, energies in kWh, powers in W; the PUE is in each energy."""
    record = estimated()
    record["total"]["co2e_kg"] = record["co2e_kg"] = {"mid": 36.0}
    record["total"]["energy_kwh"] = record["energy_kwh"] = {"mid": 300.0}
    record["duration_h"] = HOURS
    record["pue"] = {"mid": 1.5}
    record["energy_components_kwh"]["accelerators"] = {"mid": 100.0}
    found = row(record)
    assert float(found["emissions"]) == 36.0
    assert float(found["emissions_rate"]) == pytest.approx(36.0 / 72_000)
    assert float(found["duration"]) == 72_000
    assert float(found["energy_consumed"]) == 300.0
    assert float(found["gpu_energy"]) == pytest.approx(150.0)
    assert float(found["gpu_power"]) == pytest.approx(7500.0)
    assert (found["country_iso_code"], found["on_cloud"], found["gpu_count"]) == ("FRA", "Y", "8")


def test_no_cell_is_a_formula_or_an_escape() -> None:
    text = export(nasty(), "codecarbon").text
    assert not any(sign in text for sign in HIDDEN)
    assert len(text.splitlines()) == 2
    for cell in row(nasty()).values():
        assert not cell.startswith(("=", "+", "-", "@"))


def families(record: dict[str, Any]) -> dict[str, Any]:
    from prometheus_client.parser import text_string_to_metric_families

    return {one.name: one for one in text_string_to_metric_families(export(record, "prometheus").text)}


@pytest.mark.parametrize("kind", RECORDS)
def test_prometheus_reads_it_in_base_units(kind: str) -> None:
    record = RECORDS[kind]()
    found = families(record)
    values = {
        sample.labels["bound"]: sample.value for sample in found["footprint_record_energy_joules"].samples
    }
    assert values["mid"] == pytest.approx(record["energy_kwh"]["mid"] * 3.6e6)
    assert values["low"] <= values["mid"] <= values["high"]
    carbon = {s.labels["bound"]: s.value for s in found["footprint_record_co2e_grams"].samples}
    assert carbon["mid"] == pytest.approx(record["co2e_kg"]["mid"] * 1000)
    assert {one.type for one in found.values()} == {"gauge"}
    assert {s.labels["kind"] for one in found.values() for s in one.samples} == {kind}


def test_labels_of_strangers_stay_labels() -> None:
    found = families(nasty())
    text = export(nasty(), "prometheus").text
    assert not any(sign in text for sign in HIDDEN)
    label = found["footprint_record_energy_joules"].samples[0].labels["name"]
    assert '"<b>&' in label
    assert label.startswith(NASTY[:10])
    assert "\n" not in label
