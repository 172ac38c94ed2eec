"""The files of a folder that may be journals; what only has the name of one is never opened."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

SUFFIX = ".journal.jsonl"
MOST_DEPTH = 20
"""Folders of runs lie in folders of runs; nothing is looked for further down."""


class UnreadableJournalError(Exception):
    """A file that is no journal, or one that this version cannot read; the message names it."""


def own_user() -> int:
    """The user that this process is; 0 where the system knows none."""
    return os.geteuid() if hasattr(os, "geteuid") else 0


def open_regular(path: Path | str, flags: int = os.O_RDONLY) -> int:
    """The descriptor of a regular file; no link is followed, and nothing is waited for.

    Raises:
        OSError: there is no such file, or it is of another kind.
    """
    flags |= getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
    if not stat.S_ISREG(os.lstat(path).st_mode):  # to open a device may do something
        raise OSError(22, "not a regular file")
    file = os.open(path, flags | getattr(os, "O_BINARY", 0))
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise OSError(22, "not a regular file")
    return file


def read_small(path: Path | str, most_byte: int = 1 << 20) -> tuple[bytes, os.stat_result]:
    """The first bytes of a small file, and what the system says of it.

    Raises:
        OSError: it cannot be read.
    """
    file = open_regular(path)
    try:
        return os.read(file, most_byte), os.fstat(file)
    finally:
        os.close(file)


def write_new(path: Path | str, content: bytes) -> None:
    """Write a file that is not there yet, whatever somebody puts in its place meanwhile.

    Raises:
        OSError: there is something of that name, or it cannot be made.
    """
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o644)
    try:
        if os.write(file, content) != len(content):
            raise OSError(28, "no space left on device")
    finally:
        os.close(file)


def journal_files(folder: Path) -> tuple[list[Path], list[str]]:
    """Every journal below a folder by name, and a line for each thing that only has such a name."""
    problems: list[str] = []
    return [Path(path) for path in sorted(_below(str(folder), problems, 0))], problems


def _below(folder: str, problems: list[str], depth: int) -> Iterator[str]:
    folders = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                named = entry.name.endswith(SUFFIX)
                if named and entry.is_file(follow_symlinks=False):
                    yield entry.path
                elif named:
                    problems.append(f"{entry.path}: not a regular file, so it was not opened")
                elif entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
    except OSError as error:
        problems.append(f"{folder}: {error.strerror or error}")
    for below in folders if depth < MOST_DEPTH else ():
        yield from _below(below, problems, depth + 1)
