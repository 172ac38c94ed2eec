"""Output formats: each file of this folder is a format, found by its name (``json_.py`` is ``json``).

A format is a module with ``KINDS``, the kinds of answer that it supports (empty: every kind), ``ENDING``,
the ending of its files (empty: that of another format), and ``write``. A format that can add rows to a
file also has ``append``, one whose files are no text ``write_bytes``, one that needs few rows in memory
``write_parts``. Each `Answer` of a command
names its kind; nothing else connects commands and formats.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, cast

from footprint.records import record

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Protocol

    class Format(Protocol):
        """The names that the module of a format defines."""

        KINDS: tuple[str, ...]
        ENDING: str

        @staticmethod
        def write(answer: Answer) -> str:
            """The answer in this format."""


DEFAULT = "table"
OF_ROWS = (
    "anchors", "calibration", "catalogue", "comparison", "difference", "estimate", "flops", "inference",
    "jobs", "machine", "plan",
    "project", "ranking", "recovered", "report", "runs", "stages", "sweep", "timing", "validation",
)  # fmt: skip
"""Kinds of answer that have rows, or a table of their own."""
COMPUTED = (
    "comparison", "difference", "flops", "inference", "plan", "project", "ranking", "stages", "sweep",
    "timing",
)  # fmt: skip
"""Kinds of answer whose text ends with the version that computed it; that of an estimate says more."""
_FOLDER = os.path.dirname(__file__)


@record
class Answer:
    """The answer of a command. Each form of it is computed only when a format needs it."""

    kind: str
    """``estimate``, ``flops``, ``validation``, ...; `Format.KINDS` lists these."""
    text: Callable[[], str]
    """The answer for people, in 80 columns."""
    data: Callable[[], Any]
    """The answer as JSON values."""
    markdown: Callable[[], str] | None = None
    rows: Callable[[], list[dict[str, Any]]] | None = None
    """The rows for the report CSV."""
    row_parts: Callable[[], Iterator[list[dict[str, Any]]]] | None = None
    """The same rows, some at a time, where they may be millions, for ``write_parts`` of a format."""
    table: Callable[[], list[dict[str, Any]]] | None = None
    """Rows with columns of their own, for CSV and Markdown of an answer that has no report rows."""
    frame: Callable[[], Any] | None = None
    """The rows as a pandas frame, for formats that hold columns."""
    append: Callable[[Path], str] | None = None
    """Adds these rows to a file and returns a message about it."""
    subject: Any = None
    """The record itself, for formats that need more than ``text`` and ``data``."""
    columns: str | None = None
    """``full`` or ``short``: which columns of the report the rows get; None: those of the file, else all."""
    schema: str | None = None
    """The schema of rows that are not those of the report, their last column."""
    warnings: tuple[str, ...] = ()
    """What is said beside the text; the other formats hold it."""
    nothing: str = ""
    """The message that is shown where the text is empty."""


def fields_of(record: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The table of a nested record: a row for each of its values, under its flat name."""
    from footprint.results.rows import flatten

    return [{"field": name, "value": value} for name, value in flatten(record).items() if name != "schema"]


def signed(answer: Answer, text: str) -> str:
    """The text of an answer that was computed, signed; the text of another as it is."""
    return with_version(text, answer.warnings) if answer.kind in COMPUTED and text else text


def with_version(text: str, warnings: Iterable[str] = ()) -> str:
    """The text with the version that computed it, and what marks an answer that was forced above it."""
    from footprint.catalog.version import DATA_VERSION, footprint_version
    from footprint.plain_text import in_line
    from footprint.results.human import folded
    from footprint.results.misfit import misfits_in
    from footprint.spelling import on_command_line

    marks = dict.fromkeys(one.plain for one in misfits_in(warnings))
    above = "".join(f"{folded(in_line(on_command_line(mark)))}\n\n" for mark in marks)
    return f"{above}{text.rstrip()}\n\nfootprint {footprint_version()}, data {DATA_VERSION}"


def format_names(kind: str) -> list[str]:
    """The formats of a kind of answer: first the default, then those of every kind, then the others."""
    files = [name[:-3] for name in os.listdir(_FOLDER) if name.endswith(".py") and name[0] != "_"]
    known = {name.rstrip("_").replace("_", "-"): _module(name) for name in files}
    shown = [name for name, one in known.items() if kind in (one.KINDS or (kind,))]
    return sorted(shown, key=lambda name: (name != DEFAULT, known[name].KINDS != (), name))


def find_format(name: str, kind: str) -> Format:
    """The format of that name; UnknownNameError if this kind of answer has no such format."""
    wanted = name.strip().lower().replace("-", "_")
    if wanted.isidentifier() and not wanted.endswith("_"):
        for stem in (wanted, f"{wanted}_"):
            if os.path.isfile(f"{_FOLDER}/{stem}.py") and kind in (_module(stem).KINDS or (kind,)):
                return _module(stem)
    from footprint.catalog.names import unknown

    names = format_names(kind)
    raise unknown("format", name, names, f"one of: {', '.join(names)}")


def format_of(path: Path | None, kind: str, given: str | None = None) -> str:
    """The format that was given, else the one with the file's ending, else the default.

    FootprintError for an ending that no format of this kind of answer has.
    """
    modules = {name: find_format(name, kind) for name in format_names(kind)}
    endings = {one.ENDING: name for name, one in modules.items() if one.ENDING}
    ending = "" if path is None else path.suffix.lower()
    if ending and ending not in endings:
        from footprint.errors import FootprintError

        raise FootprintError(
            f"{path}: nothing is written with the ending {ending}; end it in {', '.join(endings)}"
        )
    return given or endings.get(ending, DEFAULT)


def _module(stem: str) -> Format:
    from importlib import import_module

    return cast("Format", import_module(f"footprint.reports.formats.{stem}"))
