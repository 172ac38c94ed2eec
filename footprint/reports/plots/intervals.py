"""Amounts with their 90 % intervals: a panel a quantity, a line a row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from footprint.errors import FootprintError
from footprint.records import field, record
from footprint.reports.plots import canvas
from footprint.results.human import money_rung, rung

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PANELS = {
    "duration_h": ("time", "h"), "energy_kwh": ("facility energy", "kwh"), "co2e_kg": ("CO2e", "kg"),
    "cost_usd": ("cost", "usd"),
}  # fmt: skip
"""What is drawn of a row, with its name and its unit."""
_ROW_IN, _LINE_IN, _PANEL_IN = 0.2, 0.115, 0.62
_LETTERS, _LINES = {canvas.COLUMN: 17, canvas.PAGE: 30}, {canvas.COLUMN: 5, canvas.PAGE: 4}
_MOST_ROWS, _GAP = 200, 3


@record
class Line:
    """One row: its name, its amounts by the names of `PANELS`, and how it looks."""

    label: str
    amounts: Mapping[str, Any]
    """What has ``low``, ``mid`` and ``high``, or None."""
    colour: str = canvas.BLUE
    marker: str = canvas.MARKERS[0]
    marked: Mapping[str, str] = field(default_factory=dict)
    """Colours of single amounts."""


def plot_lines(
    lines: Sequence[Line],
    heading: str,
    path: Path | None,
    *,
    panels: Mapping[str, tuple[str, str]] = PANELS,
    width: str = canvas.PAGE,
    overwrite: bool = False,
) -> Figure:
    """Draw the rows that have amounts.

    Raises:
        FootprintError: no picture's ending, a file that exists, or no row with an amount above 0.
    """
    canvas.require_picture(path, overwrite=overwrite)
    shown = [one for one in lines if any(map(_is_drawn, one.amounts.values()))][:_MOST_ROWS]
    names = [name for name in panels if any(_is_drawn(one.amounts.get(name)) for one in shown)]
    if not names:
        raise FootprintError("no row has numbers, so there is no plot")
    across = min(len(names), 2 if width == canvas.COLUMN else 4)
    down = -(-len(names) // across)
    texts = [canvas.label(one.label, _LETTERS[width], _LINES[width]) for one in shown]
    row_in = _ROW_IN + _LINE_IN * max(text.count("\n") for text in texts)
    beside = max(len(line) for text in texts for line in text.split("\n"))
    letters = (canvas.letters_in(canvas.WIDTHS_IN[width]) - beside) / across - _GAP
    with canvas.drawing(width, 0.35 + down * (_PANEL_IN + row_in * len(shown))) as figure:
        cells = figure.subplots(down, across, sharey=True, squeeze=False).flat
        for place, axes in enumerate(cells):
            if place >= len(names):
                axes.set_visible(False)
                continue
            _draw(axes, shown, names[place], panels[names[place]], letters)
            if place % across == 0:
                axes.set_yticks(range(len(shown)), texts)
                axes.set_ylim(len(shown) - 0.4, -0.6)
        canvas.title(figure, heading)
        canvas.save(figure, path, overwrite=overwrite)
    return figure


def _is_drawn(ends: Any) -> bool:
    return ends is not None and ends.mid > 0


def _draw(axes: Any, lines: Sequence[Line], name: str, panel: tuple[str, str], letters: float) -> None:
    known = {y: ends for y, one in enumerate(lines) if (ends := one.amounts.get(name)) and _is_drawn(ends)}
    word, unit = panel
    largest = max(ends.mid for ends in known.values())
    factor, unit_name = money_rung(largest) if unit == "usd" else rung(largest, unit)
    values = []
    for y, ends in known.items():
        line = lines[y]
        colour = line.marked.get(name, line.colour)
        low, mid, high = (max(value, ends.mid * 1e-3) / factor for value in (ends.low, ends.mid, ends.high))
        axes.plot([low, high], [y, y], color=colour, linewidth=1.6, solid_capstyle="butt")
        axes.plot([mid], [y], color=colour, marker=line.marker, markersize=4, linestyle="none")
        values += [low, mid, high]
    canvas.log_axis(axes.xaxis, *canvas.room(values), most=4, letters=letters)
    for y, one in enumerate(lines):
        ends = one.amounts.get(name)
        if ends is not None and ends.mid == 0:  # a logarithmic axis has no 0
            axes.text(0.0, y, " 0", transform=axes.get_yaxis_transform(), va="center", color=one.colour)
    axes.set_xlabel(f"{word} [{unit_name}]" if unit_name else word)
    canvas.bare(axes)
