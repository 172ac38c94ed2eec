"""A Slurm report as text of 80 columns: one line per launch, then the sums of each kind."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from footprint.integrations.slurm import SlurmReport
from footprint.integrations.slurm.account import EXCLUSIVE, Account
from footprint.results import Quantity, total
from footprint.results.human import amount, figures, interval
from footprint.units import SECONDS_PER_HOUR

WIDTH = 80
_SHORT = {"OUT_OF_MEMORY": "oom"}
_LABELS = {
    "accelerator_h": ("accelerator-hours", ""),
    "it_energy_kwh": ("energy (node)", "kwh"),
    "energy_kwh": ("energy (facility)", "kwh"),
    "co2e_kg": ("operational CO2e", "kg"),
    "cost_usd": ("cost", "usd"),
}
MOST_LISTED = 20


def report_text(report: SlurmReport) -> str:
    """The whole text."""
    sections = [_launches(report)]
    estimated = report.sums("estimate")
    if estimated:
        count = len(report.estimated)
        sections.append(_sums(f"estimated, {_number(count, 'launch')}", estimated))
        sections.append(_shares(report))
    measured = report.sums("measurement")
    if measured:
        count = len(report.measured)
        title = f"measured by Slurm, {count} of {_number(len(report.estimated), 'launch')}"
        sections.append(_sums(title, measured))
    sections.append(_assumed(report))
    return "\n\n".join(section for section in sections if section)


def notes_of(report: SlurmReport) -> list[str]:
    """Notes on unused records and on the basis of the figures, without repetitions."""
    notes = list(report.problems)
    for one in report.accounts:
        if one.problem:
            notes.append(f"job {one.job.job_id}: no estimate: {one.problem}")
        notes += [f"job {one.job.job_id}: {note}" for note in (*one.notes, *_own_notes(one))]
    never = [one.job.job_id for one in report.accounts if not one.problem and not one.estimates]
    if never:
        notes.append(f"{_listed(never)} never ran and used nothing")
    notes += _energy_notes(report)
    notes += dict.fromkeys(w for one in report.estimated for part in one.estimates for w in part.warnings)
    return list(dict.fromkeys(notes))


def _own_notes(one: Account) -> Iterator[str]:
    if one.measurement is not None:
        yield from (note for note in one.measurement.warnings if note != EXCLUSIVE)


def _energy_notes(report: SlurmReport) -> Iterator[str]:
    """The reasons for missing measurements, with the jobs of each, and a caveat on the others."""
    reasons: dict[str, list[str]] = {}
    for one in report.estimated:
        if one.energy_not_used:
            reasons.setdefault(one.energy_not_used, []).append(one.job.job_id)
    for reason, jobs in reasons.items():
        yield f"not measured: {_listed(jobs)}: {reason}"
    if report.measured:
        yield EXCLUSIVE
        if report.plugin is None:
            yield "taken as the energy of whole nodes: if Slurm reads less, say `energy_plugin=` rapl or gpu"


def _listed(jobs: Sequence[str]) -> str:
    shown = list(dict.fromkeys(jobs))
    more = f" and {len(shown) - 8} more" if len(shown) > 8 else ""
    return f"job {', '.join(shown[:8])}{more}"


def _number(count: int, word: str) -> str:
    return f"{count:,} {word}" + ("" if count == 1 else "es")


def _launches(report: SlurmReport) -> str:
    """One line per launch: hours, hardware, estimated and measured facility energy."""
    heading = ("job", "state", "time", "hardware", "estimated", "90 %", "measured")
    ran = [one for one in report.accounts if one.estimates or one.problem]
    rows = [heading, *(_row(one) for one in ran)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(heading))]
    # The hardware is cut where the lines are too long, then the job.
    for column in (3, 0):
        beyond = max(0, sum(widths) + 2 * (len(widths) - 1) - WIDTH)
        widths[column] = max(min(8, widths[column]), widths[column] - beyond)
    right = (2, 4, 6)
    lines = []
    for row in rows:
        cells = [_cut(cell, width) for cell, width in zip(row, widths, strict=True)]
        cells = [
            f"{cell:>{width}}" if column in right else f"{cell:<{width}}"
            for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def _row(one: Account) -> tuple[str, ...]:
    job = one.job
    name = f"{job.job_id} {job.launch}/{job.launches}" if job.launches > 1 else job.job_id
    head = (
        _cut(name, 18),
        _state(job.state),
        amount(job.elapsed_s / SECONDS_PER_HOUR, "h", 2) if job.elapsed_s else "-",
    )
    if not one.estimates:
        return (*head, "?", "-", "", "-")
    chips = " + ".join(f"{part.cluster.count:,} {part.cluster.accelerator}" for part in one.estimates)
    energy = total([part.energy_kwh for part in one.estimates])
    measured = one.measurement
    read = "-" if measured is None or measured.energy_kwh is None else amount(measured.energy_kwh.mid, "kwh")
    return (*head, chips, amount(energy.mid, "kwh"), _ends(energy), read)


def _ends(quantity: Quantity) -> str:
    """The ends of the interval in the unit of its median, without the unit."""
    return interval(quantity, "kwh").rpartition(" ")[0] if quantity.spread else "given"


def _state(state: str) -> str:
    return _cut(_SHORT.get(state, state.lower().replace("_", " ")), 10)


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "~"


def _sums(title: str, sums: dict[str, Quantity]) -> str:
    first = max(len(label) for label, _ in _LABELS.values()) + 2
    rows = [
        (
            f"  {_LABELS[name][0]}",
            amount(q.mid, _LABELS[name][1]),
            interval(q, _LABELS[name][1]) if q.spread else "",
        )
        for name, q in sums.items()
    ]
    lines = [f"{a:<{first}}  {b:>10}  {c}".rstrip() for a, b, c in (("", "median", "90 % interval"), *rows)]
    return "\n".join((title, *lines))


def _shares(report: SlurmReport) -> str:
    """The share of each final state in the estimated energy."""
    counts: dict[str, int] = {}
    for one in report.estimated:
        counts[one.job.state] = counts.get(one.job.state, 0) + 1
    parts = [
        f"{_state(state)} {figures(100 * share, 2)} % ({counts[state]})"
        for state, share in report.shares().items()
    ]
    return "\n".join(_wrapped(f"of the estimated energy: {', '.join(parts)}", "  "))


def _assumed(report: SlurmReport) -> str:
    """The assumptions of the estimates and the options that replace them, without repetitions."""
    rows = dict.fromkeys(
        f"{row.name} = {row.value if isinstance(row.value, str) else figures(row.value)}"
        + (f" {row.unit}" if row.unit not in ("", "1") else "")
        + (f"  [{row.option}]" if row.option in _OPTIONS else "")
        for one in report.estimated
        for part in one.estimates
        for row in part.assumptions
    )
    if not rows:
        return ""
    lines = ["Assumed, and what replaces it:"]
    for text in list(rows)[:MOST_LISTED]:
        lines += _wrapped(f"  {text}", "    ")
    if len(rows) > MOST_LISTED:
        lines.append(f"  and {len(rows) - MOST_LISTED} more (--format json has them all)")
    return "\n".join(lines)


_OPTIONS = ("--region", "--year", "--pue", "--purchase", "--provider")
"""The options of ``footprint estimate`` that this command also has."""


def _wrapped(text: str, indent: str) -> list[str]:
    from textwrap import wrap

    return wrap(text, WIDTH, subsequent_indent=indent, drop_whitespace=True, initial_indent="")
