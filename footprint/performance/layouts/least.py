"""The least value of each cluster at each batch."""

from __future__ import annotations

from typing import Any

Array = Any


def first_least(cluster_of: Array, values: Array) -> tuple[Array, Array, Array]:
    """The clusters of some rows, the first row with the least value at each batch and cluster, that value.

    The rows of a cluster are adjacent; ``values`` have the axes batch and row.
    """
    import numpy as np

    present, starts = segments(cluster_of)
    ends = [*starts[1:], len(cluster_of)]
    places = [start + values[:, start:end].argmin(axis=1) for start, end in zip(starts, ends, strict=True)]
    place = np.array(places).T
    return present, place, np.take_along_axis(values, place, axis=1)


def segments(cluster_of: Array) -> tuple[Array, Array]:
    """The clusters of some rows in order, and the place of the first row of each."""
    import numpy as np

    starts = np.flatnonzero(np.diff(cluster_of, prepend=-1))
    return cluster_of[starts], starts
