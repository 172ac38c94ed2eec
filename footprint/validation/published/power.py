"""Validation of power: MLPerf's power logs, and measurements of boards, nodes and chips with their host.

AC and DC logs of one run are one case; the AC log is compared. Benchmarks that are not modelled get the
median busy share of the modelled ones at the same number of nodes, because all are tuned alike. The
ratio of logged to modelled node power of this submitter comes from the other benchmarks
(leave-one-out). The other measurements are predicted like a run of which only the hours are known.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping

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
WORKLOADS: Mapping[str, tuple[str, str, str, dict[str, int]]] = {
    # Model, precision, method and shape of a step. The power logs have no batch sizes; these are the
    # batch sizes of submissions of the same round, as far as the rules fix them.
    "gpt3": ("gpt3-175b", "fp8", "pretrain", {"sequence_length": 2048, "batch": 2048}),
    "llama2_70b_lora": ("llama2-70b", "fp8", "lora", {"sequence_length": 8192, "batch": 8}),
    "bert": ("bert-large", "fp8", "pretrain", {"sequence_length": 512, "batch": 3072}),
    "resnet": ("resnet-50", "fp16", "pretrain", {"image_size": 224, "batch": 3264}),
}


def logged() -> Iterator[dict[str, str]]:
    """One row per physical run: the AC log."""
    for row in read_csv(reference_folder() / "published" / "mlperf_training_power.csv"):
        if row["current"] == "ac":
            yield row


def predicted_power(row: Mapping[str, str]) -> tuple[Cluster, PowerPrediction]:
    """The cluster of a logged run and its modelled power."""
    cluster, _ = parse_cluster(f"{row['accelerator']}:{row['accelerators']}", cooling=row["cooling"])
    if row["benchmark"] in WORKLOADS:
        busy = modelled_step(row["benchmark"], cluster).busy_share
    else:
        busy = _usual_busy(row)
    return cluster, predict_power(cluster=cluster, busy_share=busy)


def modelled_step(benchmark: str, cluster: Cluster) -> StepPrediction:
    """A step of a modelled benchmark."""
    shape, precision, method, step = WORKLOADS[benchmark]
    flops = count_step(
        shapes()[shape]["config"],
        StepShape(
            sequences=max(step["batch"], cluster.count // 8),
            sequence_length=step.get("sequence_length"),
            image_size=step.get("image_size"),
        ),
        TrainingMethod(method=method, attention="flash"),  # type: ignore[arg-type]
    )
    return predict_step(step_flop=flops, cluster=cluster, precision=precision, year=2024, stack="tuned")


def _usual_busy(row: Mapping[str, str]) -> Quantity:
    """The median busy share of the modelled benchmarks on one node, or on several [1]."""
    shares = [
        modelled_step(
            other["benchmark"], parse_cluster(f"{other['accelerator']}:{other['accelerators']}")[0]
        ).busy_share
        for other in logged()
        if other["benchmark"] in WORKLOADS and (other["nodes"] == "1") == (row["nodes"] == "1")
    ]
    middle = sorted(shares, key=lambda share: share.mid)[len(shares) // 2]
    ends = min(share.low for share in shares), max(share.high for share in shares)
    return Quantity.between(ends[0], middle.mid, ends[1], "busy_share")


def hours_only_power(cluster: Cluster) -> PowerPrediction:
    """The power of a run of which only the hours are known, computed as in the estimator."""
    return predict_power(
        cluster=cluster,
        busy_share=assumed("time.busy_share").quantity,
        fed_share=assumed("power.fed_share_unknown").quantity,
    )


def _mlperf_rows() -> list[ValidationRow]:
    """Node power of each logged run, corrected by the factor of the other benchmarks."""
    found = []
    for row in logged():
        cluster, power = predicted_power(row)
        node = power.it_power_w
        per_node = Quantity((node.mid - power.network.mid) / cluster.nodes, node.spread)
        found.append((row, per_node))
    rows = []
    for row, per_node in found:
        others = [
            float(other["node_power_w"]) / quantity.mid
            for other, quantity in found
            if other["benchmark"] != row["benchmark"]
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
    """The baselines, which use the machine but not the workload, on the same runs."""
    known = {
        row["case"]: node_w(parse_cluster(f"{row['accelerator']}:{row['accelerators']}")[0])
        for row in logged()
    }
    return beside_table(rows, known)
