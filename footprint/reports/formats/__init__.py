"""Output formats: each file of this folder is one, found by its name (``json_.py`` is ``json``).

A format is a module with ``KINDS``, the kinds of answer that it shows (none named: every kind),
``ENDING``, the ending of its files, and ``write``. A format whose files grow by rows has ``append``
besides. A command says of what kind its `Answer` is; nothing else connects the two.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from footprint.records import record

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Protocol

    class Format(Protocol):
        """What the module of a format offers."""

        KINDS: tuple[str, ...]
        ENDING: str

        @staticmethod
        def write(answer: Answer) -> str:
            """The answer in this format."""


DEFAULT = "table"
_FOLDER = os.path.dirname(__file__)


@record
class Answer:
    """What a command has to show. Nothing is made before a format asks for it."""

    kind: str
    """``estimate``, ``flops``, ``validation``, ...: what `Format.KINDS` names."""
    text: Callable[[], str]
    """The answer for people, in 80 columns."""
    data: Callable[[], Any]
    """The answer as JSON values."""
    markdown: Callable[[], str] | None = None
    rows: Callable[[], list[dict[str, Any]]] | None = None
    """Its rows of the report CSV."""
    append: Callable[[Path], str] | None = None
    """Adds those rows to a file; what is said of it."""
    subject: Any = None
    """The record itself, for the formats of standards."""
    nothing: str = ""
    """What is said where the text is empty."""


def format_names(kind: str) -> list[str]:
    """The formats of a kind of answer: the default one, those of every kind, the others."""
    files = [name[:-3] for name in os.listdir(_FOLDER) if name.endswith(".py") and name[0] != "_"]
    known = {name.rstrip("_"): _module(name) for name in files}
    shown = [name for name, one in known.items() if kind in (one.KINDS or (kind,))]
    return sorted(shown, key=lambda name: (name != DEFAULT, known[name].KINDS != (), name))


def find_format(name: str, kind: str) -> Format:
    """The format of that name; UnknownNameError if this kind of answer has no such format."""
    wanted = name.strip().lower()
    if wanted.isidentifier() and not wanted.endswith("_"):
        for stem in (wanted, f"{wanted}_"):
            if os.path.isfile(f"{_FOLDER}/{stem}.py") and kind in (_module(stem).KINDS or (kind,)):
                return _module(stem)
    from footprint.catalog.names import unknown

    names = format_names(kind)
    raise unknown("format", name, names, f"one of: {', '.join(names)}")


def format_of(path: Path | None, kind: str) -> str:
    """The format that the ending of a file asks for, else the default."""
    if path is not None:
        for name in format_names(kind):
            if path.suffix.lower() == find_format(name, kind).ENDING:
                return name
    return DEFAULT


def _module(stem: str) -> Format:
    from importlib import import_module

    return cast("Format", import_module(f"footprint.reports.formats.{stem}"))
