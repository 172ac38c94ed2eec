"""The page of an estimate: the answer, the chain, what moves it, its factors and assumptions."""

from __future__ import annotations

from collections.abc import Iterator

from footprint.catalog.sources import describe
from footprint.reports.estimate_text import (
    answer_rows,
    behind_rows,
    is_repeated,
    repeats_rows,
    repeats_title,
    title_of,
)
from footprint.reports.explain import TITLES, contributions, formula_text
from footprint.reports.labels import cause_name
from footprint.reports.page import render
from footprint.reports.page.parts import Card, Cell, Page, Section, Step, Table
from footprint.reports.page.svg import Bar, bars, mini, tornado
from footprint.reports.texts.assumed import assumption_rows
from footprint.reports.work import trained
from footprint.results import Quantity
from footprint.results.estimate import Estimate
from footprint.results.human import amount, figures, interval
from footprint.spelling import on_command_line

BOUNDARIES = (
    "Energy and CO2e are those of the facility: all IT power of the nodes, times the PUE once. CO2e is "
    "operational and location-based; embodied CO2e and water stand beside it, never inside it."
)
METHOD = (
    "FLOPs are counted from the model's operations; a step's time follows from a roofline and the parallel "
    "layout, calibrated on published throughput; hours, power and energy from there. Each value is a median "
    "with its 90 % interval; the same cause in two factors is one error, different causes are independent."
)


def estimate_page(result: Estimate) -> str:
    """The page as HTML."""
    place = f"{result.place.name}{f' {result.place.year}' if result.place.year else ''}"
    return render(
        Page(
            kind="Estimate",
            title=title_of(result),
            subtitle=" · ".join(part for part in (trained(result), place) if part),
            cards=tuple(_cards(result)),
            chain=tuple(_chain(result)),
            sections=tuple(section for section in _sections(result) if section is not None),
            footer=f"footprint {result.footprint_version}, data {result.data_version}, "
            f"made {result.created_at}. Boundary: {result.boundary}. An estimate, not a measurement.",
        )
    )


def _cards(result: Estimate) -> Iterator[Card]:
    quantities = (
        ("energy", result.energy_kwh, "kwh"), ("CO2e, location-based", result.co2e_kg, "kg"),
        ("cost", result.cost_usd, "usd"), ("duration", result.duration_h, "h"),
    )  # fmt: skip
    for label, quantity, unit in quantities:
        if quantity is None:
            yield Card(label=label, value="unknown", note="no price is known")
        else:
            yield card(label, quantity, unit)


def card(label: str, quantity: Quantity, unit: str) -> Card:
    """A number of the headline with the picture of its interval."""
    said = interval(quantity, unit)
    low, high = quantity.bounds
    picture = mini(low, quantity.mid, high, f"{label}: {amount(quantity.mid, unit)}, 90 % {said}")
    return Card(label=label, value=amount(quantity.mid, unit), interval=said, picture=picture)


def _chain(result: Estimate) -> Iterator[Step]:
    model, cluster = result.model, result.cluster
    size = f"{figures(model.parameters)} parameters" if model is not None and model.parameters else ""
    yield Step(label="config", value=model.name if model is not None else "given hours", note=size)
    if result.flop is not None:
        mfu = f"MFU {figures(result.mfu.mid, 2)}" if result.mfu is not None else ""
        yield Step(label="training FLOPs", value=f"{figures(result.flop.model_flop)} FLOP", note=mfu)
    hardware = f"{cluster.count:,} x {cluster.accelerator}"
    yield Step(label="hours", value=amount(result.duration_h.mid, "h"), note=hardware)
    power = f"{amount(result.it_power_w.mid, 'w')} x hours x PUE {figures(result.pue.mid)}"
    yield Step(label="energy", value=amount(result.energy_kwh.mid, "kwh"), note=power)
    grid = f"{figures(result.grid_g_per_kwh.mid)} gCO2e/kWh"
    yield Step(label="CO2e", value=amount(result.co2e_kg.mid, "kg"), note=grid)
    if result.cost_usd is not None:
        hourly = result.price.usd_per_accelerator_h if result.price is not None else None
        note = f"{amount(hourly.mid, 'usd')} an accelerator-hour" if hourly is not None else ""
        yield Step(label="cost", value=amount(result.cost_usd.mid, "usd"), note=note)


def _sections(result: Estimate) -> Iterator[Section | None]:
    yield _warnings(result)
    yield _movers(result)
    yield _components(result)
    yield _published(result)
    tables = [_plain_table("The answer", answer_rows(result))]
    if is_repeated(result):
        tables.append(_plain_table(repeats_title(result), repeats_rows(result)))
    tables.append(_plain_table("How it comes about", behind_rows(result)))
    yield Section(key="numbers", title="The numbers", tables=tuple(tables))
    yield _factors(result)
    rows = [tuple(Cell(text=text) for text in row) for row in assumption_rows(result.assumptions)]
    table = Table(
        caption="Each replaced by its option", head=("assumed", "value", "replaced by"), rows=tuple(rows),
        numbers=(False, False, False),
    )  # fmt: skip
    yield (
        Section(key="assumed", title=f"Assumed ({len(rows)})", tables=(table,), open=False) if rows else None
    )
    yield Section(key="method", title="Method and boundary", note=METHOD, items=(BOUNDARIES,))


def _warnings(result: Estimate) -> Section | None:
    texts = tuple(map(on_command_line, result.warnings))
    return Section(key="warnings", title="Warnings", items=texts) if texts else None


def _movers(result: Estimate) -> Section | None:
    pictures = []
    answers = (
        ("Energy", result.energy_kwh, "kwh"),
        ("CO2e", result.co2e_kg, "kg"),
        ("Cost", result.cost_usd, "usd"),
    )
    for label, quantity, unit in answers:
        if quantity is None or not (causes := contributions(quantity)):
            continue
        low, high = quantity.bounds
        said = interval(quantity, unit)
        found = [Bar(label="all together", low=low, mid=quantity.mid, high=high, text=said, strong=True)]
        found += [
            Bar(label=cause_name(cause), low=a, mid=quantity.mid, high=b,
                text=interval(Quantity.between(a, quantity.mid, b, cause), unit) if a < quantity.mid < b
                else f"{amount(a, unit, 2)} - {amount(b, unit, 2)}")
            for cause, a, b in causes[:6]
        ]  # fmt: skip
        pictures.append((f"{label}: {amount(quantity.mid, unit)}", tornado(found, f"What moves {label}")))
    if not pictures:
        return None
    note = "Each bar is one cause alone, over its own 90 %. They are independent, so together they err less."
    return Section(key="movers", title="What moves the number", note=note, pictures=tuple(pictures))


def _components(result: Estimate) -> Section | None:
    parts = result.energy_components_kwh
    names = (
        ("accelerators", "accelerators"), ("processors", "cpu"), ("memory", "ram"),
        ("other parts of the nodes", "other_node"), ("network", "network"),
        ("cooling and losses (PUE)", "cooling"),
    )  # fmt: skip
    rows = []
    for label, name in names:
        part: Quantity | None = getattr(parts, name)
        if part is not None and part.mid > 0:
            share = f"{amount(part.mid, 'kwh')} ({figures(100 * part.mid / result.energy_kwh.mid, 2)} %)"
            rows.append(Bar(label=label, low=part.low, mid=part.mid, high=part.high, text=share))
    if not rows:
        return None
    return Section(
        key="parts", title="Where the energy goes", picture=bars(rows, "Facility energy by component")
    )


def _published(result: Estimate) -> Section | None:
    run = result.published
    if run is None or not (run.duration_h or run.accelerator_h):
        return None
    count = f"{run.count:,} x " if run.count else ""
    rows = [
        ("published", f"{count}{run.accelerator}", run.duration_h, run.accelerator_h, str(run.year or ""))
    ]
    own = f"{result.cluster.count:,} x {result.cluster.accelerator}"
    rows.append(
        ("this estimate", own, result.duration_h.mid, result.accelerator_h.mid, str(run.estimated_year or ""))
    )
    table = Table(
        caption="The model's own training beside the estimate", numbers=(False, False, True, True, True),
        head=("run", "hardware", "hours", "accelerator-hours", "year"),
        rows=tuple(
            tuple(Cell(text=text) for text in (what, hw, _hours(hours), _hours(total), year))
            for what, hw, hours, total, year in rows
        ),
    )  # fmt: skip
    same = "the same work on the same hardware" if run.same_run else "other hardware or other work"
    note = f"A reference, which the estimate does not use ({same}). {'; '.join(describe(run.source))}"
    return Section(key="published", title="Published run", note=_sentences(note, run.note), tables=(table,))


def _sentences(*texts: str) -> str:
    return " ".join(f"{text[0].upper()}{text[1:].rstrip('.')}." for text in texts if text)


def _hours(hours: float | None) -> str:
    return "" if hours is None else f"{float(f'{hours:.3g}'):,g}"


def _plain_table(caption: str, rows: list[tuple[str, str, str, str]]) -> Table:
    return Table(
        caption=caption,
        head=("quantity", "median", "90 % interval", "note"),
        rows=tuple(tuple(Cell(text=text) for text in row) for row in rows),
        numbers=(False, True, True, False),
    )


def _factors(result: Estimate) -> Section | None:
    """Each link of the chain with its formula, and where its factors come from."""
    rows = []
    for link in result.links:
        words, numbers = formula_text(link)
        cited = "; ".join("; ".join(describe(source)) for source in link.sources)
        rows.append(tuple(Cell(text=text) for text in (TITLES[link.name], f"{words} = {numbers}", cited)))
    if not rows:
        return None
    table = Table(
        caption="Formulas with their numbers, and the sources of their factors with the year",
        head=("result", "formula", "sources"), rows=tuple(rows), numbers=(False, False, False),
    )  # fmt: skip
    return Section(key="factors", title="Every factor and its source", tables=(table,))
