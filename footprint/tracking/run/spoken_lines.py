"""What a run says at its start and at its end: a line, and below it one for each thing to know."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from footprint.plain_text import in_line
from footprint.results import Quantity
from footprint.results.human import amount, component_name, figures, in_words, interval
from footprint.results.measurement import Comparison, Measurement
from footprint.tracking.chain.run_chain import is_absent
from footprint.tracking.recorder.recorder import Recorder
from footprint.tracking.report.measurement import impossible
from footprint.tracking.report.run_report import RunReport
from footprint.tracking.settings.wording import in_python
from footprint.units import SECONDS_PER_HOUR


def start_lines(recorder: Recorder) -> str:
    """What is said once at the start."""
    prepared, meter = recorder.prepared, recorder.settings.meter
    head, parts = f"run {recorder.run_id} begins", []
    if prepared is not None and prepared.estimate is not None:
        estimate = prepared.estimate
        cluster, model = estimate.cluster, estimate.model
        what = "the run" if model is None else model.name
        head += f": {estimate.name}"
        parts.append(
            f"estimate of {what} on {cluster.accelerator}:{cluster.count}: "
            f"{spoken(estimate.duration_h, 'h')}, {spoken(estimate.energy_kwh, 'kwh')}, "
            f"{spoken(estimate.co2e_kg, 'kg')} CO2e, {estimate.place.name}"
        )
        parts += [in_python(warning) for warning in estimate.warnings]
    elif prepared is not None:
        given = prepared.given
        head += f" on {given['hw']}" if given.get("hw") else ""
        if given.get("region") is None and given.get("grid_g_per_kwh") is None:
            parts.append("no place given: CO2e is that of the world's average grid; give `region=`")
    if prepared is not None and is_absent(prepared.given) and isinstance(meter, str):
        parts.append(
            f"{prepared.given['hw']} not found here: neither metered nor priced "
            "(`absent_hardware='model'` adds what the power model says)"
        )
    if recorder.who.metered_by_parent:
        parts.append("meter: that of footprint run, which this program joins")
    else:
        parts.append(f"meter: {meter if isinstance(meter, str) else type(meter).__name__}")
    if recorder.journal.folder is not None:
        parts.append(f"journal: {_short(recorder.journal.folder)}")
    return _below(head, [*parts, *recorder.problems.take_unsaid()[:3]])


def _below(head: str, parts: Sequence[str]) -> str:
    """A line, and each of its parts on a line of its own below it."""
    return "\n".join([in_line(head), *(f"  {in_line(part)}" for part in parts)])


def own_line(recorder: Recorder) -> str:
    """What a process says that is not the last of its run to end: of itself, the whole is not known yet."""
    who, state = recorder.who, recorder.journal.last_state
    steps = state.steps if state is not None else 0
    name = f"rank {who.rank}" if who.world_size > 1 else "this program"
    last = "footprint run" if who.metered_by_parent else "the last of its processes to end"
    took = amount(recorder.clock.run_s() / SECONDS_PER_HOUR, "h")
    head = f"run {recorder.run_id}: {name} {in_words(recorder.status)}: {steps:,} steps in {took}"
    return _below(head, [f"{last} reports the whole", *_new_problems(recorder)])


def _new_problems(recorder: Recorder) -> list[str]:
    new = recorder.problems.take_unsaid()
    return ["; ".join(new[:2]) + (f" (+{len(new) - 2} more)" if len(new) > 2 else "")] if new else []


def end_lines(recorder: Recorder, report: RunReport, *, written: Sequence[Path] = ()) -> str:
    """What is said once at the end."""
    measured = report.measurement
    steps = f"{measured.workload.steps:,.0f} steps in " if measured.workload.steps else ""
    head = f"run {measured.run_id} {in_words(measured.status)}: {steps}{amount(measured.duration_h.mid, 'h')}"
    parts = [_energy(measured)]
    if measured.co2e_kg is not None and measured.place is not None:
        parts.append(f"CO2e: {spoken(measured.co2e_kg, 'kg')}, {measured.place.name}")
    if measured.cost_usd is not None:
        parts.append(f"cost: {spoken(measured.cost_usd, 'usd')}")
    if report.comparison is not None:
        parts.append(_against(report.comparison))
    parts += impossible(measured.mfu)
    if written:
        parts.append(f"rows in {', '.join(_short(csv) for csv in written)}")
    return _below(head, [*parts, *_new_problems(recorder)])


def _energy(measured: Measurement) -> str:
    if measured.energy_kwh is None:
        return "energy: none was read"
    named: dict[str, list[str]] = {}
    for meter in measured.meters:
        if meter.how != "absent":
            named.setdefault(meter.how, []).append(meter.component)
    hows = "; ".join(
        f"{how}: {', '.join(map(component_name, components))}" for how, components in named.items()
    )
    return f"energy: {spoken(measured.energy_kwh, 'kwh')} at the facility ({hows})"


def _against(comparison: Comparison) -> str:
    parts = [
        f"{label} {figures(row.ratio, 2)}"
        for label, name in (("time", "duration_h"), ("power", "it_power_w"), ("energy", "energy_kwh"))
        for row in comparison.quantities
        if row.name == name
    ]
    return "measured over predicted: " + ", ".join(parts)


def spoken(quantity: Quantity, unit: str) -> str:
    """A quantity for people: three significant figures, the interval beside it."""
    beside = f" ({interval(quantity, unit)})" if quantity.spread else ""
    return f"{amount(quantity.mid, unit)}{beside}"


def _short(path: Path) -> str:
    try:
        return f"./{path.relative_to(Path.cwd())}"
    except (ValueError, OSError):
        return str(path)
