"""A folder of Parquet in parts (``month=2026-03/...``): each is summed on its own, and only sums are kept.

So memory holds one part at a time, and the workers of a Dask scheduler may sum the parts. A run that is in
several parts, as a copy or with another segment, is found by its hash and counted once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from footprint.errors import FootprintError
from footprint.fleet.across import Seen, run_hashes
from footprint.fleet.once import once
from footprint.fleet.settings import Settings
from footprint.fleet.sources.parquet import files_of, read_file, rows_in
from footprint.fleet.totals import sums_and_groups
from footprint.records import record

if TYPE_CHECKING:
    import pandas as pd

MOST_ROWS = 4_000_000
"""Of a part that is read at once; a larger one is read several times, each time a share of its runs."""


@record
class Asked:
    """What each part is summed for."""

    by: tuple[str, ...]
    kind: str | None
    settings: Settings


@record
class Sums:
    """The sums of one part, in total and by group; None where no row of it was of the kind."""

    rows_count: int
    total: pd.DataFrame | None
    groups: pd.DataFrame | None
    notes: tuple[str, ...]
    hashes: Any = None
    """Of the runs of the part, each once."""
    apart: Any = None
    """The rows of runs that are in other parts too, which the sums lack."""


Part = tuple[tuple[str, ...], int, int]


def is_in_parts(path: Path) -> bool:
    """Whether it is a folder with Parquet files in folders such as ``month=2026-03``."""
    return path.is_dir() and any("=" in file.parent.name for file in path.rglob("*.parquet"))


def parts_of(path: Path) -> list[Part]:
    """The files of each part, with which share of its runs to take: (files, share, shares)."""
    by_folder: dict[Path, list[Path]] = {}
    for file in files_of(path):
        by_folder.setdefault(file.parent, []).append(file)
    found = []
    for files in by_folder.values():
        shares = -(-sum(map(rows_in, files)) // MOST_ROWS) or 1
        found += [(tuple(map(str, files)), share, shares) for share in range(shares)]
    return found


def sums_of(path: Path, asked: Asked, scheduler: str | None) -> list[Sums]:
    """The sums of each part, by this process or by the workers of a scheduler that see the same folder.

    The parts that have a run in common are read again: the rows of these runs are summed together.
    """
    parts = parts_of(path)
    with Seen() as seen:
        found = []
        for one in _each(asked, [(part, None) for part in parts], scheduler):
            if one.hashes is not None:
                seen.add(one.hashes)
            found.append(replace(one, hashes=None))
        shared = seen.in_several()
    if not len(shared):
        return found
    again = [(part, shared) for part in parts]
    found = list(_each(asked, again, scheduler))
    whole = _together([one.apart for one in found if one.apart is not None], asked)
    note = f"{len(shared):,} runs have rows in several parts of {path}; each counts once"
    return [*found, replace(whole, notes=(*whole.notes, note))]


def _each(asked: Asked, work: Sequence[tuple[Part, Any]], scheduler: str | None) -> Iterator[Sums]:
    if scheduler is None:
        yield from (part_sums(asked, one) for one in work)
        return
    from footprint.scheduler import in_order

    yield from in_order(scheduler, part_sums, asked, work)


def part_sums(asked: Asked, work: tuple[Part, Any]) -> Sums:
    """The sums of one part, without the runs of some hashes, whose rows are handed back."""
    import numpy as np
    import pandas as pd

    (files, share, shares), shared = work
    frames = []
    for file in files:
        rows = read_file(Path(file), asked.settings)
        if asked.kind is not None:
            rows = rows[rows["kind"] == asked.kind]
        if shares > 1:
            rows = rows[run_hashes(rows) % np.uint64(shares) == share]
        frames.append(rows)
    frame = frames[0].reset_index(drop=True) if len(frames) == 1 else pd.concat(frames, ignore_index=True)
    if not len(frame):
        return Sums(rows_count=0, total=None, groups=None, notes=())
    frame = frame.assign(source=str(Path(files[0]).parent))
    hashes = run_hashes(frame)
    if shared is None:
        return replace(_summed(frame, asked), hashes=np.unique(hashes[hashes != 0]))
    there = np.isin(hashes, shared)
    apart = frame[there] if there.any() else None
    rest = frame[~there].reset_index(drop=True)
    if not len(rest):
        return Sums(rows_count=0, total=None, groups=None, notes=(), apart=apart)
    return replace(_summed(rest, asked), apart=apart)


def _together(frames: Sequence[pd.DataFrame], asked: Asked) -> Sums:
    """The sums of the runs that several parts have rows of."""
    import pandas as pd

    return _summed(pd.concat(frames, ignore_index=True), asked)


def _summed(frame: pd.DataFrame, asked: Asked) -> Sums:
    rows, notes = once(frame)
    total, groups = sums_and_groups(rows, asked.by)
    return Sums(rows_count=len(frame), total=total, groups=groups, notes=tuple(notes))


def alone(inputs: Sequence[Path]) -> bool:
    """Whether the inputs are one folder in parts; FootprintError if it stands beside others."""
    if not any(map(is_in_parts, inputs)):
        return False
    if len(inputs) > 1:
        raise FootprintError(
            f"{inputs[0]}: a folder of Parquet in parts is reported alone, because its runs are not compared "
            "with those of other inputs"
        )
    return True
