"""What a paper, a README and a badge say about some records: each part is one function of `PARTS`."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from footprint.plain_text import in_markdown
from footprint.reports.exports.shared.filed import Filed
from footprint.reports.exports.shared.reader import Bounds
from footprint.reports.exports.shared.written import boundary, how, with_interval
from footprint.reports.texts.bibliography import bibtex, cited
from footprint.reports.texts.latex import in_latex
from footprint.results.human import amount, in_words

_BASES = {"lifecycle": "life-cycle", "direct": "direct"}


def sentence(records: Sequence[Filed]) -> str:
    """A sentence for each record, in LaTeX, with citations of its sources."""
    return "\n".join(f"{in_latex(_said(one))} {cited(one)}." for one in records) + "\n"


def _said(one: Filed) -> str:
    """The sentence without its end: what was trained, on what, how long, energy, CO2e, place, method."""
    model = f"Training {one.model or one.name}"
    on = f" on {one.on}" if one.on else ""
    time = f" for {with_interval(one.duration_h, 'h')}"
    verb = "used" if one.was_metered else "is estimated to use"
    energy = f" {verb} {_known(one.energy_kwh, 'kwh')} ({boundary(one)})"
    grid = "" if one.grid_g_per_kwh is None else f", at {one.grid_g_per_kwh.mid:.3g} g/kWh"
    basis = _BASES.get(one.place_basis, one.place_basis)
    where = f" in {one.place}{grid}, {basis} and location-based" if one.place else ""
    runs = f" Numbers are of {one.runs} runs." if one.runs > 1 else ""
    co2e = f" and to cause {_known(one.co2e_kg, 'kg')} of CO2e{where}"
    if one.was_metered:
        co2e = co2e.replace(" and to cause", " and caused")
    return f"{model}{on}{time}{energy}{co2e}.{runs} Method and factors: footprint {one.footprint_version}"


def latex_table(records: Sequence[Filed]) -> str:
    """A table with a row for each record, for the package booktabs."""
    head = ["Model", "Hardware", "Kind", "Time", "Energy", "CO$_2$e", "Cost"]
    rows = [
        " & ".join(
            [*map(in_latex, (one.model or one.name, one.on or "--", one.kind)), *_cells(one)]
        ) + r" \\"
        for one in records
    ]  # fmt: skip
    notes = " ".join(in_latex(f"{one.model or one.name}: {how(one)}") for one in records)
    return "\n".join(
        [
            r"\begin{table}[t]", r"\centering", r"\begin{tabular}{lllrrrr}", r"\toprule",
            " & ".join(head) + r" \\", r"\midrule", *rows, r"\bottomrule", r"\end{tabular}",
            r"\caption{Compute of each run, median and 90\,\% interval. Energy is the facility's, CO$_2$e "
            rf"operational and location-based. {notes}}}", r"\label{tab:footprint}", r"\end{table}", "",
        ]
    )  # fmt: skip


def _cells(one: Filed) -> list[str]:
    found = ((one.duration_h, "h"), (one.energy_kwh, "kwh"), (one.co2e_kg, "kg"), (one.cost_usd, "usd"))
    return [in_latex(_short(value, unit)) for value, unit in found]


def _short(value: Bounds | None, unit: str) -> str:
    """The median with its interval in brackets."""
    if value is None:
        return "--"
    if value.low == value.high:
        return amount(value.mid, unit)
    return f"{amount(value.mid, unit)} ({amount(value.low, unit, 2)} to {amount(value.high, unit, 2)})"


def checklist(records: Sequence[Filed]) -> str:
    """NeurIPS' item on experiments' compute resources: workers, each run, the total, failed runs."""
    workers = "; ".join(dict.fromkeys(_workers(one) for one in records))
    lines = [
        r"\item {\bf Experiments compute resources}",
        r"\item[] Answer: \answerYes{}",
        r"\item[] Justification: "
        + in_latex(f"Workers: {workers}. Memory and storage: FILL IN. ")
        + r"Compute of each run: Table~\ref{tab:footprint}. "
        + in_latex(" ".join(_totals(records)))
        + " "
        + in_latex(
            "Experiments that are not in this record (preliminary or elsewhere): FILL IN, or say that there "
            "were none."
        ),
        "",
        latex_table(records),
    ]
    return "\n".join(lines)


def _workers(one: Filed) -> str:
    place = f"cloud ({one.provider})" if one.provider else "FILL IN: internal cluster or cloud"
    return f"{one.on or 'hardware FILL IN'}, {place}"


def _totals(records: Sequence[Filed]) -> list[str]:
    """The total for each kind, since an estimate and a measurement are never added; then what failed."""
    found = []
    for kind in ("measurement", "estimate"):
        those = [one for one in records if one.kind == kind]
        if not those:
            continue
        word = {"measurement": "measured", "estimate": "estimated"}[kind]
        runs = sum(one.runs for one in those)
        hours = [one.accelerator_h.mid for one in those if one.accelerator_h is not None]
        energy = [one.energy_kwh.mid for one in those if one.energy_kwh is not None]
        found.append(
            f"Total of {runs} {word} run{'s' if runs > 1 else ''}: {amount(sum(hours), 'accelerator_h')} and "
            f"{amount(sum(energy), 'kwh')} (facility)."
        )
    return [*found, _failed(records)]


def _failed(records: Sequence[Filed]) -> str:
    """What did not complete: measured runs by their status, a share of the estimated ones."""
    failed = [one for one in records if one.status not in ("", "completed")]
    energy = sum(one.energy_kwh.mid for one in failed if one.energy_kwh is not None)
    shares = [one.failed_share for one in records if one.failed_share > 0]
    if failed:
        statuses = ", ".join(sorted({in_words(one.status) for one in failed}))
        return f"Of these, {len(failed)} did not complete ({statuses}) and used {amount(energy, 'kwh')}."
    if shares:
        return f"The estimates hold failed runs with {max(shares):.0%} of the accelerator-hours."
    if not any(one.is_measured for one in records):
        return "The estimates hold no failed runs."
    return "None of the measured runs failed."


def markdown(records: Sequence[Filed]) -> str:
    """A table and the method, for a README."""
    head = ("model", "hardware", "kind", "time", "energy (facility)", "CO2e", "cost")
    rows = [" | ".join(head), " | ".join(["---"] * len(head))]
    for one in records:
        values = ((one.duration_h, "h"), (one.energy_kwh, "kwh"), (one.co2e_kg, "kg"), (one.cost_usd, "usd"))
        cells = (one.model or one.name, one.on, one.kind, *(_short(*value) for value in values))
        rows.append(" | ".join(map(in_markdown, cells)))
    methods = dict.fromkeys(in_markdown(how(one)) for one in records)
    return "\n".join([*(f"| {row} |" for row in rows), "", *methods, ""])


def badge(records: Sequence[Filed]) -> str:
    """The JSON of a shields.io endpoint badge (schemaVersion 1), of the first record."""
    one = records[0]
    parts = [(one.energy_kwh, "kwh", ""), (one.co2e_kg, "kg", " CO2e"), (one.cost_usd, "usd", "")]
    message = " · ".join(
        f"{amount(value.mid, unit)}{word}" for value, unit, word in parts if value is not None
    )
    values = {
        "schemaVersion": 1,
        "label": "footprint" if one.was_metered else "footprint (estimate)",
        "message": message or "unknown",
        "color": "informational",
    }
    return json.dumps(values, ensure_ascii=False) + "\n"


def _known(value: Bounds | None, unit: str) -> str:
    return "an unknown amount" if value is None else with_interval(value, unit)


PARTS: dict[str, Callable[[Sequence[Filed]], str]] = {
    "sentence": sentence,
    "latex": latex_table,
    "bibtex": bibtex,
    "checklist": checklist,
    "markdown": markdown,
    "badge": badge,
}
