"""Panels of 90 % intervals: one panel a quantity, one line a row, on logarithmic axes."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from footprint.errors import FootprintError
from footprint.reports.files import write_new
from footprint.results import Quantity
from footprint.results.human import figures

FORMATS = (".png", ".svg", ".pdf")
MOST_LABEL = 40
BASE, OTHER, BEST = "#222222", "#3b6ea5", "#c8701a"
"""Three colours that stay apart for colour-blind readers."""


class Line(NamedTuple):
    """A row of the panels."""

    label: str
    quantities: Mapping[str, Quantity | None]
    colours: Mapping[str, str]
    """Of each quantity; without one it is `OTHER`."""


def draw_intervals(
    lines: Sequence[Line], headings: Mapping[str, str], title: str, path: Path, *, overwrite: bool = False
) -> None:
    """Draw a panel for each quantity of ``headings`` that some line has.

    Raises FootprintError if the file exists, its ending is no image's, or no line has numbers.
    """
    require_image(path)
    panels = [name for name in headings if any(line.quantities.get(name) is not None for line in lines)]
    if not panels:
        raise FootprintError("`plot=`: no row has numbers, so there is no plot")
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(3.0 + 2.3 * len(panels), 1.4 + 0.32 * len(lines)), layout="constrained")
    FigureCanvasAgg(figure)
    drawn = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for axes, name in zip(drawn, panels, strict=True):
        for y, line in enumerate(lines):
            quantity, colour = line.quantities.get(name), line.colours.get(name, OTHER)
            if quantity is not None and quantity.mid > 0:
                axes.plot(quantity.bounds, [y, y], color=colour, linewidth=2, solid_capstyle="butt")
                axes.plot([quantity.mid], [y], color=colour, marker="o", markersize=5)
        axes.set_title(headings[name], fontsize=10)
        numbered(axes)
    name_lines(drawn[0], lines)
    save(figure, title, path, overwrite=overwrite)


def require_image(path: Path) -> None:
    """Raise FootprintError unless the ending is an image's."""
    if path.suffix.lower() not in FORMATS:
        raise FootprintError(f"`plot={path}`: end the name in {', '.join(FORMATS)}")


def name_lines(axes: Any, lines: Sequence[Line]) -> None:
    """The labels of the lines, the first on top."""
    labels = [line.label[:MOST_LABEL].replace("$", r"\$") for line in lines]
    axes.set_yticks(range(len(lines)), labels, fontsize=8)
    axes.invert_yaxis()


def save(figure: Any, title: str, path: Path, *, overwrite: bool) -> None:
    """Write the figure with its title."""
    figure.suptitle(title, fontsize=9, x=0.01, ha="left")
    picture = io.BytesIO()
    figure.savefig(picture, format=path.suffix[1:].lower(), dpi=150)
    write_new(path, picture.getvalue(), overwrite=overwrite)


def numbered(axes: Any) -> None:
    """A logarithmic axis with some three to six numbers on it."""
    from matplotlib.ticker import LogLocator

    axes.set_xscale("log")
    low, high = axes.get_xlim()
    decades = math.log10(high / low)
    steps: tuple[float, ...] = (1.0,) if decades > 3 else (1.0, 3.0) if decades > 1.2 else (1.0, 2.0, 5.0)
    if decades < 0.6:
        steps = (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0)
    axes.xaxis.set_major_locator(LogLocator(base=10, subs=steps))
    axes.xaxis.set_major_formatter(lambda value, _: figures(value, 2).removesuffix(".0"))
    axes.xaxis.set_minor_formatter(lambda *_: "")
    axes.grid(axis="x", which="major", color="#dddddd", linewidth=0.6)
    axes.tick_params(axis="both", labelsize=8)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
