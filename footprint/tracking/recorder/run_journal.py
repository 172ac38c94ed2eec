"""The journal of a run that goes on: its file, and in memory what the file could not take."""

from __future__ import annotations

from pathlib import Path

from footprint.tracking.journal.lines import EndLine, JournalLine, StartLine, StateLine
from footprint.tracking.journal.reader import Journal
from footprint.tracking.journal.writer import JournalWriter, open_journal


class RunJournal:
    """Written by the recorder's thread alone; read by any."""

    def __init__(self, start: StartLine) -> None:
        self.start = start
        self.last_state: StateLine | None = None
        self._lines: list[JournalLine] = []
        self._writer: JournalWriter | None = None

    def open(self, journal_dir: Path) -> list[str]:
        """Make the file with its first line; return what went wrong."""
        who = self.start.process
        name = f"{who.host}-{who.rank}-{who.pid}-{int(self.start.boot_s * 1000)}"
        self._writer, problems = open_journal(journal_dir, self.start.run_id, name, self.start)
        return problems

    def append(self, line: JournalLine) -> str:
        """Add one line; why it is not on disk, or what somebody did to the file, or nothing."""
        if isinstance(line, StateLine):
            self.last_state = line
        if type(line) is not StateLine:  # the last state is enough
            self._lines.append(line)
        if self._writer is None:
            return ""
        self._writer.write(line)
        return self._writer.problem or self._writer.notice

    def close(self) -> None:
        """Close the file."""
        if self._writer is not None:
            self._writer.close()

    @property
    def folder(self) -> Path | None:
        """Where the file is; None without one."""
        return self._writer.path.parent if self._writer is not None else None

    @property
    def created_s(self) -> float:
        """When the file was made, by the clock of its own disk [s]; 0 without one."""
        return self._writer.created_s if self._writer is not None else 0.0

    @property
    def owner(self) -> int | None:
        """The user whose file it is, as its disk knows it; None without one."""
        return self._writer.owner if self._writer is not None else None

    @property
    def is_cut(self) -> bool:
        """Whether the disk did not take the last line."""
        return self._writer is not None and self._writer.problem != ""

    def from_memory(self) -> Journal:
        """What the file would say."""
        path = self._writer.path if self._writer is not None else Path("memory")
        state = self.last_state
        latest = [] if state is None or isinstance(state, EndLine) else [state]
        return Journal(path, self.start, [*self._lines, *latest])
