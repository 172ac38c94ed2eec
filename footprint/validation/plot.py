"""Published against predicted on logarithmic axes, a panel a unit, with identity, 1.25x and intervals."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from footprint.reports.plots.canvas import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    GRID,
    MARKERS,
    ORANGE,
    PAGE,
    PURPLE,
    SKY,
    WIDTHS_IN,
    YELLOW,
    drawing,
    label,
    log_axis,
    require_picture,
    save,
    title,
)
from footprint.validation.report import ValidationReport, ValidationRow

_COLOURS = (BLUE, ORANGE, GREEN, SKY, PURPLE, BLACK, YELLOW)
MOST_FOLDS = 14
"""Largest number of folds that are told apart, by colour and mark; a longer legend is not readable."""
MOST_INTERVALS = 100
"""Largest number of rows whose intervals are drawn; more intervals are not readable."""
_MOST_WIDE_IN, _LETTERS = 4.6, 30


def plot_validation(report: ValidationReport, path: Path, *, overwrite: bool = False) -> None:
    """Draw a report's rows; FootprintError if the file exists or its ending is not supported."""
    require_picture(path, overwrite=overwrite)
    by_unit: dict[str, list[ValidationRow]] = {}
    for row in report.rows:
        by_unit.setdefault(row.unit, []).append(row)
    folds = sorted({row.fold for row in report.rows})
    if len(folds) > MOST_FOLDS:
        folds = [""]
    with drawing(PAGE, min(WIDTHS_IN[PAGE] / len(by_unit), _MOST_WIDE_IN) + 0.4) as figure:
        panels = figure.subplots(1, len(by_unit), squeeze=False)[0]
        for axes, (unit, rows) in zip(panels, by_unit.items(), strict=True):
            _draw(axes, rows, folds)
            axes.set_xlabel(f"published [{unit}]")
            axes.set_ylabel(label(f"{report.how} [{unit}]", _LETTERS))
        title(
            figure,
            f"{report.dataset}: median error {report.median_error:.1%}, 90 % within "
            f"{report.ninety_percent_factor:.2f}x",
        )
        if len(by_unit) == 1:  # beside a square panel there is room
            panels[0].set_box_aspect(1)
            panels[0].legend(loc="center left", bbox_to_anchor=(1.02, 0.5))
        else:
            panels[0].legend(loc="upper left")
        save(figure, path, overwrite=overwrite)


def _draw(axes: Any, rows: Sequence[ValidationRow], folds: Sequence[str]) -> None:
    """The rows of one unit: each fold in its colour, with the identity and 1.25x."""
    values = [value for row in rows for value in (row.published, row.predicted)]
    ends = [min(values) / 1.15, max(values) * 1.15]
    axes.fill_between(
        ends, [0.8 * end for end in ends], [1.25 * end for end in ends], color=GRID, linewidth=0,
        label="within 1.25x",
    )  # fmt: skip
    axes.plot(ends, ends, color=BLACK, linewidth=0.8)
    if len(rows) <= MOST_INTERVALS:
        for row in rows:
            if row.low is not None and row.high is not None:
                axes.plot([row.published] * 2, [row.low, row.high], color=GREY, linewidth=0.7)
    for index, fold in enumerate(folds):
        members = [row for row in rows if row.fold == fold or not fold]
        axes.scatter(
            [row.published for row in members], [row.predicted for row in members], s=11, alpha=0.8,
            label=fold or None, color=_COLOURS[index % len(_COLOURS)],
            marker=MARKERS[index // len(_COLOURS)], linewidths=0, zorder=3,
        )  # fmt: skip
    log_axis(axes.xaxis, ends[0], ends[1])
    log_axis(axes.yaxis, ends[0], ends[1])
