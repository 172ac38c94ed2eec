"""The warning of a step that clearly does not fit: what marks an answer that was forced."""

from __future__ import annotations

from collections.abc import Iterable

CLEAR_MISFIT = "clearly too little memory, and forced: "
"""How the warning begins of a step that needs clearly more memory than there is."""
MISFIT_WORDS = CLEAR_MISFIT.partition(",")[0]
"""The part of it that every interface writes alike; a file holds the warning as text only."""


class Misfit(str):
    """The warning of a step that needs clearly more memory than there is.

    Records and texts hold it like any other warning; its type tells it from the others.
    """

    plain: str
    """The warning as it was first given, where the text also says of what it is."""

    def __new__(cls, text: str, plain: str | None = None) -> Misfit:
        """A warning with this text."""
        made = super().__new__(cls, text)
        made.plain = plain or text
        return made


def misfits_in(warnings: Iterable[str]) -> list[Misfit]:
    """Those of some warnings that say that a step clearly does not fit."""
    return [warning for warning in warnings if isinstance(warning, Misfit)]


def read_warning(text: str) -> str:
    """A warning that was read from a file, where it is only a text."""
    return Misfit(text) if text.startswith(MISFIT_WORDS) else text
