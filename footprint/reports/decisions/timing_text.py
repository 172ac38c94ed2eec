"""The best times of a run as text of 80 columns, and as rows."""

from __future__ import annotations

from typing import Any

from footprint.catalog.version import versions
from footprint.decisions.when.record import Timing, TimingRow
from footprint.plain_text import in_line, in_markdown, markdown_table
from footprint.results.human import amount, figures, wrapped
from footprint.results.report_columns import signed_cells
from footprint.vocabulary import ENDS

WIDTH = 80
MOST_PIECES = 12


def render(timing: Timing) -> str:
    """The schedules, what each saves, and when the run works between pauses."""
    head = f"{in_line(timing.series)}: {_time(timing.begin)} to {_time(timing.end)}"
    lines = [*wrapped(head, WIDTH), ""]
    lines.append(f"{'':<13}{'begins':>13}{'ends':>13}{'g/kWh':>7}{'CO2e':>9}{'':>2}saved (90 %)")
    lines += [
        f"{in_line(row.name):<13}{_time(row.begin)[5:]:>13}{_time(row.end)[5:]:>13}"
        f"{figures(row.g_per_kwh.mid, 2):>7}{amount(row.co2e_kg.mid, 'kg', 2):>9}  {_saved(row)}".rstrip()
        for row in timing.rows
    ]
    lines += _pauses(timing.rows[-1])
    return "\n".join(lines)


def render_markdown(timing: Timing) -> str:
    """The same as a table of Markdown."""
    rows = [
        (
            row.name, _time(row.begin), _time(row.end), figures(row.g_per_kwh.mid, 2),
            amount(row.co2e_kg.mid, "kg", 2), _saved(row),
        )
        for row in timing.rows
    ]  # fmt: skip
    head = f"{in_markdown(timing.series)}: {_time(timing.begin)} to {_time(timing.end)}"
    table = markdown_table([("", "begins", "ends", "g/kWh", "CO2e", "saved (90 %)"), *rows])
    return "\n".join([head, "", table, *_pauses(timing.rows[-1])])


def rows_of(timing: Timing) -> list[dict[str, Any]]:
    """One flat row a schedule."""
    rows = []
    for row in timing.to_json()["rows"]:
        cells: dict[str, Any] = {}
        for name, value in row.items():
            if name == "pieces":
                cells[name] = " ".join(f"{piece['begin']}+{piece['duration_h']:g}h" for piece in value)
            elif isinstance(value, dict) or value is None:
                cells |= {f"{name}_{end}": None if value is None else value[end] for end in ENDS}
            else:
                cells[name] = value
        rows.append(signed_cells(cells, timing.warnings, versions()))
    return rows


def _time(text: str) -> str:
    """A time to the minute, without its zone, which the first line says."""
    return text[:16].replace("T", " ")


def _saved(row: TimingRow) -> str:
    low, mid, high = row.saved_kg
    if low == high == 0:
        return ""
    if row.verdict == "not_clear":
        return "not clear"
    low, high = sorted((abs(low), abs(high)))
    ends = f"{amount(low, 'kg', 2)} - {amount(high, 'kg', 2)}"
    return ends if mid > 0 else f"{ends} more"


def _pauses(row: TimingRow) -> list[str]:
    """When a run with pauses works."""
    if row.name != "with pauses":
        return []
    if row.pauses == 0:
        return ["", "Pausing saves no more than the best window."]
    hours = row.duration_h.mid
    said = f"With pauses it works {figures(hours)} h in {len(row.pieces)} pieces (at its median length):"
    shown = [f"{_time(begin)} for {figures(length)} h" for begin, length in row.pieces[:MOST_PIECES]]
    more = len(row.pieces) - len(shown)
    return [
        "",
        *wrapped(said, WIDTH),
        *wrapped("; ".join(shown) + (f"; {more} more" if more else "") + ".", WIDTH),
    ]
