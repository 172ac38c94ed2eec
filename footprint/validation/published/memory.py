"""Published peaks of the memory of training on one accelerator, and published out-of-memory failures.

No peak was used for a formula: what a stack holds and keeps is what its kind does, which torch's hooks
measured. The interval alone is taken from these rows. Each row is predicted for what its publication
measured: allocated, reserved by the allocator, or taken on the device.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any, NamedTuple

from footprint.catalog.assumptions import assumed
from footprint.catalog.files import read_csv, reference_folder
from footprint.catalog.hardware import parse_cluster
from footprint.catalog.models import find_model
from footprint.flops import count_step
from footprint.performance.peaks import SCOPES, beyond_gib
from footprint.performance.predict import work_of
from footprint.performance.roofline.constants import Constants, memory_constants
from footprint.performance.roofline.holding import held_by
from footprint.performance.roofline.layout import Layout
from footprint.performance.roofline.machine import BYTES
from footprint.performance.roofline.memory import memory_byte, stale_byte, usable_of
from footprint.performance.roofline.techniques import Techniques, techniques_of
from footprint.performance.roofline.work import Work
from footprint.records import record
from footprint.schema import StepShape, TrainingMethod
from footprint.units import BYTE_PER_GIB
from footprint.validation.cases import shapes
from footprint.validation.report import ValidationReport, ValidationRow

DATASET = "memory"
FULL = "full"
"""A scope besides those of a measured peak: the device, of which a longer step would have run out, so its
allocator keeps nothing back."""

RECOMPUTED_SECONDS = "seconds"
"""Every second product of each block is computed again, and those of its experts (torchtitan)."""


@record
class _Storage:
    """What the formulas of the memory need besides work and layout."""

    precision: str
    constants: Constants
    techniques: Techniques


class Row(NamedTuple):
    """A published row with its work, its layout, and the bytes that are predicted for it."""

    cells: Mapping[str, str]
    said_byte: float
    """What the stack holds and keeps is known."""
    unsaid_byte: float
    ran: bool
    stale_byte: float
    """What its allocator may reserve of an earlier part of the step, where what is held is known."""
    usable_byte: float | None
    """Memory of its chip that a step can fill; None where the chip was not published."""
    parameters: float

    @property
    def beyond_byte(self) -> float:
        """What was measured beyond the tensors."""
        scope = self.cells["scope"] or SCOPES[0]
        if scope == FULL:
            return assumed("memory.context_byte").value
        return beyond_gib(scope) * BYTE_PER_GIB + (self.stale_byte if scope != SCOPES[0] else 0.0)


@functools.cache
def published_rows() -> tuple[Row, ...]:
    """Every row of the table that is not excluded."""
    table = read_csv(reference_folder() / "published" / f"{DATASET}.csv")
    return tuple(_row(cells) for cells in table if not cells["excluded"])


def validate_memory() -> ValidationReport:
    """Peaks of the memory on one accelerator, and whether steps fit as published."""
    rows = published_rows()
    peaks = tuple(_peak(row) for row in rows if row.cells["peak_gib"])
    notes = [_by_source(source, peaks) for source in sorted({row.fold for row in peaks})]
    return ValidationReport(
        dataset=DATASET,
        rows=peaks,
        baselines=_baselines(rows),
        notes=(*notes, *_fits(rows)),
    )


def right_about_fitting(rows: tuple[Row, ...], *, ran: bool) -> tuple[int, int]:
    """How many steps that ran, or that did not, are predicted so; and how many there are."""
    of_kind = [row for row in rows if row.ran == ran and row.usable_byte is not None]
    return sum((row.said_byte <= (row.usable_byte or 0.0)) == ran for row in of_kind), len(of_kind)


def _row(cells: Mapping[str, str]) -> Row:
    replicas = int(cells["dp"])
    batch = float(cells["micro_batch"])
    length = int(cells["sequence_length"]) if cells["sequence_length"] else None
    config = _config(cells["shape"])
    image = int(cells["image_size"]) if cells["image_size"] else None
    target = length if config["model_type"] == "t5" else None
    training = TrainingMethod(
        method=cells["method"],  # type: ignore[arg-type]
        lora_rank=int(cells["lora_rank"] or TrainingMethod().lora_rank),
        lora_targets=tuple(cells["lora_targets"].split(",")) if cells["lora_targets"] else (),
        lora_dropout=cells["lora_dropout"] or "none",  # type: ignore[arg-type]
        attention=cells["attention"],  # type: ignore[arg-type]
    )
    shape = StepShape(
        sequences=batch * replicas, sequence_length=length, target_sequence_length=target, image_size=image
    )
    step = count_step(config, shape, training, cells["objective"])
    if step.operations is None:
        raise AssertionError(f"{cells['id']}: a model without an operation list")
    work = work_of(step.operations, step.training)
    is_alternate = cells["recompute"] == RECOMPUTED_SECONDS
    layout = Layout(
        tp=int(cells["tp"]), pp=int(cells["pp"]), dp=replicas, cp=int(cells["cp"]), micro_batch=batch,
        zero=int(cells["sharding"].removeprefix("zero") or 0),
        recompute="full" if is_alternate else cells["recompute"],
        recomputed=work.seconds_share if is_alternate else float(cells["recomputed_share"] or 1.0),
        interleaving=int(cells["interleaving"] or 1), flash=training.fuses_attention,
    )  # fmt: skip
    typical = memory_constants(cells["optimizer"], cells["method"])
    if cells["frozen_byte"]:
        typical = typical.but(frozen_weight_byte=float(cells["frozen_byte"]))
    said = typical.but(
        **held_by(typical, cells["holds"], cells["keeps"], cells["loss"], cells["stages"] or "even")
    )
    if is_alternate:
        said = said.but(every_second=1.0)
    if cells["reduce_byte"]:
        said = said.but(reduce_byte=float(cells["reduce_byte"]))
    usable = None
    if cells["accelerator"]:
        cluster, _ = parse_cluster(f"{cells['accelerator']}:1")
        usable = usable_of(cluster.accelerator, typical)
    return Row(
        cells=cells,
        said_byte=_needed(cells, work, layout, said),
        unsaid_byte=_needed(cells, work, layout, typical),
        ran=cells["outcome"] == "ran",
        stale_byte=float(stale_byte(work, layout, _storage(cells, said))),
        usable_byte=usable,
        parameters=float(work.parameters),
    )


def _needed(cells: Mapping[str, str], work: Work, layout: Layout, constants: Constants) -> float:
    needed = float(memory_byte(work, layout, _storage(cells, constants)))
    # bitsandbytes kept inputs as attributes, which live as long as the graph: a loop that holds its loss
    # over the next forward pass has those of the step before as well.
    held = int(cells["graph_count"] or 1) - 1
    return needed + held * BYTES[cells["precision"]] * float(work.unkept_block)


def _storage(cells: Mapping[str, str], constants: Constants) -> _Storage:
    techniques = techniques_of(int(cells["year"]))
    return _Storage(precision=cells["precision"], constants=constants, techniques=techniques)


def _config(shape: str) -> Mapping[str, Any]:
    """The config of a key of ``shapes.toml``, or of a model of the catalogue (``model:NAME``)."""
    name = shape.removeprefix("model:")
    config: Mapping[str, Any] = shapes()[shape]["config"] if shape == name else find_model(name).config
    return config


def _peak(row: Row) -> ValidationRow:
    """A published peak and its prediction, of what was measured [GiB]."""
    spread = assumed("memory.residual_said")
    predicted = (row.said_byte + row.beyond_byte) / BYTE_PER_GIB
    cells = row.cells
    what = f"{cells['model']}, {cells['sequence_length'] or cells['image_size']} x {cells['micro_batch']}"
    return ValidationRow(
        id=f"{cells['id']} {what}",
        published=float(cells["peak_gib"]),
        predicted=predicted,
        unit="GiB",
        fold=cells["source"],
        low=predicted * spread.low,
        high=predicted * spread.high,
        note=cells["scope"],
    )


def _by_source(source: str, peaks: tuple[ValidationRow, ...]) -> str:
    part = ValidationReport(dataset=source, rows=tuple(row for row in peaks if row.fold == source))
    return (
        f"{source}: {len(part.rows)} rows, median {part.median_error:.1%}, "
        f"90 % within {part.ninety_percent_factor:.2f}x, covers {part.coverage or 0.0:.0%}"
    )


def _fits(rows: tuple[Row, ...]) -> list[str]:
    """Whether what ran fits by our count, and what was out of memory does not."""
    ran, of_ran = right_about_fitting(rows, ran=True)
    failed, of_failed = right_about_fitting(rows, ran=False)
    return [
        f"fits: right for {ran} of {of_ran} that ran and for {failed} of {of_failed} that were out of memory "
        f"({(ran + failed) / (of_ran + of_failed):.0%} of both)"
    ]


def _baselines(rows: tuple[Row, ...]) -> dict[str, dict[str, float]]:
    """The same formulas without the stack, and the states alone, beside ours."""
    from footprint.validation.baselines import beside_table

    peaks = [row for row in rows if row.cells["peak_gib"]]
    published = [_peak(row) for row in peaks]
    guesses = {
        shown.id: {"stack not said": (row.unsaid_byte + row.beyond_byte) / BYTE_PER_GIB}
        for shown, row in zip(published, peaks, strict=True)
    }
    return beside_table(published, guesses)
