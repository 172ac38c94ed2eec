"""The errors of the project; every message says what to do next.

`FootprintError` is the one to catch. The command line turns it into one line on
stderr and exit code 2.
"""

from __future__ import annotations

from collections.abc import Sequence


class FootprintError(Exception):
    """Something the caller gave us cannot be used; the message says how to mend it.

    It names options as arguments of Python; see `footprint.spelling` for the other surfaces.
    """

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields that the message names, the first of them most often the one that is wrong."""
        from footprint.spelling import named_in

        return named_in(str(self))


class UnknownNameError(FootprintError):
    """A name that is in no catalogue; carries the nearest matches."""

    def __init__(self, kind: str, name: str, nearest: Sequence[str] = (), hint: str = "") -> None:
        self.kind = kind
        self.name = name
        self.nearest = tuple(nearest)
        message = f"unknown {kind} {name!r}"
        if self.nearest:
            message += f"; did you mean {', '.join(self.nearest)}?"
        if hint:
            message += f" ({hint})"
        super().__init__(message)

    def with_hint(self, hint: str) -> UnknownNameError:
        """The same error with another hint, for who does not have the options that its own names."""
        return UnknownNameError(self.kind, self.name, self.nearest, hint)


class DataFileError(FootprintError):
    """A file that cannot be read as what it should be; names the file and the field."""


class MissingFactError(FootprintError):
    """A fact that the chain needs and nobody published; names the option that supplies it."""


class LimitExceededError(FootprintError):
    """The estimate is over the limit the user gave (exit code 3)."""
