"""The records of a comparison: its rows with their ratios, in the shape of the contract."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

from footprint.catalog.version import headed
from footprint.estimator.fields import is_set
from footprint.records import record
from footprint.results import Quantity
from footprint.results.shown import Drawn, show_as_text

if TYPE_CHECKING:
    import pandas as pd

SCHEMA = "footprint/comparison/1"
_ROOM = "footprint.reports.decisions"
"""The room that makes texts and plots stands above; it is asked by name."""
QUANTITIES = ("duration_h", "energy_kwh", "co2e_kg", "cost_usd")


@record
class Ratio:
    """A quantity of a row over that of the baseline, with its 90 % interval."""

    value: Quantity
    verdict: str
    """``lower``, ``higher``, or ``not_clear`` where the interval holds 1."""

    def to_json(self) -> dict[str, Any]:
        """The ratio as JSON values."""
        return {**self.value.to_json(), "verdict": self.verdict}


@record
class ComparedRow:
    """One scenario of a comparison."""

    id: int
    scenario: Mapping[str, Any]
    feasible: bool
    """Whether there are numbers, and the step fits into the memory of its accelerators."""
    reason: str = ""
    """Why the row is not feasible, or what it lacks."""
    needed_gib: float | None = None
    """Predicted memory on the fullest accelerator; None where no step was predicted."""
    device_gib: float | None = None
    duration_h: Quantity | None = None
    energy_kwh: Quantity | None = None
    co2e_kg: Quantity | None = None
    cost_usd: Quantity | None = None
    ratio: Mapping[str, Ratio]
    best: tuple[str, ...] = ()
    """Quantities in which this row is clearly better than every other."""
    warnings: tuple[str, ...] = ()


@record
class ScenarioTable(Drawn):
    """Scenarios side by side; `to_json` is the contract ``footprint/comparison/1``."""

    axes: Mapping[str, Sequence[Any]]
    baseline: int
    by: str
    rows: tuple[ComparedRow, ...]
    pareto: tuple[int, ...]
    """Rows that no other row beats in hours, CO2e and USD at once, by their medians."""
    warnings: tuple[str, ...]

    __repr__ = show_as_text

    def row(self, number: int) -> ComparedRow:
        """The row of that id."""
        return next(row for row in self.rows if row.id == number)

    def to_json(self) -> dict[str, Any]:
        """The table as JSON values, unrounded."""
        return {
            **headed(SCHEMA),
            "axes": [{"option": name, "values": list(values)} for name, values in self.axes.items()],
            "baseline": self.baseline,
            "by": self.by,
            "rows": [_json_of(row) for row in self.rows],
            "pareto": list(self.pareto),
            "warnings": list(self.warnings),
        }

    def to_frame(self) -> pd.DataFrame:
        """A pandas frame: one row a scenario, as the CSV has it."""
        import pandas as pd

        return pd.DataFrame(import_module(f"{_ROOM}.comparison_text").rows_of(self))


def _json_of(row: ComparedRow) -> dict[str, Any]:
    plain = {name: value for name, value in row.scenario.items() if is_set(value)}
    return {
        "id": row.id,
        "scenario": {name: list(v) if isinstance(v, tuple) else v for name, v in plain.items()},
        "feasible": row.feasible,
        "reason": row.reason,
        "needed_gib": row.needed_gib,
        "device_gib": row.device_gib,
        **{name: None if (value := getattr(row, name)) is None else value.to_json() for name in QUANTITIES},
        "ratio": {name: one.to_json() for name, one in row.ratio.items()},
        "best": list(row.best),
    }
