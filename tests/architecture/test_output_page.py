"""`docs/output.md` names every key that scripts may read, and none that does not exist."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from typing import Any

import pytest

from footprint.results.measurement import Measurement
from tests.cli.run import footprint
from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "output.md").read_text(encoding="utf-8")
# Kinds, values and options that the page explains besides keys.
WORDS = {
    "estimate", "measurement", "reference", "measured", "modelled", "absent", "formula", "counted",
    "traced", "completed", "failed", "interrupted", "terminated", "killed", "stopped_by_budget", "incomplete",
    "running", "facility", "footprint", "halving", "hyperband", "kind", "run_id", "started_at",
}  # fmt: skip


def section(schema: str) -> str:
    """The part of the page about one schema."""
    (text,) = re.findall(rf"^## [^\n]*`{schema}`\n(.*?)(?=^## |\Z)", PAGE, re.DOTALL | re.MULTILINE)
    return str(text)


def named(text: str) -> set[str]:
    return set(re.findall(r"`([a-z][a-z0-9_]*)`", text))


def keys(value: Any) -> set[str]:
    """Keys of a JSON object, those of nested objects included, quantities and lists of names aside."""
    if isinstance(value, list):
        return keys(value[0]) if value else set()
    if not isinstance(value, dict) or {"low", "mid", "high"} <= value.keys():
        return set()
    inside = (part for name, part in value.items() if name != "scenario")  # whose keys are the options
    return set(value).union(*map(keys, inside))


@pytest.fixture(scope="module")
def estimate() -> dict[str, Any]:
    done = footprint(
        "estimate",
        "--search",
        "halving",
        "--model",
        "bert-base",
        "--hw",
        "v100:8",
        "--region",
        "gcp:us-central1",
        "--format",
        "json",
    )
    record: dict[str, Any] = json.loads(done.out)
    return record


def test_every_key_of_an_estimate_is_on_the_page(estimate: dict[str, Any]) -> None:
    text = section("footprint/estimate/1")
    phases = {"target_sequence_length", "image_size"}  # "the `phases` behind them"
    assert keys(estimate) - named(text) - phases == set()
    assert named(text) - keys(estimate) - WORDS == set()


def test_every_key_of_flops_is_on_the_page() -> None:
    options = ("--hw", "v100", "--schedule", "10x8x128", "--verify")
    record = json.loads(footprint("flops", "--model", "bert-base", *options, "--format", "json").out)
    components, memory = record.pop("components"), record.pop("memory")
    assert components
    text = section("footprint/flops/1")
    found = keys(record) | {"components", "memory"} | keys(memory)
    assert found == named(text) - WORDS


def test_every_key_of_a_measurement_is_on_the_page(estimate: dict[str, Any]) -> None:
    text = section("footprint/measurement/1")
    own = {field.name for field in fields(Measurement)} - estimate.keys()
    assert own - named(text) == set()
