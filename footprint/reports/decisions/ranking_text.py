"""A ranking of regions as text of 80 columns, and as rows."""

from __future__ import annotations

from typing import Any

from footprint.catalog.version import versions
from footprint.decisions.ranking import Ends, RankedPlace, Ranking
from footprint.plain_text import in_line, in_markdown, markdown_table
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
    lines += ["", "USD/h is of one accelerator; CO2e and cost are of the whole run."]
    if len(ranking.rows) == 1:
        return "\n".join(lines)
    lines += ["", f"against {in_line(ranking.baseline)} (90 %; shared errors cancelled)"]
    lines.append(f"{'':<4}{'place':<22}{'CO2e saved':>18} {'USD added':>17} {'USD a tonne':>17}")
    for row in ranking.rows:
        if row.place == ranking.baseline:
            continue
        saved, added, each = _over_baseline(ranking, row)
        lines.append(f"{row.rank:>3} {in_line(row.place):<22}{saved:>18} {added:>17} {each:>17}")
    return "\n".join(lines)


def render_markdown(ranking: Ranking) -> str:
    """The same as a table of Markdown."""
    head = (
        "place", "rank", "g/kWh", "PUE", "USD an accelerator-hour", "CO2e", "cost", "CO2e saved", "USD added",
        "USD a tonne", "offer of",
    )  # fmt: skip
    rows = [
        (
            row.place, f"{row.rank}", figures(row.g_per_kwh.mid, 2), f"{row.pue.mid:.2f}",
            figures(row.usd_per_accelerator_h.mid, 3), amount(row.co2e_kg.mid, "kg", 2),
            amount(row.cost_usd.mid, "usd", 2), *_over_baseline(ranking, row), row.offer_dated,
        )
        for row in ranking.rows
    ]  # fmt: skip
    return (
        f"{markdown_table([head, *rows])}\n\nSaved and added: against {in_markdown(ranking.baseline)}, 90 %, "
        "shared errors cancelled."
    )


def _over_baseline(ranking: Ranking, row: RankedPlace) -> tuple[str, str, str]:
    """What a region saves, adds and asks for a tonne; nothing for the baseline itself."""
    if row.place == ranking.baseline:
        return "", "", ""
    saved = _ends(row.saved_kg, "kg") if row.verdict != "not_clear" else "not clear"
    each = _ends(row.usd_per_tonne, "usd") if row.usd_per_tonne is not None else "-"
    return saved, _ends(row.added_usd, "usd"), each


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
