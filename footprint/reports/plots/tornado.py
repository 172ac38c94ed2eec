"""The tornado plot: how far each cause moves the answers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from footprint.errors import FootprintError
from footprint.records import record
from footprint.reports.explain import contributions
from footprint.reports.labels import cause_name
from footprint.reports.plots import canvas
from footprint.results.estimate import Estimate
from footprint.results.human import amount

ROOM = {canvas.COLUMN: 2.6, canvas.PAGE: 1.7}
"""Of the axis on both sides of the widest bar, for the values beside it."""
ALL = "all causes together"
_ROW_IN, _PANEL_IN = 0.17, {canvas.COLUMN: 0.75, canvas.PAGE: 0.62}
_LETTERS = {canvas.COLUMN: 20, canvas.PAGE: 40}


@record
class Answer:
    """One quantity with its interval and what its causes do to it."""

    name: str
    unit: str
    low: float
    mid: float
    high: float
    causes: Sequence[tuple[str, float, float]]
    """Each cause with the value at its low and at its high end, widest first."""


def plot_tornado(result: Estimate, path: Path, *, overwrite: bool = False) -> None:
    """Draw, for energy, CO2e and cost, how far each cause moves the median.

    Raises FootprintError if the file exists or its ending is not a supported image format.
    """
    answers = (
        ("facility energy", result.energy_kwh, "kwh"),
        ("operational CO2e", result.co2e_kg, "kg"),
        ("cost", result.cost_usd, "usd"),
    )
    found = [
        Answer(name=name, unit=unit, low=q.low, mid=q.mid, high=q.high, causes=contributions(q))
        for name, q, unit in answers
        if q is not None
    ]
    plot_causes(found, result.name, result.repeats.runs, path, overwrite=overwrite)


def plot_causes(
    answers: Sequence[Answer],
    name: str,
    runs: int,
    path: Path,
    *,
    width: str = canvas.PAGE,
    overwrite: bool = False,
) -> None:
    """Draw the answers that have causes, one below the other.

    Raises FootprintError if none has causes, the file exists or its ending is not a supported image format.
    """
    canvas.require_picture(path, overwrite=overwrite)
    panels = [one for one in answers if one.causes]
    if not panels:
        raise FootprintError("every factor was given, so there is no uncertainty to plot")
    rows = [len(one.causes) + 1 for one in panels]
    with canvas.drawing(width, 0.4 + sum(_ROW_IN * count + _PANEL_IN[width] for count in rows)) as figure:
        cells = figure.subplots(len(panels), squeeze=False, height_ratios=[count + 1 for count in rows])
        for axes, one in zip(cells[:, 0], panels, strict=True):
            _draw(axes, one, width)
        several = f", one of {runs:,} runs" if runs > 1 else ""
        canvas.title(figure, f"{name}{several}: what each cause alone does, and all together")
        canvas.save(figure, path, overwrite=overwrite)


def _draw(axes: Any, one: Answer, width: str) -> None:
    # The combined interval on top: less than the sum of the causes, which seldom err all one way.
    rows = [*one.causes[::-1], (ALL, one.low, one.high)]
    for y, (cause, low, high) in enumerate(rows):
        axes.barh(y, high - low, left=low, color=canvas.BLACK if cause == ALL else canvas.BLUE, height=0.62)
        for value, side in ((low, "right"), (high, "left")):
            axes.annotate(
                amount(value, one.unit, 2), (value, y), (-3 if side == "right" else 3, 0),
                textcoords="offset points", ha=side, va="center",
            )  # fmt: skip
    axes.axvline(one.mid, color=canvas.BLACK, linewidth=0.8)
    axes.plot([one.mid] * 2, [len(rows) - 1.31, len(rows) - 0.69], color="white", linewidth=0.8)
    names = [
        ALL if cause == ALL else canvas.label(cause_name(cause), _LETTERS[width]) for cause, _, _ in rows
    ]
    axes.set_yticks(range(len(rows)), names)
    # Leave room on both sides for the values beside the bars.
    least, highest = min(low for _, low, _ in rows), max(high for _, _, high in rows)
    most = 3 if width == canvas.COLUMN else 5
    canvas.log_axis(
        axes.xaxis, least / ROOM[width], highest * ROOM[width], most,
        text=lambda value: amount(value, one.unit, 2),
        letters=canvas.letters_in(canvas.WIDTHS_IN[width]) - max(map(len, "\n".join(names).split("\n"))),
    )  # fmt: skip
    canvas.bare(axes)
    middle = f"{one.name}: {amount(one.mid, one.unit)}"
    ends = f"90 % {amount(one.low, one.unit, 2)} to {amount(one.high, one.unit, 2)}"
    axes.set_title(f"{middle}\n{ends}" if width == canvas.COLUMN else f"{middle}, {ends}", loc="left")
