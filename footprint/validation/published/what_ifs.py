"""Validation of what-ifs: pairs of published runs of one source that differ in a single option.

The ratio of accelerator-seconds per token (or sample) is compared, so that the bias of the software
cancels. The ratio tests whether more chips, longer sequences, another precision, chip, batch or method
change the cost in the right direction and by the right amount. The fit does not use the source.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from footprint.performance.predict import predict_raw
from footprint.validation.cases import of_its_software
from footprint.validation.published.throughput import Counted, countable_cases, fold_constants
from footprint.validation.report import ValidationReport, ValidationRow

DATASET = "what-ifs"
CHANGES = ("chips", "batch", "length", "precision", "accelerator", "recompute", "method")
MOVED = 1.05
"""Least published ratio (or inverse ratio) whose direction is judged; a smaller change is noise."""


class Point(NamedTuple):
    """One published run: its options, and its published and predicted cost."""

    id: str
    family: str
    options: Mapping[str, object]
    published: float
    """Accelerator-seconds per token or sample."""
    predicted: float


def _point(one: Counted) -> Point:
    case = one.case
    raw = predict_raw(
        one.work, case.cluster, case.precision, case.year, given=case.given,
        flash=case.training.fuses_attention,
        sequence_length=float(case.shape.sequence_length or 0), native=case.native,
        constants=of_its_software(case, fold_constants("family")[case.family]),
    )  # fmt: skip
    count = case.cluster.count
    amount = case.shape.sequences * (case.shape.sequence_length or 1)
    options = {
        "source": case.stack, "model": case.model, "parameters": one.work.parameters, "chips": count,
        "batch": case.shape.sequences, "length": case.shape.sequence_length or 0, "precision": case.precision,
        "accelerator": case.cluster.accelerator.id, "method": case.training.method,
        "recompute": case.given.get("recompute", ""),
    }  # fmt: skip
    return Point(
        id=case.id, family=case.family, options=options,
        published=case.measured_s * count / amount, predicted=raw.seconds * count / amount,
    )  # fmt: skip


def _points() -> list[Point]:
    """The published runs without duplicates: the fastest of the runs with equal options is used."""
    best: dict[tuple[object, ...], Point] = {}
    for one in countable_cases():
        if one.case.sealed or one.case.scope != "step":
            continue
        point = _point(one)
        key = tuple(point.options.values())
        if key not in best or point.published < best[key].published:
            best[key] = point
    return list(best.values())


def _pairs(points: list[Point], change: str) -> Iterator[tuple[Point, Point]]:
    """Pairs of neighbours along one option, with equal other options (for lengths: equal tokens per step)."""
    groups: dict[tuple[object, ...], list[Point]] = {}
    for point in points:
        rest = {name: value for name, value in point.options.items() if name != change}
        if change == "length":
            rest["batch"] = round(float(str(rest["batch"])) * float(str(point.options["length"])), -4)
        groups.setdefault(tuple(rest.values()), []).append(point)
    for members in groups.values():
        yield from itertools.pairwise(sorted(members, key=lambda point: _order(point.options[change])))


def _order(value: object) -> tuple[float, str]:
    return (float(value), "") if isinstance(value, int | float) else (0.0, str(value))


def _row(change: str, name: str, fold: str, published: float, predicted: float) -> ValidationRow:
    return ValidationRow(
        id=name, published=published, predicted=predicted, unit="times", fold=fold, note=change
    )


def _throughput_rows() -> Iterator[ValidationRow]:
    points = _points()
    for change in CHANGES:
        for one, other in _pairs(points, change):
            name = f"{change} {one.options[change]} to {other.options[change]}: {one.id}, {other.id}"
            yield _row(
                change, name, one.family, other.published / one.published, other.predicted / one.predicted
            )


def _mlperf_rows() -> Iterator[ValidationRow]:
    """Eight V100 against eight A100 in NVIDIA's systems, with the logged samples until the target."""
    from footprint.validation.published.mlperf_time import submissions

    found = {one.id: one for one in submissions()}
    for benchmark, stack in (("resnet", "mxnet"), ("bert", "pytorch"), ("transformer", "pytorch")):
        old, new = (found[f"nvidia-{system}_ngc20.06_{stack}-{benchmark}"] for system in ("dgx1", "dgxa100"))
        yield _row(
            "DGX-1 to DGX A100", f"DGX-1 to DGX A100: {benchmark}", "mlperf-v0.7",
            new.published_min / old.published_min, new.ideal_min.mid / old.ideal_min.mid,
        )  # fmt: skip


def _lora_rows() -> Iterator[ValidationRow]:
    """Llama 2 70B LoRA on one and on eight nodes at the same batch, layout found: minutes, node W and kWh."""
    from footprint.performance import predict_power
    from footprint.validation.published.power import logged, logged_cluster, logged_step

    runs = {
        row["nodes"]: row
        for row in logged()
        if row["benchmark"] == "llama2_70b_lora" and row["round"] == "v4.0"
    }
    one, eight = runs["1"], runs["8"]
    steps, watts = [], []
    for row in (one, eight):
        cluster, step = logged_cluster(row), logged_step(row["id"], layout_known=False).step
        power = predict_power(cluster=cluster, busy_share=step.busy_share)
        steps.append(step.step_time_s.mid)
        watts.append((power.it_power_w.mid - power.network.mid) / cluster.nodes)
    for change, column, predicted in (
        ("minutes", "time_to_train_min", steps[1] / steps[0]),
        ("node W", "node_power_w", watts[1] / watts[0]),
        ("kWh", "energy_kwh", 8 * watts[1] * steps[1] / (watts[0] * steps[0])),
    ):
        yield _row(
            "LoRA, 1 to 8 nodes", f"70B LoRA, 1 to 8 nodes: {change}", "mlperf-v4.0",
            float(eight[column]) / float(one[column]), predicted,
        )  # fmt: skip


def right_direction(rows: list[ValidationRow]) -> float:
    """Share of the changes above `MOVED` whose direction is predicted correctly [1]."""
    moved = [row for row in rows if max(row.published, 1 / row.published) > MOVED]
    return sum((row.published > 1) == (row.predicted > 1) for row in moved) / len(moved) if moved else 1.0


def validate_what_ifs() -> ValidationReport:
    """Ratios of published pairs that differ in one thing."""
    rows = [*_throughput_rows(), *_mlperf_rows(), *_lora_rows()]
    notes = []
    for change in dict.fromkeys(row.note for row in rows):
        part = [row for row in rows if row.note == change]
        report = ValidationReport(dataset=change, rows=tuple(part))
        notes.append(
            f"{change}: {len(part)} pairs, median error {report.median_error:.1%}, within 1.25x "
            f"{report.within(1.25):.0%}, direction right {right_direction(part):.0%}"
        )
    return ValidationReport(dataset=DATASET, rows=tuple(rows), notes=tuple(notes))
