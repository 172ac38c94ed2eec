"""Many runs added up: totals by kind and boundary, and by any columns, as ``footprint report`` says them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from footprint.errors import FootprintError
from footprint.records import names_of, record
from footprint.results.report_columns import AMOUNTS, WORK
from footprint.results.shown import Shown, show_as_text
from footprint.vocabulary import ENDS

if TYPE_CHECKING:
    import pandas as pd

SCHEMA = "footprint/fleet/1"
MOST_RECORDS = 200_000
"""Rows that are made into dictionaries together; each takes 5 kB."""
ROWS_OF_A_PART = 20_000
"""Rows of one part, where they are made some at a time."""
MOST_PAIRS = 500
"""Of runs that are shown beside their estimates."""


@record
class Ends:
    """A sum with the sums of the low and of the high ends of its parts."""

    low: float
    mid: float
    high: float


@record
class FleetInput:
    """One file or folder that was read."""

    name: str
    form: str
    """What it is: ``report-csv``, ``journals``, ``records``, ``codecarbon``, ``slurm``, ``power-log``, ..."""
    rows_count: int
    left_out_count: int = 0
    """Rows that were cut off or that stand for a run that another row stands for."""


@record
class PowerSeries:
    """The power of one run over its time, and its loss, in at most some hundred points each."""

    name: str
    boundary: str
    points: tuple[tuple[float, float | None], ...]
    """Hours since its start, and watts; None where nothing read them. Empty for a run without a meter."""
    losses: tuple[tuple[float, float | None], ...] = ()
    """Hours since its start, and the loss; None where it was no number. Empty for a run that named none."""

    @property
    def watts(self) -> list[float]:
        """The readings alone."""
        return [watts for _, watts in self.points if watts is not None]

    @property
    def named_losses(self) -> list[float]:
        """The losses alone."""
        return [loss for _, loss in self.losses if loss is not None]

    @property
    def has_loss_gaps(self) -> bool:
        """Whether the loss was NaN or infinite for a while."""
        return any(loss is None for _, loss in self.losses)


@record
class Pair:
    """A measured run with its own estimate, scaled to the steps that were done; facility energy [kWh]."""

    name: str
    low: float
    mid: float
    high: float
    measured_kwh: float

    @property
    def is_inside(self) -> bool:
        """Whether the measurement lies in the predicted interval."""
        return self.low <= self.measured_kwh <= self.high


@record
class FleetTotal:
    """The sum of some rows of one kind at one boundary."""

    kind: str
    boundary: str
    by: Mapping[str, str | None]
    """The value of each column of ``by``; empty for the total of a kind."""
    runs: int
    rows_count: int
    """A run that was resumed has several rows, one a segment."""
    first: str | None
    last: str | None
    """When the first and the last of them began (UTC)."""
    duration_h: float | None
    accelerator_h: float | None
    energy_kwh: Ends | None
    co2e_kg: Ends | None
    co2e_market_kg: float | None
    cost_usd: Ends | None
    without_energy_count: int
    without_co2e_count: int
    without_cost_count: int
    """Rows that the sum lacks, because they have no such number."""
    failed_runs: int
    failed_energy_kwh: float
    """Of runs that did not complete, and of the failed share of an estimate."""
    restarted_energy_kwh: float
    """Of segments that did not complete and that a later segment of their run followed."""
    wasted_co2e_kg: float
    wasted_cost_usd: float
    """Of both together."""

    @property
    def wasted_share(self) -> float:
        """The failed and the restarted energy over all energy [1]."""
        whole = self.energy_kwh.mid if self.energy_kwh is not None else 0.0
        return (self.failed_energy_kwh + self.restarted_energy_kwh) / whole if whole else 0.0


@record
class FleetReport(Shown):
    """What many runs used; each run once, and estimates, measurements and references apart."""

    __repr__ = show_as_text

    schema: str = SCHEMA
    footprint_version: str
    data_version: str
    created_at: str
    by: tuple[str, ...]
    inputs: tuple[FleetInput, ...]
    totals: tuple[FleetTotal, ...]
    groups: tuple[FleetTotal, ...]
    warnings: tuple[str, ...]
    series: tuple[PowerSeries, ...] = ()
    """Power over time, where an input holds it. Not in the JSON."""
    runs: Any = None
    """The rows behind the sums, a pandas frame; None where they were too many to keep. Not in the JSON."""

    def to_json(self) -> dict[str, Any]:
        """The record as JSON values, unrounded."""
        from footprint.results.quantity import plain_values

        names = (name for name in names_of(self) if name not in ("runs", "series"))
        return {name: plain_values(getattr(self, name)) for name in names}

    def pairs(self, most: int = MOST_PAIRS) -> list[Pair]:
        """Measured runs with an estimate of their own, those with the most energy first."""
        if self.runs is None:
            return []
        names = ["run_id", *WORK, *(f"energy_kwh_{end}" for end in ENDS)]
        known = self.runs[self.runs["run_id"].notna() & (self.runs[list(WORK)] > 0).any(axis="columns")]
        predicted = known.loc[known["kind"] == "estimate", names].drop_duplicates("run_id")
        predicted = predicted[predicted["energy_kwh_low"] > 0]
        measured = known[(known["kind"] == "measurement") & (known["energy_kwh_mid"] > 0)]
        measured = measured[["run_id", "project", *WORK, "energy_kwh_mid"]]
        both = measured.merge(predicted, on="run_id", suffixes=("_measured", ""))
        found = []
        for row in both.nlargest(most, "energy_kwh_mid_measured").to_dict("records"):
            share = next(
                (row[f"{name}_measured"] / row[name] for name in WORK
                 if row[f"{name}_measured"] > 0 and row[name] > 0), None,
            )  # fmt: skip
            if share is None:
                continue
            low, mid, high = (row[f"energy_kwh_{end}"] * share for end in ENDS)
            name = row["project"] if isinstance(row["project"], str) and row["project"] else row["run_id"]
            measured_kwh = float(row["energy_kwh_mid_measured"])
            found.append(Pair(name=str(name), low=low, mid=mid, high=high, measured_kwh=measured_kwh))
        return found

    def report_rows(self) -> pd.DataFrame:
        """The rows behind the sums under the names of the report CSV, which a report reads again."""
        frame: pd.DataFrame = self.runs.rename(columns={
            "project": "name", "model": "model_name", "hardware": "cluster_accelerator",
            "place": "place_key",
            "duration_h": "duration_h_mid", "accelerator_h": "accelerator_h_mid",
            "co2e_market_kg": "co2e_market_kg_mid", "failed_share": "repeats_failed_share",
            **{name: f"workload_{name}" for name in WORK},
        })  # fmt: skip
        several = frame["runs_in_row"] > 1
        ends = [f"{name}_{end}" for name in AMOUNTS for end in ENDS]
        totals = {f"total_{name}": frame[name].where(several) for name in [*ends, "accelerator_h_mid"]}
        frame = frame.assign(**totals, repeats_runs=frame["runs_in_row"].astype("int64"))
        frame["duration_h_mid"] = frame["duration_h_mid"] / frame["runs_in_row"]
        measured = frame["kind"] == "measurement"
        frame["repeats_failed_share"] = frame["repeats_failed_share"].mask(measured)
        frame["segments_count"] = frame["segments_count"].astype("int64")
        return frame.drop(columns=["runs_in_row", "run", "failed", "several", "restarted_share", "source"])

    def row_records(self) -> list[dict[str, Any]]:
        """As `report_rows`, as dictionaries without empty cells.

        Raises:
            FootprintError: so many rows that these would need gigabytes.
        """
        if len(self.runs) > MOST_RECORDS:
            raise FootprintError(
                f"{len(self.runs):,} rows, more than the {MOST_RECORDS:,} of a list: write them to a "
                "file that ends in .csv or .parquet (-o)"
            )
        return [row for part in self.row_parts() for row in part]

    def row_parts(self) -> Iterator[list[dict[str, Any]]]:
        """As `row_records`, of any number of rows, some at a time."""
        frame = self.report_rows()
        for first in range(0, len(frame), ROWS_OF_A_PART):
            found = frame.iloc[first : first + ROWS_OF_A_PART].to_dict("records")
            yield [{str(k): v for k, v in row.items() if v is not None and v == v} for row in found]

    def rows(self) -> list[dict[str, Any]]:
        """The groups as flat rows; the totals where nothing was grouped."""
        return [flat(one) for one in (self.groups or self.totals)]

    def to_frame(self) -> pd.DataFrame:
        """The groups as a pandas frame, with the kind of each as its index."""
        import pandas as pd

        frame = pd.DataFrame(self.rows())
        return frame.set_index("kind") if len(frame) else frame


def flat(total: FleetTotal) -> dict[str, Any]:
    """The cells of a total: ``energy_kwh`` becomes ``energy_kwh_low``, ``_mid`` and ``_high``."""
    cells: dict[str, Any] = {"kind": total.kind, "boundary": total.boundary, **total.by}
    for one in fields(total):
        if one.name in ("kind", "boundary", "by"):
            continue
        value = getattr(total, one.name)
        if one.name in AMOUNTS:
            cells |= {f"{one.name}_{end}": getattr(value, end, None) for end in ENDS}
        else:
            cells[one.name] = value
    return cells
