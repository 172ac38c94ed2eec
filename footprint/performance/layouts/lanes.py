"""Layouts with one kind of recomputation, in the order of the batches from which they are tried.

So the layouts that are tried at a batch are the first so many, and their numbers are parts of arrays. Several
batches are evaluated together, as far as their arrays fit into the processor's cache.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import inf
from typing import Any

from footprint.arithmetic import maximum, minimum
from footprint.performance.layouts.candidates import Candidates
from footprint.performance.roofline.linear import Slopes
from footprint.records import state

Array = Any
MOST_CELLS = 8192
"""Cells of the arrays that are evaluated together: few enough for the processor's cache."""


@state
class Kind:
    """One kind of recomputation, and what each row of layouts needs with it."""

    is_full: bool
    is_selective: bool
    share: float
    """Share of the blocks that are recomputed, unless memory decides it."""
    one_sample_byte: Array
    """Activations of one sample [byte]."""
    kept_byte: Array | None = None
    """Those without recomputation, infinity if these are no more; None unless memory decides the share."""
    saved_byte: Array = 1.0
    """What recomputation saves of them [byte]."""
    is_least: bool = False
    """Whether the micro-batch is the smallest that needs the recomputation, not the largest that fits."""

    def share_at(self, row: Array, room: Array, micro_batch: Array) -> Array:
        """The smallest share of recomputed blocks with which some rows fit in their ``room`` [byte]."""
        if self.kept_byte is None:
            return self.share
        return _share(self.kept_byte[row], self.saved_byte[row], room, micro_batch)


def _share(kept_byte: Array, saved_byte: Array, room: Array, micro_batch: Array) -> Array:
    return minimum(1.0, maximum(0.0, (kept_byte - room / micro_batch) / saved_byte))


class Lane:
    """Some rows with one kind of recomputation, ascending by the batch ``since`` which each is tried."""

    def __init__(
        self, kind: Kind, row: Array, since: Array, found: Candidates, room: Array, slopes: Slopes
    ) -> None:
        """``row`` are all usual rows, or all for small batches."""
        import numpy as np

        since = since[row]
        order = np.argsort(since, kind="stable")
        self.kind, self.row, self.since = kind, row[order], since[order]
        self.replicas, self.room = found.rows.dp[self.row], room[self.row]
        self.until = found.until[self.row]
        self.last = float(self.until.max(initial=0.0))
        self.linear = slopes.at(self.row, is_selective=kind.is_selective, is_full=kind.is_full)
        if kind.kept_byte is not None:
            self.kept_byte, self.saved_byte = kind.kept_byte[self.row], kind.saved_byte[self.row]

    def groups(self, batches: Array) -> Iterator[tuple[Array, slice, Array]]:
        """Columns of some batches, the part of the rows that any of them tries, and how many each tries.

        The batches of a group are evaluated together.
        """
        import numpy as np

        ends = np.where(batches < self.last, self.since.searchsorted(batches, side="right"), 0)
        columns = np.argsort(-ends, kind="stable")
        columns = columns[ends[columns] > 0]
        while len(columns):
            most = int(ends[columns[0]])
            several = max(1, MOST_CELLS // most)
            group, columns = columns[:several], columns[several:]
            yield group, slice(0, most), ends[group]

    def share(self, part: slice, micro_batch: Array) -> Array:
        """The smallest share of recomputed blocks with which a part of the rows fits."""
        if self.kind.kept_byte is None:
            return self.kind.share
        return _share(self.kept_byte[part], self.saved_byte[part], self.room[part], micro_batch)

    def seconds(self, part: slice, scale: Array, micro_batches: Array, recompute_share: Array) -> Array:
        """Time of a step on a part of the rows, before the factor of software [s]."""
        return self.linear.at(part).seconds(scale, micro_batches, recompute_share)


class Leaders:
    """The least value of each row at each batch, and the first kind of recomputation that has it."""

    def __init__(self, batches: Array, rows: int) -> None:
        import numpy as np

        self.batches = batches
        self.values = np.full((len(batches), rows), inf)
        self.kinds = np.zeros((len(batches), rows), np.uint8)

    def put(self, kind: int, lane: Lane, columns: Array, ends: Array, values: Array) -> None:
        """Take the values of a lane's rows, up to its end, at each of some batches with one kind."""
        for column, end, found in zip(columns.tolist(), ends.tolist(), values, strict=True):
            line, row, found = self.values[column], lane.row[:end], found[:end]
            if lane.last < inf:
                tried = self.batches[column] < lane.until[:end]
                row, found = row[tried], found[tried]
            if kind:
                better = found < line[row]
                row, found = row[better], found[better]
                self.kinds[column, row] = kind
            line[row] = found

    def kind_of(self, best: Array) -> Array:
        """The kinds of the best rows (batches, clusters); anything where there is none."""
        import numpy as np

        if not self.kinds.size:
            return np.zeros(best.shape, np.uint8)
        return np.take_along_axis(self.kinds, np.maximum(best, 0), axis=1)
