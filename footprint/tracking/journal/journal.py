"""The journal: append-only JSON lines, one file a process, one writer a file.

Each line carries its sequence number and ends in a checksum over everything before it, so
that a reader knows a whole line from a torn or damaged one. Totals on a line are
cumulative: losing a line costs resolution, never energy.
"""

from __future__ import annotations

import json
import math
import os
import tempfile
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SCHEMA = "footprint/journal/1"
SUFFIX = ".journal.jsonl"
_TAIL = len(',"crc":"00000000"}')


def encode(record: dict[str, Any]) -> bytes:
    """One line: the record as JSON with its checksum as the last field."""
    try:
        text = _json(record)
    except ValueError:  # JSON knows no infinity
        text = _json(_finite(record))
    body = text[:-1].encode("ascii")
    return body + b',"crc":"%08x"}\n' % zlib.crc32(body)


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=True, allow_nan=False, default=str)


def _finite(value: Any) -> Any:
    """The same values, None for numbers that are none."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): _finite(part) for key, part in value.items()}
    return [_finite(part) for part in value] if isinstance(value, list | tuple) else value


def decode(line: bytes) -> dict[str, Any] | None:
    """The record of a whole, undamaged line; None for anything else."""
    line = line.strip()
    body, tail = line[:-_TAIL], line[-_TAIL:]
    if tail != b',"crc":"%08x"}' % zlib.crc32(body):
        return None
    try:
        record = json.loads(body + b"}")
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None


def boot_clock_s() -> float:
    """Seconds since this machine started, sleep included where the system can tell [s].

    Never set back or forth, and the same for all processes of a machine.
    """
    try:
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    except (AttributeError, OSError):
        return time.monotonic()


def utc_now() -> str:
    """The wall clock, UTC, ISO 8601 to the millisecond."""
    now = time.time()
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(now))}.{int(now % 1 * 1000):03d}+00:00"


class JournalWriter:
    """Appends lines to one file, and survives a full disk and a folder that disappears.

    Not thread-safe: one thread writes. ``problem`` says why the last line is not on disk.
    """

    def __init__(self, path: Path, first: dict[str, Any]) -> None:
        """Create the file with its first line, safe from a kill at once and from a power cut with the next.

        Raises:
            OSError: the folder or the file cannot be made.
        """
        self.path = path
        self.problem = ""
        self._head = [("start", {**first, "schema": SCHEMA})]
        self._headed = 0
        self._sequence = 0
        self._torn = False
        self._file = -1
        self._inode = (0, 0)
        self.created_s = 0.0
        """When the file was made, by the clock of its own disk."""
        self._create()

    def _create(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND
        self._file = os.open(self.path, flags | getattr(os, "O_CLOEXEC", 0), 0o644)
        status = os.fstat(self._file)
        self._inode = (status.st_dev, status.st_ino)
        self.created_s = self.created_s or status.st_mtime
        self._torn, self._headed = False, 0
        try:
            self._write_head()
        except OSError:
            # without its head a journal says nothing: none is left, and the next line tries again
            self.close()
            self.path.unlink(missing_ok=True)
            raise

    def write(self, kind: str, record: dict[str, Any], *, head: bool = False) -> bool:
        """Append one line durably; False, with ``problem`` set, when it could not be kept.

        A ``head`` line says what no later line repeats; it is written again if the file has to be, and
        before the next line if there was no room for it.
        """
        if head:
            self._head.append((kind, record))
        try:
            self._reopen_if_gone()
            self._write_head()
            if not head:
                self._append({**record, "type": kind})
            os.fsync(self._file)
        except (OSError, ValueError) as error:
            self.problem = getattr(error, "strerror", None) or str(error)
            return False
        self.problem = ""
        return True

    def _write_head(self) -> None:
        for kind, record in self._head[self._headed :]:
            self._append({**record, "type": kind})
            self._headed += 1

    def _append(self, record: dict[str, Any]) -> None:
        line = encode({"n": self._sequence, **record})
        data = b"\n" + line if self._torn else line
        written = os.write(self._file, data)
        self._torn = written != len(data) and (written > 0 or self._torn)
        if written != len(data):
            raise OSError(28, "no space left on device")
        self._sequence += 1

    def _reopen_if_gone(self) -> None:
        """Start the file again if somebody deleted it: its head now, the totals with the next line."""
        try:
            status = os.stat(self.path)  # noqa: PTH116 - the descriptor's twin
            if (status.st_dev, status.st_ino) != self._inode:
                raise OSError(17, "another file has taken the journal's name")
        except FileNotFoundError:
            self.close()
            self._create()

    def close(self) -> None:
        """Close the file; later writes fail."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def open_journal(
    journal_dir: Path, run_id: str, name: str, first: dict[str, Any]
) -> tuple[JournalWriter | None, list[str]]:
    """The journal in the folder asked for, else in the temporary one, else none; and what went wrong."""
    problems = []
    places = (journal_dir, Path(tempfile.gettempdir()) / "footprint-runs")
    for place in places:
        folder = place.absolute() / run_id
        try:
            writer = JournalWriter(folder / f"{name}{SUFFIX}", first)
        except OSError as error:
            problems.append(f"no journal in {place}: {error.strerror or error}")
            continue
        if place != places[0]:
            problems.append(f"the journal is in {folder} instead")
        return writer, problems
    return None, [*problems, "no journal can be written: a kill would lose this run"]


@dataclass(slots=True)
class Journal:
    """What one file says: its first line, its lines in order, and what is wrong with it."""

    path: Path
    start: dict[str, Any]
    records: list[dict[str, Any]] = field(default_factory=list)
    damaged: int = 0
    """Lines that are torn or whose checksum is wrong."""
    ended: dict[str, Any] | None = None

    @property
    def run_id(self) -> str:
        """The run this process belonged to."""
        return str(self.start.get("run_id", ""))

    @property
    def given(self) -> dict[str, Any]:
        """The arguments of the run, and what was found out for those that were missing."""
        found = [line.get("given") for line in self.records if line.get("type") == "found"]
        parts = [part for part in (self.start.get("given"), *found) if isinstance(part, dict)]
        return {name: value for part in parts for name, value in part.items()}

    @property
    def process(self) -> dict[str, Any]:
        """The identity that the process stated."""
        process = self.start.get("process")
        return process if isinstance(process, dict) else {}


class UnreadableJournalError(Exception):
    """A file that is no journal, or one of a schema this version does not know."""


def read_journal(path: Path) -> Journal:
    """The whole lines of one journal.

    Raises:
        UnreadableJournalError: no whole first line, or a schema of a later version.
    """
    journal: Journal | None = None
    damaged = 0
    for record in _lines(path):
        if record is None:
            damaged += 1
        elif record.get("type") == "start":
            schema = str(record.get("schema", ""))
            if schema != SCHEMA:
                raise UnreadableJournalError(
                    f"{path}: schema {schema[:40]!r}, this version reads {SCHEMA}; update footprint-ml"
                )
            journal = journal or Journal(path, record)
        elif journal is not None:
            journal.records.append(record)
            if record.get("type") == "end":
                journal.ended = record
    if journal is None:
        raise UnreadableJournalError(f"{path}: no whole first line, so nothing can be known from it")
    journal.damaged = damaged
    return journal


def _lines(path: Path) -> Iterator[dict[str, Any] | None]:
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
