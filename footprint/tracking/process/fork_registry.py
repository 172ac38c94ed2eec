"""The runs of this process that have begun and not ended, and what a fork means for them."""

from __future__ import annotations

import itertools
import os
import weakref
from typing import Protocol


class Forked(Protocol):
    """What a forked child must hear of."""

    def after_fork(self) -> None:
        """In the child."""


_alive: weakref.WeakSet[Forked] = weakref.WeakSet()
_foreign: weakref.WeakSet[Forked] = weakref.WeakSet()
"""Those that the process was forked with."""
_sequence = itertools.count(1)


def next_sequence() -> int:
    """The number of a run among those of this process, from 1."""
    return next(_sequence)


def begun(run: Forked) -> None:
    """A run has begun."""
    _alive.add(run)


def ended(run: Forked) -> None:
    """A run is over."""
    _alive.discard(run)


def any_alive() -> bool:
    """Whether a run goes on that this process began itself."""
    return any(run not in _foreign for run in _alive)


def _after_fork() -> None:
    _foreign.update(_alive)
    for run in list(_alive):
        run.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
