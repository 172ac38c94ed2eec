"""The page of a report of many runs: sums, groups, predicted against measured, power, a table of the runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from footprint.reports.page import render
from footprint.reports.page.parts import Card, Cell, Page, Section, Table, Whole
from footprint.reports.page.svg import Bar, bars, line, mini, scatter
from footprint.reports.texts.fleet_text import NAMES, ends_of, title_of
from footprint.results.fleet import Ends, FleetReport, FleetTotal
from footprint.results.human import amount, figures, in_words
from footprint.spelling import on_command_line

MOST_RUNS, MOST_BARS, MOST_SERIES = 500, 12, 6
METHOD = (
    "Each run counts once, also where several inputs hold it. Kinds (estimate, measurement, reference) and "
    "boundaries (accelerator, node, facility) are never added to each other.",
    "The interval of a sum adds the low and the high ends of its rows, as if all their errors were common: "
    "the widest that they allow.",
    "CO2e is operational and location-based; market-based CO2e stands beside it.",
    "Wasted energy is inside the sums: of runs that did not complete, and of segments that were restarted "
    "(at most that much was done twice).",
)


def fleet_page(report: FleetReport) -> str:
    """The page as HTML."""
    shown = _shown(report)
    others = [one for one in report.totals if one is not shown]
    beside = f"Beside them, never added: {'; '.join(map(title_of, others))}" if others else ""
    return render(
        Page(
            kind="Report",
            title=f"What {shown.runs:,} {NAMES[shown.kind]} {'run' if shown.runs == 1 else 'runs'} used",
            subtitle=". ".join(part for part in (title_of(shown), beside) if part),
            cards=tuple(_cards(shown)),
            chain=(),
            sections=tuple(section for section in _sections(report) if section is not None),
            footer=f"footprint {report.footprint_version}, data {report.data_version}, "
            f"made {report.created_at}.",
        )
    )


def _shown(report: FleetReport) -> FleetTotal:
    """The total of the headline: what was measured, at the widest boundary, where there is such a thing."""
    order = {"facility": 0, "node": 1, "accelerator": 2}
    return min(report.totals, key=lambda one: (one.kind != "measurement", order.get(one.boundary, 3)))


def _cards(total: FleetTotal) -> Iterator[Card]:
    what = f"{NAMES[total.kind]}, {total.boundary}"
    answers = (
        ("energy", total.energy_kwh, "kwh"),
        ("CO2e, location-based", total.co2e_kg, "kg"),
        ("cost", total.cost_usd, "usd"),
    )
    for label, ends, unit in answers:
        if ends is None:
            yield Card(label=label, value="unknown", note=what)
            continue
        said = ends_of(ends, unit)
        picture = mini(ends.low, ends.mid, ends.high, f"{label}: {amount(ends.mid, unit)}, 90 % {said}")
        yield Card(label=label, value=amount(ends.mid, unit), interval=said, picture=picture, note=what)
    wasted = total.failed_energy_kwh + total.restarted_energy_kwh
    share = (
        f"{figures(100 * total.wasted_share, 2)} % of the energy" if wasted else "no failed or restarted run"
    )
    yield Card(label="of it wasted", value=amount(wasted, "kwh"), note=share)


def _sections(report: FleetReport) -> Iterator[Section | None]:
    note = "Kinds and boundaries are never added."
    yield Section(key="sums", title="Sums", note=note, tables=(_totals_table(report.totals),))
    yield _groups(report)
    yield _compared(report)
    yield _power(report)
    yield _runs(report)
    texts = tuple(map(on_command_line, report.warnings))
    yield Section(key="notes", title="Notes and warnings", items=texts) if texts else None
    rows = [
        (Cell(text=one.name), Cell(text=one.form), Cell(text=f"{one.rows_count:,}", key=one.rows_count),
         Cell(text=f"{one.left_out_count:,}", key=one.left_out_count))
        for one in report.inputs
    ]  # fmt: skip
    inputs = Table(caption="What was read", head=("input", "form", "rows", "left out"), rows=tuple(rows),
                   numbers=(False, False, True, True))  # fmt: skip
    yield _factors(report)
    yield Section(key="method", title="Inputs and method", tables=(inputs,), items=METHOD)


def _totals_table(totals: Sequence[FleetTotal]) -> Table:
    rows = []
    for one in totals:
        amounts: list[Cell] = []
        for ends, unit in ((one.energy_kwh, "kwh"), (one.co2e_kg, "kg"), (one.cost_usd, "usd")):
            below = ends_of(ends, unit) if ends else ""
            amounts.append(replace(_ends_cell(ends, unit), below=below))
        time = "" if one.duration_h is None else amount(one.duration_h, "h")
        rows.append((
            Cell(text=f"{NAMES[one.kind]}, {one.boundary}"), Cell(text=f"{one.runs:,}"), Cell(text=time),
            *amounts,
            Cell(text=amount(one.failed_energy_kwh, "kwh") if one.failed_energy_kwh else ""),
            Cell(text=amount(one.restarted_energy_kwh, "kwh") if one.restarted_energy_kwh else ""),
        ))  # fmt: skip
    head = ("kind, boundary", "runs", "time", "energy", "CO2e", "cost", "failed", "restarted")
    numbers = (False, *(True for _ in head[1:]))
    return Table(
        caption="Sums by kind and boundary, with 90 % intervals", head=head, rows=tuple(rows), numbers=numbers
    )


def _groups(report: FleetReport) -> Section | None:
    if not report.groups:
        return None
    shown, pictures = _shown(report), []
    found = [one for one in report.groups if (one.kind, one.boundary) == (shown.kind, shown.boundary)]
    for label, name, unit in (("Energy", "energy_kwh", "kwh"), ("CO2e", "co2e_kg", "kg")):
        parts = [(one, ends) for one in found if (ends := getattr(one, name)) is not None][:MOST_BARS]
        if parts:
            rows = [
                Bar(label=_label(one), low=e.low, mid=e.mid, high=e.high, text=amount(e.mid, unit))
                for one, e in parts
            ]
            title = f"{label} by {', '.join(report.by)} ({NAMES[shown.kind]}, {shown.boundary})"
            pictures.append((title, bars(rows, title)))
    head = (*report.by, "kind", "boundary", "runs", "energy", "CO2e", "cost", "wasted")
    words = len(report.by) + 2
    table = Table(
        caption="Groups; the headings sort", head=head, sortable=True,
        numbers=tuple(i >= words for i in range(len(head))),
        rows=tuple(_group_row(one) for one in report.groups[:MOST_RUNS]),
    )  # fmt: skip
    return Section(
        key="groups", title=f"By {', '.join(report.by)}", pictures=tuple(pictures), tables=(table,)
    )


def _label(one: FleetTotal) -> str:
    text = " · ".join(value or "(unknown)" for value in one.by.values())
    return text if len(text) <= 34 else f"{text[:33]}…"


def _group_row(one: FleetTotal) -> tuple[Cell, ...]:
    words = [*(value or "(unknown)" for value in one.by.values()), NAMES[one.kind], one.boundary]
    return (
        *(Cell(text=word, key=word.lower()) for word in words),
        Cell(text=f"{one.runs:,}", key=one.runs),
        *(_ends_cell(ends, unit) for ends, unit in ((one.energy_kwh, "kwh"), (one.co2e_kg, "kg"),
                                                    (one.cost_usd, "usd"))),
        Cell(text=_percent(one.wasted_share), key=one.wasted_share),
    )  # fmt: skip


def _percent(share: float) -> str:
    return f"{figures(100 * share, 2)} %" if share else ""


def _ends_cell(ends: Ends | None, unit: str) -> Cell:
    return Cell(text="", key="") if ends is None else Cell(text=amount(ends.mid, unit), key=ends.mid)


def _rows_of(report: FleetReport) -> list[dict[str, Any]]:
    """The runs with the most energy."""
    if report.runs is None:
        return []
    frame = report.runs.nlargest(MOST_RUNS, "energy_kwh_mid")
    return [{str(k): None if v != v else v for k, v in row.items()} for row in frame.to_dict("records")]


def _runs(report: FleetReport) -> Section | None:
    rows = _rows_of(report)
    if not rows:
        return None
    most = max(row["energy_kwh_mid"] for row in rows) or 1.0
    names = ("run", "kind", "status", "model", "hardware", "place", "started")
    table = Table(
        caption="The headings sort", sortable=True, head=(*names, "time", "energy", "CO2e", "cost"),
        numbers=(*(False for _ in names), True, True, True, True),
        rows=tuple(_run_row(row, most) for row in rows),
    )  # fmt: skip
    left = len(report.runs) - len(rows)
    note = f"Those with the most energy; {left:,} more are in the sums alone." if left > 0 else ""
    return Section(key="runs", title="Runs", note=note, tables=(table,))


def _run_row(row: dict[str, Any], most: float) -> tuple[Cell, ...]:
    words = [row["project"] or row["run_id"], NAMES[row["kind"]], in_words(row["status"] or ""), row["model"],
             row["hardware"], row["place"], (row["started_at"] or "")[:10]]  # fmt: skip
    cells = [Cell(text=str(word or ""), key=str(word or "").lower()) for word in words]
    for name, unit in (
        ("duration_h", "h"),
        ("energy_kwh_mid", "kwh"),
        ("co2e_kg_mid", "kg"),
        ("cost_usd_mid", "usd"),
    ):
        value = row[name]
        share = value / most if name == "energy_kwh_mid" and value is not None else None
        text = "" if value is None else amount(value, unit)
        cells.append(Cell(text=text, key="" if value is None else value, bar_share=share))
    return tuple(cells)


def _compared(report: FleetReport) -> Section | None:
    """Runs with an estimate of their own: predicted for the work that was done, and measured."""
    points, table = [], []
    for one in report.pairs(MOST_RUNS):
        points.append(
            Bar(label=one.name, low=one.low, mid=one.mid, high=one.high, text=repr(one.measured_kwh))
        )
        ratio = one.measured_kwh / one.mid
        ends = Ends(low=one.low, mid=one.mid, high=one.high)
        table.append((
            Cell(text=one.name, key=one.name.lower()), Cell(text=amount(one.mid, "kwh"), key=one.mid),
            Cell(text=ends_of(ends, "kwh"), key=one.low),
            Cell(text=amount(one.measured_kwh, "kwh"), key=one.measured_kwh),
            Cell(text=f"x{figures(ratio, 2)}", key=ratio),
            Cell(text="yes" if one.is_inside else "no"),
        ))  # fmt: skip
    if not points:
        return None
    title = "Facility energy, predicted across, measured up; the line is where both are equal"
    picture = scatter(points, _ticks(points), title, ("predicted, 90 % interval", "measured"))
    found = Table(
        caption="Predicted for the work that was done", sortable=True, rows=tuple(table),
        head=("run", "predicted", "90 % interval", "measured", "measured / predicted", "inside"),
        numbers=(False, True, True, True, True, False),
    )  # fmt: skip
    return Section(
        key="compared", title="Predicted against measured", note=title, picture=picture, tables=(found,)
    )


def _ticks(points: Sequence[Bar]) -> list[tuple[float, str]]:
    """At most five values: powers of ten, and parts of each where they are few."""
    from math import ceil, floor, log10

    values = [value for one in points for value in (one.low, one.high, float(one.text))]
    first, last = floor(log10(min(values))), ceil(log10(max(values)))
    step = max(1, -(-(last - first) // 4))
    parts = {0: (1.0, 2.0, 5.0), 1: (1.0, 2.0, 5.0), 2: (1.0, 3.0)}.get(last - first, (1.0,))
    found = [part * 10.0**n for n in range(first, last + 1, step) for part in parts]
    return [(value, amount(value, "kwh", 1)) for value in found]


def _power(report: FleetReport) -> Section | None:
    pictures: list[tuple[str, Whole]] = []
    shown = report.series[:MOST_SERIES]
    for one in shown:
        end_h = max((hours for hours, _ in (*one.points, *one.losses)), default=0.0)
        until = end_h, amount(end_h, "h")
        if (highest := max(one.watts, default=0.0)) > 0:
            heights = ((0.0, ""), (highest, amount(highest, "w")))
            picture = line(one.points, f"Power of {one.name} over time", until, heights)
            pictures.append((f"{one.name}: power ({one.boundary})", picture))
        if losses := one.named_losses:
            heights = ((min(losses), figures(min(losses))), (max(losses), figures(max(losses))))
            picture = line(one.losses, f"Loss of {one.name} over time", until, heights, filled=False)
            pictures.append((f"{one.name}: loss", picture))
    if not pictures:
        return None
    named = {"Power": any(one.watts for one in shown), "loss": any(one.losses for one in shown)}
    title = " and ".join(name for name, there in named.items() if there) + " over time"
    notes = {
        "A line of power breaks where nothing was read.": any(
            None in dict(one.points).values() for one in shown
        ),
        "A line of loss breaks where the loss was NaN or infinite.": any(one.has_loss_gaps for one in shown),
    }
    note = " ".join(text for text, there in notes.items() if there)
    return Section(key="power", title=title.capitalize(), note=note, pictures=tuple(pictures))


def _factors(report: FleetReport) -> Section | None:
    """The carbon intensity that each place's energy was multiplied by, as its rows imply it."""
    if report.runs is None:
        return None
    frame = report.runs[["place", "kind", "boundary", "started_at", "energy_kwh_mid", "co2e_kg_mid"]].dropna(
        subset=["energy_kwh_mid", "co2e_kg_mid"]
    )
    keys = ["place", "kind", "boundary"]
    sums = frame.groupby(keys, observed=True, dropna=False)[["energy_kwh_mid", "co2e_kg_mid"]].sum()
    rows = []
    for (place, kind, boundary), row in sums.head(60).iterrows():
        if row["energy_kwh_mid"] > 0:
            grams = 1000.0 * row["co2e_kg_mid"] / row["energy_kwh_mid"]
            shown = str(place) if place == place and place is not None else "(unknown)"
            rows.append((Cell(text=shown), Cell(text=NAMES[str(kind)]), Cell(text=str(boundary)),
                         Cell(text=f"{figures(grams)} gCO2e/kWh")))  # fmt: skip
    if not rows:
        return None
    note = (
        "CO2e over energy of the rows. The rows of a report CSV name the source and the year of each factor."
    )
    table = Table(caption="Implied carbon intensity", head=("place", "kind", "boundary", "intensity"),
                  rows=tuple(rows), numbers=(False, False, False, True))  # fmt: skip
    return Section(key="factors", title="Carbon intensities", note=note, tables=(table,))
