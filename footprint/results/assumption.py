"""A link of the chain that was assumed, as every output prints it beside its numbers."""

from __future__ import annotations

from footprint.records import record


@record
class Assumption:
    """A link of the chain that was skipped or assumed, printed with every output."""

    name: str
    value: float | str
    unit: str
    basis: str
    source: str
    option: str = ""
    """The option that replaces it."""


def chosen_row(name: str, value: float | str, source: str, option: str) -> Assumption:
    """The row of a name, or of a number without a unit, that was chosen because nobody gave it."""
    return Assumption(name=name, value=value, unit="", basis="assumed", source=source, option=option)
