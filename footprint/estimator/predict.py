"""The second room: from facts to the time of a step, how busy the boards are, and the layout; no look-ups."""

from __future__ import annotations

from collections.abc import Sequence

from footprint import equations
from footprint.errors import FootprintError
from footprint.estimator.facts import Facts
from footprint.estimator.resolve.method import check_micro_batch
from footprint.estimator.workload import Workload, samples_of, tokens_of
from footprint.performance.goodput import goodput
from footprint.performance.layout import Layout
from footprint.performance.step import StepPrediction, predict
from footprint.records import record, replace
from footprint.results import Assumption, Quantity, total
from footprint.results.estimate import StepTerm
from footprint.results.link import UNTRACED, Trace
from footprint.units import SECONDS_PER_HOUR

SUM = "products over their rate + memory traffic + communication + launches, x software factor"
HIGHEST_CREDIBLE_MFU = 0.75
"""Above this a published figure is nearly always an error of the data."""


@record
class Prediction:
    """What is known of a run's steps; None where nothing is."""

    step_time_s: Quantity | None = None
    mfu: Quantity | None = None
    goodput: Quantity | None = None
    """None where the wall-clock hours were given, which hold it."""
    busy_share: Quantity | None = None
    """Share of a step in which a board is busy; None where the power does not follow from it."""
    fed_share: Quantity | None = None
    """Share of a known time that the predicted steps fill; None where the time was predicted."""
    terms: tuple[StepTerm, ...] = ()
    layout: Layout | None = None
    """Layout of the phase that takes longest, given or found; None where no step was predicted."""
    rows: tuple[Assumption, ...] = ()
    warnings: tuple[str, ...] = ()


def predict_run(facts: Facts, trace: Trace = UNTRACED) -> Prediction:
    """Step time, MFU, goodput and busy share of the run.

    Raises FootprintError where a given time implies an MFU above 0.75, or a given layout does not
    fit, unless forced.
    """
    workload = facts.workload
    if workload is None:
        return Prediction(busy_share=facts.busy_share, fed_share=facts.fed_share)
    known = known_step_time_s(facts, workload)
    if known is not None:
        return _of_known_time(facts, workload, known, trace)
    return _of_steps(facts, workload, _steps(facts, workload), trace)


def known_step_time_s(facts: Facts, workload: Workload) -> Quantity | None:
    """Mean step time that the user's own figure means [s]; None if there is none."""
    request, steps = facts.request, workload.steps
    if request.step_time_s is not None:
        return Quantity(request.step_time_s)
    if request.mfu is not None:
        peak = facts.steps[0].peak_flop_per_s
        return Quantity(
            equations.step_time_s(_mean_flop(facts, workload), facts.cluster.count, peak, request.mfu)
        )
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


def predicted_step_time_s(facts: Facts) -> Quantity:
    """Mean step time over the phases, whatever the user knows of it [s]; the work must be known."""
    if facts.workload is None:
        raise AssertionError("without a workload there are no steps to predict")
    return _mean_time(_steps(facts, facts.workload), facts.workload)


def _steps(facts: Facts, workload: Workload) -> list[StepPrediction]:
    """The prediction of one step of each phase."""
    parts = [predict(one) for one in facts.steps]
    for phase, part in zip(workload.phases, parts, strict=True):
        if part.layout is not None:
            check_micro_batch(facts.request, phase, part.layout.dp)
    return parts


def _mean_time(parts: Sequence[StepPrediction], workload: Workload) -> Quantity:
    times = [
        part.step_time_s * (phase.steps or 0.0) for part, phase in zip(parts, workload.phases, strict=True)
    ]
    return total(times) / workload.steps


def _mean_busy(parts: Sequence[StepPrediction], workload: Workload) -> Quantity:
    return total([part.busy_share * w for part, w in zip(parts, _weights(workload), strict=True)])


def _mean_flop(facts: Facts, workload: Workload) -> float:
    """Model FLOPs of the mean step."""
    shares = _shares([phase.steps or 0.0 for phase in workload.phases])
    return sum(w * s.training_flop for w, s in zip(shares, facts.step_flops, strict=True))


def _of_known_time(facts: Facts, workload: Workload, known: Quantity, trace: Trace) -> Prediction:
    """What follows from a step time that the user knows.

    Only where the power of the boards depends on how busy they are is a step predicted: the work is the
    same in a longer step, and the boards are starved for the rest of it.
    """
    mfu = _mfu(facts, workload, known, trace)
    if mfu.mid > HIGHEST_CREDIBLE_MFU and not facts.request.force:
        raise FootprintError(
            f"the given time means an MFU of {mfu.mid:.3g}, above {HIGHEST_CREDIBLE_MFU}, which no known run "
            "reaches: check the time, the accelerator count and the precision, or insist with --force"
        )
    busy_share = fed_share = None
    if facts.power is not None and facts.power.depends_on_work:
        parts = _steps(facts, workload)
        predicted, busy_share = _mean_time(parts, workload), _mean_busy(parts, workload)
        lost = 1.0
        if facts.request.hours is not None:
            # Wall clock also holds what every run loses, in which they are as busy as in its steps.
            ideal_h = equations.duration_h(workload.steps, predicted.mid)
            lost = goodput(cluster=facts.cluster, hours_without_loss=ideal_h, facts=facts.goodput)[0].mid
        fed_share = (predicted / (known.mid * lost)).capped(1.0)
    share: Quantity | None = None
    rows: tuple[Assumption, ...] = ()
    if facts.request.hours is None:
        share, rows = _goodput(facts, workload, known)
    return Prediction(
        step_time_s=known, mfu=mfu, goodput=share, busy_share=busy_share, fed_share=fed_share, rows=rows
    )


def _mfu(facts: Facts, workload: Workload, step_time_s: Quantity, trace: Trace) -> Quantity:
    """MFU of the mean step [1]."""
    name = "mfu" if len(workload.phases) == 1 else "mean_step_mfu"
    mfu: Quantity = trace(
        name, equations.mfu, step_flop=Quantity(_mean_flop(facts, workload)), step_time_s=step_time_s,
        count=facts.cluster.count, peak_flop_per_s=facts.steps[0].peak_flop_per_s,
    )  # fmt: skip
    return mfu


def _of_steps(facts: Facts, workload: Workload, parts: Sequence[StepPrediction], trace: Trace) -> Prediction:
    """What follows from predicted steps."""
    _require_fitting(facts, parts)
    step_time_s, terms = _mean_time(parts, workload), _mean_terms(parts, workload)
    if terms:
        trace.note("step_time_s", SUM, {f"{t.name}_s": t.time_s for t in terms if t.time_s}, step_time_s)
    _mfu(facts, workload, step_time_s, trace)
    share, rows = _goodput(facts, workload, step_time_s)
    longest = max(
        zip(parts, workload.phases, strict=True),
        key=lambda pair: pair[0].step_time_s.mid * (pair[1].steps or 0.0),
    )[0]
    return Prediction(
        step_time_s=step_time_s,
        mfu=total([part.mfu * w for part, w in zip(parts, _weights(workload), strict=True)]),
        goodput=share,
        busy_share=_mean_busy(parts, workload),
        terms=terms,
        layout=longest.layout,
        rows=(*_rows_of_phases(parts), *rows),
        warnings=tuple(dict.fromkeys(warning for part in parts for warning in part.warnings)),
    )


def _goodput(
    facts: Facts, workload: Workload, step_time_s: Quantity
) -> tuple[Quantity, tuple[Assumption, ...]]:
    """The share of the time that makes progress, and the row that says where it is from."""
    ideal_h = equations.duration_h(workload.steps, step_time_s.mid)
    share, row = goodput(cluster=facts.cluster, hours_without_loss=ideal_h, facts=facts.goodput)
    return share, () if row is None else (row,)


def _require_fitting(facts: Facts, parts: Sequence[StepPrediction]) -> None:
    """FootprintError where a layout that was asked for does not fit, naming what would; unless forced."""
    asked = any(
        getattr(facts.request, name) is not None
        for name in ("tp", "pp", "cp", "dp", "ep", "micro_batch", "recompute")
    )
    for part in parts:
        if asked and not part.fits and not facts.request.force:
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


def _mean_terms(parts: Sequence[StepPrediction], workload: Workload) -> tuple[StepTerm, ...]:
    """The parts of the step time as means over all steps [s]."""
    pairs = [(part, phase.steps or 0.0) for part, phase in zip(parts, workload.phases, strict=True)]
    names = dict.fromkeys(name for part in parts for name in part.terms)
    return tuple(
        StepTerm(name=name, time_s=sum(part.terms.get(name, 0.0) * n for part, n in pairs) / workload.steps)
        for name in names
    )


def _shares(values: Sequence[float]) -> list[float]:
    whole = sum(values)
    return [value / whole for value in values]


def _weights(workload: Workload) -> list[float]:
    """Token shares of the phases (sample shares for images): how per-step values are averaged."""
    tokens = [tokens_of(phase) for phase in workload.phases]
    return _shares(tokens if any(tokens) else [samples_of(phase) for phase in workload.phases])
