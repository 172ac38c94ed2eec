"""Sums of tidy rows by kind and boundary, and by other columns, in the columns of pandas."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from footprint.errors import FootprintError, UnknownNameError
from footprint.fleet.columns import NAMED, NUMBERS
from footprint.plain_text import in_line
from footprint.results.fleet import Ends, FleetTotal
from footprint.results.report_columns import AMOUNTS
from footprint.vocabulary import ENDS, KINDS

if TYPE_CHECKING:
    import pandas as pd

MOST_GROUPS = 100_000
"""Most groups of one report; each is a row that is kept, sorted and written."""
_APART = ["kind", "boundary"]
_SUMS = [*NUMBERS, *(f"{name}_{end}" for name in AMOUNTS for end in ENDS)]
_WASTES = ["failed_energy_kwh", "restarted_energy_kwh", "wasted_co2e_kg", "wasted_cost_usd"]
_COUNTS = ["runs", "rows_count", "failed_runs", *(f"{name}_count" for name in (*AMOUNTS, *NUMBERS))]
_COUNTED = {f"{name}_mid": f"{name}_count" for name in AMOUNTS} | {name: f"{name}_count" for name in NUMBERS}
"""Column -> that of how many rows have a number in it."""
CALENDAR = {"month": 7, "year": 4, "day": 10}
"""Of a time such as ``2026-03-01T10:00:00+00:00``: how many characters say the month, the year, the day."""


def partial_sums(frame: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """The sums of some rows, which can be added to those of other rows by `added`.

    Raises:
        UnknownNameError: no row has one of the columns.
    """
    keys = [*_APART, *by]
    rows = frame.assign(**{name: _key(frame, name) for name in by})
    energy, co2e, cost = (rows[f"{name}_mid"].fillna(0.0) for name in AMOUNTS)
    wasted = rows["failed_share"] + rows["restarted_share"]
    rows = rows.assign(
        failed_energy_kwh=energy * rows["failed_share"],
        restarted_energy_kwh=energy * rows["restarted_share"],
        wasted_co2e_kg=co2e * wasted,
        wasted_cost_usd=cost * wasted,
        failed_runs=rows["failed"].astype("int64"),
    )
    # A run of several rows counts once in each group; the others need not be looked at.
    several = rows.loc[rows["several"], [*keys, "run"]]
    later = several.index[(several.duplicated() & (several["run"] != "")).to_numpy()]
    runs = rows["runs_in_row"]
    rows = rows.assign(runs=runs.where(~rows.index.isin(later), 0.0) if len(later) else runs)
    groups = rows.groupby(keys, observed=True, dropna=False, sort=False)
    _refuse_many(groups.ngroups, by)
    sums = groups[[*_SUMS, *_WASTES, "runs", "failed_runs"]].sum()
    known = groups[[*_COUNTED]].count().rename(columns=_COUNTED)
    sums = sums.assign(rows_count=groups.size()).join(known)
    moments = groups["started_at"].agg(["min", "max"]).rename(columns={"min": "first", "max": "last"})
    return sums.join(moments).reset_index()


def sums_and_groups(frame: pd.DataFrame, by: Sequence[str]) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    """The sums of some rows by kind and boundary, and those by ``by`` too where it names a column."""
    if not by:
        return partial_sums(frame, ()), None
    groups = partial_sums(frame, by)
    # A run of several rows may be in several groups, and counts once in all of them together.
    whole = partial_sums(frame, ()) if frame["several"].any() else _summed([groups], ())
    return whole, groups


def added(parts: Sequence[pd.DataFrame], by: Sequence[str]) -> pd.DataFrame:
    """The sum of partial sums."""
    return parts[0] if len(parts) == 1 else _summed(parts, by)


def _summed(parts: Sequence[pd.DataFrame], by: Sequence[str]) -> pd.DataFrame:
    import pandas as pd

    frame = pd.concat([part.astype(dict.fromkeys((*_APART, *by), "object")) for part in parts])
    groups = frame.groupby([*_APART, *by], observed=True, dropna=False, sort=False)
    _refuse_many(groups.ngroups, by)
    numbers = [*_SUMS, *_WASTES, *_COUNTS]
    return groups[numbers].sum().join(groups.agg(first=("first", "min"), last=("last", "max"))).reset_index()


def _refuse_many(count: int, by: Sequence[str]) -> None:
    if count > MOST_GROUPS:
        raise FootprintError(
            f"`by=` {', '.join(by)} makes more than {MOST_GROUPS:,} groups, the most of a report: name "
            "columns of fewer values, such as month and project; `footprint report INPUTS --rows "
            "-o runs.csv` writes the runs themselves"
        )


def totals_of(sums: pd.DataFrame, by: Sequence[str]) -> tuple[FleetTotal, ...]:
    """Partial sums as records: by kind, then by boundary, then the largest first."""
    found = [_total(row, by) for row in sums.to_dict("records")]
    return tuple(sorted(found, key=lambda one: (
        KINDS.index(one.kind), one.boundary, -(one.energy_kwh.mid if one.energy_kwh else 0.0),
        [str(value) for value in one.by.values()],
    )))  # fmt: skip


def _total(row: dict[Any, Any], by: Sequence[str]) -> FleetTotal:
    def plain(name: str) -> float | None:
        return float(row[name]) if row[f"{name}_count"] else None

    def ends(name: str) -> Ends | None:
        if not row[f"{name}_count"]:
            return None
        return Ends(**{end: float(row[f"{name}_{end}"]) for end in ENDS})

    count = int(row["rows_count"])
    return FleetTotal(
        kind=str(row["kind"]),
        boundary=_word(row["boundary"]) or "unknown",
        by={name: _word(row[name]) for name in by},
        runs=round(row["runs"]),
        rows_count=count,
        first=_word(row["first"]),
        last=_word(row["last"]),
        duration_h=plain("duration_h"),
        accelerator_h=plain("accelerator_h"),
        energy_kwh=ends("energy_kwh"),
        co2e_kg=ends("co2e_kg"),
        co2e_market_kg=plain("co2e_market_kg"),
        cost_usd=ends("cost_usd"),
        without_energy_count=count - int(row["energy_kwh_count"]),
        without_co2e_count=count - int(row["co2e_kg_count"]),
        without_cost_count=count - int(row["cost_usd_count"]),
        failed_runs=int(row["failed_runs"]),
        failed_energy_kwh=float(row["failed_energy_kwh"]),
        restarted_energy_kwh=float(row["restarted_energy_kwh"]),
        wasted_co2e_kg=float(row["wasted_co2e_kg"]),
        wasted_cost_usd=float(row["wasted_cost_usd"]),
    )


def _word(value: Any) -> str | None:
    """A cell as a text of one line; None for an empty one."""
    if value is None or value != value or value == "":
        return None
    if isinstance(value, float) and value == int(value):
        value = int(value)
    return in_line(str(value))[:200]


def _key(frame: pd.DataFrame, name: str) -> Any:
    if name in CALENDAR and name not in frame:
        return frame["started_at"].astype("str").str.slice(0, CALENDAR[name]).astype("category")
    if name not in frame:
        from footprint.catalog.names import nearest

        names = sorted({*frame.columns, *NAMED, *CALENDAR})
        raise UnknownNameError(
            "column", name[:80], nearest(name, names),
            "`by=` project, model, hardware, place, month, status, or any column of the inputs",
        )  # fmt: skip
    return frame[name]
