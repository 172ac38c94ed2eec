"""Lists of thousands of runs: what a finished run amounts to is kept beside its journals.

A summary is nothing but a copy of what the journals say, and is made anew where it does not fit them any
more: it names the files that it was made of, by size and time, the version and the data that made it, and the
runs that shared the machine. It may be deleted at any time.
"""

from __future__ import annotations

import contextlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from footprint.records import record
from footprint.results.measurement import Measurement
from footprint.tracking.journal.files import journal_files
from footprint.tracking.report.archive import Archive, archive_of, check_folder
from footprint.tracking.report.neighbours import Neighbours
from footprint.tracking.report.run_report import report_on
from footprint.tracking.report.summary_file import (
    Listed,
    OutdatedError,
    listed_of,
    read_summary,
    state_of,
    write_summary,
)
from footprint.tracking.totals.process_totals import RUNNING, ProcessTotals, read_processes


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
    return listed_of(report_on(run_id, group, others).measurement, group, _beside(others, processes.state_of))


def _places(folder: Path, problems: list[str]) -> Iterable[_Place]:
    check_folder(folder)
    paths, wrong = journal_files(folder)
    problems += wrong
    by_folder: dict[Path, list[Path]] = defaultdict(list)
    for path in paths:
        by_folder[path.parent].append(path)
    for place, inside in by_folder.items():
        yield _Place(folder=place, paths=tuple(inside), state=state_of(inside))


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
        with contextlib.suppress(OSError, OutdatedError):
            found[place.folder] = read_summary(place.folder, place.state)
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


def keep_summary(measurement: Measurement, group: Sequence[ProcessTotals]) -> None:
    """Keep what a run amounts to whose processes have just ended, alone on their machine."""
    folder = group[0].journal.path.parent
    paths = journal_files(folder)[0]
    if {path.parent for path in paths} == {folder} and len(paths) == len(group) and _is_over(group):
        write_summary(listed_of(measurement, group, ()), folder, state_of(paths))


def _is_over(group: Sequence[ProcessTotals]) -> bool:
    """Whether nothing will be added to a run: no process of it lives, and no other node may be part of it."""
    one_node = all(process.nodes == 1 or not process.job for process in group)
    return one_node and all(process.status != RUNNING for process in group)


def _keep(run: Listed, group: Sequence[ProcessTotals], processes: _Loaded) -> None:
    """Keep the summary of a run that is over and whose folder holds nothing else."""
    folder = group[0].journal.path.parent
    if _is_over(group) and processes.alone_in(folder, group):
        write_summary(run, folder, processes.state_of(group[0]))
