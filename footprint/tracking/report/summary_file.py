"""One run of a list, and the file beside its journals that keeps it."""

from __future__ import annotations

import contextlib
import functools
import os
import secrets
from binascii import crc32
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from footprint.catalog.files import user_folder
from footprint.catalog.version import DATA_VERSION, footprint_version
from footprint.records import record
from footprint.results.measurement import Measurement
from footprint.results.quantity import Quantity
from footprint.results.report_columns import AMOUNTS
from footprint.tracking.journal.codec import decode, encode, undamaged
from footprint.tracking.journal.fields import MOST_COUNT, Fields
from footprint.tracking.journal.files import read_small, write_new
from footprint.tracking.totals.process_totals import ProcessTotals

FILE = ".summary"
VERSION = 2
MOST_BYTE = 1 << 20


@record
class Amount:
    """A quantity in a list: its middle and its 90 % interval."""

    low: float
    mid: float
    high: float


@record
class Window:
    """When a process ran, by its machine's boot clock [s]."""

    boot_id: str
    started_s: float
    last_s: float


@record
class Listed:
    """One run of a list, as text or as the whole measurement."""

    run_id: str
    status: str
    started_wall_s: float
    duration_h: float
    energy_kwh: Amount | None
    steps: int
    name: str = ""
    model: str = ""
    hardware: str = ""
    """``NAME:COUNT``; empty where it is unknown, or not on the machine."""
    co2e_kg: Amount | None = None
    cost_usd: Amount | None = None
    windows: tuple[Window, ...] = ()
    beside: tuple[str, ...] = ()
    """The runs that shared a machine with it, each with the state of its files."""
    whole: bytes = b""
    """The line that holds the measurement."""

    def measurement(self) -> dict[str, Any]:
        """The measurement as JSON values."""
        return dict((decode(self.whole) or {}).get("measurement") or {})


def state_of(paths: Iterable[Path]) -> str:
    """What tells that one of some files has changed."""
    parts = []
    for path in paths:
        with contextlib.suppress(OSError):
            status = os.lstat(path)
            parts.append(f"{path.name} {status.st_size} {status.st_mtime_ns} {status.st_ino}")
    return f"{crc32(chr(10).join(parts).encode('utf-8', 'replace')):08x}-{len(parts)}"


@functools.cache
def _made_by() -> str:
    """The versions of program and data that a summary is made with; another one needs a new summary."""
    files = sorted(str(path) for path in user_folder().rglob("*")) if user_folder().is_dir() else []
    return f"{VERSION} {footprint_version()} {DATA_VERSION} {state_of(map(Path, files))}"


def _amount(quantity: Quantity | None) -> Amount | None:
    return None if quantity is None else Amount(low=quantity.low, mid=quantity.mid, high=quantity.high)


def _ends(amount: Amount | None) -> list[float]:
    return [] if amount is None else [amount.low, amount.mid, amount.high]


def _amount_of(ends: Sequence[float]) -> Amount | None:
    return Amount(low=ends[0], mid=ends[1], high=ends[2]) if len(ends) == 3 else None


def listed_of(measurement: Measurement, group: Sequence[ProcessTotals], beside: tuple[str, ...]) -> Listed:
    """A run as a list shows it."""
    cluster = measurement.cluster
    return Listed(
        run_id=measurement.run_id,
        status=measurement.status,
        started_wall_s=min(process.started_wall_s for process in group),
        duration_h=measurement.duration_h.mid,
        **{name: _amount(getattr(measurement, name)) for name in AMOUNTS},
        name=measurement.name,
        model="" if measurement.model is None else measurement.model.name,
        hardware="" if cluster is None else f"{cluster.accelerator}:{cluster.count}",
        steps=int(measurement.workload.steps or 0),
        windows=tuple(Window(boot_id=p.boot_id, started_s=p.started_s, last_s=p.last_s) for p in group),
        beside=beside,
        whole=encode({"measurement": measurement.to_json()}),
    )


def write_summary(run: Listed, folder: Path, state: str) -> None:
    """Keep a run in its folder, with the state of the journals that say it."""
    head = {
        "made_by": _made_by(), "state": state, "run_id": run.run_id, "status": run.status,
        "started_wall_s": run.started_wall_s, "duration_h": run.duration_h, "steps": run.steps,
        "name": run.name, "model": run.model, "hardware": run.hardware,
        **{name: _ends(getattr(run, name)) for name in AMOUNTS},
        "windows": [[w.boot_id, w.started_s, w.last_s] for w in run.windows], "beside": list(run.beside),
    }  # fmt: skip
    part = folder / f"{FILE}.{os.getpid()}-{secrets.token_hex(4)}"
    with contextlib.suppress(OSError):
        try:
            write_new(part, encode(head) + run.whole)
            part.replace(folder / FILE)
        finally:
            part.unlink(missing_ok=True)


class OutdatedError(Exception):
    """A summary that does not fit its journals."""


def read_summary(folder: Path, state: str) -> Listed:
    """The summary of a folder, if it fits the journals there.

    Raises:
        OSError: there is none.
        OutdatedError: it does not fit, or says what cannot be.
    """
    first, _, whole = read_small(f"{folder}/{FILE}", MOST_BYTE)[0].partition(b"\n")
    wrong: list[str] = []
    head = Fields(decode(first) or {}, wrong)
    if undamaged(whole) is None or head.text("state") != state or head.text("made_by") != _made_by():
        raise OutdatedError
    windows = []
    for boot, *times in head.rows("windows", 3):
        window = Fields({"boot": boot, "times": times}, wrong)
        started_s, last_s = window.numbers("times") or (0.0, 0.0)
        windows.append(Window(boot_id=window.text("boot"), started_s=started_s, last_s=last_s))
    listed = Listed(
        run_id=head.text("run_id"),
        status=head.text("status"),
        started_wall_s=head.number("started_wall_s"),
        duration_h=head.number("duration_h", most=MOST_COUNT),
        **{name: _amount_of(head.numbers(name)) for name in AMOUNTS},
        name=head.text("name"),
        model=head.text("model"),
        hardware=head.text("hardware"),
        steps=head.count("steps"),
        windows=tuple(windows),
        beside=head.texts("beside"),
        whole=whole,
    )
    if wrong:
        raise OutdatedError
    return listed
