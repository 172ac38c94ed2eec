"""Each run counted once: copies of a row, and rows of a whole run beside the rows of its segments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from footprint.named_tuples import NamedTuple
from footprint.results.report_columns import FORCED, KEYS

if TYPE_CHECKING:
    import pandas as pd

FAILED = ("failed", "killed", "terminated", "interrupted", "incomplete")
"""How a run ended that did not do what it was started for."""
_KEYS = list(KEYS)
_PARTS = r"-(?:launch|part)\d+(?:-part\d+)?$"


class LeftOut(NamedTuple):
    """How many rows were left out, and why; those of parts can be added."""

    copies: int = 0
    differing: int = 0
    segments: int = 0

    def plus(self, other: LeftOut) -> LeftOut:
        """Those of both."""
        return LeftOut(*(one + more for one, more in zip(self, other, strict=True)))

    def notes(self) -> list[str]:
        """What is said of them."""
        found = []
        if self.copies:
            found.append(f"rows left out as copies of others: {self.copies:,}")
        if self.differing:
            found.append(
                f"runs in several inputs with different energies: {self.differing:,}; the row with the most "
                "segments, else the longest one, was taken"
            )
        if self.segments:
            found.append(f"{self.segments:,} rows of segments are part of the row of their whole run")
        return found


def once(frame: pd.DataFrame) -> tuple[pd.DataFrame, LeftOut]:
    """The rows without copies and without what a row of the whole run holds, and what was left out."""
    shared = _shared(frame["run_id"])
    frame, copies, differing = _without_copies(frame, shared)
    frame, segments = _without_segments(frame)
    return _with_waste(frame, shared), LeftOut(copies, differing, segments)


def _shared(runs: pd.Series) -> pd.Series:
    """Whether the run of each row has other rows; most files have one row a run, which is found sooner."""
    import pandas as pd

    if _are_rising(runs) or runs.nunique(dropna=False) == len(runs):
        return pd.Series(False, index=runs.index)
    return runs.duplicated(keep=False)


def _are_rising(runs: pd.Series) -> bool:
    """Whether each name is longer than the one before, or as long and greater, so that no two are the same.

    Names begin with the time of the start, so a file that one program appended to has them in this order.
    To see it takes a tenth of the time of counting different names.
    """
    if getattr(runs.dtype, "storage", None) != "pyarrow":
        return False
    import pyarrow.compute as pc

    cells = runs.array.__arrow_array__()
    before, after = cells[:-1], cells[1:]
    longer = pc.subtract(pc.binary_length(after), pc.binary_length(before))
    greater = pc.and_(pc.equal(longer, 0), pc.greater(after, before))
    return pc.all(pc.or_(pc.greater(longer, 0), greater), skip_nulls=False).as_py() is True


def _without_copies(frame: pd.DataFrame, shared: pd.Series) -> tuple[pd.DataFrame, int, int]:
    """Of rows with the same kind, run and start the one with the most segments, else the longest.

    Also how many rows were left out, and of how many runs the energies differ.
    """
    several = frame[shared]
    several = several[several["run_id"].fillna("").astype("str") != ""]
    several = several[several.duplicated(_KEYS, keep=False)]
    if not len(several):
        return frame, 0, 0
    order = several.sort_values(["segments_count", "duration_h"], ascending=False, kind="stable")
    kept = order.drop_duplicates(_KEYS)
    ends = several.groupby(_KEYS, observed=True)["energy_kwh_mid"].agg(["min", "max"])
    differ = int((ends["max"] > ends["min"] * (1 + 1e-9)).sum())
    copies = several.index.difference(kept.index)
    return frame.drop(index=copies), len(several) - len(kept), differ


def _without_segments(frame: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """A row of n segments stands for the first n rows of its run from its start on; also their number."""
    whole = frame[(frame["segments_count"] > 1) & (frame["kind"] == "measurement")]
    if not len(whole):
        return frame, 0
    known = frame["run_id"].isin(whole["run_id"]) & (frame["kind"] == "measurement")
    drop: list[Any] = []
    for _, rows in frame[known].sort_values("started_at").groupby("run_id", observed=True):
        if len(rows) < 2:
            continue
        best = rows.sort_values(["segments_count", "duration_h"], ascending=False).iloc[0]
        beside = rows[(rows["started_at"] >= best["started_at"]) & (rows.index != best.name)]
        drop += list(beside.index[: int(best["segments_count"]) - 1])
    return frame.drop(index=drop), len(drop)


def _with_waste(frame: pd.DataFrame, shared: pd.Series) -> pd.DataFrame:
    """The rows with the shares of their energy that failed or was done again after a restart.

    ``shared`` marks the rows of runs that had several before copies were left out.
    """
    import numpy as np

    run = frame["run_id"].astype("str")
    candidates = shared.loc[frame.index].to_numpy() if shared.any() else np.zeros(len(frame), dtype=bool)
    slurm = run.str.startswith("slurm-", na=False)
    if slurm.any():
        run = run.where(~slurm, run.str.replace(_PARTS, "", regex=True))
        candidates = candidates | slurm.to_numpy()  # each row of a Slurm job has a run id of its own
    several = np.zeros(len(frame), dtype=bool)
    if candidates.any():
        several[candidates] = run[candidates].duplicated(keep=False).to_numpy()
    status = frame["status"]  # an estimate of Slurm's jobs has one, too
    ran = (status.notna() & (status != FORCED)).to_numpy()
    ended, completed = frame["status"].isin(FAILED).to_numpy(), (frame["status"] == "completed").to_numpy()
    followed = np.zeros(len(frame), dtype=bool)
    again = ran & several
    if again.any():
        part = frame.loc[again, ["kind", "started_at"]].astype("str").assign(run=run[again])
        last = part.groupby(["kind", "run"], observed=True)["started_at"].transform("max")
        followed[again] = (part["started_at"] < last).to_numpy()
    restarted = followed & ~completed
    failed = ended & ~followed
    return frame.assign(
        run=run,
        several=several,
        failed=failed,
        failed_share=np.where(failed, 1.0, np.where(ran, 0.0, frame["failed_share"])),
        restarted_share=np.where(restarted, 1.0, np.where(failed, 0.0, frame["restarted_share"])),
    )
