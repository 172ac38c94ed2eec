"""The tornado plot: which cause moves the answers most."""

from __future__ import annotations

import io
from pathlib import Path

from footprint.errors import FootprintError
from footprint.reports.explain import contributions
from footprint.reports.files import write_new
from footprint.reports.human import amount
from footprint.results.estimate import Estimate

FORMATS = (".png", ".svg", ".pdf")
_BAR, _LINE = "#3b6ea5", "#222222"


def plot_tornado(result: Estimate, path: Path, *, overwrite: bool = False) -> None:
    """Draw, for energy, CO2e and cost, how far each cause moves the median.

    Raises FootprintError where the file exists or is no picture we can write.
    """
    if path.suffix.lower() not in FORMATS:
        raise FootprintError(f"--plot {path}: end the name in {', '.join(FORMATS)}")
    panels = [("facility energy", result.energy_kwh, "kwh"), ("operational CO2e", result.co2e_kg, "kg")]
    if result.cost_usd is not None:
        panels.append(("cost", result.cost_usd, "usd"))
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(
        figsize=(8, 1.2 + sum(0.32 * len(q.spread) + 0.75 for _, q, _ in panels)), layout="constrained"
    )
    FigureCanvasAgg(figure)
    heights = [len(q.spread) + 1 for _, q, _ in panels]
    for axes, (label, quantity, unit) in zip(
        figure.subplots(len(panels), squeeze=False, height_ratios=heights)[:, 0], panels, strict=True
    ):
        rows = contributions(quantity)[::-1]
        for y, (_, low, high) in enumerate(rows):
            axes.barh(y, high - low, left=low, color=_BAR, height=0.62)
            for value, side in ((low, "right"), (high, "left")):
                axes.annotate(
                    amount(value, unit, 2), (value, y), (-4 if side == "right" else 4, 0),
                    textcoords="offset points", ha=side, va="center", fontsize=8,
                )  # fmt: skip
        axes.axvline(quantity.mid, color=_LINE, linewidth=1)
        axes.set_yticks(range(len(rows)), [cause.replace("_", " ") for cause, _, _ in rows], fontsize=9)
        axes.set_xscale("log")
        axes.margins(x=0.25)
        axes.xaxis.set_major_formatter(lambda value, _, unit=unit: amount(value, unit, 2))
        axes.xaxis.set_minor_formatter(lambda *_: "")
        axes.tick_params(axis="x", labelsize=8)
        axes.set_title(
            f"{label}: {amount(quantity.mid, unit)}, 90 % {amount(quantity.low, unit, 2)} to "
            f"{amount(quantity.high, unit, 2)}",
            fontsize=10, loc="left",
        )  # fmt: skip
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
    figure.suptitle(f"{result.name}: what each cause alone does", fontsize=11, x=0.01, ha="left")
    picture = io.BytesIO()
    figure.savefig(picture, format=path.suffix[1:].lower(), dpi=150)
    write_new(path, picture.getvalue(), overwrite=overwrite)
