"""List, show, compare and total recorded runs."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from footprint.catalog.version import headed
from footprint.cli.shared.formats import answer_options, columns_option, require_csv, settled
from footprint.cli.shared.formats import show as show_answer
from footprint.cli.shared.journals import folders_option, listed_runs, note_each, open_runs
from footprint.plain_text import in_line

if TYPE_CHECKING:
    from footprint.results import Quantity
    from footprint.tracking.report.archive import Total
    from footprint.tracking.report.run_report import RunReport
    from footprint.tracking.report.summary_file import Amount, Listed

_EPILOG = """\b
Examples:
  footprint runs list
  footprint runs show last
  footprint runs show "first try"
  footprint runs diff 20260301-1012 last
  footprint runs total --dir node-a/footprint-runs --dir node-b/footprint-runs
"""
DIFFERED = (
    ("duration_h", "h"), ("it_power_w", "w"), ("it_energy_kwh", "kwh"), ("energy_kwh", "kwh"),
    ("co2e_kg", "kg"), ("cost_usd", "usd"), ("step_time_s", "s"), ("mfu", ""),
)  # fmt: skip

_dir = folders_option()
_format = answer_options("runs")


@click.group(epilog=_EPILOG)
def command() -> None:
    """Runs that `footprint.track()` or `footprint run` recorded.

    Killed runs are included. Energy that two runs read at the same time is divided between them, so
    that sums count every interval once.
    """


def _show(to: Mapping[str, Any], text: Callable[[], str], data: Callable[[], Any], **more: Any) -> None:
    from footprint.reports.formats import Answer

    answer = Answer(kind="runs", text=text, data=data, nothing="no runs found", **more)
    show_answer(answer, to["format_"], to["output"], overwrite=to["overwrite"])


def _rows(records: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The rows of the report CSV of some measurements."""
    from footprint.results.rows import report_row

    return [
        report_row(one, kind="measurement", run_id=one["run_id"], started_at=one["started_at"])
        for one in records
    ]


@command.command("list", epilog=_EPILOG)
@_dir
@_format
@columns_option()
def list_(folders: tuple[Path, ...], columns: str | None, **to: Any) -> None:
    """Every run, oldest first."""
    require_csv(columns, settled(to["format_"], to["output"], "runs")[0])
    runs = listed_runs(folders)
    records = functools.cache(lambda: [run.measurement() for run in runs])
    _show(
        to,
        lambda: _listed(runs),
        records,
        rows=lambda: _rows(records()),
        markdown=lambda: _pages(runs),
        columns=columns,
    )


def _listed(runs: Sequence[Listed]) -> str:
    from footprint.results.human import amount, in_words, wrapped

    def mid(found: Amount | None, unit: str) -> str:
        return "-" if found is None else amount(found.mid, unit)

    rows = [
        (run.run_id, in_words(run.status), amount(run.duration_h, "h"), mid(run.energy_kwh, "kwh"),
         mid(run.co2e_kg, "kg"), mid(run.cost_usd, "usd"), f"{run.steps:,.0f}")
        for run in runs
    ]  # fmt: skip
    if not rows:
        return ""
    head, *lines = _table(("run", "status", "time", "energy", "CO2e", "cost", "steps"), rows).split("\n")
    named = ("\n".join(f"  {part}" for part in wrapped(_what(run), 76)) for run in runs)
    return "\n".join([head, *(f"{line}\n{name}" for line, name in zip(lines, named, strict=True))])


def _pages(runs: Sequence[Listed]) -> str:
    """The list as a table of Markdown."""
    from footprint.plain_text import in_markdown
    from footprint.results.human import amount, in_words

    def cell(found: Amount | None, unit: str) -> str:
        if found is None:
            return ""
        ends = (
            f" ({amount(found.low, unit, 2)} - {amount(found.high, unit, 2)})"
            if found.low < found.high
            else ""
        )
        return amount(found.mid, unit) + ends

    head = ("run", "name", "status", "model", "hardware", "time", "energy", "CO2e", "cost", "steps")
    lines = [" | ".join(head), " | ".join(["---"] * len(head))]
    for run in runs:
        amounts = (cell(run.energy_kwh, "kwh"), cell(run.co2e_kg, "kg"), cell(run.cost_usd, "usd"))
        words, took = in_words(run.status), amount(run.duration_h, "h")
        what = (run.run_id, run.name, words, run.model, run.hardware, took)
        lines.append(" | ".join(map(in_markdown, (*what, *amounts, f"{run.steps:,.0f}"))))
    return "\n".join(f"| {line} |" for line in lines)


def _what(run: Listed) -> str:
    """Name, model and hardware of a run; what the name says already is not repeated."""
    what = " on ".join(part for part in (run.model, run.hardware) if part)
    if run.name in ("", run.run_id, what):
        return what or "model and hardware unknown"
    return run.name if not what or run.name.startswith(what) else f"{run.name}: {what}"


@command.command(epilog=_EPILOG)
@click.argument("run_id", metavar="RUN")
@_dir
@_format
@columns_option()
def show(run_id: str, folders: tuple[Path, ...], columns: str | None, **to: Any) -> None:
    """One run: what was measured, and how.

    Says how each component was obtained; predicted values stand beside the measured ones.
    """
    from footprint.reports.texts.run_text import run_text
    from footprint.results.human import folded

    require_csv(columns, settled(to["format_"], to["output"], "runs")[0])
    report = open_runs(folders).report(run_id)
    compared = report.comparison
    _show(
        to,
        lambda: folded(run_text(report.measurement, compared, report.totals.forecasts)),
        lambda: {
            **report.measurement.to_json(),
            "comparison": None if compared is None else compared.to_json(),
        },
        rows=lambda: _rows([report.measurement.to_json()]),
        columns=columns,
    )


@command.command(epilog=_EPILOG)
@click.argument("first", metavar="RUN")
@click.argument("second", metavar="RUN")
@_dir
@_format
def diff(first: str, second: str, folders: tuple[Path, ...], **to: Any) -> None:
    """Two runs side by side, and the ratio of the second to the first."""
    from footprint.reports.texts.run_text import label_of

    archive = open_runs(folders)
    one, other = archive.report(first), archive.report(second)
    differences = _differences(one, other)
    rows = [
        (
            label_of(row["name"]),
            _plain(row["first"], row["unit"]),
            _plain(row["second"], row["unit"]),
            f"x{row['ratio']:.3g}",
        )
        for row in differences
    ]
    heading = ("", one.measurement.run_id, other.measurement.run_id, "ratio")
    _show(
        to,
        lambda: _table(heading, rows),
        lambda: {**headed("footprint/diff/1"), "rows": differences},
        table=lambda: differences,
        schema="footprint/diff/1",
    )


def _differences(one: RunReport, other: RunReport) -> list[dict[str, Any]]:
    rows = []
    for name, unit in DIFFERED:
        first, second = getattr(one.measurement, name), getattr(other.measurement, name)
        if first is not None and second is not None and first.mid > 0:
            rows.append(
                {
                    "name": name,
                    "unit": unit,
                    "first": first.mid,
                    "second": second.mid,
                    "ratio": second.mid / first.mid,
                }
            )
    return rows


@command.command(epilog=_EPILOG)
@click.argument("run_ids", metavar="[RUN]...", nargs=-1)
@_dir
@_format
def total(run_ids: tuple[str, ...], folders: tuple[Path, ...], **to: Any) -> None:
    """The sum of the named runs, or of all.

    No interval of time is counted twice.
    """
    from footprint.reports.formats import fields_of
    from footprint.tracking.report.archive import total_of

    archive = open_runs(folders)
    said = len(archive.problems)
    names = dict.fromkeys(archive.resolve(name) for name in run_ids)
    summed = total_of([archive.report(name) for name in names] if names else archive.reports())
    note_each(archive.problems[said:])
    record = summed.to_json()
    _show(
        to, lambda: _summed(summed), lambda: record, table=lambda: fields_of(record), schema=record["schema"]
    )


def _summed(summed: Total) -> str:
    from footprint.reports.texts.run_text import label_of
    from footprint.results.human import in_words

    units = {"it_energy_kwh": "kwh", "energy_kwh": "kwh", "co2e_kg": "kg", "cost_usd": "usd",
             "accelerator_h": "accelerator_h"}  # fmt: skip
    rows = [
        (label_of(name), _amount(quantity, units[name]), f"{summed.counts[name]} of {summed.runs} runs")
        for name, quantity in summed.sums.items()
    ]
    rows.append((label_of("duration_h"), _plain(summed.duration_h, "h"), f"{summed.runs} runs"))
    by_status = ", ".join(f"{count} {in_words(status)}" for status, count in sorted(summed.by_status.items()))
    return f"{_table(('', 'sum', 'of'), rows)}\n{in_line(by_status)}"


def _amount(quantity: Quantity | None, unit: str) -> str:
    if quantity is None:
        return "-"
    from footprint.results.human import amount, interval

    text = amount(quantity.mid, unit)
    return f"{text} ({interval(quantity, unit)})" if quantity.spread else text


def _plain(value: float, unit: str) -> str:
    from footprint.results.human import amount

    return amount(value, unit)


def _table(heading: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns under their heading; an empty text if there are no rows."""
    if not rows:
        return ""
    lines = [[in_line(cell) for cell in line] for line in (heading, *rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(heading))]
    gap = "  " if sum(widths) + 2 * (len(widths) - 1) <= 80 else " "  # the columns of a terminal
    return "\n".join(
        gap.join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )
