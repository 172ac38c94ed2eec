"""Answers as HTML for notebooks: no colours, no scripts, nothing that a name could turn into markup."""

from __future__ import annotations

import html
from collections.abc import Iterable

from footprint.plain_text import in_line
from footprint.reports.estimate_text import (
    answer_rows,
    behind_rows,
    is_repeated,
    repeats_rows,
    repeats_title,
    title_of,
)
from footprint.reports.texts.assumed import assumption_rows
from footprint.reports.work import trained
from footprint.results.estimate import Estimate
from footprint.spelling import on_command_line

_OPEN = '<div class="footprint tex2jax_ignore mathjax_ignore">'
"""Dollars are money here, no formula of MathJax."""
_RULE = "border-bottom:1px solid currentColor"
_CELL = "text-align:{};padding:2px 10px;background:none"


def page(text: str) -> str:
    """A text with its columns."""
    return f'{_OPEN}<pre style="background:none;line-height:1.3">{html.escape(text)}</pre></div>'


def estimate_html(result: Estimate) -> str:
    """An estimate: the answer, how it comes about, and what is assumed, which opens on a click."""
    parts = [
        f"<p><b>{_said(title_of(result))}</b><br>{_said(trained(result))}</p>",
        _table(answer_rows(result), head="one run" if is_repeated(result) else ""),
        _table(repeats_rows(result), head=repeats_title(result)) if is_repeated(result) else "",
        _table(behind_rows(result), head="how it comes about"),
    ]
    if result.warnings:
        parts.append(_list("Warnings", map(on_command_line, result.warnings)))
    if result.assumptions:
        rows = [f"{name} = {value}" + (f"  [{option}]" if option else "") for name, value, option in
                assumption_rows(result.assumptions)]  # fmt: skip
        summary = f"<summary>Assumed, and what replaces it ({len(rows)})</summary>"
        parts.append(f"<details>{summary}{_list('', rows)}</details>")
    return f"{_OPEN}{''.join(parts)}</div>"


def _said(text: str) -> str:
    return html.escape(in_line(text))


def _list(title: str, texts: Iterable[str]) -> str:
    items = "".join(f"<li>{_said(text)}</li>" for text in texts)
    return (f"<b>{_said(title)}</b>" if title else "") + f"<ul>{items}</ul>"


def _table(rows: Iterable[tuple[str, ...]], *, head: str) -> str:
    sides = ("left", "right", "left", "left")

    def line(cells: tuple[str, ...], tag: str, extra: str = "") -> str:
        made = (
            f'<{tag} style="{_CELL.format(side)}{extra}">{_said(cell)}</{tag}>'
            for cell, side in zip(cells, sides, strict=True)
        )
        return f'<tr style="background:none">{"".join(made)}</tr>'

    body = [
        line((head, "median", "90 % interval", ""), "th", f";{_RULE}"),
        *(line(row, "td") for row in rows),
    ]
    return f'<table style="border-collapse:collapse;margin:4px 0">{"".join(body)}</table>'
