"""The plot of a sweep: its best scenarios and its Pareto front, one panel a quantity."""

from __future__ import annotations

from pathlib import Path

from footprint.decisions.fronts import Found
from footprint.decisions.scenario_table import QUANTITIES
from footprint.reports.decisions.sweeps.sweep_text import Summary, label_of
from footprint.reports.plots.canvas import BLUE, ORANGE, PAGE
from footprint.reports.plots.intervals import Line, plot_lines
from footprint.results.fleet import Ends
from footprint.vocabulary import ENDS

MOST = 40
"""Scenarios that are drawn."""


def plot_sweep(summary: Summary, path: Path, *, width: str = PAGE, overwrite: bool = False) -> None:
    """Draw the scenarios that the table lists.

    Raises FootprintError if the file exists, its ending is no image's, or no scenario has numbers.
    """
    front = sorted(summary.pareto, key=lambda one: one.numbers["duration_h_mid"])
    others = [one for one in summary.best if one.scenario not in [each.scenario for each in front]]
    lines = [_line(one, ORANGE) for one in front] + [_line(one, BLUE) for one in others]
    plot_lines(
        lines[:MOST],
        "median and 90 % interval; orange: no other has fewer hours, less CO2e and less cost at once",
        path, width=width, overwrite=overwrite,
    )  # fmt: skip


def _line(one: Found, colour: str) -> Line:
    amounts = {}
    for name in QUANTITIES:
        low, mid, high = (one.numbers[f"{name}_{end}"] for end in ENDS)
        amounts[name] = Ends(low=low, mid=mid, high=high) if mid == mid else None
    return Line(label=label_of(one), amounts=amounts, colour=colour)
