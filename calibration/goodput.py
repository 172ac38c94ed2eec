"""Fits goodput by scale to the hours of whole published runs.

The median of a scale is the assumed one, from runs with published wall-clock MFU and step MFU, because
run times alone do not separate goodput from the step model's error. The fit lowers the lower end until
95 % of the runs lie above it, with the step model's interval included.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from calibration.fit import quantile
from footprint.catalog.assumptions import assumed
from footprint.performance.goodput import scales
from footprint.validation.published.runs import Run, ideal_hours

TIERS = ("small", "middle", "large")


@dataclass(frozen=True, slots=True)
class Implied:
    """Ideal over published hours of one run."""

    tier: str
    developer: str
    share: float
    model_log: float
    """Logarithm of the step model's upper end over its median."""


def implied() -> list[Implied]:
    """The implied goodput of every run that is used for the fit."""
    return [
        Implied(
            _tier(run),
            run.developer,
            run.ideal_h.mid / run.published_h,
            math.log(run.ideal_h.high / run.ideal_h.mid),
        )
        for run in ideal_hours(sealed=False)
    ]


def _tier(run: Run) -> str:
    """The scale with the largest weight for a run."""
    shares = scales(run.cluster, run.ideal_h.mid / run.cluster.count)
    return max(shares, key=lambda scale: shares[scale])


def fit_goodput() -> list[tuple[str, float, float, float, str]]:
    """(name, value, low, high, note) of each tier."""
    runs = implied()
    return [_fit(name, [run for run in runs if run.tier == name]) for name in TIERS]


def _fit(name: str, runs: Sequence[Implied]) -> tuple[str, float, float, float, str]:
    prior = assumed(f"goodput.{name}")
    sizes = {run.developer: sum(r.developer == run.developer for r in runs) for run in runs}
    weights = [sizes[run.developer] ** -0.5 for run in runs]
    value = prior.value
    tail = quantile([run.share for run in runs], weights, 0.05)
    model = quantile([run.model_log for run in runs], weights, 0.5)
    reach = math.log(value / tail) if tail < value else 0.0
    low = min(prior.low, value * math.exp(-math.sqrt(max(0.0, reach**2 - model**2))))
    note = f"{len(runs)} runs of {len(sizes)} developers; prior {prior.value} ({prior.low} to {prior.high})"
    return name, value, low, max(value, prior.high), note


def render() -> str:
    """The fitted goodput tiers as the text of their file."""
    lines = [
        "# Written by `python -m calibration --write`; never by hand.",
        "# Fitted on reference_data/published/runs.csv, sealed developers apart; ends bound 90 %.",
    ]
    for name, value, low, high, note in fit_goodput():
        lines += [
            "", f"[{name}]", f"value = {value:.4g}", f"low = {low:.4g}", f"high = {high:.4g}", 'unit = "1"',
            'basis = "fitted"', 'source = "goodput-of-published-runs"', f'note = "{note}"',
        ]  # fmt: skip
    return "\n".join(lines) + "\n"
