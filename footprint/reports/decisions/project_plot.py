"""The plot of a project: one panel a quantity, one line a run, the total below."""

from __future__ import annotations

from pathlib import Path

from footprint.projects.record import Project
from footprint.reports.decisions.comparison_text import HEADINGS
from footprint.reports.decisions.project_text import label_of
from footprint.reports.plots.intervals import BASE, Line, draw_intervals


def plot_project(project: Project, path: Path, *, overwrite: bool = False) -> None:
    """Draw the runs and their total.

    Raises FootprintError if the file exists or its ending is no image's.
    """
    lines = [Line(label_of(row), {name: getattr(row, name) for name in HEADINGS}, {}) for row in project.rows]
    total = {name: getattr(project.total, name) for name in HEADINGS}
    lines.append(Line("all together", total, dict.fromkeys(HEADINGS, BASE)))
    title = "median and 90 % interval of each run and of all together"
    draw_intervals(lines, HEADINGS, title, path, overwrite=overwrite)
