"""Records of Slurm's accounting: one record per launch of a job, with its steps.

A requeued job has several launches with one number. The steps of a launch are never added to it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from footprint.errors import FootprintError
from footprint.records import field, record

NO_VALUE = frozenset({2**32 - 1, 2**32 - 2, 2**64 - 1, 2**64 - 2})
"""Slurm's "no value" and "infinite" of 32 and 64 bits (slurm.h: NO_VAL, INFINITE, NO_VAL64, INFINITE64)."""
WRAPS_AT = 2**32
"""``sacct --json`` before 23.11 cut the joules of a step, a 64-bit number, to 32 bits."""
LATEST_TIME_S = 4_102_444_800
"""1 January 2100; a later time is treated as an error."""
MOST_DEVICES = 10_000_000


@record
class Step:
    """One step of a job: ``batch``, ``extern``, ``interactive`` or a number."""

    name: str
    elapsed_s: float | None = None
    start_s: float | None = None
    nodes: int | None = None
    energy_j: float | None = None
    energy_wraps: bool = False
    """Whether ``energy_j`` is known only up to a multiple of 2^32 J."""


@record
class Job:
    """One launch of a job, an array task or a component of a het job."""

    job_id: str
    """The number as Slurm prints it: ``123``, ``123_4`` (array), ``123+1`` (het job)."""
    raw_id: str
    name: str = ""
    state: str = "UNKNOWN"
    elapsed_s: float | None = None
    devices: Mapping[str, int] = field(default_factory=dict)
    """Number of allocated GPUs by Slurm's type name; the name is empty if Slurm records no type."""
    slices: tuple[str, ...] = ()
    """Allocated parts of GPUs (MIG slices, shards), which are no whole devices."""
    nodes: int | None = None
    node_list: str = ""
    partition: str = ""
    cluster: str = ""
    submit_s: float | None = None
    start_s: float | None = None
    energy_j: float | None = None
    steps: tuple[Step, ...] = ()
    launch: int = 1
    launches: int = 1
    notes: tuple[str, ...] = ()
    """Parts of the record that were not used, with reasons."""

    @property
    def run_id(self) -> str:
        """A name for report rows: ``slurm-123_4``, with ``-launch2`` if the job has several launches."""
        suffix = f"-launch{self.launch}" if self.launches > 1 else ""
        return f"slurm-{self.job_id}{suffix}"

    @property
    def device_count(self) -> int:
        """Whole GPUs that were allocated."""
        return sum(self.devices.values())


# ---------------------------------------------------------------------------------- reading values


def shown(value: object, most: int = 40) -> str:
    """An untrusted text for a message or a table: one line, printable, shortened."""
    text = "".join(char if char.isprintable() else "?" for char in str(value)[: 4 * most])
    return text if len(text) <= most else text[: most - 3] + "..."


def whole(text: str, most: int = 2**64 - 1) -> int | None:
    """A whole number from its digits; None if the text is blank or Slurm's word for no value.

    Raises FootprintError for anything else.
    """
    bare = text.strip()
    if bare in ("", "Unknown", "None", "N/A"):
        return None
    if not (bare.isascii() and bare.isdigit() and len(bare) <= 20 and int(bare) < 2**64):
        raise FootprintError(f"{shown(bare)!r} is not a whole number")
    number = int(bare)
    if number in NO_VALUE:
        return None
    if number > most:
        raise FootprintError(f"{shown(bare)} is too large")
    return number


def seconds(text: str) -> float | None:
    """Seconds of ``ElapsedRaw``, or of an ``Elapsed`` such as ``3-07:12:00`` [s]; None if unknown.

    Raises FootprintError for anything else.
    """
    bare = text.strip()
    if ":" not in bare:
        return whole(bare)
    days, _, clock = bare.rpartition("-")
    parts = [whole(part) for part in (days or "0", *clock.partition(".")[0].split(":"))]
    if len(parts) not in (3, 4) or None in parts:
        raise FootprintError(f"{shown(bare)!r} is not a duration")
    factors = (86400, 3600, 60, 1) if len(parts) == 4 else (86400, 60, 1)
    return float(sum(factor * (part or 0) for factor, part in zip(factors, parts, strict=True)))


def moment(text: str) -> float | None:
    """A date and time as seconds since 1970 [s]; None if it is missing or cannot be read.

    Digits alone are seconds (``SLURM_TIME_FORMAT=%s``). A time without a zone is in the local zone.
    """
    bare = text.strip()
    try:
        if bare.isdigit():
            value = float(whole(bare) or 0)
        else:
            from datetime import datetime

            value = datetime.fromisoformat(bare).timestamp()
    except (FootprintError, ValueError, OverflowError, OSError):
        return None
    return value if 0 < value < LATEST_TIME_S else None


def utc(value: float | None) -> str:
    """A time as ISO 8601 in UTC; empty if unknown."""
    if value is None:
        return ""
    from datetime import UTC, datetime

    return datetime.fromtimestamp(math.floor(value), UTC).isoformat()


def devices_of(tres: Mapping[str, str]) -> tuple[dict[str, int], tuple[str, ...]]:
    """GPUs by type, and parts of GPUs, of a job's trackable resources.

    ``gres/gpu:v100=4,gres/gpu=4`` are four GPUs: the untyped entry is the total. GPUs of the total without
    a typed entry have an empty type. Raises FootprintError for an invalid count.
    """
    typed: dict[str, int] = {}
    slices: list[str] = []
    total = 0
    for key, text in tres.items():
        head, _, kind = key.partition(":")
        if head in ("gres/shard", "gres/mps"):
            slices.append(shown(f"{key}={text}"))
        if head != "gres/gpu":
            continue  # gres/gpumem and gres/gpuutil are no devices
        count = whole(text, MOST_DEVICES) or 0
        if _is_slice(kind):
            slices.append(shown(f"{key}={count}"))
        if kind:
            typed[kind] = count
        else:
            total = count
    untyped = total - sum(typed.values())
    if untyped > 0:
        typed[""] = untyped
    return {kind: n for kind, n in typed.items() if n and not _is_slice(kind)}, tuple(slices)


def _is_slice(kind: str) -> bool:
    """Whether a GPU type names a MIG slice, such as ``a100_3g.20gb`` or ``1g.10gb``."""
    words = kind.lower().replace("-", "_").split("_")
    return any(
        size.endswith("g") and size[:-1].isdigit() and memory.endswith("gb")
        for size, dot, memory in (word.partition(".") for word in words)
        if dot
    )


def tres_of(text: str) -> dict[str, str]:
    """The entries of a text such as ``billing=4,cpu=4,gres/gpu:v100=1``."""
    pairs = (part.rpartition("=") for part in text.split(",") if "=" in part)
    return {key.strip().lower(): value.strip() for key, _, value in pairs}


def json_number(value: Any) -> float | None:
    """A number of ``sacct --json``: plain, or ``{"set", "infinite", "number"}`` of later versions."""
    if isinstance(value, dict):
        if not value.get("set") or value.get("infinite"):
            return None
        value = value.get("number")
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 2**64:
        return None
    return None if value in NO_VALUE else float(value)
