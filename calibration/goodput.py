"""Fits goodput by scale to the hours of whole published runs.

`python -m calibration.goodput` writes its file alone, after a change of runs or of the time model.

The median of a scale is the assumed one, from runs with published wall-clock MFU and step MFU, because
run times alone do not separate goodput from the step model's error. The fit lowers the lower ends until
the hours of a developer that was not seen lie below their upper end in 95 % of the cases, with the step
model's interval included. One ratio of median to lower end serves all scales: a scale has few developers.

The runs of a developer share a bias, so two parts are combined in quadrature: the biases of developers, and
the scatter of runs about the bias of their developer. The deviation of each is that of its middle half, and
Student's t stands for the tail, so how far the farthest developer or run is off does not matter.
"""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from calibration.tables import interpolated
from calibration.widths import Entry, biases, student_95
from footprint.catalog.assumptions import Assumed, assumed
from footprint.catalog.files import reference_folder
from footprint.performance.goodput import SCALES, GoodputFacts, goodput
from footprint.results import Quantity
from footprint.validation.published.runs import Run, ideal_hours

FREEDOM = 3.0
"""Degrees of freedom of Student's t: the biases of 19 developers are likeliest with 1.5 to 2, and with 5
or more the intervals of hours hold fewer developers than they should (docs/decisions/goodput.md)."""


@dataclass(frozen=True, slots=True)
class Implied:
    """A run beside its prediction with the assumed goodput."""

    run: Run
    log_ratio: float
    """Logarithm of published over predicted hours."""
    model_log: float
    """Logarithm of the step model's upper end over its median."""


def implied() -> list[Implied]:
    """Every run of the developers that are not sealed."""
    return [imply(run) for run in ideal_hours(sealed=False)]


def imply(run: Run) -> Implied:
    """A run beside its prediction with the assumed goodput."""
    predicted = _hours(run, {scale: assumed(f"goodput.{scale}") for scale in SCALES})
    return Implied(
        run=run,
        log_ratio=math.log(run.published_h / predicted.mid),
        model_log=math.log(run.ideal_h.high / run.ideal_h.mid),
    )


def _hours(run: Run, by_scale: Mapping[str, Assumed]) -> Quantity:
    """Predicted accelerator-hours of a run [h]."""
    share, _ = goodput(
        cluster=run.cluster,
        hours_without_loss=run.ideal_h.mid / run.cluster.count,
        facts=GoodputFacts(by_scale=by_scale),
    )
    return run.ideal_h / share


def fit_goodput(runs: Sequence[Implied]) -> dict[str, Assumed]:
    """The goodput of each scale."""
    counts = Counter(one.run.developer for one in runs)
    weights = [1 / counts[one.run.developer] for one in runs]
    model = interpolated([one.model_log for one in runs], weights, 0.5)
    whole = upper_end([(one.log_ratio, one.run.developer) for one in runs])
    reach = math.sqrt(max(0.0, whole**2 - model**2))
    priors = {scale: assumed(f"goodput.{scale}") for scale in SCALES}
    return {
        scale: replace(prior, low=min(prior.low, prior.value * math.exp(-reach)))
        for scale, prior in priors.items()
    }


def upper_end(entries: Sequence[Entry]) -> float:
    """95th percentile of the log of published over predicted hours for a developer that was not seen [1]."""
    bias, counts = biases(entries), Counter(developer for _, developer in entries)
    tail = student_95(FREEDOM)
    of_developer = tail * middle_deviation(bias.values(), [1.0] * len(bias))
    several = [(ratio - bias[name], 1 / counts[name]) for ratio, name in entries if counts[name] > 1]
    scatter, weights = [one for one, _ in several], [weight for _, weight in several]
    return math.hypot(of_developer, tail * middle_deviation(scatter, weights) if several else 0.0)


def middle_deviation(values: Iterable[float], weights: Sequence[float]) -> float:
    """Standard deviation about zero of the normal distribution that has the same middle half [1]."""
    return interpolated([*map(abs, values)], weights, 0.5) / statistics.NormalDist().inv_cdf(0.75)


def held(runs: Sequence[Implied]) -> dict[str, list[bool]]:
    """Whether the interval of each run holds its hours with the fit to all other developers, by developer."""
    found: dict[str, list[bool]] = {}
    for name in sorted({one.run.developer for one in runs}):
        fitted = fit_goodput([one for one in runs if one.run.developer != name])
        own = [one.run for one in runs if one.run.developer == name]
        hours = [_hours(run, fitted) for run in own]
        found[name] = [one.low <= run.published_h <= one.high for run, one in zip(own, hours, strict=True)]
    return found


def render() -> str:
    """The fitted goodput of each scale as the text of its file."""
    runs = implied()
    within = held(runs)
    by_run = statistics.mean(one for several in within.values() for one in several)
    by_developer = statistics.mean(statistics.mean(several) for several in within.values())
    note = (
        f"{len(runs)} runs of {len(within)} developers; with each developer left out in turn, "
        f"{by_run:.0%} of the runs lie within, {by_developer:.0%} over developers"
    )
    lines = [
        "# Written by `python -m calibration --write`; never by hand.",
        "# Fitted on reference_data/published/runs.csv, sealed developers apart; ends bound 90 %.",
    ]
    for name, one in fit_goodput(runs).items():
        prior = assumed(f"goodput.{name}")
        lines += [
            "", f"[{name}]", f"value = {one.value:.4g}", f"low = {one.low:.4g}", f"high = {one.high:.4g}",
            'unit = "1"', 'basis = "fitted"', 'source = "goodput-of-published-runs"',
            f'note = "{note}; prior {prior.value} ({prior.low} to {prior.high})"',
        ]  # fmt: skip
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    (reference_folder() / "assumptions" / "goodput_fitted.toml").write_text(render(), encoding="utf-8")
