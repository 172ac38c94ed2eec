"""A difference of two records: from their JSON, as text of 80 columns, as Markdown."""

from __future__ import annotations

from typing import Any

from footprint.catalog.version import DATA_VERSION, footprint_version
from footprint.decisions.differences import SAME, SCHEMA, ChangedNumber, Difference, Side, difference
from footprint.plain_text import in_line, in_markdown
from footprint.reports.exports.shared.filed import Filed
from footprint.reports.exports.shared.reader import Bounds
from footprint.reports.formats import Answer
from footprint.reports.labels import QUANTITY_UNITS
from footprint.results.human import amount, figures, wrapped
from footprint.spelling import flag, on_command_line

_NAMES = {
    "duration_h": "duration", "energy_kwh": "energy (facility)", "co2e_kg": "operational CO2e",
    "cost_usd": "cost",
}  # fmt: skip
_VERDICTS = {"lower": "lower", "higher": "higher", "not_clear": "not clear"}


def between(before: Filed, after: Filed) -> Difference:
    """What changed from one record to the other."""
    return difference(_side(before), _side(after))


def _side(one: Filed) -> Side:
    quantities: dict[str, Bounds | None] = {
        "duration_h": one.duration_h.times(one.every), "energy_kwh": one.energy_kwh, "co2e_kg": one.co2e_kg,
        "cost_usd": one.cost_usd,
    }  # fmt: skip
    return Side(
        kind=one.kind,
        name=one.name,
        hardware=f"{one.accelerator}:{one.count}",
        versions=of_versions(one.footprint_version, one.data_version),
        basis=one.place_basis,
        scenario=one.scenario,
        numbers={n: (q.low, q.mid, q.high) for n, q in quantities.items() if q is not None},
    )


def of_versions(program: str, data: str) -> str:
    """The versions of a record in words."""
    return f"{program}, data {data}"


def answer_of(found: Difference) -> Answer:
    """The answer of a command."""
    return Answer(
        kind="difference",
        text=lambda: render(found),
        data=found.to_json,
        markdown=lambda: render_markdown(found),
        table=found.rows,
        schema=SCHEMA,
        subject=found,
    )


def render(found: Difference) -> str:
    """The inputs that changed, then each quantity before and after with the factor of the inputs."""
    lines = [*wrapped(f"before: {found.before.name}", 80), *wrapped(f"after:  {found.after.name}", 80), ""]
    for one in found.inputs:
        lines += wrapped(f"{flag(one.name)}: {_input(one.before)} -> {_input(one.after)}", 80)
    lines += [] if found.inputs else [_nothing(found)]
    lines += ["", f"{'':<18} {'before':>12} {'after':>12}  by the inputs (90 %)"]
    for number in found.numbers:
        before, after = (_value(side, number.name) for side in (number.before, number.after))
        lines.append(f"{_NAMES[number.name]:<18} {before:>12} {after:>12}  {_over(number)}".rstrip())
    lines += ["", *wrapped(" ".join(said(found)), 80)]
    return "\n".join(lines).rstrip()


def render_markdown(found: Difference) -> str:
    """The same as Markdown."""
    lines = [
        f"**{in_markdown(found.before.name)}** → **{in_markdown(found.after.name)}**",
        "",
        "| | before | after | by the inputs (90 %) |",
        "|---|---:|---:|---|",
    ]
    for number in found.numbers:
        cells = (*(_value(side, number.name) for side in (number.before, number.after)), _over(number))
        lines.append(f"| {_NAMES[number.name]} | {' | '.join(map(in_markdown, cells))} |")
    lines += ["", "| input | before | after |", "|---|---|---|"] if found.inputs else ["", _nothing(found)]
    for one in found.inputs:
        cells = (flag(one.name), _input(one.before), _input(one.after))
        lines.append(f"| {' | '.join(map(in_markdown, cells))} |")
    return "\n".join([*lines, "", in_markdown(" ".join(said(found)))])


def said(found: Difference) -> list[str]:
    """What follows in words."""
    words = []
    data = [one for one in found.numbers if one.by_data is not None and abs(one.by_data - 1) > SAME]
    if data:
        factors = ", ".join(f"{_NAMES[one.name]} x{figures(one.by_data or 0.0)}" for one in data)
        versions = {found.before.versions, found.after.versions}
        if versions == {of_versions(footprint_version(), DATA_VERSION)}:
            words.append(f"A file that a scenario names, or data of your own, changed the rest: {factors}.")
        else:
            words.append(
                f"Other data or another version changed the rest: {factors} ({found.before.versions}; "
                f"{found.after.versions})."
            )
    if any(one.by_inputs is not None for one in found.numbers):
        words.append("Errors that both share are cancelled in the factor.")
    else:
        words.append("The records do not hold both scenarios, so the factor has no interval.")
    return [*words, *(f"warning: {on_command_line(warning)}" for warning in found.warnings)]


def _nothing(found: Difference) -> str:
    known = found.before.scenario and found.after.scenario
    return "No input changed." if known else "The inputs are not in both records."


def _input(value: Any) -> str:
    return "(not given)" if value is None else in_line(str(value))[:60]


def _value(value: tuple[float, float, float] | None, name: str) -> str:
    return "-" if value is None else amount(value[1], QUANTITY_UNITS[name])


def _over(one: ChangedNumber) -> str:
    """The factor with its interval and the verdict; without an interval where nothing could cancel."""
    if one.by_inputs is None:
        return "" if one.factor is None else f"x{figures(one.factor)}"
    value, (low, high) = one.by_inputs.value, one.by_inputs.value.bounds
    if high - low < SAME:
        return "unchanged" if abs(value.mid - 1) < SAME else f"x{figures(value.mid)}, exactly"
    return f"x{figures(value.mid)} ({figures(low)} - {figures(high)}), {_VERDICTS[one.by_inputs.verdict]}"
