"""Predicted against measured: a point a run, its predicted interval across."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from footprint.errors import FootprintError
from footprint.reports.plots import canvas
from footprint.reports.plots.intervals import PANELS, Line, plot_lines
from footprint.results.fleet import Pair
from footprint.results.human import rung
from footprint.results.measurement import ComparedQuantity

_HEIGHT_IN = {canvas.COLUMN: 3.4, canvas.PAGE: 5.0}


def plot_pairs(
    pairs: Sequence[Pair], path: Path, *, width: str = canvas.PAGE, overwrite: bool = False
) -> None:
    """Draw runs with an estimate of their own, each predicted for the work that was done.

    Raises:
        FootprintError: no such run, no picture's ending, or a file that exists.
    """
    canvas.require_picture(path, overwrite=overwrite)
    if not pairs:
        raise FootprintError(
            "`kind='predicted'`: no run of the inputs has a measurement and an estimate that both say "
            "its tokens, its steps or its samples"
        )
    factor, unit = rung(max(one.measured_kwh for one in pairs), "kwh")
    every = [value / factor for one in pairs for value in (one.low, one.high, one.measured_kwh)]
    ends = canvas.room(every, 1.25)
    inside = [one for one in pairs if one.is_inside]
    with canvas.drawing(width, _HEIGHT_IN[width]) as figure:
        axes = figure.subplots()
        axes.plot(ends, ends, color=canvas.GREY, linewidth=0.8, label="equal")
        for those, colour, marker, words in (
            (inside, canvas.BLUE, "o", "inside the 90 % interval"),
            ([one for one in pairs if not one.is_inside], canvas.ORANGE, "D", "outside"),
        ):
            if those:
                mids = [one.mid / factor for one in those]
                errors = [
                    [(one.mid - one.low) / factor for one in those],
                    [(one.high - one.mid) / factor for one in those],
                ]
                axes.errorbar(
                    mids, [one.measured_kwh / factor for one in those], xerr=errors, fmt=marker, color=colour,
                    markersize=3.5, elinewidth=0.8, capsize=1.5, label=f"{words}: {len(those):,}",
                )  # fmt: skip
        canvas.log_axis(axes.xaxis, *ends, most=5)
        canvas.log_axis(axes.yaxis, *ends, most=5)
        axes.set_xlabel(f"predicted facility energy [{unit}]")
        axes.set_ylabel(f"measured facility energy [{unit}]")
        axes.grid(visible=True)
        axes.legend(loc="upper left")
        canvas.title(figure, "Predicted for the work that was done, against measured")
        canvas.save(figure, path, overwrite=overwrite)


def plot_compared(
    name: str,
    quantities: Sequence[ComparedQuantity],
    path: Path,
    *,
    width: str = canvas.PAGE,
    overwrite: bool = False,
) -> None:
    """Draw one run: each quantity predicted with its interval, and below it what was measured."""
    shown = {one.name: one for one in quantities if one.name in PANELS}
    predicted = {key: one.predicted for key, one in shown.items()}
    measured = {key: one.measured for key, one in shown.items()}
    lines = [
        Line(label="predicted", amounts=predicted, colour=canvas.BLUE),
        Line(label="measured", amounts=measured, colour=canvas.BLACK, marker="s"),
    ]
    heading = f"{name}: predicted for the work that was done, with 90 % interval, and measured"
    plot_lines(lines, heading, path, width=width, overwrite=overwrite)
