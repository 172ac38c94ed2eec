"""Lines of an open file by the byte at which they begin, so that a long file is read in parts."""

from __future__ import annotations

import os
from collections.abc import Iterator

BLOCK_BYTE = 4 * 1024
MOST_LINE_BYTE = 4 << 20
"""The longest line; more bytes without a line break are no line [byte]."""


def lines_from(file: int, begin: int, until: int, *, whole_only: bool = False) -> Iterator[tuple[int, bytes]]:
    """The lines that begin from one byte on and before another (one line where that is not later)."""
    at, rest = begin, b""
    place = begin
    while True:
        block = _read_at(file, 1 << 16 if until - begin > BLOCK_BYTE else BLOCK_BYTE, place)
        place += len(block)
        *lines, rest = (rest + block).split(b"\n")
        for line in lines:
            yield at, line
            at += len(line) + 1
            if at >= until:
                return
        if not block or len(rest) > MOST_LINE_BYTE:
            if rest and not whole_only:
                yield at, rest
            return


def _read_at(file: int, count: int, place: int) -> bytes:
    os.lseek(file, place, os.SEEK_SET)
    return os.read(file, count)


def next_line(file: int, at: int) -> int:
    """Where the first line begins that begins at a byte or after it."""
    place = at - 1
    while at > 0:
        block = _read_at(file, BLOCK_BYTE, place)
        found = block.find(b"\n")
        if found >= 0 or not block:
            return place + found + 1 if block else place
        place += len(block)
    return 0
