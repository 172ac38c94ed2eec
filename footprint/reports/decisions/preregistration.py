"""The page that says before a project what will be trained, why, at what cost, and instead of what."""

from __future__ import annotations

from collections.abc import Iterator

from footprint.catalog.upkeep.age import today
from footprint.catalog.version import DATA_VERSION, footprint_version
from footprint.plain_text import in_markdown, markdown_table
from footprint.projects.record import Project
from footprint.reports.decisions.comparison_text import render_markdown as comparison_page
from footprint.reports.decisions.project_text import UNITS, grounds_of, label_of, said_of, table_lines
from footprint.results.human import amount, interval

NOT_SAID = "Not said."
LEFT_OUT = (
    "Energy is that of the facility, by the PUE. CO2e is that of its electricity, location-based: making the "
    "hardware and the work of people are not in it. These factors are behind the numbers, with their 90 % "
    "intervals:"
)


def page(project: Project) -> str:
    """The page as Markdown."""
    return "\n".join(_lines(project)) + "\n"


def _lines(project: Project) -> Iterator[str]:
    yield f"# {in_markdown(project.name or 'A project')}: what it will cost"
    yield ""
    yield f"Written on {today()}, before the runs, with footprint {footprint_version()}"
    yield f"(data {DATA_VERSION}). Every number is an estimate, with its 90 % interval."
    yield ""
    yield "## What will be trained"
    yield ""
    for row in project.rows:
        yield f"- **{in_markdown(label_of(row))}** ({row.kind}): {in_markdown(said_of(row.scenario))}"
    yield ""
    yield "## Why"
    yield ""
    yield in_markdown(project.why.strip()) if project.why.strip() else NOT_SAID
    yield ""
    yield "## What it will cost"
    yield ""
    yield _sentence(project)
    yield ""
    yield from table_lines(project)
    yield ""
    yield LEFT_OUT
    yield ""
    yield markdown_table(list(grounds_of(project)))
    yield ""
    yield "## Alternatives weighed"
    yield ""
    if project.alternatives is None:
        yield NOT_SAID
    else:
        yield (
            f"To {in_markdown(project.alternatives_to)}. Row 1 is what is planned; what two rows share is"
            " cancelled in their ratio."
        )
        yield ""
        yield comparison_page(project.alternatives).strip()
    yield ""
    yield "## What is done to lower the cost"
    yield ""
    yield from [f"- {in_markdown(one)}" for one in project.mitigations] or [NOT_SAID]
    if project.warnings:
        yield ""
        yield "## Warnings"
        yield ""
        yield from (f"- {in_markdown(one)}" for one in project.warnings)


def _sentence(project: Project) -> str:
    """The total in words."""
    total = project.total
    parts = [
        f"{amount(quantity.mid, UNITS[name])} {word} ({interval(quantity, UNITS[name])})"
        for name, word, quantity in (
            ("energy_kwh", "of energy", total.energy_kwh),
            ("co2e_kg", "of operational CO2e, location-based", total.co2e_kg),
            ("cost_usd", "of rented hardware", total.cost_usd),
        )
        if quantity is not None
    ]
    return in_markdown("All together " + "; ".join(parts) + ".")
