"""Who reports a segment: a small file beside its journals, made exclusively, says that somebody does.

It says so before the rows are written, and that they are there afterwards. A process that was killed in
between has claimed and not reported; `footprint recover` finds that its claimer is gone.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from pathlib import Path
from typing import Any

from footprint.tracking.process.liveness import boot_id, is_alive, process_start
from footprint.tracking.totals.segments import Segment


def claim_file(folder: Path, segment: Segment) -> Path:
    """The file that says whether a segment's rows were written."""
    names = "|".join(sorted({f"{process.boot_id}/{process.launch}" for process in segment.processes}))
    return folder / f".reported-{hashlib.sha256(names.encode()).hexdigest()[:12]}"


def claim(folder: Path, segment: Segment) -> bool:
    """Whether this process is the one to report a segment."""
    try:
        file = os.open(claim_file(folder, segment), os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
    except FileExistsError:
        return False
    except OSError:
        return True  # a folder that takes no file: better a row twice than none
    try:
        os.write(file, _text(written=False))
    except OSError:
        pass  # a full disk; an empty file counts as a claim whose owner is gone
    finally:
        os.close(file)
    return True


def settle(folder: Path, segment: Segment) -> None:
    """Note that the rows of a segment are where they belong."""
    target = claim_file(folder, segment)
    part = target.with_name(f"{target.name}.{os.getpid()}")
    with contextlib.suppress(OSError):
        try:
            part.write_bytes(_text(written=True))
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)


def is_reported(folder: Path, segment: Segment) -> bool:
    """Whether a segment's rows are written, or being written by a process that lives."""
    try:
        claim: Any = json.loads(claim_file(folder, segment).read_bytes())
    except FileNotFoundError:
        return False
    except (OSError, ValueError):
        claim = None
    if not isinstance(claim, dict):
        return False
    boot, pid, started = (claim.get(name) for name in ("boot_id", "pid", "process_start"))
    return bool(claim.get("written")) or (isinstance(pid, int) and is_alive(str(boot), pid, str(started)))


def _text(*, written: bool) -> bytes:
    owner = {"boot_id": boot_id(), "pid": os.getpid(), "process_start": process_start(os.getpid())}
    return json.dumps({"written": written, **owner}).encode()
