"""The plot of a comparison: one panel a quantity, one line a row with its 90 % interval."""

from __future__ import annotations

import io
from pathlib import Path

from footprint.decisions.scenario_table import ScenarioTable
from footprint.errors import FootprintError
from footprint.reports.decisions.comparison_text import HEADINGS, name_of
from footprint.reports.files import write_new
from footprint.reports.plots.tornado import FORMATS
from footprint.results.human import figures

MOST_LABEL = 40
_BASE, _OTHER, _BEST = "#222222", "#3b6ea5", "#c8701a"
"""Three colours that stay apart for colour-blind readers."""


def plot_comparison(table: ScenarioTable, path: Path, *, overwrite: bool = False) -> None:
    """Draw the rows that have numbers.

    Raises FootprintError if the file exists, its ending is no image's, or no row has numbers.
    """
    if path.suffix.lower() not in FORMATS:
        raise FootprintError(f"`plot={path}`: end the name in {', '.join(FORMATS)}")
    rows = [row for row in table.rows if row.duration_h is not None]
    panels = [name for name in HEADINGS if any(getattr(row, name) is not None for row in rows)]
    if not panels:
        raise FootprintError("`plot=`: no row has numbers, so there is no plot")
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogLocator

    figure = Figure(figsize=(3.0 + 2.3 * len(panels), 1.4 + 0.32 * len(rows)), layout="constrained")
    FigureCanvasAgg(figure)
    for axes, name in zip(
        figure.subplots(1, len(panels), sharey=True, squeeze=False)[0], panels, strict=True
    ):
        for y, row in enumerate(rows):
            quantity = getattr(row, name)
            if quantity is None:
                continue
            low, high = quantity.bounds
            colour = _BEST if name in row.best else _BASE if row.id == table.baseline else _OTHER
            axes.plot([low, high], [y, y], color=colour, linewidth=2, solid_capstyle="butt")
            axes.plot([quantity.mid], [y], color=colour, marker="o", markersize=5)
        axes.set_xscale("log")
        axes.set_title(HEADINGS[name], fontsize=10)
        axes.grid(axis="x", which="major", color="#dddddd", linewidth=0.6)
        axes.xaxis.set_major_locator(LogLocator(base=10, subs=(1.0, 3.0)))
        axes.xaxis.set_major_formatter(lambda value, _: figures(value, 1))
        axes.xaxis.set_minor_formatter(lambda *_: "")
        axes.tick_params(axis="both", labelsize=8)
        for side in ("top", "right", "left"):
            axes.spines[side].set_visible(False)
    first = figure.axes[0]
    first.set_yticks(
        range(len(rows)), [f"{row.id}. {name_of(table, row)}"[:MOST_LABEL] for row in rows], fontsize=8
    )
    first.invert_yaxis()
    figure.suptitle(
        f"median and 90 % interval; black: row {table.baseline}, the baseline; orange: clearly best",
        fontsize=9, x=0.01, ha="left",
    )  # fmt: skip
    picture = io.BytesIO()
    figure.savefig(picture, format=path.suffix[1:].lower(), dpi=150)
    write_new(path, picture.getvalue(), overwrite=overwrite)
