"""The journal's writer: append-only JSON lines, one file a process, one writer a file.

Each line carries its sequence number. Totals on a line are cumulative: losing a line costs
resolution, never energy.
"""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

from footprint.records import replace
from footprint.tracking.journal.codec import encode
from footprint.tracking.journal.files import SUFFIX, own_user
from footprint.tracking.journal.lines import JournalLine, StartLine, StateLine, to_json

MOST_MARKS = 30


class JournalWriter:
    """Appends lines to one file, and survives a full disk and a folder that disappears.

    Not thread-safe: one thread writes. ``problem`` says why the last line is not on disk, ``notice`` what
    somebody did to the file that was made good.
    """

    def __init__(self, path: Path, start: StartLine) -> None:
        """Create the file with its first line, safe from a kill at once and from a power cut with the next.

        Raises:
            OSError: the folder or the file cannot be made.
        """
        self.path = path
        self.problem = self.notice = ""
        self._head: list[JournalLine] = [start]
        self._headed = 0
        self._sequence = 0
        self._torn = False
        self._file = -1
        self._inode = (0, 0)
        self._size = 0
        self._marks: list[int] = []
        self.created_s = 0.0
        """When the file was made, by the clock of its own disk."""
        self.owner = -1
        """The user that its disk takes us for."""
        self._create()

    def _create(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self._open(os.O_CREAT | os.O_EXCL)
        status = os.fstat(self._file)
        self._inode, self.owner = (status.st_dev, status.st_ino), status.st_uid
        self.created_s = self.created_s or status.st_mtime
        self._begin_anew(0)
        try:
            self._write_head()
        except OSError:
            # without its head a journal says nothing: none is left, and the next line tries again
            self.close()
            self.path.unlink(missing_ok=True)
            raise

    def _open(self, more: int = 0) -> int:
        flags = os.O_WRONLY | os.O_APPEND | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)
        return os.open(self.path, flags | more, 0o644)

    def _begin_anew(self, size: int) -> None:
        self._torn, self._headed, self._size, self._marks = size > 0, 0, size, []

    def write(self, line: JournalLine) -> bool:
        """Append one line durably; False, with ``problem`` set, when it could not be kept.

        A line of the head is written again if the file has to be, and before the next line if there was no
        room for it.
        """
        if line.is_head:
            self._head.append(line)
        try:
            self._find_our_file()
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
        if isinstance(line, StateLine):
            line = replace(line, marks=tuple(self._marks))
        said = encode({"n": self._sequence, **to_json(line)})
        data = b"\n" + said if self._torn else said
        written = os.write(self._file, data)
        self._size += written
        self._torn = written != len(data) and (written > 0 or self._torn)
        if written != len(data):
            raise OSError(28, "no space left on device")
        self._sequence += 1
        if not isinstance(line, StateLine | StartLine) and len(self._marks) < MOST_MARKS:
            self._marks.append(self._size - len(said))

    def _find_our_file(self) -> None:
        """Make sure that the descriptor and the name both still are those of our file.

        A program may close descriptors that it did not open and get their numbers for files of its own; our
        lines are not for those. A file that somebody deleted or cut is begun again: its head now, the totals
        with the next line.
        """
        if not self._is_open():
            self._file = -1  # closed already, or somebody else's by now
        try:
            status = os.stat(self.path, follow_symlinks=False)  # noqa: PTH116 - the descriptor's twin
        except FileNotFoundError:
            self.close()
            self._create()
            return
        if (status.st_dev, status.st_ino) != self._inode:
            raise OSError(17, "another file has taken the journal's name")
        if self._file < 0:
            self._file = self._open()
            if not self._is_open():
                raise OSError(17, "another file has taken the journal's name")
        if status.st_size < self._size:
            self.notice = f"somebody cut the journal from {self._size} to {status.st_size} bytes"
            self._begin_anew(status.st_size)

    def _is_open(self) -> bool:
        try:
            status = os.fstat(self._file)
        except OSError:
            return False
        return (status.st_dev, status.st_ino) == self._inode

    def close(self) -> None:
        """Close the file; a later write opens it again."""
        if self._file >= 0 and self._is_open():
            os.close(self._file)
        self._file = -1


def open_journal(
    journal_dir: Path, run_id: str, name: str, start: StartLine
) -> tuple[JournalWriter | None, list[str]]:
    """The journal in the folder asked for, else in the temporary one, else none; and what went wrong."""
    problems = []
    for place in (journal_dir, None):
        try:
            folder = (own_temporary_folder() if place is None else place.absolute()) / run_id
            writer = JournalWriter(folder / f"{name}{SUFFIX}", start)
        except OSError as error:
            problems.append(f"no journal in {place or 'the temporary folder'}: {error.strerror or error}")
            continue
        if place is None:
            problems.append(f"the journal is in {folder} instead")
        return writer, problems
    return None, [*problems, "no journal can be written: a kill would lose this run"]


def own_temporary_folder() -> Path:
    """This user's folder in the system's temporary one, which everybody may write to.

    Raises:
        OSError: somebody else made it, or may write or read there.
    """
    user = own_user()
    folder = Path(tempfile.gettempdir()).absolute() / f"footprint-runs-{user}"
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        status = folder.lstat()
        if os.name == "posix" and (
            not stat.S_ISDIR(status.st_mode) or status.st_uid != user or status.st_mode & 0o077
        ):
            raise OSError(1, f"{folder} is not this user's alone (mode 700)") from None
    return folder
