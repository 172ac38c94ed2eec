"""The journal's reader: the whole lines of a file as typed records."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field
from pathlib import Path
from typing import Any

from footprint.records import state
from footprint.tracking.journal.codec import decode
from footprint.tracking.journal.line_parser import parse_line
from footprint.tracking.journal.lines import SCHEMA, EndLine, FoundLine, JournalLine, StartLine
from footprint.tracking.journal.writer import SUFFIX
from footprint.tracking.process.identity import Identity


@state
class Journal:
    """What one file says: its first line, the later ones in order, and what is wrong with it."""

    path: Path
    start: StartLine
    lines: list[JournalLine] = field(default_factory=list)
    damaged: int = 0
    """Lines that are torn or whose checksum is wrong."""

    @property
    def run_id(self) -> str:
        """The run this process belonged to."""
        return self.start.run_id

    @property
    def process(self) -> Identity:
        """The identity that the process stated."""
        return self.start.process

    @property
    def given(self) -> dict[str, Any]:
        """The arguments of the run, and what was found out for those that were missing."""
        found = [line.given for line in self.lines if isinstance(line, FoundLine)]
        return {name: value for part in (self.start.given, *found) for name, value in part.items()}

    @property
    def end(self) -> EndLine | None:
        """The last line of a process that ended; None of one that lives or was killed."""
        return next((line for line in reversed(self.lines) if isinstance(line, EndLine)), None)


class UnreadableJournalError(Exception):
    """A file that is no journal, or one of a schema this version does not know."""


def read_journal(path: Path) -> Journal:
    """The whole lines of one journal; those of a kind that is not known here are left out.

    Raises:
        UnreadableJournalError: no whole first line, or a schema of a later version.
    """
    journal: Journal | None = None
    damaged = 0
    for raw in _objects(path):
        if raw is None:
            damaged += 1
            continue
        line = parse_line(raw)
        if isinstance(line, StartLine):
            if line.schema != SCHEMA:
                raise UnreadableJournalError(
                    f"{path}: schema {line.schema[:40]!r}, this version reads {SCHEMA}; update footprint-ml"
                )
            journal = journal or Journal(path, line)
        elif journal is not None and line is not None:
            journal.lines.append(line)
    if journal is None:
        raise UnreadableJournalError(f"{path}: no whole first line, so nothing can be known from it")
    journal.damaged = damaged
    return journal


def _objects(path: Path) -> Iterator[dict[str, Any] | None]:
    """The JSON object of each line; None for one that is not whole."""
    try:
        with path.open("rb") as file:
            for line in file:
                if line.strip():
                    yield decode(line)
    except OSError as error:
        raise UnreadableJournalError(f"{path}: {error.strerror or error}") from None


def journals_in(folder: Path) -> tuple[list[Journal], list[str]]:
    """Every readable journal below a folder, and a line for each file that is not one."""
    journals, problems = [], []
    for path in sorted(folder.rglob(f"*{SUFFIX}")):
        try:
            journals.append(read_journal(path))
        except UnreadableJournalError as error:
            problems.append(str(error))
    return journals, problems
