"""Published counts of whole runs, and what our own count gives under the convention each names."""

from __future__ import annotations

import csv
import json
from typing import Any

from footprint.catalog.files import reference_folder
from footprint.catalog.models import find_model
from footprint.flops import StepFlops, count_step
from footprint.schema import StepShape, TrainingMethod

with (reference_folder() / "published" / "flops_reference.csv").open(encoding="utf-8", newline="") as file:
    ROWS = list(csv.DictReader(file))
REPRODUCED = ("6ND", "3ND", "8ND", "exact", "executed")
"""Conventions that follow from our list: rules of thumb a parameter and token, products, products as run."""


def step_of(row: dict[str, str]) -> StepFlops:
    """One step of the row's model, recomputed in full."""
    config: Any = json.loads(row["config"]) if row["config"] else find_model(row["model"]).config
    target = row["target_sequence_length"]
    shape = StepShape(
        sequences=1,
        sequence_length=int(row["sequence_length"]),
        target_sequence_length=int(target) if target else None,
    )
    return count_step(config, shape, TrainingMethod(recompute="full"))


def by_convention(row: dict[str, str]) -> float:
    """FLOP of the whole run by the row's convention, from our own count of parameters and products."""
    step, tokens = step_of(row), float(row["tokens"])
    assert step.tokens
    rule = row["convention"]
    if rule.endswith("ND"):
        return float(rule[0]) * step.parameters.total * tokens
    return tokens * float(step.training_flop if rule == "exact" else step.hardware_flop) / step.tokens
