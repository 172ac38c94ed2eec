"""The candidate layouts of one job on many clusters, as arrays.

A row is the sizes of a layout. Each kind of recomputation is tried for each row.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any

from footprint.arithmetic import is_array
from footprint.named_tuples import NamedTuple
from footprint.performance.layouts.feeding import crowded_below
from footprint.performance.layouts.shapes import (
    Given,
    Habits,
    Sizes,
    every_size,
    recompute_kinds,
    usual_sizes,
)
from footprint.records import state

Array = Any
_SHAPE = ("tp", "pp", "dp", "cp", "ep", "zero", "interleaving")
_COLUMNS = (*_SHAPE, "expert_split")
"""The sizes of a row, and what follows from them."""
_OF_SHAPE = [_COLUMNS.index(name) for name in ("tp", "pp", "cp", "ep", "zero", "expert_split")]
"""What distinguishes the shapes of a machine's layouts."""
_PLAIN = [[1.0] * len(_COLUMNS)]
"""Plain replicas, whose number is the count's."""


@state
class Layouts:
    """Layouts as arrays, with the field names of `Layout`, so that the same formulas read both.

    A field that is the same in every layout is a plain number, except ``tp`` and ``dp``.
    """

    tp: Array
    pp: Array
    dp: Array
    cp: Array
    ep: Array
    zero: Array
    interleaving: Array
    expert_split: Array
    flash: bool
    is_full: Array = False
    is_selective: Array = False
    recompute_share: Array = 0.0
    micro_batch: Array = 1.0
    sixteen_bit_states: bool = False

    def at(self, index: Array) -> Layouts:
        """The layouts of some rows, without recomputation."""
        return Layouts(
            **{name: picked(getattr(self, name), index) for name in _COLUMNS},
            flash=self.flash,
            sixteen_bit_states=self.sixteen_bit_states,
        )


class Choice(NamedTuple):
    """The layouts that are chosen for each cluster (first axis) and batch."""

    terms: Mapping[str, Array]
    """Seconds by term."""
    fits: Array
    least_byte: Array
    """Where none fits, the memory that the smallest one needs [byte]."""
    split: Array
    """Whether a layout splits the model."""

    def or_else(self, other: Choice) -> Choice:
        """These layouts; the others where none of these fits but one of them does."""
        import numpy as np

        taken = ~self.fits & other.fits
        return Choice(
            {name: np.where(taken, other.terms[name], seconds) for name, seconds in self.terms.items()},
            self.fits | taken,
            np.minimum(self.least_byte, other.least_byte),
            np.where(taken, other.split, self.split),
        )


class Candidates:
    """The candidate layouts of several machines, each with its counts: a cluster is a machine and a count.

    The rows of a cluster are adjacent, in the order of `shapes`: first the usual layouts, then those that are
    tried for batches that no usual one takes. The last row, plain data parallelism, is used for clusters
    without a candidate layout.
    """

    def __init__(
        self,
        habits: Sequence[Habits],
        given: Given,
        counts: Sequence[Sequence[int]],
        least: float,
        most: float,
        *,
        sixteen_bit_states: bool = False,
    ) -> None:
        """``habits`` are those of each machine, ``least`` and ``most`` the smallest and the largest batch."""
        import numpy as np

        key = tuple(given.items())
        tables = [_table(one, key, tuple(own), least, most) for one, own in zip(habits, counts, strict=True)]
        self.kinds = recompute_kinds(habits[0], given)
        """What is recomputed, in the order in which it is tried for each row."""
        rows = np.concatenate([*(table.rows for table in tables), np.array(_PLAIN).T], axis=1)
        self.rows = _layouts(rows, habits[0].flash, sixteen_bit_states)
        self.below = np.concatenate([table.below for table in tables])
        """`crowded_below` of each cluster."""
        self.until = np.concatenate([*(table.until for table in tables), [math.inf]])
        """The batch below which each row is tried: infinity for usual layouts."""
        lengths = np.concatenate([table.lengths for table in tables])
        self.cluster_of = np.repeat(np.arange(len(lengths)), lengths)
        numbers = [*range(len(tables)), 0]
        self.machine_of = np.repeat(numbers, [*(table.rows.shape[1] for table in tables), 1])
        shapes = [table.shapes.shape[1] for table in tables]
        every = np.concatenate([*(table.shapes for table in tables), np.array(_PLAIN).T], axis=1)
        self.shapes = _layouts(every, habits[0].flash, sixteen_bit_states)
        """The shapes of the layouts of each machine: layouts of one replica."""
        self.machine_of_shape = np.repeat(numbers, [*shapes, 1])
        firsts = np.cumsum([0, *shapes])
        self.shape_of = np.concatenate(
            [*(table.shape_of + first for table, first in zip(tables, firsts, strict=False)), firsts[-1:]]
        )
        self.splits, self.split_of_shape = distinct(self.shapes.tp)


def as_number(values: Array) -> Any:
    """The value of an array whose values are all the same, as a plain number; else the array."""
    first = values.flat[0]
    return float(first) if (values == first).all() else values


def picked(values: Any, index: Array) -> Any:
    """The values at some places; a plain number stands for all of them."""
    return values[index] if is_array(values) else values


class _Table(NamedTuple):
    """The candidate layouts of one machine with several counts."""

    rows: Array
    """A line for each field of `Layouts`."""
    lengths: Array
    """How many layouts each count has."""
    below: Array
    """`crowded_below` of each count."""
    until: Array
    """The batch below which each row is tried."""
    shapes: Array
    """The distinct layouts of one replica, like ``rows``."""
    shape_of: Array
    """Which of them each layout is."""


def _layouts(rows: Array, flash: bool, sixteen_bit_states: bool) -> Layouts:
    """The layouts of a table."""
    columns = {name: as_number(row) for name, row in zip(_COLUMNS, rows, strict=True)}
    columns |= {"tp": rows[0], "dp": rows[2]}
    return Layouts(**columns, flash=flash, sixteen_bit_states=sixteen_bit_states)


def distinct(values: Array) -> tuple[Array, Array]:
    """The distinct values of positive whole numbers, ascending, and the place of each among them."""
    import numpy as np

    whole = values.astype(np.int64)
    seen = np.zeros(int(whole.max()) + 1, bool)
    seen[whole] = True
    return np.flatnonzero(seen), (np.cumsum(seen) - 1)[whole]


@lru_cache(maxsize=64)
def _table(
    habits: Habits, given: tuple[tuple[str, Any], ...], counts: tuple[int, ...], least: float, most: float
) -> _Table:
    import numpy as np

    below = [crowded_below(habits, count, dict(given)) for count in counts]
    parts: list[Array] = []
    until: list[float] = []
    for count, limit in zip(counts, below, strict=True):
        usual = usual_sizes(habits, count, given)
        parts.append(_fed(usual, most, math.inf))
        until.append(math.inf)
        # No usual layout takes a batch that asks for others.
        others = every_size(habits, count, given)[len(usual) :] if least < limit else ()
        parts.append(_fed(others, most, limit))
        until.append(limit)
    sizes_of = np.concatenate(parts).T
    _, _, dp, cp, ep, *_ = sizes_of
    rows = np.vstack((sizes_of, np.minimum(ep, dp * cp)))
    number = np.zeros(rows.shape[1])
    for place in _OF_SHAPE:
        number = number * (rows[place].max(initial=0.0) + 1.0) + rows[place]
    _, first, shape_of = np.unique(number, return_index=True, return_inverse=True)
    shapes = rows[:, first]
    shapes[_SHAPE.index("dp")] = 1.0
    sizes = np.array([len(part) for part in parts])
    lengths = sizes[::2] + sizes[1::2]
    return _Table(rows, lengths, np.array(below, float), np.repeat(until, sizes), shapes, shape_of)


def _fed(every: Sequence[Sizes], most: float, below: float) -> Array:
    """The layouts that a batch up to ``most`` and below a limit can feed."""
    import numpy as np

    numbers = np.fromiter(chain.from_iterable(every), float, len(every) * len(_SHAPE))
    table = numbers.reshape(-1, len(_SHAPE))
    return table[(table[:, 2] <= most) & (table[:, 2] < below)]
