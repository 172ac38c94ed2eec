"""Each run counted once: copies of a row, and rows of a whole run beside the rows of its segments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from footprint.results.report_columns import FORCED

if TYPE_CHECKING:
    import pandas as pd

FAILED = ("failed", "killed", "terminated", "interrupted", "incomplete")
"""How a run ended that did not do what it was started for."""
_KEYS = ["kind", "run_id", "started_at"]
_PARTS = r"-(?:launch|part)\d+(?:-part\d+)?$"


def once(frame: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """The rows without copies and without what a row of the whole run holds, and what was left out."""
    notes: list[str] = []
    shared = _shared(frame["run_id"])
    frame = _without_copies(frame, shared, notes)
    frame = _without_segments(frame, notes)
    return _with_waste(frame, shared), notes


def _shared(runs: pd.Series) -> pd.Series:
    """Whether the run of each row has other rows; most files have one row a run, which is found sooner."""
    import pandas as pd

    if runs.nunique(dropna=False) == len(runs):
        return pd.Series(False, index=runs.index)
    return runs.duplicated(keep=False)


def _without_copies(frame: pd.DataFrame, shared: pd.Series, notes: list[str]) -> pd.DataFrame:
    """Of rows with the same kind, run and start the one with the most segments, else the longest."""
    several = frame[shared]
    several = several[several["run_id"].fillna("").astype("str") != ""]
    several = several[several.duplicated(_KEYS, keep=False)]
    if not len(several):
        return frame
    order = several.sort_values(["segments_count", "duration_h"], ascending=False, kind="stable")
    kept = order.drop_duplicates(_KEYS)
    ends = several.groupby(_KEYS, observed=True)["energy_kwh_mid"].agg(["min", "max"])
    differ = int((ends["max"] > ends["min"] * (1 + 1e-9)).sum())
    notes.append(f"rows left out as copies of others: {len(several) - len(kept):,}")
    if differ:
        notes.append(
            f"runs in several inputs with different energies: {differ:,}; the row with the most segments, "
            "else the longest one, was taken"
        )
    return frame.drop(index=several.index.difference(kept.index))


def _without_segments(frame: pd.DataFrame, notes: list[str]) -> pd.DataFrame:
    """A row of n segments stands for the first n rows of its run from its start on."""
    whole = frame[(frame["segments_count"] > 1) & (frame["kind"] == "measurement")]
    if not len(whole):
        return frame
    known = frame["run_id"].isin(whole["run_id"]) & (frame["kind"] == "measurement")
    drop: list[Any] = []
    for _, rows in frame[known].sort_values("started_at").groupby("run_id", observed=True):
        if len(rows) < 2:
            continue
        best = rows.sort_values(["segments_count", "duration_h"], ascending=False).iloc[0]
        beside = rows[(rows["started_at"] >= best["started_at"]) & (rows.index != best.name)]
        drop += list(beside.index[: int(best["segments_count"]) - 1])
    if drop:
        notes.append(f"{len(drop):,} rows of segments are part of the row of their whole run")
    return frame.drop(index=drop)


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
        candidates = candidates | slurm.to_numpy()  # rows of one job have runs of their own
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
