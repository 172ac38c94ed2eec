"""Markdown, for a pull request or a page."""

from __future__ import annotations

from footprint.reports.formats import Answer

KINDS = ("estimate", "inference")
ENDING = ".md"


def write(answer: Answer) -> str:
    """The answer as Markdown."""
    assert answer.markdown is not None  # noqa: S101 - the kinds above have a page
    return answer.markdown()
