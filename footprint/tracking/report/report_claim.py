"""Who reports which processes of a launch: a small file beside their journals says that somebody does.

A claim names the processes that its rows cover. It is made exclusively, before the rows are written, and says
afterwards that they are there. What no claim covers can be claimed: a whole launch by the last of its
processes to end, or the rest of one by a process that began after the others had ended and were reported.
What a claimer that was killed had claimed is claimed again as it was, so that its rows are the same ones.
`footprint recover` claims like anybody else.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

from footprint.records import record
from footprint.tracking.journal.fields import sayable
from footprint.tracking.journal.files import own_user
from footprint.tracking.process.liveness import boot_id, process_image, process_start
from footprint.tracking.report.claim_file import Kept, make_exclusively, read_claim, replace_file
from footprint.tracking.totals.process_totals import ProcessTotals
from footprint.tracking.totals.segments import Segment

MOST_CLAIMS, MOST_TRIES = 999_999, 1000
_NAME = re.compile(r"\.reported-(?:([0-9]{1,6})|([0-9a-f]{12})(?:\.[0-9]{1,3})?)")
"""By a number; an earlier version's claim of a whole segment by the segment."""


@record
class Claim:
    """This process's right to report some processes of a segment, and how to say that it is done."""

    path: Path | None
    """None where the folder takes no file: better a row twice than none."""
    processes: tuple[ProcessTotals, ...]
    others: tuple[ProcessTotals, ...]
    """The rest of the segment, whose rows are others."""
    started_at: str
    """What the rows give as their start; no other rows of the run have the same."""
    first: bool
    """Whether nothing of the segment was claimed before."""
    spanning: bool
    """Whether the processes lie in several folders."""

    def settle(self, csvs: Iterable[Path] = ()) -> None:
        """Note that the rows are where they belong."""
        if self.path is not None:
            with contextlib.suppress(OSError):
                replace_file(self.path, self._text(written=True, csvs=list(map(str, csvs))))

    def give_up(self) -> None:
        """Let somebody else report the processes."""
        if self.path is not None:
            with contextlib.suppress(OSError):
                replace_file(self.path, self._text(given_up=True))

    def make(self) -> bool:
        """Whether the claim is this process's: nobody has made one of its number.

        Raises:
            OSError: the folder takes no file.
        """
        return self.path is None or make_exclusively(self.path, self._text())

    def _text(self, **more: object) -> bytes:
        pid = os.getpid()
        said = {
            "written": False, "boot_id": boot_id(), "pid": pid, "process_start": process_start(pid),
            "image": process_image(pid), "started_at": self.started_at, "first": self.first,
            "spanning": self.spanning, "covers": " ".join(map(key_of, self.processes)), **more,
        }  # fmt: skip
        return json.dumps(said).encode()


def key_of(process: ProcessTotals) -> str:
    """What tells a process's part of a run from any other's, in twelve letters."""
    who = process.journal.process
    said = (process.run_id, who.boot_id, who.pid, who.process_start, who.image, who.rank, process.started_s)
    return _short(sayable("|".join(map(str, said))))


class Claims:
    """The claims beside the journals of some segments; those that are settled are read once."""

    def __init__(self) -> None:
        self._settled: dict[Path, Kept] = {}
        self._claimed: set[str] = set()
        """What was claimed here: not again, if it was given up."""

    def claim(
        self, segment: Segment, csvs: Collection[Path] = (), folder: Path | None = None
    ) -> Claim | None:
        """The right to report what nobody reports of a segment; None if there is nothing like that.

        The claim lies in ``folder``, else in that of the first process. Where the processes lie in several
        folders, what one node reported of itself alone counts if its rows are in one of ``csvs``.
        """
        folder = segment.processes[0].journal.path.parent if folder is None else folder
        for _ in range(MOST_TRIES):
            kept, passed = self._beside(segment, folder)
            part = self._open_part(segment, kept, csvs)
            if part is None:
                return None
            number = _next(folder, kept, passed)
            claim = _claim_of(segment, part, kept, folder / f".reported-{number}")
            try:
                made = number <= MOST_CLAIMS and claim.make()
            except OSError:
                self._claimed |= part.covers
                return _claim_of(segment, part, kept, None)
            if not made or claim.path is None:
                continue
            if _highest(folder, self._beside(segment, folder)[0]) <= number:
                _forget_taken_over(kept, part.covers)
                self._claimed |= part.covers
                return claim
            claim.path.unlink(missing_ok=True)  # made from an old list: others have gone on from this number
        return None

    def _open_part(self, segment: Segment, kept: list[Kept], csvs: Collection[Path]) -> Kept | None:
        """What can be claimed next: what a killed claimer had claimed, as it was, then what nobody had."""
        everything, wanted = _keys(segment.processes), set(map(str, csvs))
        if _spans(segment):
            kept = [each for each in kept if each.spanning or wanted & each.csvs]
        left = everything.difference(self._claimed, *(each.covers for each in kept if each.holds))
        dead = next((each for each in kept if not each.holds and each.covers & left), None)
        if dead is not None:
            return dead.of(dead.covers & left)
        first = not any(each.covers & everything for each in kept)
        return Kept(path=Path(), owner=0, covers=left, first=first) if left else None

    def _beside(self, segment: Segment, folder: Path) -> tuple[list[Kept], set[Path]]:
        """The claims beside a segment's journals that may be believed, oldest first, and what is none."""
        believed = {0, own_user(), *(process.journal.owner for process in segment.processes)}
        earlier = _short("|".join(sorted({f"{p.boot_id}/{p.launch}" for p in segment.processes})))
        everything = _keys(segment.processes)
        found, passed = [], set()
        for place in {folder, *(process.journal.path.parent for process in segment.processes)}:
            for path, number, name in _names(place):
                kept = self._settled.get(path) or read_claim(path, number)
                if kept is None or kept.owner not in believed:
                    passed |= {path} if os.path.lexists(path) else set()
                    continue
                if kept.written:
                    self._settled[path] = kept
                if number >= 0:
                    found.append(kept)
                elif name == earlier and kept.holds:
                    found.append(kept.of(everything))
        return sorted(found, key=lambda each: each.number), passed


def _claim_of(segment: Segment, part: Kept, kept: list[Kept], path: Path | None) -> Claim:
    mine = tuple(process for process in segment.processes if key_of(process) in part.covers)
    said = {each.started_at for each in kept if each.holds or not part.started_at}
    return Claim(
        path=path,
        processes=mine,
        others=tuple(process for process in segment.processes if key_of(process) not in part.covers),
        started_at=_not_in(said, part.started_at or Segment([*mine]).started_at),
        first=part.first,
        spanning=_spans(segment),
    )


def _not_in(said: Collection[str], moment: str) -> str:
    """A moment, or the first millisecond after it that nobody gave: rows are told apart by it."""
    with contextlib.suppress(ValueError, OverflowError):  # the last moment that there is
        while moment and moment in said:
            later = datetime.fromisoformat(moment) + timedelta(milliseconds=1)
            moment = later.isoformat(timespec="milliseconds")
    return moment


def _names(folder: Path) -> Iterator[tuple[Path, int, str]]:
    """The files of a folder that are named like claims, with their number (else -1) or their segment."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            found = _NAME.fullmatch(entry.name)
            if found is not None:
                yield folder / entry.name, int(found[1] or -1), found[2] or ""


def _highest(folder: Path, kept: list[Kept]) -> int:
    return max((each.number for each in kept if each.path.parent == folder), default=-1)


def _next(folder: Path, kept: list[Kept], passed: set[Path]) -> int:
    """The number after those of all claims: whoever makes its file has read every one before it."""
    number = _highest(folder, kept) + 1
    while folder / f".reported-{number}" in passed:
        number += 1
    return number


def _forget_taken_over(kept: list[Kept], covers: frozenset[str]) -> None:
    """Remove the claims of killed claimers that a new one stands for."""
    for each in kept:
        if not each.holds and each.covers and each.covers <= covers:
            with contextlib.suppress(OSError):
                each.path.unlink()


def _keys(processes: Iterable[ProcessTotals]) -> frozenset[str]:
    return frozenset(map(key_of, processes))


def _spans(segment: Segment) -> bool:
    return len({process.journal.path.parent for process in segment.processes}) > 1


def _short(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:12]
