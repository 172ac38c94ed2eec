"""A ranking of regions as text of 80 columns, and as rows."""

from __future__ import annotations

from typing import Any

from footprint.catalog.version import versions
from footprint.decisions.ranking import Ends, Ranking
from footprint.plain_text import in_line
from footprint.results.human import amount, figures
from footprint.results.report_columns import signed_cells
from footprint.vocabulary import ENDS


def render(ranking: Ranking) -> str:
    """The regions, and against the baseline what is saved, added and paid for a tonne."""
    lines = [f"{'':<4}{'place':<26}{'g/kWh':>7}{'PUE':>6}{'USD/h':>8}{'CO2e':>9}{'cost':>9}{'offer of':>11}"]
    lines += [
        f"{row.rank:>3} {in_line(row.place):<26}{figures(row.g_per_kwh.mid, 2):>7}{row.pue.mid:>6.2f}"
        f"{figures(row.usd_per_accelerator_h.mid, 3):>8}{amount(row.co2e_kg.mid, 'kg', 2):>9}"
        f"{amount(row.cost_usd.mid, 'usd', 2):>9}{in_line(row.offer_dated):>11}"
        for row in ranking.rows
    ]
    if len(ranking.rows) == 1:
        return "\n".join(lines)
    lines += ["", f"against {in_line(ranking.baseline)} (90 %; shared errors cancelled)"]
    lines.append(f"{'':<4}{'place':<22}{'CO2e saved':>18} {'USD added':>17} {'USD a tonne':>17}")
    for row in ranking.rows:
        if row.place == ranking.baseline:
            continue
        saved = _ends(row.saved_kg, "kg") if row.verdict != "not_clear" else "not clear"
        each = _ends(row.usd_per_tonne, "usd") if row.usd_per_tonne is not None else "-"
        lines.append(
            f"{row.rank:>3} {in_line(row.place):<22}{saved:>18} {_ends(row.added_usd, 'usd'):>17} {each:>17}"
        )
    return "\n".join(lines)


def rows_of(ranking: Ranking) -> list[dict[str, Any]]:
    """One flat row a region."""
    rows = []
    for row in ranking.to_json()["rows"]:
        cells: dict[str, Any] = {}
        for name, value in row.items():
            if isinstance(value, dict):
                cells |= {f"{name}_{end}": number for end, number in value.items()}
            elif name == "usd_per_tonne":
                cells |= {f"{name}_{end}": None for end in ENDS}
            else:
                cells[name] = value
        rows.append(signed_cells(cells, ranking.warnings, versions()))
    return rows


def _ends(ends: Ends, unit: str) -> str:
    low, _, high = ends
    if abs(high - low) <= 1e-9 * max(abs(low), abs(high)):
        return _signed(low, unit)
    return f"{_signed(low, unit)} to {_signed(high, unit)}"


def _signed(value: float, unit: str) -> str:
    return f"-{amount(-value, unit, 2)}" if value < 0 else amount(value, unit, 2)
