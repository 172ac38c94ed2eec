"""Power and loss over time: panels of each run, one under the other, on one axis of time."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from math import nan
from pathlib import Path
from typing import Any

from footprint.errors import FootprintError
from footprint.reports.plots import canvas
from footprint.results.fleet import PowerSeries
from footprint.results.human import amount, rung
from footprint.units import SECONDS_PER_HOUR

MOST = 6
_MOST_AS_S = 300
"""A shorter run has its seconds on the axis."""
_MOST_DOTS = 60
_PANEL_IN, _ROOM_FOR_WORDS = {canvas.COLUMN: 1.6, canvas.PAGE: 1.8}, 1.1


def plot_power(
    series: Sequence[PowerSeries],
    path: Path,
    *,
    predicted_w: Any = None,
    width: str = canvas.PAGE,
    overwrite: bool = False,
) -> None:
    """Draw the power of at most `MOST` runs, and their loss below it where they named one.

    ``predicted_w`` is the prediction beside a single run.

    Raises:
        FootprintError: neither power nor loss, no picture's ending, or a file that exists.
    """
    canvas.require_picture(path, overwrite=overwrite)
    shown = [one for one in series if one.watts or one.named_losses][:MOST]
    if not shown:
        raise FootprintError("`kind='power'`: no input has the power of a run over its time")
    panels = [
        (one, draw) for one in shown for draw in _panels_of(one, predicted_w if len(shown) == 1 else None)
    ]
    with canvas.drawing(width, 0.3 + _PANEL_IN[width] * len(panels)) as figure:
        cells = figure.subplots(len(panels), squeeze=False)[:, 0]
        for axes, (one, draw) in zip(cells, panels, strict=True):
            factor, unit = _time_axis(one)
            draw(axes, factor)
            axes.set_xlim(0, _end_h(one) / factor)
            axes.set_xlabel(f"time [{unit}]")
            canvas.bare(axes, grid="y")
            if draw.func is not _draw_loss or not one.watts:  # once a run
                axes.set_title(canvas.label(one.name, 48, 1), loc="left")
            axes.legend(loc="best" if draw.func is _draw_loss else "lower left", handlelength=1.5)
        canvas.title(figure, _title(shown))
        canvas.save(figure, path, overwrite=overwrite)


def _panels_of(one: PowerSeries, predicted_w: Any) -> list[partial[None]]:
    """What draws the panels of a run."""
    found = [partial(_draw_power, one=one, predicted_w=predicted_w)] if one.watts else []
    return [*found, partial(_draw_loss, one=one)] if one.named_losses else found


def _title(shown: Sequence[PowerSeries]) -> str:
    named = {"power": any(one.watts for one in shown), "loss": any(one.named_losses for one in shown)}
    return f"{' and '.join(name for name, there in named.items() if there)} over time".capitalize()


def _end_h(one: PowerSeries) -> float:
    return max(hour for hour, _ in (*one.points, *one.losses))


def _time_axis(one: PowerSeries) -> tuple[float, str]:
    """Hours in the unit of the axis, and its name."""
    end_h = _end_h(one)
    return (1 / SECONDS_PER_HOUR, "s") if end_h * SECONDS_PER_HOUR < _MOST_AS_S else rung(end_h, "h")


def _draw_power(axes: Any, hours: float, *, one: PowerSeries, predicted_w: Any) -> None:
    ends = [] if predicted_w is None else [predicted_w.low, predicted_w.mid, predicted_w.high]
    factor, name = rung(max([*one.watts, *ends]), "w")
    axes.step(
        [hour / hours for hour, _ in one.points], [_or_gap(watts, factor) for _, watts in one.points],
        where="mid", color=canvas.BLUE, linewidth=1.0, label=f"read, boundary {one.boundary}",
    )  # fmt: skip
    if ends:
        low, mid, high = (end / factor for end in ends)
        axes.axhspan(low, high, color=canvas.ORANGE, alpha=0.18, linewidth=0)
        axes.axhline(
            mid, color=canvas.ORANGE, linewidth=1.2, linestyle="--",
            label=f"predicted IT power {amount(ends[1], 'w')}, 90 % as a band",
        )  # fmt: skip
    axes.set_ylim(0, max([*one.watts, *ends]) / factor * _ROOM_FOR_WORDS)
    axes.set_ylabel(f"power [{name}]")


def _draw_loss(axes: Any, hours: float, *, one: PowerSeries) -> None:
    axes.plot(
        [hour / hours for hour, _ in one.losses], [_or_gap(loss, 1.0) for _, loss in one.losses],
        color=canvas.GREEN, linewidth=1.0, marker="." if len(one.named_losses) < _MOST_DOTS else "",
        markersize=3,
        label="loss (gap: NaN or infinite)" if one.has_loss_gaps else "loss, as the run named it",
    )  # fmt: skip
    axes.set_ylabel("loss")


def _or_gap(value: float | None, factor: float) -> float:
    return nan if value is None else value / factor
