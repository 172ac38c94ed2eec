"""The plot of a ranking: CO2e, cost, grid and price of the run in each region."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from footprint.decisions.ranking import RankedPlace, Ranking
from footprint.reports.plots.canvas import BLACK, BLUE, MARKERS, ORANGE, PAGE
from footprint.reports.plots.intervals import Line, plot_lines

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_PANELS = {
    "co2e_kg": ("CO2e", "kg"), "cost_usd": ("cost", "usd"), "g_per_kwh": ("grid", "g_per_kwh"),
    "usd_per_accelerator_h": ("accelerator-hour", "usd"),
}  # fmt: skip


def plot_ranking(
    ranking: Ranking, path: Path | None, *, width: str = PAGE, overwrite: bool = False
) -> Figure:
    """Draw the regions in their order.

    Raises FootprintError if the file exists or its ending is no image's.
    """
    return plot_lines(
        [_line(ranking, row) for row in ranking.rows],
        f"median and 90 % interval; black square: {ranking.baseline}; orange: clearly less CO2e than there",
        path, panels=_PANELS, width=width, overwrite=overwrite,
    )  # fmt: skip


def _line(ranking: Ranking, row: RankedPlace) -> Line:
    is_baseline = row.place == ranking.baseline
    return Line(
        label=f"{row.rank}. {row.place}",
        amounts={name: getattr(row, name) for name in _PANELS},
        colour=BLACK if is_baseline else BLUE,
        marker=MARKERS[is_baseline],
        marked={"co2e_kg": ORANGE} if row.verdict == "lower" else {},
    )
