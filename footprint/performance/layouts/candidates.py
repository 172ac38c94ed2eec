"""The candidate layouts of one job on many clusters, as arrays: one row a layout."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from footprint.named_tuples import NamedTuple
from footprint.performance.layouts.feeding import crowded_below
from footprint.performance.layouts.shapes import Given, Habits, every_shape, usual_shapes
from footprint.records import state

Array = Any
_SHAPE = (
    "tp", "pp", "dp", "cp", "ep", "zero", "interleaving", "is_full", "is_selective", "recompute_share",
    "below",
)  # fmt: skip
_PLAIN = [[1.0] * 7 + [0.0] * 3 + [math.inf]]
"""Plain replicas, whose number is the count's."""


@state
class Layouts:
    """Layouts as arrays, with the field names of `Layout`, so that the same formulas read both."""

    tp: Array
    pp: Array
    dp: Array
    cp: Array
    ep: Array
    zero: Array
    interleaving: Array
    is_full: Array
    is_selective: Array
    recompute_share: Array
    below: Array
    """Batches below which a layout is tried: infinity for usual ones (see `feeding.crowded_below`)."""
    flash: bool
    micro_batch: Array = 1.0

    def at(self, index: Array) -> Layouts:
        """The layouts of some rows."""
        return Layouts(**{name: getattr(self, name)[index] for name in _SHAPE}, flash=self.flash)


class Candidates:
    """The candidate layouts of several machines, each with its counts: a cluster is a machine and a count.

    The rows of a cluster are adjacent, in the order of `shapes`. The last row, plain data parallelism, is
    used for clusters without a candidate layout.
    """

    def __init__(
        self, habits: Sequence[Habits], given: Given, counts: Sequence[Sequence[int]], unusual: bool
    ) -> None:
        """``habits`` are those of each machine; ``unusual`` adds the layouts of smaller batches."""
        import numpy as np

        key = tuple(given.items())
        tables = [_table(one, key, tuple(own), unusual) for one, own in zip(habits, counts, strict=True)]
        rows = np.concatenate([*(table.rows for table in tables), np.array(_PLAIN).T], axis=1)
        columns: dict[str, Array] = dict(zip(_SHAPE, rows, strict=True))
        columns["is_full"], columns["is_selective"] = columns["is_full"] > 0, columns["is_selective"] > 0
        self.rows = Layouts(**columns, flash=habits[0].flash)
        self.below = np.concatenate([table.below for table in tables])
        """`crowded_below` of each cluster."""
        lengths = np.concatenate([table.lengths for table in tables])
        self.cluster_of = np.repeat(np.arange(len(lengths)), lengths)
        widths = [*(table.rows.shape[1] for table in tables), 1]
        self.machine_of = np.repeat([*range(len(tables)), 0], widths)
        self.splits, self.split_of = distinct(self.rows.tp)


class _Table(NamedTuple):
    """The candidate layouts of one machine with several counts."""

    rows: Array
    """A line for each field of `Layouts`."""
    lengths: Array
    """How many layouts each count has."""
    below: Array
    """`crowded_below` of each count."""


def distinct(values: Array) -> tuple[Array, Array]:
    """The distinct values of positive whole numbers, ascending, and the place of each among them."""
    import numpy as np

    whole = values.astype(np.int64)
    seen = np.zeros(int(whole.max()) + 1, bool)
    seen[whole] = True
    return np.flatnonzero(seen), (np.cumsum(seen) - 1)[whole]


@lru_cache(maxsize=64)
def _table(
    habits: Habits, given: tuple[tuple[str, Any], ...], counts: tuple[int, ...], unusual: bool
) -> _Table:
    import numpy as np

    below = [crowded_below(habits, count, dict(given)) for count in counts]
    parts = [
        _part(habits, given, count, most if unusual else 0.0)
        for count, most in zip(counts, below, strict=True)
    ]
    empty = np.empty((0, len(_SHAPE)))
    return _Table(
        np.ascontiguousarray(np.concatenate([empty, *parts]).T),
        np.array([len(part) for part in parts], int),
        np.array(below),
    )


def _part(habits: Habits, given: tuple[tuple[str, Any], ...], count: int, below: float) -> Array:
    """The layouts of so many accelerators: usual ones, and others for batches below a size."""
    import numpy as np

    recomputed = float(dict(given).get("recomputed", 1.0))
    usual = usual_shapes(habits, count, given)
    every = every_shape(habits, count, given) if below else usual
    table = np.empty((len(every), len(_SHAPE)))
    if every:
        *sizes, recompute = zip(*every, strict=True)
        table[:, :7] = np.array(sizes, float).T
        table[:, 7] = [kind == "full" for kind in recompute]
        table[:, 8] = [kind == "selective" for kind in recompute]
        table[:, 9] = recomputed * table[:, 7]
        table[:, 10] = below or math.inf
        table[: len(usual), 10] = math.inf
    return table
