"""Fits the software factor of runs before 2020 from their published hours."""

from __future__ import annotations

import math
from collections.abc import Iterator

from footprint.catalog.files import read_csv, reference_folder
from footprint.catalog.hardware import parse_cluster
from footprint.flops import count_step
from footprint.performance.predict import predict_raw, work_of
from footprint.performance.roofline.constants import Constants
from footprint.schema import StepShape, TrainingMethod
from footprint.units import SECONDS_PER_HOUR
from footprint.validation.cases import evaluation, shapes

YEAR = 2019
WIDER = 1.15
"""Factor by which the extremes of the eight runs are widened to estimate 5th and 95th percentile [1]."""


def factors(constants: Constants) -> Iterator[tuple[str, float]]:
    """(id, published over modelled hours without a software factor) of every early run."""
    published = {
        row["id"]: float(row["duration_h"])
        for row in read_csv(reference_folder() / "published" / "runs.csv")
        if row["duration_h"]
    }
    bare = constants.but(software_before_2020=1.0, layout_split=1.0, layout_replicas=1.0)
    for run in evaluation()["early"]:
        shape = StepShape(
            sequences=run["sequences"],
            sequence_length=run["sequence_length"],
            target_sequence_length=run.get("target_sequence_length"),
            predicted_positions=run.get("predicted_positions"),
        )
        flops = count_step(shapes()[run["shape"]]["config"], shape, TrainingMethod())
        if flops.operations is None:
            raise AssertionError("every early run is counted by formula")
        cluster, _ = parse_cluster(f"{run['accelerator']}:{run['accelerators']}")
        raw = predict_raw(
            work_of(flops.operations, flops.training), cluster, run["precision"], YEAR, constants=bare
        )
        yield run["id"], published[run["id"]] / (raw.seconds * run["steps"] / SECONDS_PER_HOUR)


def fit_early(constants: Constants) -> tuple[float, float, float, int]:
    """Median factor, both ends of the ratio of true to predicted time, and the number of runs."""
    logs = sorted(math.log(factor) for _, factor in factors(constants))
    half = len(logs) // 2
    middle = logs[half] if len(logs) % 2 else 0.5 * (logs[half - 1] + logs[half])
    return (
        math.exp(middle),
        math.exp(WIDER * (logs[0] - middle)),
        math.exp(WIDER * (logs[-1] - middle)),
        len(logs),
    )
