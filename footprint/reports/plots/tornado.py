"""The tornado plot: how far each cause moves the answers."""

from __future__ import annotations

import io
from pathlib import Path

from footprint.errors import FootprintError
from footprint.reports.explain import contributions
from footprint.reports.files import write_new
from footprint.reports.labels import cause_name
from footprint.reports.plots.intervals import require_image
from footprint.results.estimate import Estimate
from footprint.results.human import amount

ROOM = 1.7
ALL = "all causes together"
_BAR, _LINE = "#3b6ea5", "#222222"


def plot_tornado(result: Estimate, path: Path, *, overwrite: bool = False) -> None:
    """Draw, for energy, CO2e and cost, how far each cause moves the median.

    Raises FootprintError if the file exists or its ending is not a supported image format.
    """
    require_image(path)
    answers = [
        ("facility energy", result.energy_kwh, "kwh"),
        ("operational CO2e", result.co2e_kg, "kg"),
        ("cost", result.cost_usd, "usd"),
    ]
    panels = [(label, q, unit) for label, q, unit in answers if q is not None and contributions(q)]
    if not panels:
        raise FootprintError("`plot=`: every factor was given, so there is no uncertainty to plot")
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogLocator

    figure = Figure(
        figsize=(8, 1.2 + sum(0.32 * len(q.spread) + 1.07 for _, q, _ in panels)), layout="constrained"
    )
    FigureCanvasAgg(figure)
    heights = [len(q.spread) + 2 for _, q, _ in panels]
    for axes, (label, quantity, unit) in zip(
        figure.subplots(len(panels), squeeze=False, height_ratios=heights)[:, 0], panels, strict=True
    ):
        # The combined interval on top: less than the sum of the causes, which seldom err all one way.
        rows = [*contributions(quantity)[::-1], (ALL, quantity.low, quantity.high)]
        for y, (cause, low, high) in enumerate(rows):
            axes.barh(y, high - low, left=low, color=_LINE if cause == ALL else _BAR, height=0.62)
            for value, side in ((low, "right"), (high, "left")):
                axes.annotate(
                    amount(value, unit, 2), (value, y), (-4 if side == "right" else 4, 0),
                    textcoords="offset points", ha=side, va="center", fontsize=8,
                )  # fmt: skip
        axes.axvline(quantity.mid, color=_LINE, linewidth=1)
        axes.plot([quantity.mid] * 2, [len(rows) - 1.31, len(rows) - 0.69], color="white", linewidth=1)
        axes.set_yticks(
            range(len(rows)), [ALL if cause == ALL else cause_name(cause) for cause, _, _ in rows], fontsize=9
        )
        axes.set_xscale("log")
        # Leave room on both sides for the values beside the bars.
        axes.set_xlim(min(low for _, low, _ in rows) / ROOM, max(high for _, _, high in rows) * ROOM)
        axes.xaxis.set_major_formatter(lambda value, _, unit=unit: amount(value, unit, 2))
        axes.xaxis.set_minor_formatter(lambda *_: "")
        axes.xaxis.set_major_locator(LogLocator(base=10, subs=(1.0, 2.0, 5.0)))
        axes.tick_params(axis="x", labelsize=8)
        axes.set_title(
            f"{label}: {amount(quantity.mid, unit)}, 90 % {amount(quantity.low, unit, 2)} to "
            f"{amount(quantity.high, unit, 2)}",
            fontsize=10, loc="left",
        )  # fmt: skip
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
    runs = f", one of {result.repeats.runs:,} runs" if result.repeats.runs > 1 else ""
    figure.suptitle(
        f"{result.name}{runs}: what each cause alone does, and all together", fontsize=11, x=0.01, ha="left"
    )
    picture = io.BytesIO()
    figure.savefig(picture, format=path.suffix[1:].lower(), dpi=150)
    write_new(path, picture.getvalue(), overwrite=overwrite)
