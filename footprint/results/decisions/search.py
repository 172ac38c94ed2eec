"""A search for hyper-parameters beside an estimate: loaded only where one is asked for."""

from __future__ import annotations

from footprint.records import record
from footprint.results.quantity import Quantity


@record
class Rung:
    """Trials of a search that reach the same share of a run before the worse ones stop."""

    bracket: int
    trials: int
    fraction: float


@record
class Search:
    """A search for hyper-parameters."""

    strategy: str
    """``trials`` (each of some mean length), ``halving`` or ``hyperband``."""
    trials: int
    """That begin."""
    whole_runs: Quantity
    """How many whole runs all trials come to."""
    rungs: tuple[Rung, ...] = ()
