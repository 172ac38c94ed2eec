"""A project as text of 80 columns, as Markdown, and as rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from footprint.catalog.version import versions
from footprint.decisions.scenario_table import QUANTITIES
from footprint.plain_text import in_line, in_markdown
from footprint.projects.record import SUMMED, Project, ProjectRow, ProjectTotal
from footprint.reports.decisions.plan_text import short
from footprint.reports.labels import QUANTITY_WORDS
from footprint.results import Quantity
from footprint.results.human import amount, counted, figures, interval, wrapped
from footprint.results.report_columns import signed_cells
from footprint.vocabulary import ENDS

WIDTH = 80
TOTAL = "total"
UNITS = {"duration_h": "h", "accelerator_h": "accelerator_h", "energy_kwh": "kwh", "co2e_kg": "kg",
         "cost_usd": "usd"}  # fmt: skip
_LABEL, _COLUMNS = 20, (14, 14, 14, 18)


def render(project: Project) -> str:
    """The rows and the total, each quantity with its 90 % interval below."""
    lines = [*wrapped(project.name, WIDTH), ""] if project.name.strip() else []
    lines.append(f"{'':<{_LABEL}}" + _cells_of([QUANTITY_WORDS[name] for name in QUANTITIES]))
    for row in project.rows:
        lines += _two_lines(label_of(row), row)
    lines += ["", *_two_lines("all together", project.total)]
    hours = project.total.accelerator_h
    ends = interval(hours, "accelerator_h").removesuffix(" accelerator-h")
    last = f"{counted(hours.mid)} accelerator-hours ({ends}). (low - high) holds 90 %; hours are of one run "
    return "\n".join([*lines, "", *wrapped(f"{last}after another.", WIDTH)])


def _two_lines(label: str, row: ProjectRow | ProjectTotal) -> list[str]:
    """A line of medians, and below it the intervals; a long label has a line of its own."""
    quantities = [(getattr(row, name), UNITS[name]) for name in QUANTITIES]
    mids = ["-" if one is None else amount(one.mid, unit) for one, unit in quantities]
    ends = ["" if one is None else _ends(one, unit) for one, unit in quantities]
    first = [""] if len(label) < _LABEL else wrapped(label, WIDTH)
    head = f"{label if len(label) < _LABEL else '':<{_LABEL}}"
    cells = [head + _cells_of(mids)]
    below = " " * _LABEL + _cells_of(ends)
    return [line.rstrip() for line in (*first, *cells, below) if line.strip()]


def _cells_of(texts: Sequence[str]) -> str:
    return "".join(f"{text:>{width}}" for text, width in zip(texts, _COLUMNS, strict=True))


def _ends(quantity: Quantity, unit: str) -> str:
    """The interval without its unit, which stands above it."""
    low, _, rest = interval(quantity, unit).partition(" - ")
    return f"{low} - {rest.split()[0]}" if rest else ""


def render_markdown(project: Project) -> str:
    """The rows and the total as one Markdown table."""
    title = f"### {in_markdown(project.name)}\n\n" if project.name else ""
    return title + "\n".join(table_lines(project)) + "\n"


def table_lines(project: Project) -> Iterator[str]:
    """The lines of the Markdown table."""
    yield "| run | hours | energy | CO2e | cost |"
    yield "|---|---:|---:|---:|---:|"
    for row in project.rows:
        yield f"| {in_markdown(label_of(row))} | {' | '.join(_cells(row))} |"
    yield f"| **all together** | {' | '.join(f'**{cell}**' for cell in _cells(project.total))} |"
    yield ""
    yield "Medians, and what holds 90 %. An error that two runs share adds up in the total."


def rows_of(project: Project) -> list[dict[str, Any]]:
    """One flat row a run, and the total as the last one."""
    data = project.to_json()
    total = {"name": TOTAL, "kind": TOTAL, "count": None, "scenario": {}, **data["total"]}
    found = []
    for row in (*data["rows"], total):
        cells = {"name": row["name"], "kind": row["kind"], "count": row["count"]}
        cells |= {"model": row["scenario"].get("model"), "hw": row["scenario"].get("hw")}
        for name in SUMMED:
            ends = row[name] or {"low": None, "mid": None, "high": None}
            cells |= {f"{name}_{end}": ends[end] for end in ENDS}
        of_run = f"{row['name']}: "
        own = [one for one in project.warnings if row is total or one.startswith(of_run)]
        found.append(signed_cells(cells, own, versions()))
    return found


def label_of(row: ProjectRow) -> str:
    """The name of a run, and how often it is made."""
    return in_line(row.name) + ("" if row.count == 1 else f" x {_count(row.count)}")


def grounds_of(project: Project) -> Iterator[tuple[str, ...]]:
    """What the numbers of each run rest on: a heading, and a row a run."""
    yield "run", "place", "grid [gCO2e/kWh]", "PUE", "USD an accelerator-hour"
    for row in project.rows:
        if (own := row.grounds) is not None:
            factors = (own.grid_g_per_kwh, own.pue, own.usd_per_accelerator_h)
            yield label_of(row), own.place, *("-" if one is None else _factor(one) for one in factors)


def _factor(one: Quantity) -> str:
    low, high = one.bounds
    return figures(one.mid) + (f" ({figures(low, 2)} - {figures(high, 2)})" if low < high else "")


def said_of(scenario: Mapping[str, Any]) -> str:
    """The fields of a run in words, the model and the hardware first."""
    fields = dict(scenario)
    head = [str(fields.pop("model", "")), f"on {fields.pop('hw')}" if "hw" in fields else ""]
    rest = [f"{name.replace('_', ' ')} {_value(value)}" for name, value in fields.items() if name != "name"]
    return in_line(", ".join([" ".join(part for part in head if part), *rest]))


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return " and ".join(map(str, value))
    return short(value) if isinstance(value, int | float) and value >= 1e6 else in_line(str(value))


def _count(value: float) -> str:
    return counted(value) if value >= 1 and value == int(value) else f"{value:g}"


def _cells(row: Any) -> list[str]:
    found = []
    for name in QUANTITIES:
        quantity = getattr(row, name)
        if quantity is None:
            found.append("-")
        else:
            ends = f"<br>{interval(quantity, UNITS[name])}" if quantity.spread else ""
            found.append(in_markdown(amount(quantity.mid, UNITS[name])) + ends.replace("$", "\\$"))
    return found
