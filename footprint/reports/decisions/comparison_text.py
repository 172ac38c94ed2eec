"""A comparison as text of 80 columns, as Markdown, and as rows of a CSV."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from footprint.catalog.version import versions
from footprint.decisions.scenario_table import QUANTITIES, ComparedRow, Ratio, ScenarioTable
from footprint.plain_text import in_markdown
from footprint.reports.labels import QUANTITY_WORDS, field_text, row_text
from footprint.results import Quantity
from footprint.results.human import figures, money_rung, rung, wrapped
from footprint.results.report_columns import signed_cells
from footprint.spelling import on_command_line

_UNITS = {"duration_h": "h", "energy_kwh": "kwh", "co2e_kg": "kg"}
HEADINGS = {"duration_h": "hours", "energy_kwh": "kWh", "co2e_kg": "kgCO2e", "cost_usd": "USD"}
_LABEL, _COLUMN, _RATIO = 16, 15, 18
_WIDTH = 80
_ABSENT = "-"
_SUFFIXES = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))
_FAR = 1e4
_FROM_K = 1e5
"""Numbers from here on are written with a suffix."""


def render(table: ScenarioTable) -> str:
    """Values with their 90 % intervals, ratios to the baseline, and what follows in words."""
    units, digits = {name: _unit_of(table, name) for name in QUANTITIES}, 2 if len(table.rows) < 100 else 3
    lines = [*wrapped(same, _WIDTH), ""] if (same := in_all_rows(table)) else []
    lines += ["".join([f"{'GiB':>{_LABEL}}", *(f" {heading:>{_COLUMN}}" for heading in _headings(units))])]
    for row in table.rows:
        label = f"{row.id:>{digits}} {name_of(table, row)}"
        if row.duration_h is None:
            lines += wrapped(label, _WIDTH)
        else:
            cells = [_cell(getattr(row, n), units[n][0], mark=n in row.best) for n in QUANTITIES]
            lines += _line(label, _memory(row, "/"), cells)
        if row.reason:
            lines += [f"    {line}" for line in wrapped(on_command_line(row.reason), _WIDTH - 4)]
    base = table.row(table.baseline)
    over = [row for row in table.rows if row is not base and row.ratio]
    if over:
        lines += ["", f"over row {base.id}, with what the two share cancelled"]
        for row in over:
            lines += _columns(f"{row.id:>3}", [ratio_text(row.ratio.get(n)) for n in QUANTITIES], _RATIO)
        said = [line for words in conclusions(table) for line in wrapped(words, _WIDTH)]
        lines += ["", *said] if said else []
    lines += ["", "(low-high) holds 90 %; * is clearly best; GiB: needed of a device / what it has."]
    return "\n".join(lines)


def render_markdown(table: ScenarioTable) -> str:
    """The same as one Markdown table, the conclusions above it."""
    base = table.row(table.baseline)
    lines = [f"{in_markdown(words)}  " for words in (in_all_rows(table), *conclusions(table)) if words]
    lines += [
        "",
        "| row | " + " | ".join(HEADINGS.values()) + " | memory, GiB | note |",
        "|---|" + "---:|" * 5 + "---|",
    ]
    for row in table.rows:
        cells = []
        for name in QUANTITIES:
            over = row.ratio.get(name) if row is not base else None
            cell = _cell(getattr(row, name))
            cell = f"**{cell}**" if name in row.best else cell
            cells.append(cell if over is None else f"{cell}<br>{ratio_text(over)}")
        memory = _memory(row, " of ")
        note = in_markdown(on_command_line(row.reason))
        lines.append(
            f"| {row.id}. {in_markdown(name_of(table, row))} | {' | '.join(cells)} | {memory} | {note} |"
        )
    lines += ["", f"(low-high) holds 90 %; x is over row {base.id}; bold is clearly best."]
    lines += [f"\nwarning: {in_markdown(on_command_line(warning))}" for warning in table.warnings]
    return "\n".join(lines) + "\n"


def rows_of(table: ScenarioTable) -> list[dict[str, Any]]:
    """One flat row a scenario: its axes, then each quantity and ratio with low, mid and high."""
    found = []
    for row in table.rows:
        cells: dict[str, Any] = {"id": row.id, "name": name_of(table, row)}
        cells |= {name: _as_given(row.scenario.get(name)) for name in _named(table)}
        cells |= {"feasible": row.feasible, "reason": on_command_line(row.reason)}
        cells |= {"needed_gib": row.needed_gib, "device_gib": row.device_gib}
        for name in QUANTITIES:
            over = row.ratio.get(name)
            for prefix, value in (("", getattr(row, name)), ("ratio_", None if over is None else over.value)):
                ends = {"low": None, "mid": None, "high": None} if value is None else value.to_json()
                cells |= {f"{prefix}{name}_{end}": ends[end] for end in ends}
            cells[f"verdict_{name}"] = None if over is None else over.verdict
        cells["best"] = " ".join(row.best)
        found.append(signed_cells(cells, row.warnings, versions()))
    return found


def conclusions(table: ScenarioTable) -> Iterator[str]:
    """What the comparison says in words, for the row that is best by what matters most."""
    base = table.row(table.baseline)
    known = [row for row in table.rows if row.feasible and table.by in row.ratio and row is not base]
    if not known:
        return
    least = min(known, key=lambda row: float(getattr(row, table.by).mid))
    own, other = name_of(table, least), name_of(table, base)
    clear = [_words(name, one) for name, one in least.ratio.items() if one.verdict != "not_clear"]
    unclear = [QUANTITY_WORDS[name] for name, one in least.ratio.items() if one.verdict == "not_clear"]
    said = f"{own} takes {_joined(clear)} than {other}" if clear else ""
    if unclear:
        verb = "is" if len(unclear) == 1 and unclear[0] != "hours" else "are"
        same = f"{_joined(unclear)} {verb} not clearly different"
        said = f"{said}; {same}" if said else f"{own} and {other}: {same}"
    yield f"{said}."


_LESS = {
    "duration_h": "fewer hours",
    "energy_kwh": "less energy",
    "co2e_kg": "less CO2e",
    "cost_usd": "less money",
}
_MORE = {
    "duration_h": "more hours",
    "energy_kwh": "more energy",
    "co2e_kg": "more CO2e",
    "cost_usd": "more money",
}


def _words(name: str, over: Ratio) -> str:
    low, high = over.value.bounds
    if over.verdict == "lower":
        low, high = 1 / high, 1 / low
    nouns = _LESS if over.verdict == "lower" else _MORE
    ends = dict.fromkeys((figures(low, 2), figures(high, 2)))
    return f"{' to '.join(ends)} times {nouns[name]}"


def _joined(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _named(table: ScenarioTable) -> list[str]:
    """Fields in which the rows differ."""
    names = dict.fromkeys(name for row in table.rows for name in row.scenario)
    return [n for n in names if len({str(row.scenario.get(n)) for row in table.rows}) > 1]


def in_all_rows(table: ScenarioTable) -> str:
    """The fields that all rows share, in words; "" where there are none."""
    differ = {*_named(table), "name"}
    same = [field_text(name, value) for name, value in table.rows[0].scenario.items() if name not in differ]
    return f"In all rows: {', '.join(same)}." if same else ""


def name_of(table: ScenarioTable, row: ComparedRow) -> str:
    """A row by its name, else by the values in which the rows differ."""
    if row.scenario.get("name"):
        return str(row.scenario["name"])
    names = _named(table) or ["model", "hw"]
    given = {name: row.scenario[name] for name in names if row.scenario.get(name) is not None}
    return row_text(given) or f"no {names[0].replace('_', ' ')}"


def _memory(row: ComparedRow, of: str) -> str:
    """What the fullest device needs of what it has [GiB]."""
    return "" if row.needed_gib is None else f"{figures(row.needed_gib, 2)}{of}{row.device_gib:g}"


def _as_given(value: Any) -> Any:
    """A list of names as its option takes it, else the value."""
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else value


def _line(label: str, memory: str, cells: Sequence[str]) -> list[str]:
    """A line of numbers; a longer label gets a line of its own."""
    room = _LABEL - len(memory)
    if len(label) < room:
        return _columns(f"{label:<{room}}{memory}", cells, _COLUMN)
    return [*wrapped(label, _WIDTH), *_columns(f"{memory:>{_LABEL}}", cells, _COLUMN)]


def _columns(label: str, cells: Sequence[str], width: int) -> list[str]:
    """Cells in columns, which wide ones move aside; what does not fit into 80 gets a line of its own."""
    ends = [len(label)]
    for number, cell in enumerate(cells, 1):
        ends.append(max(len(label) + number * (width + 1), ends[-1] + 1 + len(cell)))
    most = _WIDTH
    for number, cell in reversed(list(enumerate(cells, 1))):
        ends[number] = min(ends[number], most)
        most = ends[number] - len(cell) - 1
    if most < len(label):
        return [*_columns(label, cells[:-1], width), f"{cells[-1]:>{_WIDTH}}"]
    line = label
    for end, cell in zip(ends[1:], cells, strict=True):
        line += cell.rjust(end - len(line))
    return [line]


def _headings(units: Mapping[str, tuple[float, str]]) -> list[str]:
    return [f"{unit}CO2e" if name == "co2e_kg" else unit for name, (_, unit) in units.items()]


def _unit_of(table: ScenarioTable, name: str) -> tuple[float, str]:
    """Factor and name of the unit that suits the least of a column, or its median if that is far above."""
    found = sorted(one.mid for row in table.rows if (one := getattr(row, name)) is not None)
    least, middle = (found[0], found[len(found) // 2]) if found else (1.0, 1.0)
    suited = least if least * _FAR > middle else middle
    return rung(suited, _UNITS[name]) if name != "cost_usd" else money_rung(suited)


def _cell(quantity: Quantity | None, factor: float = 1.0, *, mark: bool = False) -> str:
    if quantity is None:
        return _ABSENT
    low, high = (end / factor for end in quantity.bounds)
    ends = "" if low == high else f" ({_short(low, 2)}-{_short(high, 2)})"
    return f"{'*' if mark else ''}{_short(quantity.mid / factor, 3)}{ends}"


def ratio_text(over: Ratio | None) -> str:
    """A ratio and its interval in a few characters."""
    if over is None:
        return _ABSENT
    low, high = over.value.bounds
    ends = "" if low == high else f" ({_short(low, 2)}-{_short(high, 2)})"
    return f"x{_short(over.value.mid, 2)}{ends}"


def _short(value: float, significant: int) -> str:
    """A number in few characters: 3 figures, and k, M, G, T above a hundred thousand."""
    if value >= _FROM_K:
        factor, suffix = next(step for step in _SUFFIXES if value >= step[0])
        return f"{figures(value / factor, significant)}{suffix}"
    return (
        figures(value, significant).replace(",", "")
        if value < 1e4
        else f"{figures(value / 1e3, significant)}k"
    )
