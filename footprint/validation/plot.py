"""Published against predicted on logarithmic axes, a panel a unit, with identity, 1.25x and intervals."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from footprint.reports.files import write_new
from footprint.reports.plots.intervals import require_image
from footprint.validation.report import ValidationReport, ValidationRow

MOST_FOLDS = 14
"""Largest number of folds with colours of their own; a longer legend is not readable."""
A_FEW_DECADES = 1e3
"""Ratio of the axis limits up to which 1, 2 and 5 are labelled; longer axes are labelled at powers of ten."""
MOST_INTERVALS = 100
"""Largest number of rows whose intervals are drawn; more intervals are not readable."""


def plot_validation(report: ValidationReport, path: Path, *, overwrite: bool = False) -> None:
    """Draw a report's rows; FootprintError if the file exists or its ending is not supported."""
    require_image(path)
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    by_unit: dict[str, list[ValidationRow]] = {}
    for row in report.rows:
        by_unit.setdefault(row.unit, []).append(row)
    size = (6.4, 6.0) if len(by_unit) == 1 else (4.6 * len(by_unit), 4.9)
    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    folds = sorted({row.fold for row in report.rows})
    if len(folds) > MOST_FOLDS:
        folds = [""]
    panels = figure.subplots(1, len(by_unit), squeeze=False)[0]
    for axes, (unit, rows) in zip(panels, by_unit.items(), strict=True):
        _draw(axes, rows, folds)
        axes.set_xlabel(f"published [{unit}]")
        axes.set_ylabel(f"{report.how} [{unit}]")
    figure.suptitle(
        f"{report.dataset}: median error {report.median_error:.1%}, 90 % within "
        f"{report.ninety_percent_factor:.2f}x",
        fontsize=10, x=0.02, ha="left",
    )  # fmt: skip
    panels[0].legend(fontsize=7, frameon=False)
    picture = io.BytesIO()
    figure.savefig(picture, format=path.suffix[1:].lower(), dpi=110)
    write_new(path, picture.getvalue(), overwrite=overwrite)


def _draw(axes: Any, rows: Sequence[ValidationRow], folds: Sequence[str]) -> None:
    """The rows of one unit: each fold in its colour, with the identity and 1.25x."""
    from matplotlib import colormaps
    from matplotlib.ticker import LogLocator

    values = [value for row in rows for value in (row.published, row.predicted)]
    ends = [min(values) / 1.15, max(values) * 1.15]
    axes.fill_between(
        ends, [0.8 * end for end in ends], [1.25 * end for end in ends], color="#d9dde3", linewidth=0,
        label="within 1.25x",
    )  # fmt: skip
    axes.plot(ends, ends, color="black", linewidth=0.8)
    if len(rows) <= MOST_INTERVALS:
        for row in rows:
            if row.low is not None and row.high is not None:
                axes.plot([row.published] * 2, [row.low, row.high], color="#9aa4b1", linewidth=0.7)
    colours = colormaps["tab20"].colors  # type: ignore[attr-defined]  # a listed map has them
    for index, fold in enumerate(folds):
        members = [row for row in rows if row.fold == fold or not fold]
        axes.scatter(
            [row.published for row in members], [row.predicted for row in members], s=11, alpha=0.75,
            label=fold or None, color=colours[2 * index % 20 + (2 * index >= 20)], linewidths=0, zorder=3,
        )  # fmt: skip
    axes.set(xscale="log", yscale="log", xlim=ends, ylim=ends)
    steps = (1.0,) if ends[1] / ends[0] > A_FEW_DECADES else (1.0, 2.0, 5.0)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(LogLocator(base=10, subs=steps))
        axis.set_major_formatter(lambda value, _: f"{value:,.0f}" if value >= 1 else f"{value:g}")
        axis.set_minor_formatter(lambda *_: "")
