"""The step at which every rank stops, published as a file.

The deciding process (rank 0) publishes a step a little in the future as a file in the run's
folder; every process reads it when it flushes, never in ``step()``. Without a folder that all
ranks share nothing can be agreed, so then there are only warnings, and that is said.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import secrets
from pathlib import Path

from footprint.tracking.journal.files import own_user, read_small, write_new
from footprint.tracking.process.identity import Identity, program_of

STOP_FILE = "stop.json"
"""Means every process of the run; a program that shares its supervisor's folder has one of its own."""
MOST_STOP_BYTE, MOST_STEP = 10_000, 2**62
MARGIN_FLUSHES = 3.0
"""Flush intervals between publishing a stop and the step it names: every rank flushes in between."""


def can_agree(who: Identity, folder: Path | None, seen: int, name_is_shared: bool) -> str:
    """Why the ranks cannot agree on a step to stop at; empty when they can."""
    if who.world_size == 1:
        return ""
    if not name_is_shared:
        return "the nodes have no name in common: give run_id= or torchrun's --rdzv-id"
    if folder is None:
        return "there is no journal folder"
    if seen < who.world_size:
        return f"only {seen} of {who.world_size} ranks journal into {folder}: it must be shared by all"
    return ""


def own_stop_file(who: Identity) -> str:
    """Where a launch agrees on its own stop, so that others of the same folder go on."""
    if not who.metered_by_parent:
        return STOP_FILE
    launch = who.launch
    if who.world_size > 1:  # ranks may have begun other runs before, and nodes have parents of their own
        launch = f"{who.job}.{who.restart}" if who.nodes > 1 else program_of(launch)
    return f"stop-{hashlib.sha256(launch.encode()).hexdigest()[:12]}.json"


def publish_stop(
    folder: Path, step: int, why: str, since_s: float = 0.0, name: str = STOP_FILE, owner: int | None = None
) -> int:
    """Write the step to stop at, unless one is written already; the step that holds."""
    target = folder / name
    if read_stop(folder, since_s, name, owner) is None:
        with contextlib.suppress(OSError):  # a folder of that name, or another user's file, stays
            target.unlink(missing_ok=True)  # an earlier segment's, or damaged
    temporary = folder / f".{name}.{os.getpid()}-{secrets.token_hex(4)}"
    try:
        write_new(temporary, json.dumps({"step": step, "why": why}).encode())
        os.link(temporary, target)  # whole, and only if there is none
    except FileExistsError:
        return read_stop(folder, 0.0, name, owner) or step
    except OSError:
        with contextlib.suppress(OSError):
            temporary.replace(target)  # a file system without hard links
        return step
    finally:
        temporary.unlink(missing_ok=True)
    return step


def read_stop(
    folder: Path, since_s: float = 0.0, name: str = STOP_FILE, owner: int | None = None
) -> int | None:
    """The step that was published, if any; what was written before ``since_s`` stopped an earlier segment.

    Only what the run's own user published counts: the ``owner`` of its journal, as the disk knows it.
    """
    try:
        content, status = read_small(folder / name, MOST_STOP_BYTE)
        step = json.loads(content)["step"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    if status.st_mtime < since_s or status.st_uid != (own_user() if owner is None else owner):
        return None
    return step if step.__class__ is int and 0 <= step < MOST_STEP else None


def stop_step(step: int, steps_per_s: float, flush_s: float, world_size: int) -> int:
    """A step late enough that every rank learns of it in time; the next one if there is only one rank."""
    if world_size == 1:
        return step + 1
    return step + max(2, math.ceil(steps_per_s * flush_s * MARGIN_FLUSHES))
