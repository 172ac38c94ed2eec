"""Lists of thousands of runs: what a finished run amounts to is kept beside its journals.

A summary is nothing but a copy of what the journals say, and is made anew where it does not fit them any
more: it names the files that it was made of, by size and time, the version and the data that made it, and the
runs that shared the machine. It may be deleted at any time.
"""

from __future__ import annotations

import contextlib
import functools
import os
import secrets
from binascii import crc32
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from footprint.catalog.files import user_folder
from footprint.catalog.version import DATA_VERSION, footprint_version
from footprint.records import record
from footprint.results.measurement import Measurement
from footprint.tracking.journal.codec import decode, encode, undamaged
from footprint.tracking.journal.fields import MOST_COUNT, Fields
from footprint.tracking.journal.files import journal_files, read_small
from footprint.tracking.report.archive import Archive, archive_of, check_folder
from footprint.tracking.report.neighbours import Neighbours
from footprint.tracking.report.run_report import report_on
from footprint.tracking.totals.process_totals import RUNNING, ProcessTotals, read_processes

FILE = ".summary"
VERSION = 1
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
    windows: tuple[Window, ...] = ()
    beside: tuple[str, ...] = ()
    """The runs that shared a machine with it, each with the state of its files."""
    whole: bytes = b""
    """The line that holds the measurement."""

    def measurement(self) -> dict[str, Any]:
        """The measurement as JSON values."""
        return dict((decode(self.whole) or {}).get("measurement") or {})


@record
class _Place:
    """One folder that has journals in it, and their state."""

    folder: Path
    paths: tuple[Path, ...]
    state: str


def list_runs(folders: Sequence[Path]) -> tuple[list[Listed], list[str]]:
    """Every run below some folders, oldest first, and a line for each thing that is wrong.

    Raises:
        FootprintError: a folder that does not exist.
    """
    problems: list[str] = []
    places = [place for folder in folders for place in _places(folder, problems)]
    known = _known(places)
    processes = _Loaded(problems)
    for place in places:
        if place.folder not in known:
            processes.load(place)
    _forget_changed(places, known, processes)
    archive = archive_of(processes.all(), problems)
    listed = list(known.values())
    for run_id, group in archive.runs.items():
        folders_of_it = {process.journal.path.parent for process in group}
        if folders_of_it & known.keys():
            continue  # read only as the neighbour of another one
        made = archive.attempt(group, partial(_entry, archive, run_id, processes))
        if made is not None:
            listed.append(made)
            _keep(made, group, processes)
    return sorted(listed, key=lambda run: (run.started_wall_s, run.run_id)), archive.problems


def _entry(archive: Archive, run_id: str, processes: _Loaded) -> Listed:
    group = archive.runs[run_id]
    others = archive.beside(run_id, group)
    return _listed(report_on(run_id, group, others).measurement, group, _beside(others, processes.state_of))


def _places(folder: Path, problems: list[str]) -> Iterable[_Place]:
    check_folder(folder)
    paths, wrong = journal_files(folder)
    problems += wrong
    by_folder: dict[Path, list[Path]] = defaultdict(list)
    for path in paths:
        by_folder[path.parent].append(path)
    for place, inside in by_folder.items():
        yield _Place(folder=place, paths=tuple(inside), state=_state(inside))


def _state(paths: Iterable[Path]) -> str:
    """What tells that one of some files has changed."""
    parts = []
    for path in paths:
        with contextlib.suppress(OSError):
            status = os.lstat(path)
            parts.append(f"{path.name} {status.st_size} {status.st_mtime_ns} {status.st_ino}")
    return f"{crc32(chr(10).join(parts).encode('utf-8', 'replace')):08x}-{len(parts)}"


class _Loaded:
    """The processes that were read, by folder; each folder once."""

    def __init__(self, problems: list[str]) -> None:
        self._problems = problems
        self._by_folder: dict[Path, list[ProcessTotals]] = {}
        self._states: dict[Path, str] = {}

    def load(self, place: _Place) -> None:
        """Read the journals of a folder."""
        if place.folder in self._by_folder:
            return
        self._states[place.folder] = place.state
        self._by_folder[place.folder] = read_processes(place.paths, self._problems)

    def all(self) -> list[ProcessTotals]:
        """Every process that was read."""
        return [process for group in self._by_folder.values() for process in group]

    def state_of(self, process: ProcessTotals) -> str:
        """The state of the files that a process stands in."""
        return self._states[process.journal.path.parent]

    def alone_in(self, folder: Path, group: Sequence[ProcessTotals]) -> bool:
        """Whether a folder holds these processes and no others, nor a file that could not be read."""
        return {id(p) for p in self._by_folder[folder]} == {id(p) for p in group} and self._states[
            folder
        ].endswith(f"-{len(group)}")


def _beside(others: Iterable[ProcessTotals], state_of: Any) -> tuple[str, ...]:
    return tuple(sorted({f"{other.run_id} {state_of(other)}" for other in others}))


def _known(places: Sequence[_Place]) -> dict[Path, Listed]:
    """The summaries that fit their journals, by folder."""
    found: dict[Path, Listed] = {}
    for place in places:
        with contextlib.suppress(OSError, _OutdatedError):
            found[place.folder] = _read(place)
    several = Counter(run.run_id for run in found.values())
    folders = Counter(place.folder.name for place in places)
    return {folder: run for folder, run in found.items() if several[run.run_id] == 1 == folders[folder.name]}


def _forget_changed(places: Sequence[_Place], known: dict[Path, Listed], processes: _Loaded) -> None:
    """Leave out the summaries whose neighbours are others by now, and read what they need."""
    by_folder = {place.folder: place for place in places}
    by_run = {run.run_id: by_folder[folder] for folder, run in known.items()}
    windows: dict[str, list[Any]] = {run.run_id: list(run.windows) for run in known.values()}
    owners: dict[int, tuple[str, str]] = {}
    for run in known.values():
        owners |= {id(window): (run.run_id, by_run[run.run_id].state) for window in run.windows}
    for process in processes.all():
        windows.setdefault(process.run_id, []).append(process)
        owners[id(process)] = process.run_id, processes.state_of(process)
    near = Neighbours(windows)
    changed: set[str] = set()
    needed: set[str] = set()
    for run in known.values():
        others = {owners[id(other)] for other in near.of(run.run_id, windows[run.run_id])}
        if tuple(sorted(f"{name} {state}" for name, state in others)) != run.beside:
            changed.add(run.run_id)
            needed |= {name for name, _ in others}
    for process in processes.all():
        needed |= {owners[id(other)][0] for other in near.of(process.run_id, [process])}
    for run_id in changed | (needed & by_run.keys()):
        processes.load(by_run[run_id])
    for run_id in changed:
        del known[by_run[run_id].folder]


# ------------------------------------------------------------------------ the file


@functools.cache
def _made_by() -> str:
    """The version and the data that a summary is made with: others would say something else."""
    files = sorted(str(path) for path in user_folder().rglob("*")) if user_folder().is_dir() else []
    return f"{VERSION} {footprint_version()} {DATA_VERSION} {_state(map(Path, files))}"


def keep_summary(measurement: Measurement, group: Sequence[ProcessTotals]) -> None:
    """Keep what a run amounts to whose processes have just ended, alone on their machine."""
    folder = group[0].journal.path.parent
    paths = journal_files(folder)[0]
    if {path.parent for path in paths} == {folder} and len(paths) == len(group) and _is_over(group):
        _write(_listed(measurement, group, ()), folder, _state(paths))


def _is_over(group: Sequence[ProcessTotals]) -> bool:
    """Whether nothing will be added to a run: no process of it lives, and no other node may be part of it."""
    one_node = all(process.nodes == 1 or not process.job for process in group)
    return one_node and all(process.status != RUNNING for process in group)


def _listed(measurement: Measurement, group: Sequence[ProcessTotals], beside: tuple[str, ...]) -> Listed:
    energy = measurement.energy_kwh
    return Listed(
        run_id=measurement.run_id,
        status=measurement.status,
        started_wall_s=min(process.started_wall_s for process in group),
        duration_h=measurement.duration_h.mid,
        energy_kwh=None if energy is None else Amount(low=energy.low, mid=energy.mid, high=energy.high),
        steps=int(measurement.workload.steps or 0),
        windows=tuple(Window(boot_id=p.boot_id, started_s=p.started_s, last_s=p.last_s) for p in group),
        beside=beside,
        whole=encode({"measurement": measurement.to_json()}),
    )


def _keep(run: Listed, group: Sequence[ProcessTotals], processes: _Loaded) -> None:
    """Keep the summary of a run that is over and whose folder holds nothing else."""
    folder = group[0].journal.path.parent
    if _is_over(group) and processes.alone_in(folder, group):
        _write(run, folder, processes.state_of(group[0]))


def _write(run: Listed, folder: Path, state: str) -> None:
    head = {
        "made_by": _made_by(), "state": state, "run_id": run.run_id, "status": run.status,
        "started_wall_s": run.started_wall_s, "duration_h": run.duration_h, "steps": run.steps,
        "energy_kwh": [] if run.energy_kwh is None else [
            run.energy_kwh.low, run.energy_kwh.mid, run.energy_kwh.high
        ],
        "windows": [[w.boot_id, w.started_s, w.last_s] for w in run.windows], "beside": list(run.beside),
    }  # fmt: skip
    part = folder / f"{FILE}.{os.getpid()}-{secrets.token_hex(4)}"
    with contextlib.suppress(OSError):
        try:
            part.write_bytes(encode(head) + run.whole)
            part.replace(folder / FILE)
        finally:
            part.unlink(missing_ok=True)


class _OutdatedError(Exception):
    """A summary that does not fit its journals."""


def _read(place: _Place) -> Listed:
    """The summary of a folder, if it fits the journals there.

    Raises:
        OSError: there is none.
        _OutdatedError: it does not fit, or says what cannot be.
    """
    first, _, whole = read_small(f"{place.folder}/{FILE}", MOST_BYTE)[0].partition(b"\n")
    wrong: list[str] = []
    head = Fields(decode(first) or {}, wrong)
    if undamaged(whole) is None or head.text("state") != place.state or head.text("made_by") != _made_by():
        raise _OutdatedError
    energy = head.numbers("energy_kwh")
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
        energy_kwh=Amount(low=energy[0], mid=energy[1], high=energy[2]) if len(energy) == 3 else None,
        steps=head.count("steps"),
        windows=tuple(windows),
        beside=head.texts("beside"),
        whole=whole,
    )
    if wrong:
        raise _OutdatedError
    return listed
