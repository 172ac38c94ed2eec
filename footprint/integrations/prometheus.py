"""Prometheus: ``track(callback=textfile("/var/lib/node_exporter/footprint.prom"))``.

After each flush the whole file is replaced, for node_exporter's textfile collector. Names and base units
follow the rules of Prometheus; no package is needed.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from footprint.errors import FootprintError
from footprint.units import G_PER_KG, JOULE_PER_KWH, SECONDS_PER_HOUR
from footprint.vocabulary import ENDS

_HELP = {
    "footprint_energy_joules_total": ("counter", "Facility energy of the run so far."),
    "footprint_power_watts": ("gauge", "Mean IT power of the run so far."),
    "footprint_steps_total": ("counter", "Optimiser steps done."),
    "footprint_progress_ratio": ("gauge", "Part of the work that is done."),
    "footprint_remaining_seconds": ("gauge", "Forecast time until the run ends."),
    "footprint_forecast_energy_joules": (
        "gauge",
        "Forecast facility energy of the whole run, 90 % interval.",
    ),
    "footprint_forecast_co2e_grams": (
        "gauge",
        "Forecast operational CO2e of the whole run, location-based, 90 % interval.",
    ),
    "footprint_forecast_cost_usd": ("gauge", "Forecast cost of the whole run, 90 % interval."),
}


def textfile(path: str | Path, **labels: str) -> Callable[[Any], None]:
    """A callback for `footprint.track` that keeps a textfile of the run's metrics.

    ``labels`` are added to every metric (``run="bert"``).

    Raises:
        FootprintError: the folder does not exist, the name does not end in .prom, or a label is invalid.
    """
    target = Path(path)
    if target.suffix != ".prom":
        raise FootprintError(f"{target}: node_exporter reads files whose name ends in .prom")
    if not target.parent.is_dir():
        raise FootprintError(f"{target}: the folder {target.parent} does not exist; make it first")
    for name in labels:
        if not (name.isascii() and name.isidentifier()) or name.startswith("__") or name == "bound":
            raise FootprintError(f"label {name!r}: use letters, digits and underscores, and not 'bound'")

    def write(forecast: Any) -> None:
        # one temporary name per process, so that a killed writer leaves at most one such file
        part = target.with_name(f".{target.name}.{os.getpid()}")
        part.write_text(metrics_text(forecast, labels), encoding="utf-8")
        part.replace(target)

    return write


def metrics_text(forecast: Any, labels: Mapping[str, str] | None = None) -> str:
    """The metrics of a `footprint.tracking.forecast.run_forecast.Forecast` in Prometheus' text format."""
    lines: list[str] = []
    shown = ""
    for name, bound, value in _samples(forecast):
        if name != shown:
            kind, about = _HELP[name]
            lines += [f"# HELP {name} {about}", f"# TYPE {name} {kind}"]
            shown = name
        pairs = {**(labels or {}), **({"bound": bound} if bound else {})}
        inside = ",".join(f'{key}="{_escaped(text)}"' for key, text in pairs.items())
        lines.append(f"{name}{{{inside}}} {value!r}" if inside else f"{name} {value!r}")
    return "\n".join((*lines, ""))


def _samples(forecast: Any) -> Iterator[tuple[str, str, float]]:
    """Name, bound of the interval and value of each known metric."""
    single = {
        "footprint_energy_joules_total": (forecast.used_kwh, JOULE_PER_KWH),
        "footprint_power_watts": (forecast.power_w, 1.0),
        "footprint_steps_total": (forecast.steps, 1.0),
        "footprint_progress_ratio": (forecast.progress, 1.0),
        "footprint_remaining_seconds": (forecast.remaining_h, SECONDS_PER_HOUR),
    }
    for name, (value, factor) in single.items():
        if value is not None:
            yield name, "", float(value * factor)
    whole = {
        "footprint_forecast_energy_joules": (forecast.energy_kwh, JOULE_PER_KWH),
        "footprint_forecast_co2e_grams": (forecast.co2e_kg, G_PER_KG),
        "footprint_forecast_cost_usd": (forecast.cost_usd, 1.0),
    }
    for name, (quantity, factor) in whole.items():
        if quantity is not None:
            for bound in ENDS:
                yield name, bound, float(getattr(quantity, bound) * factor)


def _escaped(text: object) -> str:
    return str(text).replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
