"""The least value of each cluster at each batch; a bound shows that most values need not be computed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Array = Any
ROUNDING = 1e-9
"""By how much a bound may exceed the value that it bounds, relative, because numbers are rounded."""
_FINITE = 1e300


def first_least(
    cluster_of: Array, bound: Array, wanted: Array, exact: Callable[[Array, Array], Array]
) -> Array:
    """The first row with the least value at each wanted batch and cluster; -1 where all are infinite.

    The rows of a cluster are adjacent. ``exact`` gives the values of rows at some places and batches; none is
    below its ``bound`` (batches, rows).
    """
    import numpy as np

    best = np.full(wanted.shape, -1)
    if not len(cluster_of) or not wanted.any():
        return best
    present, starts = segments(cluster_of)
    # The value of the row with the least bound is one that the least does not exceed.
    good = exact(_places(bound, starts), np.arange(len(bound))[:, None])
    limit = np.where(wanted[:, present], np.minimum(good * (1.0 + ROUNDING), _FINITE), -1.0)
    lengths = np.diff([*starts, len(cluster_of)])
    batch, place = np.nonzero(bound <= np.repeat(limit, lengths, axis=1))
    values = np.full(bound.shape, np.inf)
    values[batch, place] = exact(place, batch)
    first = _places(values, starts)
    known = np.take_along_axis(values, first, axis=1) < np.inf
    best[:, present] = np.where(known, first, -1)
    return best


def segments(cluster_of: Array) -> tuple[Array, Array]:
    """The clusters of some rows in order, and the place of the first row of each."""
    import numpy as np

    starts = np.flatnonzero(np.diff(cluster_of, prepend=-1))
    return cluster_of[starts], starts


def _places(values: Array, starts: Array) -> Array:
    """For each batch and each segment of rows, the place of the first row with the least value."""
    import numpy as np

    ends = [*starts[1:], values.shape[1]]
    places = [start + values[:, start:end].argmin(axis=1) for start, end in zip(starts, ends, strict=True)]
    return np.array(places).T
