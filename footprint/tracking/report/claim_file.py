"""The file of a claim: made whole or not at all, replaced whole, and read with distrust."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import time
from datetime import datetime
from pathlib import Path

from footprint.records import record, replace
from footprint.tracking.journal.fields import Fields
from footprint.tracking.journal.files import read_small, write_new
from footprint.tracking.process.liveness import boot_id, is_alive

ELSEWHERE_S = 600.0
"""A claimer on another machine, of which nobody here knows whether it lives, has so long."""
MOST_BYTE = 1 << 24


@record
class Kept:
    """A claim as its file says it."""

    path: Path
    owner: int
    written: bool = False
    holds: bool = False
    """Whether its rows are written, or its claimer lives."""
    covers: frozenset[str] = frozenset()
    """The processes of its rows."""
    started_at: str = ""
    first: bool = False
    spanning: bool = False
    csvs: frozenset[str] = frozenset()
    number: int = -1

    def of(self, covers: frozenset[str]) -> Kept:
        """The same claim of other processes."""
        return replace(self, covers=covers)


def read_claim(path: Path, number: int) -> Kept | None:
    """The claim at a path, one of nobody if it says nothing; None for what cannot be read."""
    try:
        content, status = read_small(path, MOST_BYTE)
    except OSError:
        return None
    nothing = Kept(path=path, owner=status.st_uid, number=number)
    wrong: list[str] = []
    try:
        said = Fields(json.loads(content), wrong)
        boot, pid, started = said.text("boot_id"), said.count("pid"), said.text("process_start")
        image, written, given_up = said.text("image"), said.flag("written"), said.flag("given_up")
        covers, moment = said.text("covers", most=MOST_BYTE), _moment(said.text("started_at"))
        first, spanning, csvs = said.flag("first"), said.flag("spanning"), said.raw.get("csvs", [])
    except (ValueError, AttributeError, RecursionError):
        return nothing
    if wrong or not isinstance(csvs, list):
        return nothing
    elsewhere = bool(boot) and boot != boot_id() and abs(time.time() - status.st_mtime) < ELSEWHERE_S
    return replace(
        nothing,
        written=written,
        holds=written or (not given_up and (elsewhere or is_alive(boot, pid, started, image))),
        covers=frozenset(covers.split()),
        started_at=moment,
        first=first,
        spanning=spanning,
        csvs=frozenset(csv for csv in csvs if isinstance(csv, str)),
    )


def _moment(text: str) -> str:
    """A text that is a moment; "" for any other."""
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return ""
    return text


def make_exclusively(path: Path, content: bytes) -> bool:
    """Whether the file is ours: it appears whole, or not at all because there is one.

    Raises:
        OSError: the folder takes no file.
    """
    part = path.with_name(f"{path.name}.{os.getpid()}-{secrets.token_hex(4)}")
    try:
        write_new(part, content)
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


def replace_file(path: Path, content: bytes) -> None:
    """Write a file anew, so that a reader finds the old or the new content.

    Raises:
        OSError: the folder takes no file.
    """
    part = path.with_name(f"{path.name}.{os.getpid()}-{secrets.token_hex(4)}")
    try:
        write_new(part, content)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
