"""What is asked of each figure of docs/validation.md, what it is now, and what is left of its error."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from typing import Any

from benchmarks.residuals import percent, table
from footprint.catalog.files import reference_folder
from footprint.validation import ValidationReport


def tried() -> Iterable[str]:
    """Lines of the page on the ideas for the time model and what each gained."""
    yield "### Changes that were tried and gained little"
    yield ""
    yield "Median error out of sample, before and after; a gain below half a point was kept only if physics"
    yield "requires the change."
    yield ""
    lines = [
        (one["what"], one["on"], percent(one["before_share"]), percent(one["after_share"]),
         "yes" if one["kept"] else "no")
        for one in _table()["idea"]
    ]  # fmt: skip
    yield from table(("idea", "on", "before", "after", "kept"), lines)
    yield "Forms of the lower ends of goodput ([the one that is kept](decisions/goodput.md)): what the"
    yield "intervals of whole runs hold with each developer left out in turn, and upper over lower end."
    yield ""
    forms = [
        (one["what"], percent(one["runs_share"]), percent(one["developers_share"]),
         f"{one['width_factor']:.2f}x", "yes" if one["kept"] else "no")
        for one in _table()["form"]
    ]  # fmt: skip
    yield from table(("form", "runs", "developers", "width", "kept"), forms)


def reach(reports: Mapping[str, ValidationReport]) -> Iterable[str]:
    """Lines of the page on the figures that are asked for."""
    yield "### What is asked of these figures, and what is left"
    yield ""
    yield "The ideas that were tried for a figure are in the table above."
    yield ""
    lines = []
    for one in _table()["reach"]:
        report = reports[one["dataset"]]
        if "kind" in one:
            rows = tuple(row for row in report.rows if row.note == one["kind"])
            report = ValidationReport(dataset=report.dataset, rows=rows)
        now, asked = getattr(report, one["statistic"]), one.get("reach_share") or one["reach_factor"]
        shown = (percent(value) if "reach_share" in one else f"{value:.2f}x" for value in (asked, now))
        lines.append((one["figure"], *shown, "yes" if now <= asked else "no", one["left"]))
    yield from table(("figure", "asked", "now", "reached", "what is left"), lines)


def _table() -> dict[str, Any]:
    return tomllib.loads((reference_folder() / "tried.toml").read_text("utf-8"))
