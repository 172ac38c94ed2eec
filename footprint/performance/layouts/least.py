"""The least value of each cluster at each batch."""

from __future__ import annotations

from typing import Any

Array = Any


def first_least(cluster_of: Array, values: Array) -> tuple[Array, Array]:
    """The clusters of some rows, and the first row with the least value at each batch and cluster.

    The rows of a cluster are adjacent; ``values`` have the axes batch and row. -1 where no value is finite.
    """
    import numpy as np

    present, starts = segments(cluster_of)
    rows, clusters = len(cluster_of), len(present)
    lengths = np.diff(starts, append=rows)
    least = np.minimum.reduceat(values, starts, axis=1)
    least[least == np.inf] = np.nan  # which equals nothing
    batch, row = np.divmod(np.flatnonzero(values == np.repeat(least, lengths, axis=1)), rows)
    cell = batch * clusters + np.repeat(np.arange(clusters), lengths)[row]
    first = np.flatnonzero(np.diff(cell, prepend=-1))
    place = np.full(least.shape, -1)
    place.ravel()[cell[first]] = row[first]
    return present, place


def segments(cluster_of: Array) -> tuple[Array, Array]:
    """The clusters of some rows in order, and the place of the first row of each."""
    import numpy as np

    starts = np.flatnonzero(np.diff(cluster_of, prepend=-1))
    return cluster_of[starts], starts
