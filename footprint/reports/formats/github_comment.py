"""A comment on GitHub: Markdown that begins with a mark, so that the next run finds and replaces it."""

from __future__ import annotations

from footprint.reports.formats import Answer

KINDS = ("difference", "estimate")
ENDING = ""
MARK = "<!-- footprint: comment -->"


def write(answer: Answer) -> str:
    """The mark, a heading, and the answer as Markdown."""
    assert answer.markdown is not None  # noqa: S101 - the kinds above have it
    return f"{MARK}\n### Footprint of this change\n\n{answer.markdown()}\n"
