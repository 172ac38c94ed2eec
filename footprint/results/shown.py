"""How an answer shows itself in Python and in notebooks: as the command shows it."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.figure import Figure

_ROOM = "footprint.reports.interactive.shown"
"""The room that makes texts stands above the records; it is asked by name, and only when one is shown."""
_PLOTS = "footprint.reports.plots.drawn"


class Shown:
    """A record that is printed as the command prints it, and that notebooks draw as a table.

    A class takes ``__repr__`` as well: what the prompt of Python and a notebook show of a value.
    """

    __slots__ = ()

    def __str__(self) -> str:
        return str(import_module(_ROOM).text(self))

    def _repr_markdown_(self) -> str:
        return str(import_module(_ROOM).markdown(self))

    def _repr_html_(self) -> str:
        return str(import_module(_ROOM).html(self))


class Drawn(Shown):
    """A record that is drawn, too."""

    __slots__ = ()

    def plot(self, path: Path | str | None = None, *, overwrite: bool = False) -> Figure:
        """The figure of the answer, written to a .png, .svg or .pdf if a path is given."""
        figure: Figure = import_module(_PLOTS).draw(self, path, overwrite=overwrite)
        return figure


def show_as_text(self: Any) -> str:
    """``__repr__`` of a record that is shown as text."""
    return str(self)
