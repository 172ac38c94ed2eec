"""What counts a program's steps unasked, and must leave them to a ``track()`` of the program's own."""

from __future__ import annotations

from collections.abc import Callable

_unasked: list[Callable[[], None]] = []


def counts_unasked(stand_back: Callable[[], None]) -> None:
    """Have ``stand_back`` called once, when the program begins a run of its own."""
    _unasked.append(stand_back)


def program_tracks_itself() -> None:
    """The program has begun a run of its own."""
    while _unasked:
        _unasked.pop()()
