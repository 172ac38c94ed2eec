"""The demo's pictures: loss against energy, power over time, the forecast against the truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from footprint.tracking.totals.energy_series import Series, value_at
from footprint.units import JOULE_PER_KWH, SECONDS_PER_HOUR

NAMES = {"ram": "memory", "cpu": "processors", "accelerators": "accelerators", "node": "node"}
INK, ACCENT, BAND = "#1a1a1a", "#0b6e4f", "#9fd3c1"


def _figure() -> tuple[Any, Any]:
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 4.2), dpi=120, layout="constrained")
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.grid(alpha=0.25)
    return figure, axes


def _save(figure: Any, path: Path) -> Path:
    from matplotlib import pyplot

    figure.savefig(path)
    pyplot.close(figure)
    return path


def loss_against_energy(path: Path, losses: Sequence[tuple[float, float]], energy: Series) -> Path:
    """Loss over the energy read until then; ``losses`` are (seconds into the run, loss)."""
    figure, axes = _figure()
    watt_hours = [value_at(energy, moment) * 1000 for moment, _ in losses]
    values = [loss for _, loss in losses]
    axes.plot(watt_hours, values, color=BAND, linewidth=1, label="each step")
    width = max(1, len(values) // 40)
    if width > 1:
        last = [values[max(0, n - width + 1) : n + 1] for n in range(len(values))]
        smooth = [sum(part) / len(part) for part in last]
        axes.plot(watt_hours, smooth, color=ACCENT, linewidth=2, label=f"mean of the last {width} steps")
    axes.set_xlabel("energy read by the meter [Wh]")
    axes.set_ylabel("loss [nats]")
    axes.set_title("What the loss cost")
    axes.legend(frameon=False)
    return _save(figure, path)


def power_steps(by_component: Mapping[str, Series]) -> tuple[list[float], list[list[float]]]:
    """The moments of the readings, and the mean power of each component between two of them [W].

    A line of the journal without a new reading is none. What lies before the first reading is left out,
    since a meter's start is in it, and so is what lies after the last.
    """
    every = by_component.values()
    moments = sorted({end for one in every for (_, before), (end, kwh) in pairwise(one) if kwh > before})
    watts = [
        [(value_at(series, b) - value_at(series, a)) * JOULE_PER_KWH / (b - a) for a, b in pairwise(moments)]
        for series in every
    ]
    return moments, watts


def power_over_time(path: Path, by_component: Mapping[str, Series]) -> Path:
    """Mean power between two readings, by component, stacked."""
    figure, axes = _figure()
    moments, watts = power_steps(by_component)
    if len(moments) > 1:
        axes.stackplot(
            moments, [[*each, each[-1]] for each in watts], step="post",
            labels=[NAMES.get(name, name) for name in by_component],
            colors=[ACCENT, BAND, "#e0b973", "#c97b63"],
        )  # fmt: skip
        axes.set_xlim(0, moments[-1] * 1.02)
        axes.set_ylim(0, 1.25 * axes.get_ylim()[1])  # room for the legend above the areas
        axes.legend(frameon=False, loc="upper right", ncols=2)
    axes.set_xlabel("time into the run [s]")
    axes.set_ylabel("power read by the meter [W]")
    axes.set_title("Power over time")
    return _save(figure, path)


def forecast_against_truth(
    path: Path,
    forecasts: Sequence[tuple[float, float, float, float]],
    truth_s: float,
    predicted: tuple[float, float, float],
) -> Path:
    """Forecast of the run's time with its interval as it went on; ``predicted`` was said before [s]."""
    figure, axes = _figure()
    progress = [100 * f[0] for f in forecasts]
    axes.fill_between(
        progress, [f[1] * SECONDS_PER_HOUR for f in forecasts], [f[3] * SECONDS_PER_HOUR for f in forecasts],
        color=BAND, alpha=0.6, label="forecast, 90 % interval",
    )  # fmt: skip
    axes.plot(
        progress, [f[2] * SECONDS_PER_HOUR for f in forecasts], color=ACCENT, linewidth=2, label="forecast"
    )
    axes.axhline(truth_s, color=INK, linewidth=1, linestyle="--", label="what it took")
    low, mid, high = predicted
    axes.errorbar(
        [0], [mid], [[mid - low], [high - mid]], fmt="o", color="#c97b63", capsize=4, label="estimate before"
    )
    from matplotlib.ticker import LogLocator, ScalarFormatter

    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(ScalarFormatter())
    axes.yaxis.set_minor_locator(LogLocator(subs=()))
    axes.set_xlabel("part of the steps done [%]")
    axes.set_ylabel("time of the whole run [s]")
    axes.set_title("Where the run will end")
    axes.legend(frameon=False)
    return _save(figure, path)
