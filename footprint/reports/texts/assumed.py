"""The assumptions of an answer as text, each with the option that replaces it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from footprint.plain_text import in_markdown
from footprint.reports.labels import assumption_name
from footprint.results import Assumption
from footprint.results.human import figures, wrapped

HEAD = "Assumed, and what replaces it"
WIDTH = 80
SENTENCE = 60
"""Letters of a value above which it is a sentence rather than a value."""
_PLURALS = {"year": "years", "token": "tokens", "sample": "samples"}
_PURE = ("", "1", "share", "ratio")
"""Units that say nothing beside a number."""


def assumption_rows(assumptions: Sequence[Assumption]) -> Iterator[tuple[str, str, str]]:
    """Name and value of each assumption, and the option that replaces it."""
    for row in assumptions:
        value = row.value if isinstance(row.value, str) else _value(row.value)
        unit = "" if row.unit in _PURE else f" {_PLURALS.get(row.unit, row.unit)}"
        yield assumption_name(row.name), f"{value}{unit}", row.option


def assumed_text(assumptions: Sequence[Assumption], *, markdown: bool) -> str:
    """The assumptions as lines of 80 columns or as a list of Markdown; empty without any."""
    if not assumptions:
        return ""
    rows = assumption_rows(assumptions)
    if markdown:
        lines = [f"- {in_markdown(f'{a}: {b}')}" + (f" (`{c}`)" if c else "") for a, b, c in rows]
        return "\n".join([f"**{HEAD}**", "", *lines])
    lines = [f"{HEAD}:"]
    for name, value, option in rows:
        sign = ":" if len(value) > SENTENCE else " ="
        first, *rest = wrapped(f"{name}{sign} {value}" + (f"  [{option}]" if option else ""), WIDTH - 4)
        lines += [f"  {first}", *(f"    {line}" for line in rest)]
    return "\n".join(lines)


def _value(value: float) -> str:
    """A number of an assumption; counts are exact."""
    return f"{value:,}" if isinstance(value, int) else figures(value)
