"""The plot of the best times: when the run works, beside its CO2e."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from footprint.decisions.when.record import Timing, TimingRow
from footprint.reports.plots.intervals import (
    BASE,
    BEST,
    OTHER,
    Line,
    name_lines,
    numbered,
    require_image,
    save,
)


def plot_times(timing: Timing, path: Path, *, overwrite: bool = False) -> None:
    """Draw the hours of each schedule and its CO2e.

    Raises FootprintError if the file exists or its ending is no image's.
    """
    require_image(path)
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    first = timing.rows[0]
    lines = [Line(row.name, {}, {"co2e_kg": _colour(first, row)}) for row in timing.rows]
    figure = Figure(figsize=(9, 1.6 + 0.32 * len(lines)), layout="constrained")
    FigureCanvasAgg(figure)
    hours, mass = figure.subplots(1, 2, sharey=True, width_ratios=(2, 1))
    for y, (row, line) in enumerate(zip(timing.rows, lines, strict=True)):
        colour = line.colours["co2e_kg"]
        _bars(hours, y, row, colour)
        mass.plot(row.co2e_kg.bounds, [y, y], color=colour, linewidth=2, solid_capstyle="butt")
        mass.plot([row.co2e_kg.mid], [y], color=colour, marker="o", markersize=5)
    hours.set_title("when it works", fontsize=10)
    mass.set_title("kgCO2e", fontsize=10)
    numbered(mass)
    hours.tick_params(axis="x", labelsize=8, labelrotation=30)
    hours.grid(axis="x", color="#dddddd", linewidth=0.6)
    for side in ("top", "right", "left"):
        hours.spines[side].set_visible(False)
    name_lines(hours, lines)
    title = f"black: {first.name}; orange: clearly less CO2e than that; CO2e as median and 90 % interval"
    save(figure, title, path, overwrite=overwrite)


def _colour(first: TimingRow, row: TimingRow) -> str:
    if row is first:
        return BASE
    return BEST if row.verdict == "lower" else OTHER


def _bars(axes: Any, y: int, row: TimingRow, colour: str) -> None:
    """The pieces of a schedule as bars over time; a row without pieces is one bar from begin to end."""
    pieces = [(datetime.fromisoformat(begin), timedelta(hours=hours)) for begin, hours in row.pieces]
    if not pieces:
        begin = datetime.fromisoformat(row.begin)
        pieces = [(begin, datetime.fromisoformat(row.end) - begin)]
    axes.barh([y] * len(pieces), [long for _, long in pieces], left=[at for at, _ in pieces],
              height=0.5, color=colour, edgecolor=colour, linewidth=2)  # fmt: skip
