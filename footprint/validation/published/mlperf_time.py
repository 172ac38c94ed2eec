"""MLPerf Training v0.7: minutes to train, from the model, the samples seen and the system.

The number of samples comes from the log. The prediction is the time for these samples and for the
evaluations that the measured time includes. Submissions are tuned more than the software in other
tables, so a common factor is taken from the other submitters (leave-submitter-out).
"""

from __future__ import annotations

import functools
import math
import statistics
from collections.abc import Iterator, Mapping
from typing import Any

from footprint.catalog.files import read_csv, reference_folder
from footprint.catalog.hardware import parse_cluster
from footprint.errors import FootprintError
from footprint.flops import count_step
from footprint.performance import choose_precision, predict_step
from footprint.records import record
from footprint.results import Quantity
from footprint.schema import Cluster, StepShape, TrainingMethod
from footprint.units import SECONDS_PER_MINUTE
from footprint.validation.baselines import beside
from footprint.validation.cases import evaluation, shapes
from footprint.validation.report import ValidationReport, ValidationRow

DATASET = "mlperf-time"
YEAR = 2020
TOKENS_A_SENTENCE = 30
"""Mean target length of the WMT English-German sentences, assumed."""
SENTENCES = 4_590_101
"""Sentence pairs of the translation benchmark, as its logs state them."""


@record
class Submission:
    """A logged result with the predicted time of its steps."""

    id: str
    submitter: str
    benchmark: str
    cluster: Cluster
    published_min: float
    ideal_min: Quantity
    flop: float
    """Model FLOPs until the target quality."""
    peak_flop_per_s: float
    """Dense peak of the whole cluster in the precision used."""


def submissions() -> Iterator[Submission]:
    """Every result on a modelled chip and benchmark."""
    for row in read_csv(reference_folder() / "published" / "mlperf_v07_times.csv"):
        if row["excluded"]:
            continue
        try:
            shape, config, steps = _workload(row)
            cluster, _ = parse_cluster(f"{row['accelerator']}:{row['accelerators']}")
        except FootprintError:
            continue
        flops = count_step(config, shape, TrainingMethod(), "mlm+nsp" if row["benchmark"] == "bert" else "")
        precision, _ = choose_precision("fp16", cluster.accelerator, YEAR)
        step = predict_step(step_flop=flops, cluster=cluster, precision=precision, year=YEAR, stack="tuned")
        yield Submission(
            id=row["id"],
            submitter=row["submitter"],
            benchmark=row["benchmark"],
            cluster=cluster,
            published_min=float(row["time_to_train_min"]),
            ideal_min=(step.step_time_s + _evaluations_s(row) / steps) * (steps / SECONDS_PER_MINUTE),
            flop=float(flops.training_flop) * steps,
            peak_flop_per_s=cluster.count * cluster.accelerator.peak_flop_per_s[precision],
        )


def _workload(row: Mapping[str, str]) -> tuple[StepShape, dict[str, Any], float]:
    """Step shape, config and steps of a result; FootprintError where the log's units are unclear."""
    batch = float(row["samples_per_step"])
    seen, last = float(row["samples_per_epoch_logged"]), float(row["last_epoch_or_samples"])
    if row["benchmark"] == "resnet":
        shape = StepShape(sequences=batch, image_size=224)
        return shape, dict(shapes()["resnet-50"]["config"]), seen * last / batch
    if row["benchmark"] == "bert":
        # The logged number is that of the samples until the target quality.
        shape = StepShape(sequences=batch, sequence_length=512, predicted_positions=76)
        return shape, dict(shapes()["bert-large"]["config"]), seen / batch
    if row["benchmark"] == "transformer" and seen == SENTENCES:
        sentences = batch / TOKENS_A_SENTENCE
        shape = StepShape(
            sequences=sentences, sequence_length=TOKENS_A_SENTENCE, target_sequence_length=TOKENS_A_SENTENCE
        )
        return shape, dict(shapes()["transformer-big"]["config"]), seen * last / sentences
    raise FootprintError(f"{row['benchmark']}: not modelled, or units unclear")


def _evaluations_s(row: Mapping[str, str]) -> float:
    """Time of the evaluations until the target quality, which the measured time includes [s]."""
    known = evaluation()["mlperf_time"]
    rule = known[row["benchmark"]]
    count = rule.get("count") or float(row["last_epoch_or_samples"]) / rule["epochs"]
    return float(count * known["evaluation_s"])


@functools.cache
def _all() -> tuple[Submission, ...]:
    return tuple(submissions())


def _factor(benchmark: str, submitter: str) -> float:
    """Median of published over predicted minutes of a benchmark at the other submitters [1]."""
    others = [
        math.log(s.published_min / s.ideal_min.mid)
        for s in _all()
        if s.benchmark == benchmark and s.submitter != submitter
    ]
    return math.exp(statistics.median(others)) if others else 1.0


def validate_mlperf_time() -> ValidationReport:
    """Minutes to train, corrected by the median factor of the other submitters."""
    rows = []
    for one in _all():
        factor = _factor(one.benchmark, one.submitter)
        predicted = one.ideal_min * factor
        rows.append(
            ValidationRow.of(
                id=one.id,
                published=one.published_min,
                predicted=predicted,
                unit="min",
                fold=one.submitter,
                note=one.benchmark,
            )
        )
    notes = []
    for benchmark in sorted({row.note for row in rows}):
        part = [row for row in rows if row.note == benchmark]
        notes.append(
            f"{benchmark}: {len(part)} rows, median error {statistics.median(row.error for row in part):.1%}"
        )
    known = {one.id: one for one in _all()}

    def at(row: ValidationRow, mfu: float) -> float:
        return known[row.id].flop / (mfu * known[row.id].peak_flop_per_s) / SECONDS_PER_MINUTE

    baselines = beside(
        rows,
        {
            "exact FLOPs at MFU 1.0": lambda row: at(row, 1.0),
            "exact FLOPs at MFU 0.4": lambda row: at(row, 0.4),
            "median MFU of the benchmark at the other submitters": lambda row: _at_usual_mfu(known[row.id]),
        },
    )
    return ValidationReport(dataset=DATASET, rows=tuple(rows), baselines=baselines, notes=tuple(notes))


def _at_usual_mfu(one: Submission) -> float | None:
    """Minutes at the median MFU that the other submitters reached on the benchmark."""
    others = [
        other.flop / (other.published_min * other.peak_flop_per_s)
        for other in _all()
        if other.benchmark == one.benchmark and other.submitter != one.submitter
    ]
    return one.flop / (statistics.median(others) * one.peak_flop_per_s) if others else None
