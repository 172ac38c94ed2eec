"""Power over time: a panel a run, a step for each stretch of time, zero on the axis."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from footprint.errors import FootprintError
from footprint.reports.plots.canvas import (
    BLUE,
    COLUMN,
    ORANGE,
    PAGE,
    bare,
    drawing,
    label,
    require_picture,
    save,
    title,
)
from footprint.results.fleet import PowerSeries
from footprint.results.human import amount, rung
from footprint.units import SECONDS_PER_HOUR

MOST = 6
_PANEL_IN, _ROOM_FOR_WORDS = {COLUMN: 1.6, PAGE: 1.8}, 1.1


def plot_power(
    series: Sequence[PowerSeries],
    path: Path,
    *,
    predicted_w: Any = None,
    width: str = PAGE,
    overwrite: bool = False,
) -> None:
    """Draw the power of at most `MOST` runs; ``predicted_w`` is the prediction beside a single one.

    Raises:
        FootprintError: no power, no picture's ending, or a file that exists.
    """
    require_picture(path, overwrite=overwrite)
    shown = [one for one in series if one.points][:MOST]
    if not shown:
        raise FootprintError("`kind='power'`: no input has the power of a run over its time")
    with drawing(width, 0.3 + _PANEL_IN[width] * len(shown)) as figure:
        cells = figure.subplots(len(shown), squeeze=False)[:, 0]
        for axes, one in zip(cells, shown, strict=True):
            _draw(axes, one, predicted_w if len(shown) == 1 else None)
        title(figure, "Power over time")
        save(figure, path, overwrite=overwrite)


def _draw(axes: Any, one: PowerSeries, predicted_w: Any) -> None:
    hours = [hour for hour, _ in one.points]
    watts = [watt for _, watt in one.points]
    time_factor, time_name = rung(max(hours), "h")
    if max(hours) * SECONDS_PER_HOUR < 300:
        time_factor, time_name = 1 / SECONDS_PER_HOUR, "s"
    ends = [] if predicted_w is None else [predicted_w.low, predicted_w.mid, predicted_w.high]
    factor, name = rung(max([*watts, *ends]), "w")
    axes.step(
        [hour / time_factor for hour in hours], [watt / factor for watt in watts], where="mid",
        color=BLUE, linewidth=1.0, label=f"read, boundary {one.boundary}",
    )  # fmt: skip
    if ends:
        low, mid, high = (end / factor for end in ends)
        axes.axhspan(low, high, color=ORANGE, alpha=0.18, linewidth=0)
        axes.axhline(
            mid, color=ORANGE, linewidth=1.2, linestyle="--",
            label=f"predicted IT power {amount(ends[1], 'w')}, 90 % as a band",
        )  # fmt: skip
    axes.set_xlim(0, max(hours) / time_factor)
    axes.set_ylim(0, max([*watts, *ends]) / factor * _ROOM_FOR_WORDS)
    axes.set_xlabel(f"time [{time_name}]")
    axes.set_ylabel(f"power [{name}]")
    bare(axes, grid="y")
    axes.set_title(label(one.name, 48, 1), loc="left")
    axes.legend(loc="lower left", handlelength=1.5)
