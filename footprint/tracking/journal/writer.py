"""The journal's writer: append-only JSON lines, one file a process, one writer a file.

Each line carries its sequence number. Totals on a line are cumulative: losing a line costs
resolution, never energy.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from footprint.tracking.journal.codec import encode
from footprint.tracking.journal.lines import JournalLine, StartLine, to_json

SUFFIX = ".journal.jsonl"


class JournalWriter:
    """Appends lines to one file, and survives a full disk and a folder that disappears.

    Not thread-safe: one thread writes. ``problem`` says why the last line is not on disk.
    """

    def __init__(self, path: Path, start: StartLine) -> None:
        """Create the file with its first line, safe from a kill at once and from a power cut with the next.

        Raises:
            OSError: the folder or the file cannot be made.
        """
        self.path = path
        self.problem = ""
        self._head: list[JournalLine] = [start]
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

    def write(self, line: JournalLine) -> bool:
        """Append one line durably; False, with ``problem`` set, when it could not be kept.

        A line of the head is written again if the file has to be, and before the next line if there was no
        room for it.
        """
        if line.is_head:
            self._head.append(line)
        try:
            self._reopen_if_gone()
            self._write_head()
            if not line.is_head:
                self._append(line)
            os.fsync(self._file)
        except (OSError, ValueError) as error:
            self.problem = getattr(error, "strerror", None) or str(error)
            return False
        self.problem = ""
        return True

    def _write_head(self) -> None:
        for line in self._head[self._headed :]:
            self._append(line)
            self._headed += 1

    def _append(self, line: JournalLine) -> None:
        data = encode({"n": self._sequence, **to_json(line)})
        data = b"\n" + data if self._torn else data
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
    journal_dir: Path, run_id: str, name: str, start: StartLine
) -> tuple[JournalWriter | None, list[str]]:
    """The journal in the folder asked for, else in the temporary one, else none; and what went wrong."""
    problems = []
    places = (journal_dir, Path(tempfile.gettempdir()) / "footprint-runs")
    for place in places:
        folder = place.absolute() / run_id
        try:
            writer = JournalWriter(folder / f"{name}{SUFFIX}", start)
        except OSError as error:
            problems.append(f"no journal in {place}: {error.strerror or error}")
            continue
        if place != places[0]:
            problems.append(f"the journal is in {folder} instead")
        return writer, problems
    return None, [*problems, "no journal can be written: a kill would lose this run"]
