"""Markdown, for a pull request or a page."""

from __future__ import annotations

from typing import Any

from footprint.plain_text import fenced, in_markdown
from footprint.reports.formats import OF_ROWS, Answer

KINDS = OF_ROWS
ENDING = ".md"


def write(answer: Answer) -> str:
    """The answer as Markdown: a page of its own, a table of its rows, or its text as it stands."""
    if answer.markdown is not None:
        return answer.markdown()
    rows = answer.table() if answer.table is not None else []
    return _table(rows) if rows else fenced(answer.text())


def _table(rows: list[dict[str, Any]]) -> str:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    lines = [columns, ["---"] * len(columns), *([_cell(row.get(name)) for name in columns] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list | tuple):
        value = " ".join(map(str, value))
    return "" if value is None else in_markdown(str(value))
