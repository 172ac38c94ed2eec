"""BoAmps: the fields that its schemas require, typed from the files of July 2025 (no package ships them).

report_schema.json, algorithm_schema.json, dataset_schema.json, measure_schema.json and hardware_schema.json
of github.com/Boavizta/BoAmps, folder model; the values of the enumerations are theirs.
"""

from __future__ import annotations

import re
from typing import Any

import pytest

from footprint.reports.exports.boamps import quality
from footprint.reports.exports.shared.reader import Bounds
from tests.reports.exports.records import RECORDS, estimated, exported, mutations, nasty

DATA_TYPES = {"tabular", "audio", "boolean", "image", "video", "object", "text", "token", "word", "other"}
INFRA_TYPES = {"publicCloud", "privateCloud", "onPremise", "other"}
STATUSES = {"draft", "final", "corrective", "other"}


def problems(report: dict[str, Any]) -> list[str]:
    """What the schemas would refuse: required fields, kinds and enumerations."""
    checks = {
        "header.reportDatetime": lambda: re.fullmatch(
            r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", report["header"]["reportDatetime"]
        ),
        "header.reportStatus": lambda: report["header"]["reportStatus"] in STATUSES,
        "task.taskStage": lambda: isinstance(report["task"]["taskStage"], str),
        "task.taskFamily": lambda: isinstance(report["task"]["taskFamily"], str),
        "task.algorithms": lambda: len(report["task"]["algorithms"]) >= 1,
        "task.dataset": lambda: report["task"]["dataset"] and all(
            one["dataUsage"] in ("input", "output") and one["dataType"] in DATA_TYPES
            for one in report["task"]["dataset"]
        ),
        "measures": lambda: report["measures"] and all(
            isinstance(one["measurementMethod"], str) and isinstance(one["powerConsumption"], float)
            for one in report["measures"]
        ),
        "infrastructure": lambda: report["infrastructure"]["infraType"] in INFRA_TYPES
        and report["infrastructure"]["components"] and all(
            isinstance(one["componentType"], str) and isinstance(one["nbComponent"], int)
            for one in report["infrastructure"]["components"]
        ),
        "environment": lambda: "environment" not in report
        or isinstance(report["environment"]["country"], str),
        "quality": lambda: report["quality"] in ("high", "medium", "low"),
    }  # fmt: skip
    found = []
    for name, check in checks.items():
        try:
            if not check():
                found.append(name)
        except (KeyError, TypeError):
            found.append(name)
    return found


@pytest.mark.parametrize("kind", RECORDS)
def test_it_has_what_the_schemas_require(kind: str) -> None:
    assert problems(exported("boamps", RECORDS[kind]())) == []


def test_units_and_words() -> None:
    record = estimated()
    record["total"]["energy_kwh"] = {"low": 1990.0, "mid": 2000.0, "high": 2010.0}
    record["duration_h"] = {"mid": 2.0}
    record["model"]["parameters"] = 8e9
    report = exported("boamps", record)
    (measure,) = report["measures"]
    assert measure["powerConsumption"] == 2000.0  # kWh
    assert measure["measurementDuration"] == 7200.0  # s
    assert measure["measurementMethod"] == "flops-compute"
    assert report["task"]["algorithms"][0]["parametersNumber"] == 8.0  # billions
    assert report["infrastructure"]["infraType"] == "publicCloud"
    assert report["infrastructure"]["components"][0]["nbComponent"] == 8
    assert report["quality"] == "high"


@pytest.mark.parametrize(
    ("low", "high", "word"), [(95, 108, "high"), (85, 120, "medium"), (60, 150, "low"), (0, 100, "low")]
)
def test_the_quality_is_that_of_the_widest_end(low: float, high: float, word: str) -> None:
    assert quality(Bounds(low=low, mid=100.0, high=high)) == word


def test_no_country_where_none_is_known() -> None:
    record = estimated()
    record["place"] = None
    report = exported("boamps", record)
    assert "environment" not in report
    assert problems(report) == []


def test_a_report_without_a_required_field_is_refused() -> None:
    whole = exported("boamps", estimated())
    required = {
        "/header/reportDatetime", "/task/taskStage", "/task/taskFamily", "/task/algorithms", "/task/dataset",
        "/task/dataset/0/dataUsage", "/task/dataset/0/dataType", "/measures", "/infrastructure",
        "/measures/0/measurementMethod", "/measures/0/powerConsumption", "/infrastructure/infraType",
        "/infrastructure/components/0/componentType", "/infrastructure/components/0/nbComponent",
    }  # fmt: skip
    tried = set()
    for path, change in mutations(whole):
        if path in required:
            broken = exported("boamps", estimated())
            change(broken)
            assert problems(broken), path
            tried.add(path)
    assert tried == required


def test_names_of_strangers() -> None:
    assert problems(exported("boamps", nasty())) == []
