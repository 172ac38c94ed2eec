"""The plot of a project: one panel a quantity, one line a run, the total below."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from footprint.decisions.scenario_table import QUANTITIES
from footprint.projects.record import Project
from footprint.reports.decisions.project_text import label_of
from footprint.reports.plots.canvas import BLACK, MARKERS, PAGE
from footprint.reports.plots.intervals import Line, plot_lines

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot_project(
    project: Project, path: Path | None, *, width: str = PAGE, overwrite: bool = False
) -> Figure:
    """Draw the runs and their total.

    Raises FootprintError if the file exists or its ending is no image's.
    """
    lines = [
        Line(label=label_of(row), amounts={name: getattr(row, name) for name in QUANTITIES})
        for row in project.rows
    ]
    total = {name: getattr(project.total, name) for name in QUANTITIES}
    lines.append(Line(label="all together", amounts=total, colour=BLACK, marker=MARKERS[1]))
    return plot_lines(
        lines, "median and 90 % interval of each run and of all together", path,
        width=width, overwrite=overwrite,
    )  # fmt: skip
