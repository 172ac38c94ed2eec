"""CycloneDX: valid by the schemas that cyclonedx-python-lib ships, and broken files are not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.lazily import Lazily
from tests.reports.exports.records import RECORDS, estimated, exported, mutations, nasty

validation, schema = Lazily("cyclonedx.validation.json"), Lazily("cyclonedx.schema")
VERSIONS = {"cyclonedx-1.6": "V1_6", "cyclonedx-1.7": "V1_7"}


def problem(name: str, values: Any) -> Any:
    version = schema.SchemaVersion[VERSIONS[name]]
    return validation.JsonStrictValidator(version).validate_str(json.dumps(values))


@pytest.mark.slow
@pytest.mark.parametrize("name", VERSIONS)
@pytest.mark.parametrize("kind", RECORDS)
def test_it_is_valid(name: str, kind: str) -> None:
    assert problem(name, exported(name, RECORDS[kind]())) is None


@pytest.mark.parametrize("name", VERSIONS)
def test_the_energy_is_in_kwh_and_the_co2e_in_tonnes(name: str) -> None:
    record = estimated()
    record["total"]["energy_kwh"] = {"low": 1000.0, "mid": 2000.0, "high": 3000.0}
    record["total"]["co2e_kg"] = {"low": 100.0, "mid": 500.0, "high": 900.0}
    model = exported(name, record)["components"][0]
    (found,) = model["modelCard"]["considerations"]["environmentalConsiderations"]["energyConsumptions"]
    assert found["activity"] == "training"
    assert found["activityEnergyCost"] == {"value": 2000.0, "unit": "kWh"}
    assert found["co2CostEquivalent"] == {"value": 0.5, "unit": "tCO2eq"}
    named = {one["name"]: one["value"] for one in found["properties"]}
    assert (named["footprint:energy_kwh_low"], named["footprint:energy_kwh_high"]) == ("1000.0", "3000.0")


@pytest.mark.parametrize("name", VERSIONS)
def test_a_broken_file_is_not_valid(name: str) -> None:
    whole = exported(name, estimated())
    needed = ("bomFormat", "activity", "energyProviders", "unit", "value", "energySource", "type")
    tried = 0
    for path, change in mutations(whole):
        if path.rpartition("/")[2] in needed and "properties" not in path:
            broken = json.loads(json.dumps(whole))
            change(broken)
            assert problem(name, broken) is not None, path
            tried += 1
    assert tried >= 8
    whole["components"][0]["modelCard"]["considerations"]["environmentalConsiderations"][
        "energyConsumptions"
    ][0]["co2CostEquivalent"]["unit"] = "kgCO2eq"
    assert problem(name, whole) is not None


@pytest.mark.parametrize("name", VERSIONS)
def test_names_of_strangers_are_valid_too(name: str) -> None:
    assert problem(name, exported(name, nasty())) is None
