"""Hours: from the FLOPs and the step-time model, or from what the user already knows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from footprint import equations
from footprint.catalog.prices import interruption_factor
from footprint.errors import FootprintError
from footprint.estimator.execution import check_micro_batch
from footprint.estimator.request import EstimateRequest
from footprint.estimator.workload import Workload, tokens_of
from footprint.flops import StepFlops
from footprint.performance import StepPrediction, predict_step
from footprint.performance import goodput as goodput_model
from footprint.performance.anchoring import Anchor
from footprint.performance.layout import Layout
from footprint.records import record, replace
from footprint.results import Assumption, Quantity, total
from footprint.results.estimate import StepTerm
from footprint.schema import Cluster
from footprint.units import SECONDS_PER_HOUR

HIGHEST_CREDIBLE_MFU = 0.75
"""Above this a published figure is nearly always an error of the data."""


@record
class Timing:
    """How long the run takes, and what is known of its steps; None where nothing is."""

    duration_h: Quantity
    step_time_s: Quantity | None
    mfu: Quantity | None
    goodput: Quantity | None
    busy_share: Quantity | None
    fed_share: Quantity | None = None
    """Share of a known time that the predicted steps fill; None where the time was predicted."""
    terms: tuple[StepTerm, ...] = ()
    layout: Layout | None = None
    """Layout of the phase that takes longest, given or found; None where no step was predicted."""
    assumptions: tuple[Assumption, ...] = ()
    warnings: tuple[str, ...] = ()


def time_of(
    request: EstimateRequest,
    cluster: Cluster,
    workload: Workload | None,
    step_flops: Sequence[StepFlops],
    precision: str,
    year: int,
    layout: Mapping[str, int | float | str],
    anchor: Anchor | None = None,
    optimizer: str = "adam",
) -> Timing:
    """Wall-clock hours of the run with the step time, MFU and goodput behind them.

    Raises FootprintError where a given time implies an MFU above 0.75 and ``force`` is off.
    """
    peak = cluster.accelerator.peak_flop_per_s[precision]
    if workload is None:
        if request.hours is None:
            raise AssertionError("without a workload the hours are given")
        return Timing(
            duration_h=Quantity(request.hours), step_time_s=None, mfu=None, goodput=None, busy_share=None
        )
    rows: list[Assumption] = []
    warnings: list[str] = []
    terms: tuple[StepTerm, ...] = ()
    found: Layout | None = None
    phase_steps = [phase.steps or 0.0 for phase in workload.phases]
    steps, weights = workload.steps, _weights(workload)
    step_flop = sum(w * s.training_flop for w, s in zip(_shares(phase_steps), step_flops, strict=True))
    parts = [
        predict_step(
            step_flop=s, cluster=cluster, precision=precision, year=year,
            recompute=s.training.recompute, layout=layout, anchor=anchor, optimizer=optimizer,
            stack=request.stack,
        )
        for s in step_flops
    ]  # fmt: skip
    for phase, part in zip(workload.phases, parts, strict=True):
        if part.layout is not None:
            check_micro_batch(request, phase, part.layout.dp)
    known = _known_step_time_s(request, cluster, workload, step_flop, peak)
    if known is None:
        _require_fitting(request, parts)
    pairs = list(zip(parts, phase_steps, strict=True))
    predicted = total([part.step_time_s * n for part, n in pairs]) / steps
    busy_share = total([part.busy_share * w for part, w in zip(parts, weights, strict=True)])
    fed_share: Quantity | None = None
    if known is not None:
        step_time = known
        mfu = Quantity(step_flop) / (known * (cluster.count * peak))
        # The work is the same in a longer step; the accelerators are starved for the rest of it. Wall
        # clock also holds what every run loses, in which they are as busy as in its steps.
        lost = 1.0
        if request.hours is not None:
            lost = goodput_model(
                cluster=cluster, hours_without_loss=equations.duration_h(steps, predicted.mid)
            )[0].mid
        fed_share = (predicted / (known.mid * lost)).capped(1.0)
    else:
        step_time = predicted
        mfu = total([part.mfu * w for part, w in zip(parts, weights, strict=True)])
        terms = _mean_terms(pairs)
        found = max(pairs, key=lambda pair: pair[0].step_time_s.mid * pair[1])[0].layout
        rows += _rows_of_phases(parts)
        warnings += list(dict.fromkeys(w for part in parts for w in part.warnings))
    if request.hours is not None:
        _check_mfu(request, mfu.mid)
        return Timing(
            duration_h=Quantity(request.hours),
            step_time_s=step_time,
            mfu=mfu,
            goodput=None,
            busy_share=busy_share,
            fed_share=fed_share,
        )
    if known is not None:
        _check_mfu(request, mfu.mid)
    ideal_h = equations.duration_h(steps, step_time)
    if request.goodput is not None:
        goodput = Quantity(request.goodput)
    else:
        goodput, row = goodput_model(cluster=cluster, hours_without_loss=ideal_h.mid)
        rows.append(row)
    duration = ideal_h / goodput
    lengthening, spot_row = interruption_factor(request.purchase or "on_demand")
    if spot_row is not None:
        duration = duration * lengthening
        rows.append(spot_row)
    return Timing(
        duration_h=duration, step_time_s=step_time, mfu=mfu, goodput=goodput, busy_share=busy_share,
        fed_share=fed_share, terms=terms, layout=found, assumptions=tuple(rows), warnings=tuple(warnings),
    )  # fmt: skip


def _require_fitting(request: EstimateRequest, parts: Sequence[StepPrediction]) -> None:
    """FootprintError where a layout that was asked for does not fit, naming what would; unless forced."""
    asked = any(
        getattr(request, name) is not None
        for name in ("tp", "pp", "cp", "dp", "ep", "micro_batch", "recompute")
    )
    for part in parts:
        if asked and not part.fits and not request.force:
            raise FootprintError(f"{part.warnings[0]}, or insist with --force")


def _rows_of_phases(parts: Sequence[StepPrediction]) -> list[Assumption]:
    """What all phases assume, and by its number what a phase assumes apart from the others."""
    every = [dict.fromkeys(part.assumptions) for part in parts]
    rows: dict[Assumption, None] = {}
    for number, own in enumerate(every, 1):
        for row in own:
            common = all(row in other for other in every)
            rows[row if common else replace(row, name=f"{row.name} (phase {number})")] = None
    return list(rows)


def _mean_terms(pairs: Sequence[tuple[StepPrediction, float]]) -> tuple[StepTerm, ...]:
    """The parts of the step time as means over all steps [s]."""
    steps = sum(n for _, n in pairs)
    names = dict.fromkeys(name for part, _ in pairs for name in part.terms)
    return tuple(
        StepTerm(name=name, time_s=sum(part.terms.get(name, 0.0) * n for part, n in pairs) / steps)
        for name in names
    )


def _known_step_time_s(
    request: EstimateRequest, cluster: Cluster, workload: Workload, step_flop: float, peak: float
) -> Quantity | None:
    """Mean step time that the user's own figure means [s]; None if there is none."""
    steps = workload.steps
    if request.step_time_s is not None:
        return Quantity(request.step_time_s)
    if request.mfu is not None:
        return Quantity(equations.step_time_s(step_flop, cluster.count, peak, request.mfu))
    if request.tokens_per_second is not None:
        tokens = sum(tokens_of(phase) for phase in workload.phases)
        if not tokens:
            raise FootprintError(
                "--tokens-per-second: this model trains on images: give --samples-per-second"
            )
        return Quantity(tokens / steps / request.tokens_per_second)
    if request.samples_per_second is not None:
        return Quantity(workload.samples / steps / request.samples_per_second)
    if request.hours is not None:
        return Quantity(request.hours * SECONDS_PER_HOUR / steps)
    return None


def _check_mfu(request: EstimateRequest, mfu: float) -> None:
    if mfu > HIGHEST_CREDIBLE_MFU and not request.force:
        raise FootprintError(
            f"the given time means an MFU of {mfu:.3g}, above {HIGHEST_CREDIBLE_MFU}, which no known run "
            "reaches: check the time, the accelerator count and the precision, or insist with --force"
        )


def _shares(values: Sequence[float]) -> list[float]:
    whole = sum(values)
    return [value / whole for value in values]


def _weights(workload: Workload) -> list[float]:
    """Token shares of the phases (sample shares for images): how per-step values are averaged."""
    tokens = [tokens_of(phase) for phase in workload.phases]
    if any(tokens):
        return _shares(tokens)
    return _shares([(phase.steps or 0.0) * (phase.sequences_per_step or 0.0) for phase in workload.phases])
