"""The parts that a page is made of; the template and the drawings know nothing else."""

from __future__ import annotations

from footprint.records import record


class Whole(str):
    """HTML of ours, in which a stranger's text is escaped already."""

    __slots__ = ()

    def __html__(self) -> str:
        return self


NOTHING = Whole("")


@record
class Card:
    """A number of the headline, with its interval."""

    label: str
    value: str
    interval: str = ""
    picture: Whole = NOTHING
    """A drawing of the interval."""
    note: str = ""


@record
class Step:
    """A link of the chain from the config to the cost."""

    label: str
    value: str
    note: str = ""


@record
class Cell:
    """A cell of a table: what is read, and what its column is sorted by."""

    text: str
    key: float | str = ""
    bar_share: float | None = None
    """Of the largest number of its column; drawn behind the text."""
    below: str = ""
    """Smaller, under the text: its interval."""


@record
class Table:
    """A table under its heading; ``numbers`` says which columns hold numbers."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    numbers: tuple[bool, ...]
    sortable: bool = False


@record
class Section:
    """A part of the page under a heading."""

    key: str
    title: str
    note: str = ""
    picture: Whole = NOTHING
    pictures: tuple[tuple[str, Whole], ...] = ()
    """Drawings side by side, each under its own title."""
    tables: tuple[Table, ...] = ()
    items: tuple[str, ...] = ()
    open: bool = True
    """Whether it is open at first; a closed section opens on a click."""


@record
class Page:
    """One page of a report."""

    kind: str
    """What its numbers are: ``estimate``, or a report of several kinds."""
    title: str
    subtitle: str
    cards: tuple[Card, ...]
    chain: tuple[Step, ...]
    sections: tuple[Section, ...]
    footer: str
