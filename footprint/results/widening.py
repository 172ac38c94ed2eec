"""Gives a full report CSV of the first schema the columns of today's; its cells stay."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from footprint.results.report_columns import ADDED, COLUMNS, FIRST_SCHEMA

_BOM = b"\xef\xbb\xbf"


def widen(target: Path, header: bytes, schema: str) -> None:
    """Give a file of the first schema the header and the columns of ``schema``; leave any other as it is.

    The caller holds the file's lock. The new file replaces the old one at once, so that a crash or a full
    disk leaves the old one whole. A row that was cut short stays as it is: readers still leave it out.

    Raises:
        OSError: the folder takes no new file.
    """
    import tempfile

    old_header = ",".join(COLUMNS[FIRST_SCHEMA]).encode() + b"\n"
    with target.open("rb") as old:
        first = old.readline(len(_BOM) + len(old_header) + 1).removeprefix(_BOM)
        plain = first.rstrip(b"\r\n") + b"\n" if first.endswith(b"\n") else first
        if header.startswith(plain) or not old_header.startswith(plain):
            return
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        try:
            with os.fdopen(handle, "wb") as new:
                new.write(header)
                new.writelines(_widened(line, schema.encode()) for line in old)
                new.flush()
                os.fsync(new.fileno())
            _take_over(Path(name), target)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise


def _widened(line: bytes, schema: bytes) -> bytes:
    """A row with empty cells for the added columns; unchanged if it does not end with the first schema."""
    row = line.rstrip(b"\r\n")
    cells = row.removesuffix(f",{FIRST_SCHEMA}".encode())
    return line if cells == row else cells + b"," * (len(ADDED) + 1) + schema + line[len(row) :]


def _take_over(new: Path, target: Path) -> None:
    """Put a file in the place of another one, with its mode and, where that is permitted, its owner."""
    about = target.stat()
    with contextlib.suppress(OSError, AttributeError):
        os.chown(new, about.st_uid, about.st_gid)
    new.chmod(about.st_mode & 0o7777)
    new.replace(target)
