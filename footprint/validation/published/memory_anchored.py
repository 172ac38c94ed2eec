"""Validation of measured peaks as anchors: what rows of a source do to the memory of its other rows."""

from __future__ import annotations

import functools
import math
import random
import statistics
from collections.abc import Mapping, Sequence

from footprint.catalog.assumptions import assumed_values
from footprint.catalog.files import read_csv, reference_folder
from footprint.performance.anchoring import MEMORY, Anchor, Job, likeness
from footprint.performance.memory_anchoring import anchored_memory, deviation_of, memory_nearness
from footprint.performance.peaks import memory_error
from footprint.records import record
from footprint.results import Quantity
from footprint.units import BYTE_PER_GIB
from footprint.validation.published.memory import Row, published_rows
from footprint.validation.report import ValidationReport, ValidationRow

SEED = 20190605


@record
class Peak:
    """A published peak as an anchor or a target, where its stack is said or not."""

    id: str
    source: str
    job: Job
    published_gib: float
    predicted_gib: float
    said: bool

    @property
    def log_ratio(self) -> float:
        """Log of published over predicted memory [1]."""
        return math.log(self.published_gib / self.predicted_gib)

    @property
    def spread(self) -> Quantity:
        """The error of the prediction as a factor."""
        return memory_error(said=self.said)

    @property
    def z(self) -> float:
        """The log ratio in standard deviations [1]."""
        return self.log_ratio / deviation_of(self.spread)

    @property
    def anchor(self) -> Anchor:
        """The row as an anchor."""
        ratio = self.published_gib / self.predicted_gib
        return Anchor(name=self.id, of=MEMORY, ratio=ratio, job=self.job, spread=self.spread)


def known_peaks(*, said: bool) -> dict[str, list[Peak]]:
    """Source -> its published peaks."""
    found: dict[str, list[Peak]] = {}
    for row in published_rows():
        if row.cells["peak_gib"]:
            found.setdefault(row.cells["source"], []).append(_peak(row, said=said))
    return found


def _peak(row: Row, *, said: bool) -> Peak:
    cells = row.cells
    job = Job(
        accelerator=cells["accelerator"], precision=cells["precision"], count=int(cells["accelerators"] or 1),
        parameters=row.parameters, sequence_length=float(cells["sequence_length"] or 0),
        method=cells["method"], recompute=cells["recompute"], split=(int(cells["tp"]), int(cells["pp"])),
        micro_batch=float(cells["micro_batch"]),
    )  # fmt: skip
    predicted_byte = (row.said_byte if said else row.unsaid_byte) + row.beyond_byte
    return Peak(
        id=cells["id"], source=cells["source"], job=job, said=said,
        published_gib=float(cells["peak_gib"]), predicted_gib=predicted_byte / BYTE_PER_GIB,
    )  # fmt: skip


@functools.cache
def numbers_without(source: str, *, said: bool) -> Mapping[str, float]:
    """The numbers of the correlation of two peaks, fitted without a source."""
    folds: dict[str, dict[str, float]] = {}
    for row in read_csv(reference_folder() / "memory_folds.csv"):
        folds.setdefault(row["fold"], {})[row["name"]] = float(row["factor"])
    return memory_nearness(said=said, fitted=folds.get(source) or assumed_values("memory_fitted"))


def validate_memory_anchored() -> ValidationReport:
    """Peaks of memory with the nearest other row of the same source known, its stack not said."""
    main = predicted(known_peaks(said=False), nearest=True)
    said = known_peaks(said=True)
    others = {
        "the nearest row, stack said": predicted(said, nearest=True),
        "a row at random, stack not said": predicted(known_peaks(said=False)),
        "a row at random, stack said": predicted(said),
        "three rows, stack not said": predicted(known_peaks(said=False), 3),
        "three rows, stack said": predicted(said, 3),
        "no row, stack not said": predicted(known_peaks(said=False), 0),
        "no row, stack said": predicted(said, 0),
    }
    notes = [f"interval {_width(main):.2f}x wide"]
    for name, rows in others.items():
        report = ValidationReport(dataset="memory-anchored", rows=rows)
        notes.append(
            f"{name}: {len(rows)} rows, median {report.median_error:.1%}, over sources "
            f"{report.median_over_folds:.1%}, interval covers {report.coverage:.0%} and is "
            f"{_width(rows):.2f}x wide"
        )
    return ValidationReport(dataset="memory-anchored", rows=main, notes=tuple(notes))


def predicted(
    peaks: Mapping[str, Sequence[Peak]], number: int = 1, *, nearest: bool = False
) -> tuple[ValidationRow, ...]:
    """Each peak that has so many others of its source, predicted with some of them: drawn, or the nearest."""
    draw = random.Random(SEED)  # noqa: S311 - which rows are known, not a secret
    found = []
    for source, rows in peaks.items():
        for target in rows:
            pool = [one for one in rows if one is not target]
            if len(pool) < max(number, 1):
                continue
            fitted = numbers_without(source, said=target.said)
            if nearest:
                near = functools.partial(likeness, target.job, fitted=fitted)
                known = [max(pool, key=lambda one, near=near: near(one.job))]  # type: ignore[misc]
            else:
                known = draw.sample(pool, number)
            found.append(_row(target, known, fitted))
    return tuple(found)


def _row(target: Peak, known: Sequence[Peak], fitted: Mapping[str, float]) -> ValidationRow:
    """The row of a peak that is predicted with some others of its source."""
    spread = anchored_memory(target.spread, [one.anchor for one in known], target.job, None, fitted).spread
    return ValidationRow.of(
        id=" by ".join([target.id, *(one.id for one in known)]), published=target.published_gib,
        predicted=target.predicted_gib * spread, unit="GiB", fold=target.source,
    )  # fmt: skip


def _width(rows: Sequence[ValidationRow]) -> float:
    """Median ratio of the ends of the intervals [1]."""
    return statistics.median(row.high / row.low for row in rows if row.high and row.low)
