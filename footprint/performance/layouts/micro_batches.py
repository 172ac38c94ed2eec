"""The micro-batches of many layouts and batches at once: whole numbers that divide a replica's batch."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from footprint.performance.layouts.shapes import divisors

Array = Any
ROUNDING = 1e-9
"""Relative; a batch this near to a limit is taken as above it."""
MOST_ENTRIES = 1 << 22
"""Largest table of micro-batches."""


def whole_where_near(batches: Array) -> Array:
    """The batches without the rounding of their scales, which would take a whole one for less."""
    import numpy as np

    whole = np.rint(batches)
    return np.where(np.abs(batches - whole) <= ROUNDING * batches, whole, batches)


class MicroBatches:
    """The largest whole micro-batches that divide some shares of a batch (see `finder`).

    A micro-batch depends on a share, the whole part of the limit and whether the limit is whole. So there is
    a table of all micro-batches, unless the shares are very large.
    """

    def __init__(self, shares: Array) -> None:
        import numpy as np

        self.shares = shares
        self.table: Array | None = None
        if 3.0 * shares.sum() <= MOST_ENTRIES:
            tables, above = zip(*(_of_share(share) for share in shares.tolist()), strict=True)
            self.table, self.table_above = np.concatenate(tables), np.concatenate(above)
            self.first = np.cumsum([0.0, *map(len, tables)])[:-1]
            self.first_above = np.cumsum([0.0, *map(len, above)])[:-1]

    def at(self, index: Array, most: Array) -> Array:
        """The micro-batches up to ``most``; ``index`` says which share each replica has.

        No limit is above its share, rounded up.
        """
        import numpy as np

        if self.table is None:
            return whole_batches(self.shares, index, most)
        place = self.first[index] + np.floor(most) + np.ceil(most)
        return self.table[place.astype(np.intp)]

    def above(self, index: Array, kept: Array) -> Array:
        """The smallest micro-batches above those that are ``kept``, which may be 0."""
        import numpy as np

        if self.table is None:
            return next_batches(self.shares, index, kept)
        place = self.first_above[index] + np.ceil(kept)
        return self.table_above[place.astype(np.intp)]


@lru_cache(maxsize=1024)
def _of_share(share: float) -> tuple[Array, Array]:
    """The micro-batches of one share for the limits 0, a half, 1, ..., and the next ones above 0, 1, ...

    A half stands for any fraction.
    """
    import numpy as np

    kept = np.arange(max(1.0, np.ceil(share)) + 1.0)
    limits = np.arange(2.0 * kept[-1] + 1.0) / 2.0
    one, every = np.array([share]), np.zeros(len(limits), int)
    return whole_batches(one, every, limits), next_batches(one, every[: len(kept)], kept)


def divides(micro_batch: Array, replica_batch: Array) -> Array:
    """Whether replicas' shares of the batch are multiples of the micro-batch, or no whole numbers."""
    import numpy as np

    parted = (replica_batch != np.floor(replica_batch)) | (replica_batch % micro_batch == 0)
    return (micro_batch <= replica_batch) & parted


def whole_batches(shares: Array, index: Array, most: Array) -> Array:
    """The largest whole micro-batch up to ``most`` that divides a replica's share (see `finder`).

    ``shares`` are the distinct shares of a batch, ascending; ``index`` says which one each replica has.
    """
    import numpy as np

    local = shares[index]
    at_most = np.maximum(np.floor(most), 1.0)
    equal = np.minimum(at_most, np.ceil(local / np.maximum(1.0, np.ceil(local / at_most))))
    keys, step, is_whole = _divisor_keys(shares.tobytes())
    offset = step * index
    place = np.searchsorted(keys, offset + np.minimum(at_most, step - 1.0), side="right") - 1
    largest = keys[place] - offset
    divided = np.where(is_whole[index] & (4.0 * largest >= most), largest, equal)
    return np.where((local <= 1.0) | (most < 2.0), np.minimum(1.0, local), divided)


def next_batches(shares: Array, index: Array, kept: Array) -> Array:
    """The smallest micro-batches above those that are ``kept`` (see `finder`), with shares as above."""
    import numpy as np

    local = shares[index]
    above = np.maximum(kept, 1.0)
    parts = np.maximum(1.0, np.ceil(local / above) - 1.0)
    equal = np.ceil(local / parts)
    keys, step, is_whole = _divisor_keys(shares.tobytes())
    offset = step * index
    place = np.searchsorted(keys, offset + np.minimum(above, local), side="right")
    divisor = np.minimum(keys[np.minimum(place, len(keys) - 1)] - offset, local)
    following = np.where(is_whole[index] & (divisor <= 4.0 * above), divisor, equal)
    return np.where((local <= 1.0) | (kept < 1.0), np.minimum(1.0, local), following)


@lru_cache(maxsize=256)
def _divisor_keys(shares: bytes) -> tuple[Array, float, Array]:
    """The divisors of all shares in one sorted array; those of the i-th share are raised by i steps.

    Returns that array, the step, and which shares are whole numbers (the others have the divisor 1 only).
    """
    import numpy as np

    values = np.frombuffer(shares)
    whole = values == np.floor(values)
    table = [divisors(int(share)) if even else (1,) for share, even in zip(values, whole, strict=True)]
    step = float(values[-1]) + 2.0
    return np.concatenate([np.asarray(found, float) + step * i for i, found in enumerate(table)]), step, whole
