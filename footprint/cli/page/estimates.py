"""An estimate as the page shows it: the texts of the command's table, and the numbers behind pictures."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from footprint.cli.page.questions import arguments_of, fields_in, request_of
from footprint.results import Quantity
from footprint.results.estimate import Estimate
from footprint.results.human import amount, interval
from footprint.spelling import on_command_line

ANSWERS = (
    ("duration_h", "h", "Time"),
    ("energy_kwh", "kwh", "Energy"),
    ("co2e_kg", "kg", "CO2e"),
    ("cost_usd", "usd", "Cost"),
)
"""The quantities of the headline: key, unit and title."""


def estimated(question: Mapping[str, Any]) -> dict[str, Any]:
    """The estimate of a question's fields."""
    from footprint.estimator import estimate

    fields = fields_in(question)
    return shown(estimate(request_of(fields)), fields)


def shown(result: Estimate, fields: Mapping[str, str]) -> dict[str, Any]:
    """Everything that the page shows of an estimate; ``record`` is the JSON of the command."""
    from footprint.cli.page.published import beside_rules
    from footprint.reports.estimate_text import behind_rows, title_of
    from footprint.reports.work import trained

    return {
        "title": title_of(result),
        "trained": trained(result),
        "headline": [quantity_shown(key, title, getattr(result, key), unit) for key, unit, title in ANSWERS],
        "behind": [list(row) for row in behind_rows(result)],
        "causes": {
            key: _causes(quantity, unit)
            for key, unit, _ in ANSWERS
            if (quantity := getattr(result, key)) is not None
        },
        "energy": _energy(result),
        "step": [[one.name.replace("_", " "), one.time_s] for one in result.step_terms if one.time_s > 0],
        "rules": beside_rules(result),
        "assumptions": _assumptions(result),
        "warnings": [on_command_line(text) for text in result.warnings],
        "misfit": result.misfit is not None,
        "command": command_line(fields),
        "record": result.to_json(),
    }


def command_line(fields: Mapping[str, str]) -> str:
    """The command that prints the same estimate."""
    return shlex.join(["footprint", "estimate", *arguments_of(fields)])


def quantity_shown(key: str, title: str, quantity: Quantity | None, unit: str) -> dict[str, Any]:
    """A quantity with its texts; without numbers where it is unknown."""
    found: dict[str, Any] = {"key": key, "title": title}
    if quantity is not None:
        low, high = quantity.bounds
        found |= {
            "text": amount(quantity.mid, unit),
            "interval": interval(quantity, unit),
            "low": low,
            "mid": quantity.mid,
            "high": high,
        }
    return found


def _causes(quantity: Quantity, unit: str) -> list[dict[str, Any]]:
    """Each cause with the quantity at its two ends, widest first."""
    from footprint.reports.explain import contributions
    from footprint.reports.labels import cause_name

    return [
        {
            "name": cause_name(cause),
            "low": low,
            "high": high,
            "low_text": amount(low, unit, 2),
            "high_text": amount(high, unit, 2),
        }
        for cause, low, high in contributions(quantity)
    ]


def _energy(result: Estimate) -> list[dict[str, Any]]:
    """The parts of the facility's energy that are known."""
    parts = result.energy_components_kwh
    named = (
        ("accelerators", parts.accelerators), ("processors", parts.cpu), ("memory", parts.ram),
        ("rest of the node", parts.other_node), ("network", parts.network), ("cooling", parts.cooling),
    )  # fmt: skip
    return [
        {"name": name, "value": one.mid, "text": amount(one.mid, "kwh")}
        for name, one in named
        if one is not None and one.mid > 0
    ]


def _assumptions(result: Estimate) -> list[dict[str, Any]]:
    """What was assumed: its text, basis and source, and the field that replaces it."""
    from footprint.estimator.request import FIELDS
    from footprint.reports.texts.assumed import assumption_rows

    flags = {field.flag: name for name, field in FIELDS.items()}
    return [
        {
            "name": name,
            "value": value,
            "option": option,
            "field": flags.get(option.split(" ")[0], ""),
            "basis": row.basis,
            "source": row.source,
        }
        for (name, value, option), row in zip(
            assumption_rows(result.assumptions), result.assumptions, strict=True
        )
    ]
