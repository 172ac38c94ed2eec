"""One self-contained HTML page, which loads nothing."""

from __future__ import annotations

from footprint.reports.formats import Answer

KINDS: tuple[str, ...] = ("estimate", "report")
ENDING = ".html"


def write(answer: Answer) -> str:
    """The page of an estimate, or of a report of many runs."""
    if answer.kind == "estimate":
        from footprint.reports.page.estimate_page import estimate_page

        return estimate_page(answer.subject)
    from footprint.reports.page.fleet_page import fleet_page

    return fleet_page(answer.subject)
