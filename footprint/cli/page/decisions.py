"""Scenarios side by side, and what a budget buys, as the page shows them."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from footprint.cli.page.estimates import ANSWERS, quantity_shown
from footprint.cli.page.questions import MOST_CHARACTERS, arguments_of, checked_text, fields_in, values_of
from footprint.errors import FootprintError
from footprint.results.human import figures
from footprint.spelling import on_command_line

AXES = ("hw", "region")
MOST_ROWS = 12
OF_A_PLAN = ("hw", "region", "year", "pue", "grid_g_per_kwh", "provider", "purchase", "usd_per_hour")
"""Fields that the page hands on to a plan, which decides itself what is trained."""


def beside(question: Mapping[str, Any]) -> dict[str, Any]:
    """The scenario with several values of one field; ratios to the first, in which shared errors cancel."""
    from footprint.decisions import compare

    fields, axis = fields_in(question), question.get("axis")
    values = question.get("values")
    if axis not in AXES or not isinstance(values, list) or not 1 < len(values) <= MOST_ROWS:
        raise FootprintError(f"side by side are 2 to {MOST_ROWS} values of {' or '.join(AXES)}")
    texts = [checked_text(value, f"`{axis}=`") for value in values]
    for text in texts:
        fields_in({"fields": {axis: text}})
    fixed = {name: text for name, text in fields.items() if name != axis}
    found = compare({axis: texts}, **values_of(fixed))
    rows = [
        {
            "name": str(row.scenario[axis]),
            "feasible": row.feasible,
            "reason": on_command_line(row.reason),
            "best": list(row.best),
            **{key: quantity_shown(key, title, getattr(row, key), unit) for key, unit, title in ANSWERS},
            "ratio": {
                key: {"text": f"x {figures(one.value.mid, 2)}", "verdict": one.verdict}
                for key, one in row.ratio.items()
            },
        }
        for row in found.rows
    ]
    axes = [part for text in texts for part in ("--" + axis, text)]
    return {
        "rows": rows,
        "command": shlex.join(["footprint", "compare", *arguments_of(fixed), *axes]),
    }


def planned(question: Mapping[str, Any]) -> dict[str, Any]:
    """What a budget buys on the hardware of the form."""
    from footprint.decisions.plans import plan
    from footprint.reports.decisions.plan_text import tables_of, title_of

    fields = {name: text for name, text in fields_in(question).items() if name in OF_A_PLAN}
    budget = checked_text(question.get("budget", ""), "`budget=`")
    if not budget:
        raise FootprintError("`budget=` is what may be spent: $10k, 500kgCO2e, 2MWh, 7d or 1e22FLOP")
    found = plan(budget[:MOST_CHARACTERS], **values_of(fields))
    return {
        "title": title_of(found),
        "tables": [[title, [list(row) for row in rows]] for title, rows in tables_of(found)][:3],
        "warnings": [on_command_line(text) for text in found.warnings],
        "command": shlex.join(["footprint", "plan", "--budget", budget, *arguments_of(fields)]),
    }
