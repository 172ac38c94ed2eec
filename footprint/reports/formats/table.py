"""Text for people, in 80 columns."""

from __future__ import annotations

from footprint.reports.formats import Answer, signed

KINDS: tuple[str, ...] = ()
ENDING = ".txt"


def write(answer: Answer) -> str:
    """The answer as text."""
    return signed(answer, answer.text())
