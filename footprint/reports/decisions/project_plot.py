"""The plot of a project: one panel a quantity, one line a run, the total below."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from footprint.decisions.scenario_table import QUANTITIES
from footprint.errors import FootprintError
from footprint.projects.record import Project
from footprint.reports.decisions.comparison_text import HEADINGS
from footprint.reports.decisions.project_text import label_of
from footprint.reports.files import write_new
from footprint.reports.plots.tornado import FORMATS
from footprint.results.human import figures

MOST_LABEL = 40
_RUN, _TOTAL = "#3b6ea5", "#222222"


def plot_project(project: Project, path: Path, *, overwrite: bool = False) -> None:
    """Draw the runs and their total.

    Raises FootprintError if the file exists or its ending is no image's.
    """
    if path.suffix.lower() not in FORMATS:
        raise FootprintError(f"`plot={path}`: end the name in {', '.join(FORMATS)}")
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogLocator

    lines: list[tuple[str, Any, str]] = [(label_of(row)[:MOST_LABEL], row, _RUN) for row in project.rows]
    lines.append(("all together", project.total, _TOTAL))
    panels = [name for name in QUANTITIES if any(getattr(row, name) is not None for _, row, _ in lines)]
    figure = Figure(figsize=(3.0 + 2.3 * len(panels), 1.4 + 0.32 * len(lines)), layout="constrained")
    FigureCanvasAgg(figure)
    for axes, name in zip(
        figure.subplots(1, len(panels), sharey=True, squeeze=False)[0], panels, strict=True
    ):
        for y, (_, row, colour) in enumerate(lines):
            quantity = getattr(row, name)
            if quantity is None or quantity.mid <= 0:
                continue
            axes.plot(quantity.bounds, [y, y], color=colour, linewidth=2, solid_capstyle="butt")
            axes.plot([quantity.mid], [y], color=colour, marker="o", markersize=5)
        axes.set_xscale("log")
        axes.set_title(HEADINGS[name], fontsize=10)
        axes.grid(axis="x", which="major", color="#dddddd", linewidth=0.6)
        axes.xaxis.set_major_locator(LogLocator(base=10, numticks=5))
        axes.xaxis.set_major_formatter(lambda value, _: figures(value, 1))
        axes.xaxis.set_minor_formatter(lambda *_: "")
        axes.tick_params(axis="both", labelsize=8)
        for side in ("top", "right", "left"):
            axes.spines[side].set_visible(False)
    first = figure.axes[0]
    first.set_yticks(range(len(lines)), [label.replace("$", r"\$") for label, _, _ in lines], fontsize=8)
    first.invert_yaxis()
    figure.suptitle("median and 90 % interval of each run and of all together", fontsize=9, x=0.01, ha="left")
    picture = io.BytesIO()
    figure.savefig(picture, format=path.suffix[1:].lower(), dpi=150)
    write_new(path, picture.getvalue(), overwrite=overwrite)
