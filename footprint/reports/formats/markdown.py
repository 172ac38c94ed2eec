"""Markdown, for a pull request or a page."""

from __future__ import annotations

from typing import Any

from footprint.plain_text import fenced, in_line, in_markdown
from footprint.reports.formats import COMPUTED, OF_ROWS, Answer, signed
from footprint.reports.labels import column_name
from footprint.results.human import in_words
from footprint.spelling import on_command_line

KINDS = OF_ROWS
ENDING = ".md"
_EXACT = 1e15
"""Whole numbers below this are written in full."""


def write(answer: Answer) -> str:
    """The answer as Markdown: a page of its own, a table of its rows, or its text as it stands."""
    if answer.markdown is not None:
        text = answer.markdown()
    else:
        rows = answer.table() if answer.table is not None else []
        text = _table(rows) if rows else fenced(answer.text())
    said = (in_markdown(in_line(on_command_line(one))) for one in answer.warnings)
    unsaid = [f"- {one}" for one in said if one not in text]
    if unsaid and answer.kind in COMPUTED:
        text = "\n".join([text.rstrip(), "", "**Warnings**", "", *unsaid])
    return signed(answer, text)


def _table(rows: list[dict[str, Any]]) -> str:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    cells = ([_cell(row.get(name), name) for name in columns] for row in rows)
    lines = [[column_name(name) for name in columns], ["---"] * len(columns), *cells]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(value: Any, column: str) -> str:
    if isinstance(value, float):
        return f"{value:.0f}" if value.is_integer() and abs(value) < _EXACT else f"{value:.6g}"
    if isinstance(value, list | tuple):
        value = " ".join(map(str, value))
    if isinstance(value, str) and column in ("status", "verdict"):
        value = in_words(value)
    return "" if value is None else in_markdown(str(value))
