"""A folder of Parquet in parts (``month=2026-03/...``): each is summed on its own, and only sums are kept.

A part is as many row groups of one folder as have at most `MOST_ROWS` rows. So memory holds one part at a
time, and the workers of a Dask scheduler may sum the parts. A run that is in several parts, as a copy or with
another segment, is found by its hash and counted once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any

from footprint.errors import DataFileError, FootprintError
from footprint.fleet.across import Apart, Seen, each_once, run_hashes
from footprint.fleet.columns import joined
from footprint.fleet.long_texts import text_bytes
from footprint.fleet.once import LeftOut, once
from footprint.fleet.settings import Settings
from footprint.fleet.sources.parquet import files_of, read_batches, rows_of_groups
from footprint.fleet.totals import MOST_GROUPS, added, sums_and_groups
from footprint.records import record

if TYPE_CHECKING:
    import pandas as pd

MOST_ROWS = 500_000
"""Of a part; a row group with more is read several times, each time a share of its runs."""
MOST_TEXT_BYTES = 256 << 20
"""Most bytes of the texts of a part: 500 for each row of the largest part."""
MOST_SHARES = 1_000
"""Of one row group; what says that it has more rows than all these shares holds no runs."""


@record
class Asked:
    """What the report asks of each part."""

    by: tuple[str, ...]
    kind: str | None
    settings: Settings
    shared: Any = None
    """The hashes of the runs whose rows are handed back and not summed; None at first, when none is known."""


@record
class Sums:
    """The sums of one part, in total and by group; None where no row of it was of the kind."""

    rows_count: int
    total: pd.DataFrame | None
    groups: pd.DataFrame | None
    left_out: LeftOut = LeftOut()
    hashes: Any = None
    """Of the runs of the part, each once."""
    apart: Any = None
    """The rows of runs that are in other parts too, which the sums lack."""


Piece = tuple[str, tuple[int, ...]]
"""A file and some of its row groups."""
Part = tuple[tuple[Piece, ...], int, int]
"""What is read, and which share of its runs is taken, of how many."""


def is_in_parts(path: Path) -> bool:
    """Whether it is a folder with Parquet files in folders such as ``month=2026-03``."""
    return path.is_dir() and any("=" in file.parent.name for file in path.rglob("*.parquet"))


def parts_of(path: Path) -> list[Part]:
    """The parts of a folder, in the order of its files."""
    by_folder: dict[Path, list[Path]] = {}
    for file in files_of(path):
        by_folder.setdefault(file.parent, []).append(file)
    return [part for files in by_folder.values() for part in _parts_of_files(files)]


def _parts_of_files(files: Sequence[Path]) -> Iterator[Part]:
    pieces: list[Piece] = []
    rows = 0
    for file in files:
        for number, count in enumerate(rows_of_groups(file)):
            if not count:
                continue
            shares = -(-count // MOST_ROWS)
            if shares > MOST_SHARES:
                raise DataFileError(f"{file}: a row group of {count:,} rows, which cannot be runs")
            if pieces and rows + count > MOST_ROWS:
                yield tuple(pieces), 0, 1
                pieces, rows = [], 0
            if shares > 1:
                yield from ((((str(file), (number,)),), share, shares) for share in range(shares))
                continue
            if pieces and pieces[-1][0] == str(file):
                pieces[-1] = str(file), (*pieces[-1][1], number)
            else:
                pieces.append((str(file), (number,)))
            rows += count
    if pieces:
        yield tuple(pieces), 0, 1


def all_of(found: Sequence[Sums], by: Sequence[str]) -> Sums:
    """The sums of several parts together."""
    totals = [one.total for one in found if one.total is not None]
    groups = [one.groups for one in found if one.groups is not None]
    return Sums(
        rows_count=sum(one.rows_count for one in found),
        total=added(totals, ()) if totals else None,
        groups=added(groups, by) if groups else None,
        left_out=reduce(LeftOut.plus, [one.left_out for one in found], LeftOut()),
    )


def _with(found: list[Sums], one: Sums, by: Sequence[str]) -> list[Sums]:
    """The sums of the parts so far and of one more, added up where they have very many groups."""
    found.append(one)
    count = sum(len(each.groups) for each in found if each.groups is not None)
    return [all_of(found, by)] if count > 2 * MOST_GROUPS else found


def sums_of(path: Path, asked: Asked, scheduler: str | None) -> tuple[Sums, list[str]]:
    """The sums of all parts, and what is said of them.

    This process computes them, or the workers of a scheduler that see the same folder.
        Where parts have a run in common, all are read again: the rows of these runs are summed together.
    """
    parts = parts_of(path)
    found: list[Sums] = []
    with Seen() as seen:
        for one in _each(asked, parts, scheduler):
            if one.hashes is not None:
                seen.add(one.hashes)
            found = _with(found, replace(one, hashes=None), asked.by)
        shared = seen.in_several()
    if not len(shared):
        return all_of(found, asked.by), []
    found = []
    with Apart(MOST_ROWS, MOST_TEXT_BYTES) as apart:
        for one in _each(replace(asked, shared=shared), parts, scheduler):
            if one.apart is not None:
                apart.add(one.apart)
            found = _with(found, replace(one, apart=None), asked.by)
        for rows in apart.shares():
            found = _with(found, _summed(rows, asked), asked.by)
    return all_of(found, asked.by), [
        f"{len(shared):,} runs have rows in several parts of {path}; each counts once"
    ]


def _each(asked: Asked, parts: Sequence[Part], scheduler: str | None) -> Iterator[Sums]:
    if scheduler is None:
        yield from (part_sums(asked, part) for part in parts)
        return
    from footprint.scheduler import in_order

    yield from in_order(scheduler, part_sums, asked, parts)


def part_sums(asked: Asked, part: Part) -> Sums:
    """The sums of one part, without the runs of some hashes, whose rows are handed back."""
    import numpy as np
    import pandas as pd

    pieces, share, shares = part
    frames: list[pd.DataFrame] = []
    room = MOST_TEXT_BYTES
    for file, groups in pieces:
        for rows in read_batches(Path(file), asked.settings, groups, MOST_ROWS, room):
            some = rows if asked.kind is None else rows[rows["kind"] == asked.kind]
            frames.append(some if shares == 1 else some[run_hashes(some) % np.uint64(shares) == share])
            room -= text_bytes(frames[-1])
    frame = joined(frames) if frames else pd.DataFrame()
    if not len(frame):
        return Sums(rows_count=0, total=None, groups=None)
    frame = frame.assign(source=str(Path(pieces[0][0]).parent))
    hashes = run_hashes(frame)
    if asked.shared is None:
        return replace(_summed(frame, asked), hashes=each_once(hashes))
    there = np.isin(hashes, asked.shared)
    apart = frame[there] if there.any() else None
    rest = frame[~there].reset_index(drop=True)
    if not len(rest):
        return Sums(rows_count=0, total=None, groups=None, apart=apart)
    return replace(_summed(rest, asked), apart=apart)


def _summed(frame: pd.DataFrame, asked: Asked) -> Sums:
    rows, left_out = once(frame)
    total, groups = sums_and_groups(rows, asked.by)
    return Sums(rows_count=len(frame), total=total, groups=groups, left_out=left_out)


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
