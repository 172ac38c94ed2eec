"""Validation of measured peaks as anchors: what a row of a source does to the memory of its other rows."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

from footprint.performance.anchoring import MEMORY, Anchor, Job, likeness
from footprint.performance.memory_anchoring import anchored_memory, deviation_of, memory_nearness
from footprint.performance.peaks import memory_error
from footprint.records import record
from footprint.results import Quantity
from footprint.validation.published.memory import Row, published_rows


@record
class Peak:
    """A published peak as an anchor or a target, where its stack is said or not."""

    id: str
    source: str
    job: Job
    log_ratio: float
    """Log of published over predicted memory [1]."""
    said: bool

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
        return Anchor(
            name=self.id, of=MEMORY, ratio=math.exp(self.log_ratio), job=self.job, spread=self.spread
        )


def known_peaks(*, said: bool) -> dict[str, list[Peak]]:
    """Source -> its published peaks."""
    found: dict[str, list[Peak]] = {}
    for row in published_rows():
        if row.cells["peak_gib"]:
            found.setdefault(row.cells["source"], []).append(_peak(row, said=said))
    return found


def _peak(row: Row, *, said: bool) -> Peak:
    cells = row.cells
    predicted_byte = (row.said_byte if said else row.unsaid_byte) + row.beyond_byte
    job = Job(
        accelerator=cells["accelerator"], precision=cells["precision"], count=int(cells["accelerators"] or 1),
        parameters=row.parameters, sequence_length=float(cells["sequence_length"] or 0),
        method=cells["method"], recompute=cells["recompute"], split=(int(cells["tp"]), int(cells["pp"])),
        micro_batch=float(cells["micro_batch"]),
    )  # fmt: skip
    return Peak(
        id=cells["id"], source=cells["source"], job=job, said=said,
        log_ratio=math.log(float(cells["peak_gib"]) * 2**30 / predicted_byte),
    )  # fmt: skip


@record
class Anchored:
    """A peak that is predicted with another one of its source, by log of published over predicted [1]."""

    source: str
    before: float
    after: float
    inside: bool
    """Whether the published peak lies within the interval."""
    width: float
    """Width of the log interval over that without an anchor [1]."""


def by_nearest(*, said: bool) -> list[Anchored]:
    """Each peak that has others of its source, predicted with the one that is most like it."""
    found = []
    for peaks in known_peaks(said=said).values():
        for target in peaks:
            others = [one for one in peaks if one is not target]
            if others:
                fitted = memory_nearness(said=said)
                best = max(others, key=lambda one: likeness(target.job, one.job, fitted))
                found.append(predicted_with(target, [best]))
    return found


def predicted_with(target: Peak, known: Sequence[Peak]) -> Anchored:
    """A peak predicted with some others of its source."""
    with_it = anchored_memory(
        target.spread, [one.anchor for one in known], target.job, None, said=target.said
    ).spread
    truth = math.exp(target.log_ratio)
    return Anchored(
        source=target.source, before=target.log_ratio, after=target.log_ratio - math.log(with_it.mid),
        inside=with_it.low <= truth <= with_it.high,
        width=math.log(with_it.high / with_it.low) / math.log(target.spread.high / target.spread.low),
    )  # fmt: skip


def notes() -> list[str]:
    """What the nearest row of the same source does to the predicted memory."""
    found = []
    for said in (True, False):
        rows = by_nearest(said=said)
        before, after = (
            statistics.median(abs(math.expm1(-getattr(row, name))) for row in rows)
            for name in ("before", "after")
        )
        found.append(
            f"anchored on the nearest row of its source, stack {'said' if said else 'not said'}: {len(rows)} "
            f"rows, median {before:.1%} -> {after:.1%}, interval covers "
            f"{statistics.mean(row.inside for row in rows):.0%} and is "
            f"{statistics.mean(row.width for row in rows):.0%} as wide"
        )
    return found
