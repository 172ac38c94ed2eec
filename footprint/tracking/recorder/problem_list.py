"""What went wrong in a run, for its report and for what is said."""

from __future__ import annotations

import logging

logger = logging.getLogger("footprint.tracking")
MOST_KEPT = 50


class ProblemList:
    """Each problem once, in order; some have been said already."""

    def __init__(self) -> None:
        self._kept: list[str] = []
        self._said = 0

    def add(self, text: str) -> None:
        """Keep one thing that went wrong."""
        if len(self._kept) < MOST_KEPT and text not in self._kept:
            self._kept.append(text)
            logger.warning("%s", text)

    def all(self) -> tuple[str, ...]:
        """Every problem so far."""
        return tuple(self._kept)

    def take_unsaid(self) -> list[str]:
        """Those that came since the last call."""
        unsaid = self._kept[self._said :]
        self._said += len(unsaid)
        return unsaid
