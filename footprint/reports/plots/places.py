"""The plot of a ranking: CO2e, cost, grid and price of the run in each region."""

from __future__ import annotations

from pathlib import Path

from footprint.decisions.ranking import RankedPlace, Ranking
from footprint.reports.plots.intervals import BASE, BEST, Line, draw_intervals

_HEADINGS = {"co2e_kg": "kgCO2e", "cost_usd": "USD", "g_per_kwh": "g/kWh", "usd_per_accelerator_h": "USD/h"}


def plot_ranking(ranking: Ranking, path: Path, *, overwrite: bool = False) -> None:
    """Draw the regions in their order.

    Raises FootprintError if the file exists or its ending is no image's.
    """
    title = f"median and 90 % interval; black: {ranking.baseline}; orange: clearly less CO2e than there"
    lines = [_line(ranking, row) for row in ranking.rows]
    draw_intervals(lines, _HEADINGS, title, path, overwrite=overwrite)


def _line(ranking: Ranking, row: RankedPlace) -> Line:
    base = row.place == ranking.baseline
    colours = dict.fromkeys(_HEADINGS, BASE) if base else {"co2e_kg": BEST} if row.verdict == "lower" else {}
    return Line(f"{row.rank}. {row.place}", {name: getattr(row, name) for name in _HEADINGS}, colours)
