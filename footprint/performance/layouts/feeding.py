"""Which batch can feed a job's replicas: each replica of a layout needs a sequence of its own."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import floor, inf, isfinite, prod
from typing import Any

from footprint.errors import FootprintError
from footprint.performance.layouts.shapes import Given, Habits, fewest_replicas

SIZES = ("tp", "pp", "cp", "dp")
"""Sizes of a layout whose product is the number of accelerators."""


def crowded_below(habits: Habits, count: int, given: Given) -> float:
    """The batch below which unusual layouts are tried as well [sequences].

    Those are batches that no usual layout takes.
    """
    usual = fewest_replicas(habits, count, tuple(given.items()), False)
    split = prod(int(given[name]) for name in SIZES if name in given)
    if isfinite(usual):
        return max(1.0, usual)
    if not given.keys() & {*SIZES, "ep"}:
        return inf
    # Sizes without a usual layout are a slip, unless the batch asks for unusual ones.
    return max(1.0, count * int(given.get("dp", 1)) // split)


def least_fed(habits: Habits, count: int, given: Given, samples: float) -> float:
    """The smallest batch that a layout takes, as far as layouts are looked for at this batch [sequences].

    Infinity without layouts.
    """
    crowded = samples < crowded_below(habits, count, given)
    return fewest_replicas(habits, count, tuple(given.items()), crowded)


def feeds(habits: Habits, counts: Sequence[int], given: Given, samples: Any) -> Any:
    """Whether some layout of each count (rows) takes each of some batches (columns)."""
    return _feeds(habits, tuple(counts), tuple(given.items()), tuple(samples))


@lru_cache(maxsize=64)
def _feeds(
    habits: Habits, counts: tuple[int, ...], given: tuple[tuple[str, Any], ...], batches: tuple[float, ...]
) -> Any:
    import numpy as np

    samples = np.array(batches)
    below = np.array([crowded_below(habits, count, dict(given)) for count in counts])[:, None]
    least = np.array([fewest_replicas(habits, count, given, False) for count in counts])[:, None]
    fed, crowded = samples >= least, samples < below
    for row in np.flatnonzero(crowded.any(axis=1)):
        least_ever = fewest_replicas(habits, counts[int(row)], given, True)
        fed[row] = np.where(crowded[row], samples >= least_ever, fed[row])
    return fed


def cannot_feed(samples: float, count: int, least: float, given: Given) -> FootprintError:
    """The error for a batch that no layout takes, with the batch and the count that would do."""
    if not isfinite(least):
        return no_layout(count, given)
    fewer = max(1, floor(samples)) * (count // int(least))
    return FootprintError(
        f"a batch of {samples:g} sequences cannot feed the {least:g} data-parallel replicas that {count} "
        f"accelerators have at least{_said(given)}: give `batch_size={least:g}` or more, "
        f"or {fewer} accelerators"
    )


def no_layout(count: int, given: Given) -> FootprintError:
    """The error for sizes that no layout has, with the replicas that would do where they are to blame."""
    split = prod(int(given.get(name, 1)) for name in ("tp", "pp", "cp"))
    fits = "dp" in given and count % split == 0
    way_out = f"`dp={count // split}` fits" if fits else "leave one of them out"
    return FootprintError(f"no layout of {count} accelerators has{_said(given)}: {way_out}")


def _said(given: Given) -> str:
    said = " ".join(f"`{name}={given[name]}`" for name in (*SIZES, "ep") if name in given)
    return f" {said}" if said else ""
