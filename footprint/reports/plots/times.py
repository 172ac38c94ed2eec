"""The plot of the best times: when the run works, beside its CO2e."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from footprint.decisions.when.record import Timing, TimingRow
from footprint.reports.plots import canvas
from footprint.results.human import rung

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_ROW_IN, _LETTERS = 0.2, 26


def plot_times(
    timing: Timing, path: Path | None, *, width: str = canvas.PAGE, overwrite: bool = False
) -> Figure:
    """Draw the hours of each schedule and its CO2e.

    Raises FootprintError if the file exists or its ending is no image's.
    """
    canvas.require_picture(path, overwrite=overwrite)
    first = timing.rows[0]
    with canvas.drawing(width, 1.1 + _ROW_IN * len(timing.rows)) as figure:
        hours, mass = figure.subplots(1, 2, sharey=True, width_ratios=(2, 1))
        for y, row in enumerate(timing.rows):
            colour = (
                canvas.BLACK if row is first else canvas.ORANGE if row.verdict == "lower" else canvas.BLUE
            )
            _bars(hours, y, row, colour)
        _intervals(mass, timing.rows)
        hours.set_xlabel("when it works")
        hours.tick_params(axis="x", labelrotation=30)
        hours.set_yticks(range(len(timing.rows)), [canvas.label(row.name, _LETTERS) for row in timing.rows])
        hours.set_ylim(len(timing.rows) - 0.4, -0.6)
        canvas.bare(hours)
        canvas.title(
            figure,
            f"black square: {first.name}; orange: clearly less CO2e than that; median and 90 % interval",
        )
        canvas.save(figure, path, overwrite=overwrite)
    return figure


def _intervals(axes: Any, rows: Sequence[TimingRow]) -> None:
    factor, unit = rung(max(row.co2e_kg.mid for row in rows), "kg")
    values = []
    for y, row in enumerate(rows):
        colour = canvas.BLACK if row is rows[0] else canvas.ORANGE if row.verdict == "lower" else canvas.BLUE
        low, high = (end / factor for end in row.co2e_kg.bounds)
        axes.plot([low, high], [y, y], color=colour, linewidth=1.6, solid_capstyle="butt")
        axes.plot(
            [row.co2e_kg.mid / factor], [y], color=colour, marker=canvas.MARKERS[row is rows[0]],
            markersize=4, linestyle="none",
        )  # fmt: skip
        values += [low, row.co2e_kg.mid / factor, high]
    canvas.log_axis(axes.xaxis, *canvas.room(values), most=4)
    axes.set_xlabel(f"CO2e [{unit}]")
    canvas.bare(axes)


def _bars(axes: Any, y: int, row: TimingRow, colour: str) -> None:
    """The pieces of a schedule as bars over time; a row without pieces is one bar from begin to end."""
    pieces = [(datetime.fromisoformat(begin), timedelta(hours=hours)) for begin, hours in row.pieces]
    if not pieces:
        begin = datetime.fromisoformat(row.begin)
        pieces = [(begin, datetime.fromisoformat(row.end) - begin)]
    axes.barh(
        [y] * len(pieces), [long for _, long in pieces], left=[at for at, _ in pieces], height=0.5,
        color=colour, edgecolor=colour, linewidth=1.5,
    )  # fmt: skip
