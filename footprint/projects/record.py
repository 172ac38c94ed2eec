"""A project's answer: a row a run and their sum, schema ``footprint/project/1``."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from footprint.catalog.version import headed
from footprint.decisions.scenario_table import ScenarioTable
from footprint.records import record
from footprint.results import Quantity
from footprint.results.shown import Drawn, show_as_text

if TYPE_CHECKING:
    import pandas as pd

SCHEMA = "footprint/project/1"
_ROOM = "footprint.reports.decisions"
"""The room that makes texts and plots stands above; it is asked by name."""
SUMMED = ("duration_h", "accelerator_h", "energy_kwh", "co2e_kg", "cost_usd")


@record
class Grounds:
    """What the energy, the CO2e and the cost of a row rest on."""

    place: str
    grid_g_per_kwh: Quantity | None
    pue: Quantity
    usd_per_accelerator_h: Quantity | None
    """None of owned hardware, and where no price is known."""


@record
class ProjectRow:
    """One line of a project: all its runs together, failed ones included."""

    name: str
    kind: str
    """``training``, ``serving`` or ``stage``."""
    count: float
    scenario: Mapping[str, Any]
    grounds: Grounds | None = None
    """None of a row that was read from JSON."""
    duration_h: Quantity
    accelerator_h: Quantity
    energy_kwh: Quantity
    co2e_kg: Quantity | None
    cost_usd: Quantity | None


@record
class ProjectTotal:
    """All rows together; None where a row has no such number."""

    duration_h: Quantity
    """As if the runs were made one after another."""
    accelerator_h: Quantity
    energy_kwh: Quantity
    co2e_kg: Quantity | None
    cost_usd: Quantity | None


@record
class Project(Drawn):
    """What a project costs; `to_json` is the contract ``footprint/project/1``."""

    name: str
    why: str = ""
    mitigations: tuple[str, ...] = ()
    rows: tuple[ProjectRow, ...]
    total: ProjectTotal
    alternatives: ScenarioTable | None = None
    """What was weighed, where the project says which alternatives there are."""
    alternatives_to: str = ""
    """The run that the alternatives replace."""
    warnings: tuple[str, ...]

    __repr__ = show_as_text

    def to_json(self) -> dict[str, Any]:
        """The project as JSON values, unrounded."""
        return {
            **headed(SCHEMA),
            "name": self.name,
            "rows": [
                {"name": row.name, "kind": row.kind, "count": row.count, "scenario": dict(row.scenario),
                 **_quantities(row)}
                for row in self.rows
            ],
            "total": _quantities(self.total),
            "warnings": list(self.warnings),
        }  # fmt: skip

    def to_frame(self) -> pd.DataFrame:
        """A pandas frame: one row a run and the total, as the CSV has it."""
        import pandas as pd

        return pd.DataFrame(import_module(f"{_ROOM}.project_text").rows_of(self))


def _quantities(row: ProjectRow | ProjectTotal) -> dict[str, Any]:
    return {n: None if (value := getattr(row, n)) is None else value.to_json() for n in SUMMED}
