"""Published against predicted on logarithmic axes, a panel a unit, with identity, 1.25x and intervals."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from footprint.reports.plots import canvas
from footprint.validation.report import ValidationReport, ValidationRow

_COLOURS = (canvas.BLUE, canvas.ORANGE, canvas.GREEN, canvas.SKY, canvas.PURPLE, canvas.BLACK, canvas.YELLOW)
MOST_FOLDS = 14
"""Largest number of folds that are told apart, by colour and mark; a longer legend is not readable."""
MOST_INTERVALS = 100
"""Largest number of rows whose intervals are drawn; more intervals are not readable."""
_MOST_WIDE_IN, _LETTERS = 4.6, 30


def plot_validation(report: ValidationReport, path: Path, *, overwrite: bool = False) -> None:
    """Draw a report's rows; FootprintError if the file exists or its ending is not supported."""
    canvas.require_picture(path, overwrite=overwrite)
    by_unit: dict[str, list[ValidationRow]] = {}
    for row in report.rows:
        by_unit.setdefault(row.unit, []).append(row)
    folds = sorted({row.fold for row in report.rows})
    if len(folds) > MOST_FOLDS:
        folds = [""]
    with canvas.drawing(
        canvas.PAGE, min(canvas.WIDTHS_IN[canvas.PAGE] / len(by_unit), _MOST_WIDE_IN) + 0.4
    ) as figure:
        panels = figure.subplots(1, len(by_unit), squeeze=False)[0]
        for axes, (unit, rows) in zip(panels, by_unit.items(), strict=True):
            _draw(axes, rows, folds)
            axes.set_xlabel(f"published [{unit}]")
            axes.set_ylabel(canvas.label(f"{report.how} [{unit}]", _LETTERS))
        canvas.title(
            figure,
            f"{report.dataset}: median error {report.median_error:.1%}, 90 % within "
            f"{report.ninety_percent_factor:.2f}x",
        )
        if len(by_unit) == 1:  # beside a square panel there is room
            panels[0].set_box_aspect(1)
            panels[0].legend(loc="center left", bbox_to_anchor=(1.02, 0.5))
        else:
            panels[0].legend(loc="upper left")
        canvas.save(figure, path, overwrite=overwrite)


def _draw(axes: Any, rows: Sequence[ValidationRow], folds: Sequence[str]) -> None:
    """The rows of one unit: each fold in its colour, with the identity and 1.25x."""
    values = [value for row in rows for value in (row.published, row.predicted)]
    ends = [min(values) / 1.15, max(values) * 1.15]
    axes.fill_between(
        ends, [0.8 * end for end in ends], [1.25 * end for end in ends], color=canvas.GRID, linewidth=0,
        label="within 1.25x",
    )  # fmt: skip
    axes.plot(ends, ends, color=canvas.BLACK, linewidth=0.8)
    if len(rows) <= MOST_INTERVALS:
        for row in rows:
            if row.low is not None and row.high is not None:
                axes.plot([row.published] * 2, [row.low, row.high], color=canvas.GREY, linewidth=0.7)
    for index, fold in enumerate(folds):
        members = [row for row in rows if row.fold == fold or not fold]
        axes.scatter(
            [row.published for row in members], [row.predicted for row in members], s=11, alpha=0.8,
            label=fold or None, color=_COLOURS[index % len(_COLOURS)],
            marker=canvas.MARKERS[index // len(_COLOURS)], linewidths=0, zorder=3,
        )  # fmt: skip
    canvas.log_axis(axes.xaxis, ends[0], ends[1])
    canvas.log_axis(axes.yaxis, ends[0], ends[1])
