"""Many scenarios at once: the numbers of every combination of some fields, as columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from footprint.decisions.axes import Axes
from footprint.decisions.grid import Grid
from footprint.estimator.chain import of_all_runs, repeats_of
from footprint.records import record
from footprint.results import Quantity
from footprint.vocabulary import ENDS

QUANTITIES = (
    "duration_h", "accelerator_h", "step_time_s", "mfu", "it_power_w", "it_energy_kwh", "energy_kwh",
    "co2e_kg", "cost_usd",
)  # fmt: skip
OF_ALL_RUNS = ("duration_h", "accelerator_h", "it_energy_kwh", "energy_kwh", "co2e_kg", "cost_usd")
"""What repeats and searches multiply, as in a comparison."""


@record
class Sweep:
    """The numbers of a grid: one row per scenario, in the order of the product of its axes."""

    axes: Mapping[str, Sequence[Any]]
    columns: Mapping[str, Any]
    """Arrays by name, ``energy_kwh_low``, ``energy_kwh_mid``, ...; NaN where a scenario has no number."""
    fits: Any
    """Whether the predicted memory of the step fits the accelerators."""
    possible: Any
    """Whether the scenario is valid: the batch has a sample per replica, and a layout of the count exists."""
    problems: Mapping[str, Any]
    """Error messages of scenarios without numbers, with their rows."""

    def __len__(self) -> int:
        return len(self.fits)

    def scenario(self, row: int) -> dict[str, Any]:
        """The values of the axes in one row."""
        found: dict[str, Any] = {}
        for name in reversed(list(self.axes)):
            row, place = divmod(row, len(self.axes[name]))
            found[name] = self.axes[name][place]
        return dict(reversed(found.items()))


def sweep(axes: Axes, /, **fixed: Any) -> Sweep:
    """Estimates of every combination of the values of some fields, with 90 % intervals.

    ``axes`` gives the values of each field that varies, ``fixed`` the fields that do not vary:
    ``sweep({"hw": ["h100:8", "h100:64"], "region": ["FRA", "POL"]}, model="llama2-7b")``. The numbers
    equal those of `footprint.estimate`. A scenario for which `footprint.estimate` raises an error has
    ``possible`` False.

    Raises
    ------
    FootprintError
        For an unknown field, an impossible value or an empty axis.
    """
    import numpy as np

    grid = Grid(axes, fixed)
    names = [f"{name}_{end}" for name in QUANTITIES for end in ENDS]
    columns = {name: np.full(len(grid), np.nan) for name in names}
    fits, possible = np.zeros(len(grid), bool), np.zeros(len(grid), bool)
    problems: dict[str, list[Any]] = {}
    for block in grid.blocks():
        if block.columns is None:
            problems.setdefault(block.problem, []).append(block.rows.ravel())
            continue
        for name, quantity in quantities_of(block.columns):
            low, high = quantity.bounds
            for end, values in zip(ENDS, (low, quantity.mid, high), strict=True):
                columns[f"{name}_{end}"][block.rows] = values
        fits[block.rows] = block.columns.fits
        possible[block.rows] = block.columns.possible
    return Sweep(
        axes=grid.axes,
        columns=columns,
        fits=fits,
        possible=possible,
        problems={text: np.concatenate(rows) for text, rows in problems.items()},
    )


def quantities_of(columns: Any) -> Iterator[tuple[str, Quantity]]:
    """The answers of a block by name."""
    repeats = repeats_of(columns.facts.request)
    for name in QUANTITIES:
        for part in (columns.outcome, columns.outcome.consequences, columns.prediction):
            quantity = getattr(part, name, None)
            if quantity is not None:
                yield name, of_all_runs(quantity, repeats) if name in OF_ALL_RUNS else quantity
                break
