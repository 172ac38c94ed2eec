"""A measured run as text: what it used, how each component was obtained, predicted and measured values."""

from __future__ import annotations

from collections.abc import Sequence

from footprint.plain_text import in_line
from footprint.results import Quantity
from footprint.results.human import amount, component_name, figures, in_words, interval, wrapped
from footprint.results.measurement import Comparison, Measurement
from footprint.spelling import on_command_line

# label and unit of each compared quantity
_SHOWN = {
    "energy_components_accelerators_kwh": ("  accelerators", "kwh"),
    "energy_components_cpu_kwh": ("  processors", "kwh"),
    "energy_components_ram_kwh": ("  memory", "kwh"),
    "duration_h": ("time", "h"),
    "it_power_w": ("IT power", "w"),
    "it_energy_kwh": ("IT energy", "kwh"),
    "energy_kwh": ("energy, facility", "kwh"),
    "step_time_s": ("step", "s"),
    "mfu": ("MFU", ""),
    "co2e_kg": ("CO2e, location-based", "kg"),
    "cost_usd": ("cost", "usd"),
    "memory_peak_gib": ("memory of a device", "gib"),
}


def label_of(name: str) -> str:
    """What a quantity of a run is called in text for people."""
    return "accelerator-hours" if name == "accelerator_h" else _SHOWN[name][0].strip()


Forecasts = Sequence[tuple[float, float, float, float]]


def run_text(measured: Measurement, comparison: Comparison | None, forecasts: Forecasts = ()) -> str:
    """The text of one run, at most 80 columns wide unless names are longer.

    ``forecasts`` are the forecasts of the last segment: (progress [1], low, mid, high [h]).
    """
    lines = [
        f"run {measured.run_id}" + (f": {measured.name}" if measured.name != measured.run_id else ""),
        f"{in_words(measured.status)}, started {measured.started_at}, boundary {measured.boundary}",
        "",
        *_used(measured),
        "",
        "how each component is known",
        *(
            f"  {component_name(meter.component):<13} {meter.how:<9} {meter.source}"
            + (f" ({meter.unseen_s:.1f} s not read)" if meter.unseen_s >= 0.05 else "")
            for meter in measured.meters
        ),
    ]
    if len(measured.segments) > 1:
        lines += ["", "segments"]
        lines += [
            f"  {n}. {s.started_at}  {in_words(s.status):<10} {amount(s.duration_h, 'h')}, "
            f"{s.steps:,} steps, "
            f"{s.processes} processes on {s.nodes} nodes, {amount(s.it_energy_kwh, 'kwh')} read"
            for n, s in enumerate(measured.segments, 1)
        ]
    if len(measured.phases) > 1:
        lines += ["", "phases"]
        lines += [
            f"  {name:<13} {amount(part['duration_h'], 'h')}, {amount(part['it_energy_kwh'], 'kwh')} read"
            for name, part in measured.phases.items()
        ]
    if comparison is not None:
        lines += ["", *comparison_lines(comparison)]
    if forecasts and measured.status == "completed":
        lines += ["", *_forecast_lines(forecasts, measured.segments[-1].duration_h)]
    for title, texts in (("faults", measured.faults), ("notes", measured.warnings)):
        if texts:
            lines += ["", title]
            for text in texts[:20]:
                first, *rest = wrapped(on_command_line(text), 76)
                lines += [f"  {first}", *(f"    {part}" for part in rest)]
    return "\n".join(map(in_line, lines))


def _used(measured: Measurement) -> list[str]:
    rows: list[tuple[str, Quantity | None, str]] = [
        ("time", measured.duration_h, "h"),
        ("IT power", measured.it_power_w, "w"),
        ("IT energy", measured.it_energy_kwh, "kwh"),
        ("energy, facility", measured.energy_kwh, "kwh"),
        ("CO2e, location-based", measured.co2e_kg, "kg"),
        ("embodied CO2e", measured.embodied_co2e_kg, "kg"),
        ("cost", measured.cost_usd, "usd"),
        ("MFU", measured.mfu, ""),
    ]
    lines = [
        f"  {label:<21} {amount(q.mid, unit):>12}" + (f"  ({interval(q, unit)})" if q.spread else "")
        for label, q, unit in rows
        if q is not None
    ]
    work = measured.workload
    done = [
        f"{figures(value) if value >= 1e7 else f'{value:,.0f}'} {name}"
        for value, name in ((work.steps, "steps"), (work.tokens, "tokens"), (work.samples, "samples"))
        if value
    ]
    if done:
        lines.append(f"  {'work':<21} {', '.join(done)}")
    if measured.memory is not None:
        lines.append(
            f"  {'memory of a device':<21} {amount(measured.memory.peak_gib, 'gib'):>12}  at its peak"
        )
    if measured.place is not None and measured.grid_g_per_kwh is not None:
        year = f" {measured.place.year}" if measured.place.year else ""
        lines.append(
            f"  {'place':<21} {measured.place.name}{year}, {figures(measured.grid_g_per_kwh.mid)} gCO2e/kWh"
        )
    return lines


def _forecast_lines(forecasts: Forecasts, truth_h: float) -> list[str]:
    """The forecasts made during the run, compared with its duration."""
    lines = [f"forecasts of the time, against {amount(truth_h, 'h')}"]
    for progress, low, mid, high in dict.fromkeys(forecasts):
        inside = "" if low <= truth_h <= high else "  missed"
        lines.append(
            f"  at {progress:>4.0%}  {amount(mid, 'h'):>10} ({amount(low, 'h')} - {amount(high, 'h')})"
            f"  {mid / truth_h - 1:+.1%}{inside}"
        )
    return lines


def comparison_lines(comparison: Comparison) -> list[str]:
    """Predicted and measured values, one line per quantity, and the factors of time and power."""
    share = comparison.work_share
    if share is None:
        lines = ["predicted against measured (no step was counted, so no amount of work is compared)"]
    else:
        lines = [f"predicted for the work that was done ({100 * share:.3g} % of all), beside measured"]
    lines.append(f"  {'':<21} {'predicted':>11} {'measured':>11}  ratio")
    for row in comparison.quantities:
        label, unit = _SHOWN[row.name]
        inside = "" if row.within else "  outside"
        lines.append(
            f"  {label:<21} {amount(row.predicted.mid, unit):>11} {amount(row.measured.mid, unit):>11}  "
            f"x{figures(row.ratio, 2)}  {row.how}{inside}"
        )
    if not all(row.within for row in comparison.quantities):
        lines.append("  (outside: not in the 90 % interval of the prediction)")
    if comparison.time_factor is not None and comparison.power_factor is not None:
        lines.append(
            f"  energy is x{figures(comparison.time_factor * comparison.power_factor, 2)} of predicted: "
            f"time x{figures(comparison.time_factor, 2)}, power x{figures(comparison.power_factor, 2)}"
        )
    return lines
