"""The plot of a comparison: one panel a quantity, one line a row with its 90 % interval."""

from __future__ import annotations

from pathlib import Path

from footprint.decisions.scenario_table import ComparedRow, ScenarioTable
from footprint.reports.decisions.comparison_text import HEADINGS, name_of
from footprint.reports.plots.intervals import BASE, BEST, Line, draw_intervals


def plot_comparison(table: ScenarioTable, path: Path, *, overwrite: bool = False) -> None:
    """Draw the rows that have numbers.

    Raises FootprintError if the file exists, its ending is no image's, or no row has numbers.
    """
    lines = [_line(table, row) for row in table.rows if row.duration_h is not None]
    title = f"median and 90 % interval; black: row {table.baseline}, the baseline; orange: clearly best"
    draw_intervals(lines, HEADINGS, title, path, overwrite=overwrite)


def _line(table: ScenarioTable, row: ComparedRow) -> Line:
    colours = dict.fromkeys(HEADINGS, BASE) if row.id == table.baseline else {}
    return Line(
        label=f"{row.id}. {name_of(table, row)}",
        quantities={name: getattr(row, name) for name in HEADINGS},
        colours=colours | dict.fromkeys(row.best, BEST),
    )
