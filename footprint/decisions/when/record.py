"""The record of the best times of a run, schema ``footprint/timing/1``."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from footprint.catalog.version import headed
from footprint.records import record
from footprint.results import Quantity
from footprint.results.shown import Drawn, show_as_text
from footprint.vocabulary import ENDS

if TYPE_CHECKING:
    import pandas as pd

SCHEMA = "footprint/timing/1"
Ends = tuple[float, float, float]
QUANTITIES = ("duration_h", "g_per_kwh", "energy_kwh", "co2e_kg", "cost_usd")


@record
class TimingRow:
    """A run at some time."""

    name: str
    """``at once``, ``best window``, ``worst window``, ``with pauses``; by months: ``mean of all``, each."""
    begin: str
    end: str
    duration_h: Quantity
    """At work, the time of resuming included."""
    pauses: int
    pieces: tuple[tuple[str, float], ...]
    """When it works: begin and hours of each piece, at the median length."""
    g_per_kwh: Quantity
    """Mean over its hours; its interval is that of runs of other lengths."""
    energy_kwh: Quantity
    co2e_kg: Quantity
    cost_usd: Quantity | None
    """Pauses cost nothing."""
    saved_kg: Ends = (0.0, 0.0, 0.0)
    """Against the first row; negative where it takes more."""
    verdict: str = "not_clear"


@record
class Timing(Drawn):
    """When a run emits least; `to_json` is the contract ``footprint/timing/1``."""

    series: str
    begin: str
    end: str
    """Of the series, or the deadline."""
    scenario: Mapping[str, Any]
    rows: tuple[TimingRow, ...]
    warnings: tuple[str, ...]

    __repr__ = show_as_text

    def to_json(self) -> dict[str, Any]:
        """The times as JSON values, unrounded."""
        return {
            **headed(SCHEMA),
            "series": self.series,
            "begin": self.begin,
            "end": self.end,
            "scenario": dict(self.scenario),
            "rows": [_json_of(row) for row in self.rows],
            "warnings": list(self.warnings),
        }

    def to_frame(self) -> pd.DataFrame:
        """A pandas frame: one row a schedule, as the CSV has it."""
        import pandas as pd

        return pd.DataFrame(import_module("footprint.reports.decisions.timing_text").rows_of(self))


def _json_of(row: TimingRow) -> dict[str, Any]:
    quantities = {n: None if (value := getattr(row, n)) is None else value.to_json() for n in QUANTITIES}
    return {
        "name": row.name,
        "begin": row.begin,
        "end": row.end,
        "pauses": row.pauses,
        "pieces": [{"begin": begin, "duration_h": hours} for begin, hours in row.pieces],
        **quantities,
        "saved_kg": dict(zip(ENDS, row.saved_kg, strict=True)),
        "verdict": row.verdict,
    }
