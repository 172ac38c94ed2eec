"""Which plot an answer has: what ``answer.plot()`` draws."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_PLOTS = {
    "ScenarioTable": ("decisions.comparison_plot", "plot_comparison"),
    "Plan": ("decisions.plan_plot", "plot_plan"),
    "Inference": ("decisions.inference_plot", "plot_batches"),
    "Project": ("decisions.project_plot", "plot_project"),
    "Ranking": ("plots.places", "plot_ranking"),
    "Timing": ("plots.times", "plot_times"),
}


def draw(answer: Any, path: Path | str | None, *, overwrite: bool) -> Figure:
    """The figure of an answer, written to a file if a path is given.

    Raises FootprintError if the file exists, its ending is no image's, or the answer has nothing to draw.
    """
    room, name = _PLOTS[type(answer).__name__]
    plot = getattr(import_module(f"footprint.reports.{room}"), name)
    figure: Figure = plot(answer, None if path is None else Path(path), overwrite=overwrite)
    return figure
