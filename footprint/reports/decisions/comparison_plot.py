"""The plot of a comparison: one panel a quantity, one line a row with its 90 % interval."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from footprint.decisions.scenario_table import QUANTITIES, ScenarioTable
from footprint.reports.decisions.comparison_text import in_all_rows, name_of
from footprint.reports.plots.canvas import BLACK, BLUE, MARKERS, ORANGE, PAGE
from footprint.reports.plots.intervals import Line, plot_lines

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot_comparison(
    table: ScenarioTable, path: Path | None, *, width: str = PAGE, overwrite: bool = False
) -> Figure:
    """Draw the rows that have numbers.

    Raises FootprintError if the file exists, its ending is no image's, or no row has numbers.
    """
    lines = []
    for row in table.rows:
        is_baseline = row.id == table.baseline
        lines.append(
            Line(
                label=f"{row.id}. {name_of(table, row)}",
                amounts={name: getattr(row, name) for name in QUANTITIES},
                colour=BLACK if is_baseline else BLUE,
                marker=MARKERS[is_baseline],
                marked=dict.fromkeys(row.best, ORANGE),
            )
        )
    heading = (
        f"Median and 90 % interval; black square: row {table.baseline}, the baseline; orange: clearly best"
    )
    return plot_lines(
        lines, f"{in_all_rows(table)} {heading}",
        path, width=width, overwrite=overwrite,
    )  # fmt: skip
