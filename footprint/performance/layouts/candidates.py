"""The candidate layouts of one kind of job on many counts, as arrays: one row a layout."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

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
    """The candidate layouts of several counts; the rows of a count are adjacent, in the order of `shapes`.

    The last row, plain data parallelism, is used for counts without a candidate layout.
    """

    def __init__(
        self, habits: Habits, given: Given, counts: Sequence[int], below: Sequence[float], unusual: bool
    ) -> None:
        """``below`` is `crowded_below` of each count; ``unusual`` adds the layouts of smaller batches."""
        import numpy as np

        tables = [
            _table(habits, tuple(given.items()), count, most if unusual else 0.0)
            for count, most in zip(counts, below, strict=True)
        ]
        self.starts = np.cumsum([0, *map(len, tables)])
        self.count_of = np.repeat(np.arange(len(counts)), [len(table) for table in tables])
        columns = dict(zip(_SHAPE, np.concatenate([*tables, _PLAIN]).T.copy(), strict=True))
        columns["is_full"], columns["is_selective"] = columns["is_full"] > 0, columns["is_selective"] > 0
        self.rows = Layouts(**columns, flash=habits.flash)
        self.splits, self.split_of = np.unique(self.rows.tp, return_inverse=True)


@lru_cache(maxsize=32)
def candidates(
    habits: Habits, given: tuple[tuple[str, Any], ...], counts: tuple[int, ...], unusual: bool
) -> Candidates:
    """The candidate layouts of several counts."""
    below = [crowded_below(habits, count, dict(given)) for count in counts]
    return Candidates(habits, dict(given), counts, below, unusual)


def _table(habits: Habits, given: tuple[tuple[str, Any], ...], count: int, below: float) -> Array:
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
