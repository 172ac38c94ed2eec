"""Validation of power: MLPerf's power logs, and measurements of boards, nodes and chips with their host.

AC and DC logs of one run are one case; the AC log is compared. The speed of a logged run is known, as in
an estimate with ``--samples-per-second``: in the time that its steps and evaluations do not fill, the
boards sink towards idle. The layout is given where the log states one. Benchmarks that are not modelled
get the median share of the modelled ones on one node, or on several, because all are tuned alike. The
ratio of logged to modelled node power of a submitter comes from its other benchmarks (leave-one-out). The
other measurements are predicted like a run of which only the hours are known.
"""

from __future__ import annotations

import functools
import statistics
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from footprint.catalog.assumptions import assumed
from footprint.catalog.files import read_csv, reference_folder
from footprint.catalog.hardware import parse_cluster
from footprint.flops import count_step
from footprint.performance import PowerPrediction, StepPrediction, predict_power, predict_step
from footprint.results import Quantity
from footprint.schema import Cluster, StepShape, TrainingMethod
from footprint.validation.baselines import beside_table, node_w
from footprint.validation.cases import shapes
from footprint.validation.report import ValidationReport, ValidationRow

DATASET = "power"
YEARS = {"v4.0": 2024, "v5.0": 2025}
"""Year of each round."""
SIZES = ("tp", "pp", "cp")
"""Columns with the layout that a log states."""


class Workload(NamedTuple):
    """A benchmark that is modelled."""

    shape: str
    """Its model in `shapes`."""
    precision: str
    method: str
    sequence_length: int | None = None
    image_size: int | None = None
    predicted_positions: int | None = None
    samples_a_sequence: float = 1.0
    """Samples, as the log counts them, that are packed in one sequence."""
    document_length: float | None = None
    """Mean tokens of a sample; attention runs inside each."""
    lora_targets: tuple[str, ...] = ()


MEAN_SENTENCE = 512 / 2.012
"""Mean tokens of a sentence of BERT's data: 512 over the most that packing could speed up, by NVIDIA's README
(bert/implementations/pytorch/input_preprocessing/packed_data, MLPerf Training v3.1)."""
WORKLOADS: Mapping[str, Workload] = {
    "gpt3": Workload("gpt3-175b", "fp8", "pretrain", 2048),
    "llama2_70b_lora": Workload(
        "llama2-70b", "fp8", "lora", 8192, lora_targets=("q_proj", "k_proj", "v_proj", "o_proj")
    ),
    "bert": Workload(
        "bert-large",
        "fp8",
        "pretrain",
        512,
        predicted_positions=77,
        samples_a_sequence=2.0,
        document_length=MEAN_SENTENCE,
    ),
    "resnet": Workload("resnet-50", "fp16", "pretrain", image_size=224),
}


class LoggedStep(NamedTuple):
    """A predicted step of a logged run."""

    step: StepPrediction
    filled: Quantity
    """Share of the run that its predicted steps and evaluations fill [1]."""
    mean_step_s: Quantity
    """Time of a step with its share of the evaluations [s]."""


def logged() -> Iterator[dict[str, str]]:
    """One row per physical run: the AC log."""
    for row in read_csv(reference_folder() / "published" / "mlperf_training_power.csv"):
        if row["current"] == "ac":
            yield row


def logged_cluster(row: Mapping[str, str]) -> Cluster:
    """The cluster of a logged run."""
    return parse_cluster(f"{row['accelerator']}:{row['accelerators']}", cooling=row["cooling"])[0]


def predicted_power(row: Mapping[str, str], *, speed_known: bool = True) -> tuple[Cluster, PowerPrediction]:
    """The cluster of a logged run and its modelled power, with or without the speed of the run."""
    cluster = logged_cluster(row)
    busy, filled = shares(row)
    return cluster, predict_power(cluster=cluster, busy_share=busy, fed_share=filled if speed_known else None)


def shares(row: Mapping[str, str]) -> tuple[Quantity, Quantity]:
    """The busy share of a logged run's steps and the share of the run that they fill [1]."""
    if row["benchmark"] in WORKLOADS:
        known = logged_step(row["id"])
        return known.step.busy_share, known.filled
    alike = [
        shares(other)
        for other in logged()
        if other["benchmark"] in WORKLOADS
        and (other["nodes"] == "1") == (row["nodes"] == "1")
        and other["round"] == row["round"]
    ]
    busy, filled = sorted(alike, key=lambda pair: pair[0].mid * pair[1].mid)[len(alike) // 2]
    ends = min(share.low for share, _ in alike), max(share.high for share, _ in alike)
    return Quantity.between(ends[0], busy.mid, ends[1], "busy_share"), filled


@functools.cache
def logged_step(case: str, *, layout_known: bool = True) -> LoggedStep:
    """The predicted step of a logged run of a modelled benchmark, on its own layout or on the one found."""
    row = next(row for row in logged() if row["id"] == case)
    work, cluster = WORKLOADS[row["benchmark"]], logged_cluster(row)
    samples = float(row["samples_per_step"])
    flops = count_step(
        shapes()[work.shape]["config"],
        StepShape(
            sequences=samples / work.samples_a_sequence,
            sequence_length=work.sequence_length,
            image_size=work.image_size,
            predicted_positions=work.predicted_positions,
            document_length=work.document_length,
        ),
        TrainingMethod(method=work.method, lora_targets=work.lora_targets, attention="flash"),  # type: ignore[arg-type]
    )
    step = predict_step(
        step_flop=flops, cluster=cluster, precision=work.precision, year=YEARS[row["round"]], stack="mlperf",
        layout=_layout(row) if layout_known else None,
    )  # fmt: skip
    # An evaluation is the forward part of a step.
    forward = float(flops.forward_flop) / float(flops.training_flop)
    mean_step_s = step.step_time_s * (1.0 + float(row["samples_evaluated_share"] or 0) * forward)
    filled = (mean_step_s / (samples / float(row["samples_per_s"]))).capped(1.0)
    return LoggedStep(step, filled, mean_step_s)


def _layout(row: Mapping[str, str]) -> dict[str, int | float | str]:
    """The layout that the log of a run states; its optimiser shards its states."""
    layout: dict[str, int | float | str] = {name: int(row[name]) for name in SIZES if row[name]}
    if layout:
        layout["zero"] = 1
    if row["micro_batch"]:
        layout["micro_batch"] = float(row["micro_batch"])
    if row["recompute"]:
        layout["recompute"] = row["recompute"]
    return layout


def hours_only_power(cluster: Cluster) -> PowerPrediction:
    """The power of a run of which only the hours are known, computed as in the estimator."""
    return predict_power(
        cluster=cluster,
        busy_share=assumed("time.busy_share").quantity,
        fed_share=assumed("power.fed_share_unknown").quantity,
    )


def _mlperf_rows(*, speed_known: bool = True) -> list[ValidationRow]:
    """Node power of each logged run, corrected by the factor of its submitter's other benchmarks."""
    found = []
    for row in logged():
        cluster, power = predicted_power(row, speed_known=speed_known)
        node = power.it_power_w
        per_node = Quantity((node.mid - power.network.mid) / cluster.nodes, node.spread)
        found.append((row, per_node))
    rows = []
    for row, per_node in found:
        others = [
            float(other["node_power_w"]) / quantity.mid
            for other, quantity in found
            if other["benchmark"] != row["benchmark"] and other["round"] == row["round"]
        ]
        predicted = per_node * statistics.median(others)
        modelled = "modelled" if row["benchmark"] in WORKLOADS else "usual busy share"
        rows.append(
            ValidationRow.of(
                id=row["case"],
                published=float(row["node_power_w"]),
                predicted=predicted,
                unit="W a node",
                fold=row["benchmark"],
                note=modelled,
            )
        )
    return rows


def _other_rows() -> list[ValidationRow]:
    """Other measurements of boards, chips with their host share, and nodes."""
    rows = []
    for row in read_csv(reference_folder() / "published" / "measured_power.csv"):
        if row["excluded"] or row["accelerator"].startswith("tpu"):
            continue  # the power of TPUs is their measured power, so there is no prediction
        count = int(row["accelerators"] or 8)
        cluster, _ = parse_cluster(f"{row['accelerator']}:{count}")
        power = hours_only_power(cluster)
        scope = row["scope"]
        whole = power.accelerators if scope == "accelerator" else power.it_power_w
        published = float(row["power_w"] or 0) or float(row["power_w_per_accelerator"])
        predicted = whole / (1 if row["power_w"] else count)
        rows.append(
            ValidationRow.of(
                id=f"{row['accelerator']}: {row['workload']}"[:60],
                published=published,
                predicted=predicted,
                unit="W",
                fold=row["source"],
                note=scope,
            )
        )
    return rows


def validate_power() -> ValidationReport:
    """Node power of MLPerf runs (leave-one-benchmark-out); the notes hold other measurements."""
    rows = _mlperf_rows()
    others = _other_rows()
    apart = ValidationReport(dataset="other measurements", rows=tuple(others))
    notes = [
        f"{row.id}: published {row.published:.0f}, predicted {row.predicted:.0f} "
        f"({row.low:.0f} to {row.high:.0f}) {row.unit}, {row.note}"
        for row in others
    ]
    notes.append(f"other measurements: median error {apart.median_error:.1%}, coverage {apart.coverage:.0%}")
    return ValidationReport(dataset=DATASET, rows=tuple(rows), baselines=_baselines(rows), notes=tuple(notes))


def _baselines(rows: list[ValidationRow]) -> dict[str, dict[str, float]]:
    """The same prediction without the speed of the run, and rules that use only the machine."""
    unknown = {row.id: row.predicted for row in _mlperf_rows(speed_known=False)}
    known = {
        row["case"]: {
            "speed not known": unknown[row["case"]],
            **node_w(parse_cluster(f"{row['accelerator']}:{row['accelerators']}")[0]),
        }
        for row in logged()
    }
    return beside_table(rows, known)
