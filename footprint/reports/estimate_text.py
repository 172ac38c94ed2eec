"""An estimate as text of 80 columns or as Markdown: first the answer, then the links and assumptions."""

from __future__ import annotations

from footprint.catalog.upkeep.age import age_months, end_of, today
from footprint.estimator.predict import HIGHEST_CREDIBLE_MFU
from footprint.plain_text import fenced, in_line, in_markdown
from footprint.reports.texts.assumed import assumed_text
from footprint.reports.work import room_left, trained
from footprint.results import Quantity
from footprint.results.estimate import Estimate, PriceSummary, PublishedRun
from footprint.results.human import amount, counted, figures, interval, wrapped
from footprint.spelling import on_command_line

WIDTH = 80
Row = tuple[str, str, str, str]
"""Label, median, 90 % interval and note."""


def render(
    result: Estimate,
    *,
    markdown: bool = False,
    explain: bool = False,
    spread: bool = False,
    equivalents: bool = False,
) -> str:
    """The estimate as text; ``explain`` and ``spread`` add the formulas and the causes of the intervals."""
    sections: list[str] = []
    misfit = "" if result.misfit is None else in_line(on_command_line(result.misfit))
    one = "one run" if is_repeated(result) else ""
    if markdown:
        sections.append(f"### {in_markdown(title_of(result))}")
        sections.append(in_markdown(trained(result)))
        sections.append(f"**{in_markdown(misfit)}**" if misfit else "")
        sections.append(_markdown_table(one, answer_rows(result)))
        sections.append(_repeats(result, markdown=True))
        sections.append(_markdown_table("How it comes about", behind_rows(result)))
    else:
        head = [line for line in (title_of(result), trained(result)) if line]
        sections.append("\n".join(part for line in head for part in wrapped(line, WIDTH)))
        sections.append("\n".join(wrapped(misfit, WIDTH)) if misfit else "")
        sections.append(_table([(one, "median", "90 % interval", ""), *answer_rows(result)]))
        sections.append(_repeats(result, markdown=False))
        sections.append(_table(behind_rows(result)))
    if result.published is not None and (result.published.duration_h or result.published.accelerator_h):
        lines = wrapped(_published(result, result.published), WIDTH)
        sections.append("\n".join(map(in_markdown, lines) if markdown else lines))
    if age := _age(result):
        lines = wrapped(age, WIDTH)
        sections.append("\n".join(map(in_markdown, lines) if markdown else lines))
    if spread:
        from footprint.reports.explain import spread_text

        sections.append(_block(spread_text(result), markdown))
    if explain:
        from footprint.reports.explain import explain_text

        sections.append(_block(explain_text(result), markdown))
    if equivalents:
        from footprint.reports.equivalents import equivalents_text

        sections.append(_block(equivalents_text(result.co2e_kg), markdown))
    sections.append(assumed_text(result.assumptions, markdown=markdown))
    if markdown:
        sections.append(_warnings(result))
    made = f"footprint {result.footprint_version}, data {result.data_version}"
    made += f", {result.created_at[:10]}" if markdown else ""  # text says the day of its data above
    sections.append(f"{made}; boundary: {result.boundary}")
    return "\n\n".join(section for section in sections if section)


def _age(result: Estimate) -> str:
    """How old the prices and the grid factor are today; empty where both were given."""
    day, found = today(), []
    if result.price is not None and result.price.dated:
        oldest, _, newest = result.price.dated.partition("/")
        if newest:
            months = f"{age_months(newest, day)} to {age_months(oldest, day)}"
            found.append(f"prices of {oldest} to {newest} ({months} months old)")
        else:
            found.append(f"price of {oldest} ({_months(age_months(oldest, day))} old)")
    place = result.place
    if place.year and place.basis != "given":
        found.append(f"grid factor of {place.year} ({_months(age_months(end_of(place.year), day))})")
    return f"Data on {day}: {', '.join(found)}." if found else ""


def _months(count: int) -> str:
    return f"{count} month" if count == 1 else f"{count} months"


def _block(text: str, markdown: bool) -> str:
    """Plain text unchanged, or in a code block for Markdown."""
    return fenced(text) if markdown and text else text


def title_of(result: Estimate) -> str:
    """The name, the model and the hardware, and how many runs if several."""
    cluster = result.cluster
    nodes = f"{cluster.nodes:,g}" if cluster.nodes == int(cluster.nodes) else figures(cluster.nodes)
    nodes += " node" if cluster.nodes <= 1 else " nodes"
    hardware = f"{cluster.count:,} x {cluster.variant} ({cluster.unit}, {nodes})"
    default = result.name.removesuffix(f" on {cluster.accelerator}:{cluster.count}")
    plain = default != result.name
    # Without FLOPs there is no model record; a default name contains the model's name.
    what = result.model.name if result.model is not None else default if plain else "given hours"
    title = f"{what} on {hardware}" + (f", {result.repeats.runs:,} runs" if result.repeats.runs > 1 else "")
    return title if plain else f"{result.name}: {title}"


def answer_rows(result: Estimate) -> list[Row]:
    """The rows of duration, energy, CO2e and cost."""
    rows = [
        _row("duration", result.duration_h, "h"),
        _row("energy (facility)", result.energy_kwh, "kwh"),
        _row("operational CO2e", result.co2e_kg, "kg"),
    ]
    if result.cost_usd is not None:
        rows.append(_row("cost", result.cost_usd, "usd"))
    else:
        rows.append(("cost", "unknown", "", "give --usd-per-hour"))
    return rows


def _published(result: Estimate, run: PublishedRun) -> str:
    """One line with the published duration for comparison; the estimate does not use it."""
    count = f"{run.count:,} x " if run.count else ""
    name = result.model.name if result.model is not None else "the model"
    when = f" ({run.year})" if run.year is not None else ""
    adapted = result.workload is not None and result.workload.method != "pretrain"
    what = f"the pre-training of {name}{when}" if adapted else f"{name}{when}"
    if run.duration_h is None:
        hours, own = run.accelerator_h or 0.0, result.accelerator_h.mid
        text = f"Reference: {what} took {hours:,.0f} accelerator-hours of {run.accelerator}"
        if adapted:
            return f"{text}."
        rounded = figures(own) if own < 1000 else f"{float(f'{own:.3g}'):,.0f}"
        return f"{text}; the estimate is {rounded} of {result.cluster.accelerator}."
    hours, predicted = run.duration_h, result.duration_h
    if adapted:
        return f"Reference: {what} took {figures(hours)} h on {count}{run.accelerator}."
    text = f"Reference: {what} was trained in {figures(hours)} h on {count}{run.accelerator}"
    if not run.same_run or predicted.low <= hours <= predicted.high:
        return f"{text}."
    if run.year != run.estimated_year:
        option = f"use --year {run.year} for the software of that run"
        return (
            f"{text}, outside the interval above, which is for software of {run.estimated_year} ({option})."
        )
    return f"{text}, outside the interval above: {run.note or 'our model is wrong here'}."


def _row(label: str, quantity: Quantity, unit: str, note: str = "") -> Row:
    return label, amount(quantity.mid, unit), interval(quantity, unit), note


def behind_rows(result: Estimate) -> list[Row]:
    """The links of the chain between the config and the answer."""
    rows: list[Row] = []
    if result.flop is not None and result.workload is not None:
        rows.append(("training FLOPs", f"{figures(result.flop.model_flop)} FLOP", "", _amounts(result)))
    if result.mfu is not None and result.workload is not None:
        label = "MFU" if result.goodput is not None else "MFU (wall clock)"
        note = result.workload.precision
        if round(result.mfu.high, 2) > HIGHEST_CREDIBLE_MFU >= result.mfu.mid:
            note += f"; above {HIGHEST_CREDIBLE_MFU} is not credible"
        rows.append((label, figures(result.mfu.mid, 2), interval(result.mfu, ""), note))
    if result.goodput is not None:
        rows.append(_row("goodput", result.goodput, ""))
    if result.memory is not None:
        rows.append(_row("device memory", result.memory.needed_gib, "gib", room_left(result.memory)))
    rows.append(_row("power (node)", result.it_power_w, "w"))
    rows.append(_row("energy (node)", result.it_energy_kwh, "kwh"))
    rows.append(_row("PUE", result.pue, ""))
    place = f"{result.place.name}" + (f" {result.place.year}" if result.place.year else "")
    rows.append(_row("grid", result.grid_g_per_kwh, "g_per_kwh", place))
    if result.price is not None:
        rows.append(_price_row(result.price))
    if result.co2e_market_kg is not None:
        rows.append(_row("CO2e, market (direct)", result.co2e_market_kg, "kg"))
    if result.embodied_co2e_kg is not None:
        rows.append(_row("embodied CO2e", result.embodied_co2e_kg, "kg"))
    if result.water_l is not None:
        rows.append(_row("water on site", result.water_l, "l"))
    return rows


def _price_row(price: PriceSummary) -> Row:
    """The row of the price: amount, way to buy, number of offers and providers."""
    hourly = price.usd_per_accelerator_h
    ends = interval(hourly, "usd") if hourly.low < hourly.high else "one price"
    note = price.purchase
    if price.providers:
        kind, found, _ = price.interval.partition("; ")
        of_kind = kind.removeprefix("median of ") + " of " if found else ""
        note += f", {of_kind}{price.providers} provider{'' if price.providers == 1 else 's'}"
    return "price per hour", amount(hourly.mid, "usd"), ends, note


def _amounts(result: Estimate) -> str:
    workload = result.workload
    if workload is None:
        return ""
    if workload.tokens is not None:
        return f"{figures(workload.tokens)} tokens, {counted(workload.steps)} steps"
    return f"{counted(workload.samples)} samples, {counted(workload.steps)} steps"


def _table(rows: list[Row]) -> str:
    """Three aligned columns within 80 characters; the last column wraps."""
    first = max(len(row[0]) for row in rows)
    second = max(len(row[1]) for row in rows)
    lines: list[str] = []
    for label, value, ends, note in rows:
        detail = ", ".join(part for part in (ends, note) if part)
        head = f"  {in_line(label):<{first}}  {value:>{second}}  "
        parts = wrapped(detail, WIDTH - len(head))
        lines.append((head + parts[0]).rstrip())
        lines += [" " * len(head) + part for part in parts[1:]]
    return "\n".join(lines)


def _markdown_table(title: str, rows: list[Row]) -> str:
    lines = [f"**{title}**", ""] if title else []
    noted = any(row[3] for row in rows)
    lines += [
        "| | median | 90 % interval |" + (" |" if noted else ""),
        "|---|---:|---|" + ("---|" if noted else ""),
    ]
    lines += ["| " + " | ".join(map(in_markdown, row if noted else row[:3])) + " |" for row in rows]
    return "\n".join(lines)


def is_repeated(result: Estimate) -> bool:
    """Whether there is more to pay for than the one run that the estimate is of."""
    return result.repeats.is_several


def repeats_title(result: Estimate) -> str:
    """What the total of an estimate is of."""
    runs, failed, search = result.repeats.runs, result.repeats.failed_share, result.repeats.search
    title = f"All {runs:,} runs together" if runs > 1 else "With the failed runs"
    if search is not None:
        more = f" and {runs:,} whole runs" if runs else ""
        hours = counted(result.total.accelerator_h.mid)
        title = f"All {search.trials:,} trials{more} together, {hours} accelerator-hours"
    return title + (f", {figures(100 * failed)} % of all hours failed" if failed else "")


def repeats_rows(result: Estimate) -> list[Row]:
    """The total of all runs, failed ones included."""
    whole = result.total
    rows = [_row("energy (facility)", whole.energy_kwh, "kwh"), _row("operational CO2e", whole.co2e_kg, "kg")]
    return rows if whole.cost_usd is None else [*rows, _row("cost", whole.cost_usd, "usd")]


def _repeats(result: Estimate, *, markdown: bool) -> str:
    if not is_repeated(result):
        return ""
    title, rows = repeats_title(result), repeats_rows(result)
    return _markdown_table(title, rows) if markdown else "\n".join([*wrapped(f"{title}:", 80), _table(rows)])


def _warnings(result: Estimate) -> str:
    """The warnings, which a page must carry itself."""
    if not result.warnings:
        return ""
    return "\n".join(
        ["**Warnings**", "", *(f"- {in_markdown(on_command_line(text))}" for text in result.warnings)]
    )
