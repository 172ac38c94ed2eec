"""A report of many runs as text of 80 columns and as Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from footprint.plain_text import in_line, in_markdown
from footprint.results.fleet import Ends, FleetReport, FleetTotal
from footprint.results.human import amount, counted, figures, folded, in_words, rung
from footprint.spelling import on_command_line

MOST_GROUPS = 40
"""Groups of a table for people; the other formats hold all."""
NAMES = {"estimate": "estimated", "measurement": "measured", "reference": "published"}
Row = tuple[str, str, str]
"""Label, sum, and the sums of the ends of the intervals or a note."""


def render(report: FleetReport) -> str:
    """The report as text; warnings come last."""
    parts = [_inputs(report)]
    for total in report.totals:
        lines = [f"{title_of(total)}", *(f"  {a:<22}{b:>12}  {c}".rstrip() for a, b, c in total_rows(total))]
        groups = [one for one in report.groups if _apart(one) == _apart(total)]
        parts.append("\n".join(map(in_line, lines)))
        if groups:
            parts.append(_table(report.by, groups))
    if report.warnings:
        parts.append("\n".join(f"note: {in_line(on_command_line(one))}" for one in report.warnings))
    return folded("\n\n".join(parts))


def markdown(report: FleetReport) -> str:
    """The report as Markdown: a table for each kind and boundary."""
    parts = [f"### {in_markdown(_inputs(report))}"]
    for total in report.totals:
        parts.append(f"**{in_markdown(title_of(total))}**")
        lines = ["| | sum | 90 % interval |", "|---|---:|---|"]
        lines += [f"| {' | '.join(map(in_markdown, row))} |" for row in total_rows(total)]
        parts.append("\n".join(lines))
        groups = [one for one in report.groups if _apart(one) == _apart(total)]
        if groups:
            head = (*map(in_words, report.by), "runs", "energy", "CO2e", "cost", "wasted")
            table = [list(head), ["---"] * len(head), *map(_cells, groups)]
            parts.append("\n".join(f"| {' | '.join(map(in_markdown, line))} |" for line in table))
    if report.warnings:
        parts.append("\n".join(f"- {in_markdown(on_command_line(one))}" for one in report.warnings))
    parts.append(
        f"footprint {report.footprint_version}, data {report.data_version}, {report.created_at[:10]}"
    )
    return "\n\n".join(parts)


def title_of(total: FleetTotal) -> str:
    """How many runs of which kind, at which boundary, and from when to when."""
    when = ""
    if total.first and total.last:
        first, last = total.first[:10], total.last[:10]
        when = f", {first}" if first == last else f", {first} to {last}"
    runs = "run" if total.runs == 1 else "runs"
    return f"{total.runs:,} {NAMES[total.kind]} {runs}, boundary {total.boundary}{when}"


def total_rows(total: FleetTotal) -> list[Row]:
    """The sums of one kind of rows, and how much of them was wasted."""
    rows: list[Row] = []
    if total.duration_h is not None:
        rows.append(("time of all runs", amount(total.duration_h, "h"), ""))
    if total.accelerator_h is not None:
        rows.append(("accelerator-hours", counted(total.accelerator_h), ""))
    rows += [
        _sum("energy", total.energy_kwh, "kwh", total.without_energy_count, total.rows_count),
        _sum("CO2e, location-based", total.co2e_kg, "kg", total.without_co2e_count, total.rows_count),
    ]
    if total.co2e_market_kg is not None:
        rows.append(("CO2e, market-based", amount(total.co2e_market_kg, "kg"), ""))
    rows.append(_sum("cost", total.cost_usd, "usd", total.without_cost_count, total.rows_count))
    for label, kwh, note in (
        (
            "energy of failed runs",
            total.failed_energy_kwh,
            f"{total.failed_runs:,} {'run' if total.failed_runs == 1 else 'runs'}",
        ),
        ("energy before restarts", total.restarted_energy_kwh, "at most this was done twice"),
    ):
        if kwh > 0:
            share = kwh / total.energy_kwh.mid if total.energy_kwh is not None else 0.0
            shown = note if total.failed_runs or kwh == total.restarted_energy_kwh else "share that failed"
            rows.append((label, amount(kwh, "kwh"), f"{figures(100 * share)} %, {shown}"))
    return rows


def ends_of(ends: Ends, unit: str) -> str:
    """The sums of the ends in the unit of the middle; empty where they are equal."""
    if ends.low >= ends.high:
        return ""
    if unit == "usd":
        return f"{amount(ends.low, unit, 2)} - {amount(ends.high, unit, 2)}"
    factor, name = rung(ends.mid, unit)
    return f"{figures(ends.low / factor, 2)} - {figures(ends.high / factor, 2)} {name}"


def _sum(label: str, ends: Ends | None, unit: str, without: int, rows: int) -> Row:
    if ends is None:
        return label, "unknown", ""
    lacking = f"{without:,} of {rows:,} rows have none" if without else ""
    return label, amount(ends.mid, unit), ", ".join(part for part in (ends_of(ends, unit), lacking) if part)


def _apart(total: FleetTotal) -> tuple[str, str]:
    return total.kind, total.boundary


def _inputs(report: FleetReport) -> str:
    rows = sum(one.rows_count for one in report.inputs)
    count = len(report.inputs)
    return f"{rows:,} {'row' if rows == 1 else 'rows'} of {count:,} {'input' if count == 1 else 'inputs'}"


def _cells(total: FleetTotal) -> list[str]:
    def mid(ends: Ends | None, unit: str) -> str:
        return "-" if ends is None else amount(ends.mid, unit)

    wasted = f"{figures(100 * total.wasted_share, 2)} %" if total.wasted_share else ""
    named = ["(unknown)" if value is None else in_words(value) if name == "status" else value
             for name, value in total.by.items()]  # fmt: skip
    return [*named, f"{total.runs:,}", mid(total.energy_kwh, "kwh"), mid(total.co2e_kg, "kg"),
            mid(total.cost_usd, "usd"), wasted]  # fmt: skip


def _table(by: Sequence[str], groups: Sequence[FleetTotal]) -> str:
    """Columns under their heading; the groups with the most energy."""
    shown = groups[:MOST_GROUPS]
    lines = [[*map(in_words, by), "runs", "energy", "CO2e", "cost", "wasted"], *map(_cells, shown)]
    lines = [[in_line(cell) for cell in line] for line in lines]
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    return "\n".join([*_aligned(lines, widths, len(by)), *_more(len(groups) - len(shown))])


def _aligned(lines: Sequence[Sequence[str]], widths: Sequence[int], words: int) -> Iterator[str]:
    spare = 76 - sum(widths[words:]) - 2 * len(widths)
    width = max(8, spare // words)
    widths = [*(min(one, width) for one in widths[:words]), *widths[words:]]
    for line in lines:
        cells = [
            f"{_cut(cell, size):<{size}}" if i < words else f"{cell:>{size}}"
            for i, (cell, size) in enumerate(zip(line, widths, strict=True))
        ]
        yield ("  " + "  ".join(cells)).rstrip()


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 3] + "..."


def _more(count: int) -> list[str]:
    return [f"  and {count:,} more: -o FILE.csv holds all"] if count > 0 else []
