"""The page to publish before a project: what will be trained, why, at what cost, and instead of what."""

from __future__ import annotations

from collections.abc import Iterator

from footprint.catalog.upkeep.age import today
from footprint.catalog.version import DATA_VERSION, footprint_version
from footprint.decisions.scenario_table import QUANTITIES, ComparedRow, ScenarioTable
from footprint.projects.record import Project, ProjectRow, ProjectTotal
from footprint.reports.decisions.comparison_text import conclusions, in_all_rows, name_of, ratio_text
from footprint.reports.decisions.preregistration import LEFT_OUT, NOT_SAID
from footprint.reports.decisions.project_text import UNITS, grounds_of, label_of, said_of
from footprint.reports.labels import QUANTITY_WORDS
from footprint.reports.page import render
from footprint.reports.page.estimate_page import card
from footprint.reports.page.parts import Card, Cell, Page, Section, Table, Whole
from footprint.reports.page.svg import Bar, bars
from footprint.results import Quantity
from footprint.results.human import amount, figures, interval
from footprint.results.report_columns import AMOUNTS
from footprint.spelling import on_command_line

METHOD = (
    "Medians with what holds 90 %. An error that two runs share adds up in the total; hours are of one run "
    "after another."
)
ALL = "all together"
MOST_LETTERS = 34
"""Of a label in a drawing."""
_CARDS = {
    "energy_kwh": "energy",
    "co2e_kg": "CO2e, location-based",
    "cost_usd": "rented hardware",
    "duration_h": "hours, one run after another",
}


def project_page(project: Project) -> str:
    """The page as HTML."""
    return render(
        Page(
            kind="Preregistration",
            title=f"{project.name.strip() or 'A project'}: what it will cost",
            subtitle=f"Written on {today()}, before the runs. Every number is an estimate.",
            cards=tuple(_cards(project.total)),
            chain=(),
            sections=tuple(_sections(project)),
            footer=f"footprint {footprint_version()}, data {DATA_VERSION}. Estimates, not measurements.",
        )
    )


def _cards(total: ProjectTotal) -> Iterator[Card]:
    for name, label in _CARDS.items():
        quantity: Quantity | None = getattr(total, name)
        if quantity is None:
            yield Card(label=label, value="unknown", note="one of the runs has no such number")
        else:
            yield card(label, quantity, UNITS[name])


def _sections(project: Project) -> Iterator[Section]:
    trained = Table(
        caption="The runs", head=("run", "kind", "what"), numbers=(False, False, False),
        rows=tuple(
            (Cell(text=label_of(row)), Cell(text=row.kind), Cell(text=said_of(row.scenario)))
            for row in project.rows
        ),
    )  # fmt: skip
    yield Section(key="trained", title="What will be trained", tables=(trained,))
    yield Section(key="why", title="Why", note=project.why.strip() or NOT_SAID)
    yield _costs(project)
    yield _alternatives(project)
    done = project.mitigations
    yield Section(
        key="mitigations", title="What is done to lower the cost", items=done, note="" if done else NOT_SAID
    )
    if project.warnings:
        yield Section(key="warnings", title="Warnings", items=project.warnings)


def _costs(project: Project) -> Section:
    rows: list[tuple[str, ProjectRow | ProjectTotal]] = [(label_of(row), row) for row in project.rows]
    rows.append((ALL, project.total))
    head = ["run"]
    for name in QUANTITIES:
        head += [QUANTITY_WORDS[name], "90 %"]
    table = Table(
        caption="What each run and all together will cost", head=tuple(head),
        numbers=(False, *(True for _ in head[1:])),
        rows=tuple((Cell(text=label), *_cells(row)) for label, row in rows),
    )  # fmt: skip
    pictures = []
    for name in AMOUNTS:
        drawn = [(label, value) for label, row in rows if (value := getattr(row, name)) is not None]
        if drawn:
            title = f"{QUANTITY_WORDS[name]}, median and 90 % interval"
            pictures.append((title, _bars(drawn, UNITS[name], title)))
    factors = list(grounds_of(project))
    grounds = Table(
        caption="What the numbers rest on", head=factors[0], numbers=(False, False, True, True, True),
        rows=tuple(tuple(Cell(text=cell) for cell in row) for row in factors[1:]),
    )  # fmt: skip
    return Section(
        key="cost", title="What it will cost", note=f"{METHOD} {LEFT_OUT}", tables=(table, grounds),
        pictures=tuple(pictures),
    )  # fmt: skip


def _bars(rows: list[tuple[str, Quantity]], unit: str, title: str) -> Whole:
    found = [
        Bar(
            label=label if len(label) <= MOST_LETTERS else f"{label[: MOST_LETTERS - 1]}…",
            low=one.low, mid=one.mid, high=one.high, text=amount(one.mid, unit), strong=label == ALL,
        )
        for label, one in rows
    ]  # fmt: skip
    return bars(found, title)


def _cells(row: ProjectRow | ProjectTotal | ComparedRow) -> Iterator[Cell]:
    for name in QUANTITIES:
        quantity: Quantity | None = getattr(row, name)
        yield Cell(text="-" if quantity is None else amount(quantity.mid, UNITS[name]))
        yield Cell(text=interval(quantity, UNITS[name]) if quantity is not None and quantity.spread else "")


def _alternatives(project: Project) -> Section:
    found = project.alternatives
    if found is None:
        return Section(key="alternatives", title="Alternatives weighed", note=NOT_SAID)
    said = " ".join(words for words in (in_all_rows(found), *conclusions(found)) if words)
    note = (
        f"To {project.alternatives_to}. Row 1 is what is planned; what two rows share is cancelled in "
        f"their ratio. {said}"
    )
    return Section(
        key="alternatives", title="Alternatives weighed", note=note, tables=tuple(_tables(found)),
        items=tuple(map(on_command_line, found.warnings)),
    )  # fmt: skip


def _tables(found: ScenarioTable) -> Iterator[Table]:
    head = ["row"]
    for name in QUANTITIES:
        head += [QUANTITY_WORDS[name], "90 %"]
    noted = any(row.reason for row in found.rows)
    head += ["memory, GiB", *(["note"] if noted else [])]
    labels = {row.id: f"{row.id}. {name_of(found, row)}" for row in found.rows}
    yield Table(
        caption="Each alternative", head=tuple(head), numbers=(False, *(name != "note" for name in head[1:])),
        rows=tuple(
            (
                Cell(text=labels[row.id]), *_cells(row),
                Cell(text="" if row.needed_gib is None else
                     f"{figures(row.needed_gib, 2)} of {row.device_gib:g}"),
                *([Cell(text=on_command_line(row.reason))] if noted else []),
            )
            for row in found.rows
        ),
    )  # fmt: skip
    base = found.row(found.baseline)
    over = [row for row in found.rows if row is not base and row.ratio]
    if over:
        yield Table(
            caption=f"Over row {base.id}, with what the two share cancelled",
            head=("row", *(QUANTITY_WORDS[name] for name in QUANTITIES)),
            numbers=(False, *(True for _ in QUANTITIES)),
            rows=tuple(
                (Cell(text=labels[row.id]),
                 *(Cell(text=ratio_text(row.ratio.get(name))) for name in QUANTITIES))
                for row in over
            ),
        )  # fmt: skip
