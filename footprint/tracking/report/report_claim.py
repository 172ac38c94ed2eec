"""Who reports a segment: a small file beside its journals, made exclusively, says that somebody does.

It says so before the rows are written, and that they are there afterwards. A claimer that was killed in
between is followed by another one, whose claim is a file of its own with the next number: whoever makes that
is the only one. `footprint recover` claims like anybody else.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import time
from pathlib import Path

from footprint.records import record
from footprint.tracking.journal.fields import Fields
from footprint.tracking.journal.files import read_small
from footprint.tracking.process.liveness import boot_id, is_alive, process_image, process_start
from footprint.tracking.totals.segments import Segment

MOST_CLAIMS = 100
ELSEWHERE_S = 600.0
"""A claimer on another machine, of which nobody here knows whether it lives, has so long."""


@record
class Claim:
    """This process's right to report a segment, and how to say that it is done."""

    path: Path | None
    """None where the folder takes no file: better a row twice than none."""

    def settle(self) -> None:
        """Note that the rows are where they belong."""
        if self.path is not None:
            with contextlib.suppress(OSError):
                _replace(self.path, _text(written=True))

    def give_up(self) -> None:
        """Let somebody else report the segment."""
        if self.path is not None:
            with contextlib.suppress(OSError):
                self.path.unlink()


def claim_file(folder: Path, segment: Segment) -> Path:
    """The file that says whether a segment's rows were written, and the beginning of its followers' names."""
    names = "|".join(sorted({f"{p.boot_id}/{p.launch}" for p in segment.processes}))
    said = hashlib.sha256(names.encode("utf-8", "surrogateescape")).hexdigest()
    return folder / f".reported-{said[:12]}"


def claim(folder: Path, segment: Segment) -> Claim | None:
    """The right to report a segment; None if it is reported, or somebody who lives is at it."""
    first = claim_file(folder, segment)
    for number in range(MOST_CLAIMS):
        path = first.with_name(f"{first.name}.{number}") if number else first
        try:
            if _make(path, _text(written=False)):
                return Claim(path=path)
        except OSError:
            return Claim(path=None)
        if _settled_or_alive(path):
            return None
    return None


def is_reported(folder: Path, segment: Segment) -> bool:
    """Whether a segment's rows are written, or being written by a process that lives."""
    first = claim_file(folder, segment)
    for number in range(MOST_CLAIMS):
        path = first.with_name(f"{first.name}.{number}") if number else first
        if not os.path.lexists(path):
            return False
        if _settled_or_alive(path):
            return True
    return True


def _settled_or_alive(path: Path) -> bool:
    try:
        said, status = read_small(path)
        wrong: list[str] = []
        claim = Fields(json.loads(said), wrong)
        boot, pid, started = claim.text("boot_id"), claim.count("pid"), claim.text("process_start")
        written, image = claim.flag("written"), claim.text("image")
    except (OSError, ValueError, AttributeError, RecursionError):
        return False
    if wrong:
        return False
    elsewhere = bool(boot) and boot != boot_id() and abs(time.time() - status.st_mtime) < ELSEWHERE_S
    return written or elsewhere or is_alive(boot, pid, started, image)


def _make(path: Path, content: bytes) -> bool:
    """Whether the file is ours: it appears whole, or not at all because there is one."""
    part = path.with_name(f"{path.name}.{os.getpid()}-{secrets.token_hex(4)}")
    try:
        part.write_bytes(content)
        os.link(part, path)
    except FileExistsError:
        return False
    except OSError:  # a disk that is full, or has no hard links
        try:
            file = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
        except FileExistsError:
            return False
        with contextlib.suppress(OSError):
            os.write(file, content)
        os.close(file)
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
    return True


def _replace(path: Path, content: bytes) -> None:
    part = path.with_name(f"{path.name}.{os.getpid()}-{secrets.token_hex(4)}")
    try:
        part.write_bytes(content)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _text(*, written: bool) -> bytes:
    pid = os.getpid()
    owner = {
        "boot_id": boot_id(), "pid": pid, "process_start": process_start(pid), "image": process_image(pid),
    }  # fmt: skip
    return json.dumps({"written": written, **owner}).encode()
