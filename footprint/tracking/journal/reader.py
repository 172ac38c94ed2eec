"""The journal's reader: whole lines as typed records, and no more of them than it takes.

Totals are cumulative, so of a long journal the beginning, the end and a bounded number of lines in between
are enough, however long it is. Lines that are no totals (the meter, the estimate, faults) are found by the
places that the last totals name.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from footprint.records import field, state
from footprint.tracking.journal.byte_lines import BLOCK_BYTE, MOST_LINE_BYTE, lines_from, next_line
from footprint.tracking.journal.codec import decode
from footprint.tracking.journal.fields import MOST_NOTES
from footprint.tracking.journal.files import UnreadableJournalError, open_regular
from footprint.tracking.journal.line_parser import parse_line
from footprint.tracking.journal.lines import (
    SCHEMA,
    EndLine,
    FoundLine,
    JournalLine,
    ProgramLine,
    StartLine,
    StateLine,
)
from footprint.tracking.process.identity import NAME_RULE, Identity
from footprint.tracking.process.liveness import is_alive

MIDDLE_LINES, LEAST_MIDDLE_LINES = 50, 5
LINES_IN_ALL = 5000
"""Of all journals that are read together, as far as each still has its least."""
WHOLE_BYTE = 128 * 1024
"""A journal up to this size is read whole [byte]."""
HEAD_BYTE = 2 * 1024
HEAD_WITHOUT_MARKS_BYTE = 1 << 20
"""Of a journal whose lines do not say where the others are [byte]."""


@state
class Journal:
    """What one file says: its first line, the later ones that were read, and what is wrong with it."""

    path: Path
    start: StartLine
    lines: list[JournalLine] = field(default_factory=list)
    damaged: int = 0
    """Of the lines that were read, those that are torn or whose checksum is wrong."""
    notes: list[str] = field(default_factory=list)
    """What whole lines say that cannot be, each with the file's name."""
    owner: int = -1
    """The user whose file it is; -1 of one in memory."""
    in_parts: bool = False
    """Whether only some of its totals were read."""

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
    def alive(self) -> bool:
        """Whether the process still runs, or the program that it supervised."""
        if self.process.alive:
            return True
        program = next((line for line in reversed(self.lines) if isinstance(line, ProgramLine)), None)
        return program is not None and is_alive(self.process.boot_id, program.pid, program.process_start)

    @property
    def end(self) -> EndLine | None:
        """The last line of a process that ended; None of one that lives or was killed."""
        return next((line for line in reversed(self.lines) if isinstance(line, EndLine)), None)


def read_journal(path: Path, middle_lines: int | None = None) -> Journal:
    """The whole lines of one journal; those of a kind that is not known here are left out.

    Of a long one, only so many ``middle_lines`` between its ends are read; with 0, its ends alone.

    Raises:
        UnreadableJournalError: no whole first line, or a schema of a later version.
    """
    try:
        file = open_regular(path)
        try:
            reading = _Reading(path, file)
            if middle_lines is None or (middle_lines and reading.size <= WHOLE_BYTE):
                reading.take(lines_from(file, 0, reading.size))
            else:
                reading.take_parts(middle_lines)
            return reading.journal()
        finally:
            os.close(file)
    except OSError as error:
        raise UnreadableJournalError(f"{path}: {error.strerror or error}") from None


def middle_lines_of(journals: int) -> int:
    """How many lines in between are read of each of so many journals."""
    return max(LEAST_MIDDLE_LINES, min(MIDDLE_LINES, LINES_IN_ALL // max(1, journals)))


class _Reading:
    """One pass over a file, in whatever order."""

    def __init__(self, path: Path, file: int) -> None:
        status = os.fstat(file)
        self.size = status.st_size
        self._path, self._file, self._owner = path, file, status.st_uid
        self._start: StartLine | None = None
        self._found: dict[int, JournalLine] = {}
        """By the byte at which they stand."""
        self._damaged = 0
        self._notes: list[str] = []
        self._in_parts = False

    def take(self, lines: Iterable[tuple[int, bytes]]) -> None:
        """Parse lines, each with its place."""
        for at, raw in lines:
            if at in self._found or not raw.strip():
                continue
            line = self._parsed(at, raw)
            if isinstance(line, StartLine):
                self._start = self._start or line  # a file that was made again begins anew
            elif line is not None:
                self._found[at] = line

    def _parsed(self, at: int, raw: bytes) -> JournalLine | None:
        values = decode(raw)
        if values is None:
            self._damaged += 1
            return None
        wrong: list[str] = []
        line = parse_line(values, wrong)
        if isinstance(line, StartLine):
            self._check_start(line)
        if wrong and len(self._notes) < MOST_NOTES:
            left = "the line is left out" if isinstance(line, StateLine) else "left out"
            self._notes.append(f"{self._path}: at byte {at} {'; '.join(wrong)}: {left}")
        # totals are cumulative, so a later line says what this one says wrongly
        return None if wrong and isinstance(line, StateLine) else line

    def _check_start(self, line: StartLine) -> None:
        if line.schema != SCHEMA:
            raise UnreadableJournalError(
                f"{self._path}: schema {line.schema[:40]!r}, this version reads {SCHEMA}; update footprint-ml"
            )
        if not NAME_RULE.fullmatch(line.run_id):
            raise UnreadableJournalError(f"{self._path}: {line.run_id[:40]!r} is not a run's name")

    def take_parts(self, middle_lines: int) -> None:
        """The beginning, the end, what the end names, and some lines in between."""
        file, size, self._in_parts = self._file, self.size, True
        self.take(lines_from(file, 0, HEAD_BYTE if middle_lines else 0, whole_only=True))
        last = self._take_last()
        if not middle_lines:
            return
        if last is None or not last.marks:
            self.take(lines_from(file, 0, HEAD_WITHOUT_MARKS_BYTE, whole_only=True))
        for mark in last.marks if last is not None else ():
            self.take(lines_from(file, mark, 0))
        for n in range(1, middle_lines + 1):
            self.take(lines_from(file, next_line(file, n * size // (middle_lines + 1)), 0))

    def _take_last(self) -> StateLine | None:
        """The last totals, and the lines after them."""
        length = BLOCK_BYTE
        while length < MOST_LINE_BYTE:
            begin = next_line(self._file, max(0, self.size - length))
            for at, raw in reversed(list(lines_from(self._file, begin, self.size))):
                self.take([(at, raw)])
                found = self._found.get(at)
                if isinstance(found, StateLine):
                    return found
            if begin == 0:
                break
            length *= 8
        return None

    def journal(self) -> Journal:
        """What was read.

        Raises:
            UnreadableJournalError: no first line.
        """
        if self._start is None:
            raise UnreadableJournalError(
                f"{self._path}: no whole first line, so nothing can be known from it"
            )
        lines = [self._found[at] for at in sorted(self._found)]
        return Journal(
            self._path, self._start, lines, self._damaged, self._notes, self._owner, self._in_parts
        )


def states_around(path: Path, moment_s: float) -> tuple[StateLine, ...]:
    """The last totals before a moment of the boot clock, and the first after it, by halving the file."""
    try:
        file = open_regular(path)
    except OSError:
        return ()
    try:
        low, high = 0, os.fstat(file).st_size
        around: dict[bool, StateLine] = {}
        while high - low > BLOCK_BYTE // 2:
            middle = (low + high) // 2
            at, found = _state_from(file, middle, high)
            if found is None or found.boot_s >= moment_s:
                high = middle
            else:
                low = at
            if found is not None:
                around[found.boot_s >= moment_s] = found
        for _, raw in lines_from(file, next_line(file, low), high + 1):
            found = _state(raw)
            if found is not None and (
                found.boot_s < moment_s or True not in around or around[True].boot_s > found.boot_s
            ):
                around[found.boot_s >= moment_s] = found
        return tuple(around.values())
    except OSError:
        return ()
    finally:
        os.close(file)


def _state_from(file: int, begin: int, until: int) -> tuple[int, StateLine | None]:
    """The first totals from a byte on, and where they stand."""
    for at, raw in lines_from(file, next_line(file, begin), until):
        found = _state(raw)
        if found is not None:
            return at, found
    return until, None


def _state(raw: bytes) -> StateLine | None:
    values, wrong = decode(raw), list[str]()
    line = None if values is None else parse_line(values, wrong)
    return line if isinstance(line, StateLine) and not wrong else None
