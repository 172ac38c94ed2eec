"""A folder of Parquet in parts (``month=2026-03/...``): each is summed on its own, and only sums are kept.

So memory holds one part at a time, and the workers of a Dask scheduler may sum the parts. Copies of a
row have the same start, so they lie in the same month and are found there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from footprint.errors import FootprintError
from footprint.fleet.once import once
from footprint.fleet.settings import Settings
from footprint.fleet.sources.parquet import files_of, read_file, rows_in
from footprint.fleet.totals import partial_sums
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


def is_in_parts(path: Path) -> bool:
    """Whether it is a folder with Parquet files in folders such as ``month=2026-03``."""
    return path.is_dir() and any("=" in file.parent.name for file in path.rglob("*.parquet"))


def parts_of(path: Path) -> list[tuple[tuple[str, ...], int, int]]:
    """The files of each part, with which share of its runs to take: (files, share, shares)."""
    by_folder: dict[Path, list[Path]] = {}
    for file in files_of(path):
        by_folder.setdefault(file.parent, []).append(file)
    found = []
    for files in by_folder.values():
        shares = -(-sum(map(rows_in, files)) // MOST_ROWS) or 1
        found += [(tuple(map(str, files)), share, shares) for share in range(shares)]
    return found


def sums_of(path: Path, asked: Asked, scheduler: str | None) -> Iterator[Sums]:
    """The sums of each part, by this process or by the workers of a scheduler that see the same folder."""
    parts: Iterable[tuple[tuple[str, ...], int, int]] = parts_of(path)
    if scheduler is None:
        yield from (part_sums(asked, part) for part in parts)
        return
    from footprint.scheduler import in_order

    yield from in_order(scheduler, part_sums, asked, parts)


def part_sums(asked: Asked, part: tuple[Sequence[str], int, int]) -> Sums:
    """The sums of one part."""
    import pandas as pd

    files, share, shares = part
    frames = []
    for file in files:
        rows = read_file(Path(file), asked.settings)
        if shares > 1:
            rows = rows[pd.util.hash_array(rows["run_id"].astype("str").to_numpy(object)) % shares == share]
        frames.append(rows if asked.kind is None else rows[rows["kind"] == asked.kind])
    frame = frames[0].reset_index(drop=True) if len(frames) == 1 else pd.concat(frames, ignore_index=True)
    if not len(frame):
        return Sums(rows_count=0, total=None, groups=None, notes=())
    rows, notes = once(frame)
    groups = partial_sums(rows.assign(source=str(Path(files[0]).parent)), asked.by) if asked.by else None
    return Sums(rows_count=len(frame), total=partial_sums(rows, ()), groups=groups, notes=tuple(notes))


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
