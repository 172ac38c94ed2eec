"""The second room: from facts to the time of a step, how busy the boards are, and the layout; no look-ups."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from footprint import equations
from footprint.arithmetic import Number, is_array, summed
from footprint.errors import FootprintError
from footprint.estimator.facts import Facts
from footprint.estimator.prediction import Prediction, too_little, with_alternatives
from footprint.estimator.request import LAYOUT_FIELDS, EstimateRequest
from footprint.estimator.resolve.method import check_micro_batch, least_needed_byte
from footprint.estimator.workload import Workload, known, samples_of, tokens_of
from footprint.performance.goodput import goodput
from footprint.performance.roofline.layout import Layout
from footprint.performance.step import StepPrediction, predict
from footprint.performance.step_facts import StepFacts
from footprint.records import record, replace
from footprint.results import Assumption, Quantity, total
from footprint.results.estimate import StepTerm
from footprint.results.link import UNTRACED, Trace
from footprint.units import SECONDS_PER_HOUR

SUM = "products over their rate + memory traffic + communication + launches, x software factor"
HIGHEST_CREDIBLE_MFU = 0.75
"""Above this a published figure is nearly always an error of the data."""


@record
class Amounts:
    """How much is trained, phase by phase; numbers, or arrays of them for many batches."""

    steps: tuple[Number, ...]
    weights: tuple[float, ...]
    """Token shares of the phases (sample shares for images): how per-step values are averaged."""
    flop: tuple[Number, ...]
    """Model FLOPs of one step."""
    samples: Number
    tokens: Number

    @property
    def all_steps(self) -> Number:
        """Optimiser steps over all phases."""
        return summed(self.steps)

    @property
    def mean_flop(self) -> Number:
        """Model FLOPs of the mean step."""
        shares = _shares(self.steps)
        return summed(share * flop for share, flop in zip(shares, self.flop, strict=True))


def amounts_of(workload: Workload, steps: Sequence[StepFacts]) -> Amounts:
    """The amounts of a workload."""
    tokens = [tokens_of(phase) for phase in workload.phases]
    samples = [samples_of(phase) for phase in workload.phases]
    return Amounts(
        steps=tuple(known(phase.steps) for phase in workload.phases),
        weights=tuple(_shares(tokens if any(tokens) else samples)),
        flop=tuple(step.flop for step in steps),
        samples=summed(samples),
        tokens=summed(tokens),
    )


def predict_run(facts: Facts, trace: Trace = UNTRACED) -> Prediction:
    """Step time, MFU, goodput and busy share of the run.

    Raises FootprintError where a given time implies an MFU above 0.75, a given layout does not fit, or
    no layout comes near to fitting, unless forced.
    """
    prediction, parts = _at_given_sizes(facts, trace)
    known = facts.request.memory_gib is not None  # what was measured ran
    needed_byte = 0.0 if known else least_needed_byte(facts, parts)
    if needed_byte > facts.clear_byte:
        from footprint.estimator.resolve.misfit import forced, refused

        if not facts.request.force:
            raise FootprintError(refused(facts, parts, needed_byte))
        prediction = replace(prediction, warnings=(forced(facts, parts, needed_byte), *prediction.warnings))
    if parts is not None:
        if not known:
            _require_fitting(facts, parts)
        elif wrong := too_little(facts, prediction.layouts):
            prediction = replace(prediction, warnings=(*prediction.warnings, wrong))
    elif prediction.mfu is not None and prediction.mfu.mid > HIGHEST_CREDIBLE_MFU and not facts.request.force:
        raise FootprintError(
            f"the given time means an MFU of {prediction.mfu.mid:.3g}, above {HIGHEST_CREDIBLE_MFU}, which "
            "no known run reaches: check the time, the accelerator count and the precision, or insist with "
            "`force=True`"
        )
    if not facts.alternatives:
        return prediction
    return with_alternatives(facts, prediction, _at_other_sizes)


def _at_given_sizes(
    facts: Facts, trace: Trace = UNTRACED
) -> tuple[Prediction, Sequence[StepPrediction] | None]:
    """The prediction at the sizes of the facts, and its steps where the time was not given."""
    workload = facts.workload
    if workload is None:
        return typical(facts), None
    amounts = amounts_of(workload, facts.steps)
    known_s = known_step_time_s(facts.request, amounts, facts)
    if known_s is None:
        parts = _steps(facts, workload)
        return from_steps(facts, amounts, parts, trace), parts
    prediction = from_known_time(
        facts, amounts, known_s, lambda: _steps(facts, workload, advise=False), trace
    )
    return prediction, None


def _at_other_sizes(facts: Facts) -> Prediction | None:
    """The prediction at one end of a size; None where no layout takes it."""
    try:
        return _at_given_sizes(facts)[0]
    except FootprintError:
        return None


def typical(facts: Facts) -> Prediction:
    """What is taken for a run whose work is unknown."""
    return Prediction(busy_share=facts.busy_share, fed_share=facts.fed_share)


def known_step_time_s(request: EstimateRequest, amounts: Amounts, facts: Facts) -> Quantity | None:
    """Mean step time that the user's own figure means [s]; None if there is none."""
    steps = amounts.all_steps
    if request.step_time_s is not None:
        return Quantity(request.step_time_s)
    if request.mfu is not None:
        peak = facts.steps[0].peak_flop_per_s
        flop = amounts.mean_flop * facts.flop_spread
        known_s: Quantity = equations.step_time_s(flop, facts.cluster.count, peak, Quantity(request.mfu))
        return known_s
    if request.tokens_per_second is not None:
        if not is_array(amounts.tokens) and not amounts.tokens:
            raise FootprintError(
                "`tokens_per_second=`: this model trains on images: give `samples_per_second=`"
            )
        return Quantity(amounts.tokens / steps / request.tokens_per_second)
    if request.samples_per_second is not None:
        return Quantity(amounts.samples / steps / request.samples_per_second)
    if request.hours is not None:
        return Quantity(request.hours * SECONDS_PER_HOUR / steps)
    return None


def predicted_step(facts: Facts) -> tuple[Quantity, tuple[Layout | None, ...]]:
    """Mean step time over the phases [s], whatever the user knows of it, and their layouts.

    The work must be known.
    """
    if facts.workload is None:
        raise AssertionError("without a workload there are no steps to predict")
    parts = _steps(facts, facts.workload, advise=False)
    return _mean_time(parts, amounts_of(facts.workload, facts.steps)), tuple(part.layout for part in parts)


def _steps(facts: Facts, workload: Workload, *, advise: bool = True) -> list[StepPrediction]:
    """The prediction of one step of each phase; ``advise`` as in `performance.step.predict`."""
    parts = [predict(one, advise=advise) for one in facts.steps]
    for phase, part in zip(workload.phases, parts, strict=True):
        if part.layout is not None:
            check_micro_batch(facts.request, phase, part.layout.dp)
    return parts


def _mean_time(parts: Sequence[StepPrediction], amounts: Amounts) -> Quantity:
    times = [part.step_time_s * n for part, n in zip(parts, amounts.steps, strict=True)]
    mean: Quantity = total(times) / amounts.all_steps
    return mean


def _mean_busy(parts: Sequence[StepPrediction], amounts: Amounts) -> Quantity:
    return total([part.busy_share * w for part, w in zip(parts, amounts.weights, strict=True)])


def _mfu(
    facts: Facts, amounts: Amounts, step_time_s: Quantity, trace: Trace, spread: Quantity | Number = 1.0
) -> Quantity:
    """MFU of the mean step [1]; ``spread`` is a factor on its FLOPs."""
    mfu: Quantity = trace(
        "mfu" if len(amounts.steps) == 1 else "mean_step_mfu", equations.mfu,
        step_flop=Quantity(amounts.mean_flop) * spread, step_time_s=step_time_s, count=facts.cluster.count,
        peak_flop_per_s=facts.steps[0].peak_flop_per_s,
    )  # fmt: skip
    return mfu


def from_known_time(
    facts: Facts,
    amounts: Amounts,
    known_s: Quantity,
    predicted_steps: Callable[[], Sequence[StepPrediction]],
    trace: Trace = UNTRACED,
) -> Prediction:
    """What follows from a step time that the user knows.

    Only where the power of the boards depends on how busy they are are steps predicted: the work is the
    same in a longer step, and the boards are starved for the rest of it.
    """
    mfu = _mfu(facts, amounts, known_s, trace, facts.flop_spread)
    busy_share = fed_share = None
    if facts.power is not None and facts.power.depends_on_work:
        parts = predicted_steps()
        predicted, busy_share = _mean_time(parts, amounts), _mean_busy(parts, amounts)
        lost: Number = 1.0
        if facts.request.hours is not None:
            # Wall clock also holds what every run loses, in which they are as busy as in its steps.
            ideal_h = equations.duration_h(amounts.all_steps, predicted.mid)
            lost = goodput(cluster=facts.cluster, hours_without_loss=ideal_h, facts=facts.goodput)[0].mid
        fed_share = (predicted / (known_s.mid * lost)).capped(1.0)
    share: Quantity | None = None
    rows: tuple[Assumption, ...] = ()
    if facts.request.hours is None:
        share, rows = _goodput(facts, amounts, known_s)
    return Prediction(
        steps=amounts.all_steps, step_time_s=known_s, mfu=mfu, goodput=share, busy_share=busy_share,
        fed_share=fed_share, rows=rows,
    )  # fmt: skip


def from_steps(
    facts: Facts, amounts: Amounts, parts: Sequence[StepPrediction], trace: Trace = UNTRACED
) -> Prediction:
    """What follows from predicted steps, one a phase."""
    step_time_s, terms = _mean_time(parts, amounts), _mean_terms(parts, amounts)
    if terms:
        trace.note("step_time_s", SUM, {f"{term.name}_s": term.time_s for term in terms}, step_time_s)
    _mfu(facts, amounts, step_time_s, trace)
    share, rows = _goodput(facts, amounts, step_time_s)
    return Prediction(
        steps=amounts.all_steps,
        step_time_s=step_time_s,
        mfu=total([part.mfu * w for part, w in zip(parts, amounts.weights, strict=True)]),
        goodput=share,
        busy_share=_mean_busy(parts, amounts),
        terms=terms,
        layout=_main_layout(parts, amounts),
        layouts=tuple(part.layout for part in parts),
        fits=tuple(part.fits for part in parts),
        rows=(*_rows_of_phases(parts), *rows),
        warnings=tuple(dict.fromkeys(warning for part in parts for warning in part.warnings)),
    )


def _main_layout(parts: Sequence[StepPrediction], amounts: Amounts) -> Layout | None:
    """The layout of the phase that takes longest; of arrays, that of the first phase."""
    if any(is_array(part.step_time_s.mid) for part in parts):
        return parts[0].layout
    pairs = zip(parts, amounts.steps, strict=True)
    return max(pairs, key=lambda pair: pair[0].step_time_s.mid * pair[1])[0].layout


def _goodput(
    facts: Facts, amounts: Amounts, step_time_s: Quantity
) -> tuple[Quantity, tuple[Assumption, ...]]:
    """The share of the time that makes progress, and the row that says where it is from."""
    ideal_h = equations.duration_h(amounts.all_steps, step_time_s.mid)
    share, row = goodput(cluster=facts.cluster, hours_without_loss=ideal_h, facts=facts.goodput)
    return share, () if row is None else (row,)


def _require_fitting(facts: Facts, parts: Sequence[StepPrediction]) -> None:
    """FootprintError where a layout that was asked for does not fit, naming what would; unless forced."""
    if facts.request.force or not facts.request.among(LAYOUT_FIELDS):
        return
    for part in parts:
        if not part.fits:
            raise FootprintError(f"{part.warnings[0]}, or insist with `force=True`")


def _rows_of_phases(parts: Sequence[StepPrediction]) -> list[Assumption]:
    """What all phases assume, and by its number what a phase assumes apart from the others."""
    every = [dict.fromkeys(part.assumptions) for part in parts]
    rows: dict[Assumption, None] = {}
    for number, own in enumerate(every, 1):
        for row in own:
            common = all(row in other for other in every)
            rows[row if common else replace(row, name=f"{row.name} (phase {number})")] = None
    return list(rows)


def _mean_terms(parts: Sequence[StepPrediction], amounts: Amounts) -> tuple[StepTerm, ...]:
    """The parts of the step time as means over all steps [s]."""
    pairs = list(zip(parts, amounts.steps, strict=True))
    names = dict.fromkeys(name for part in parts for name in part.terms)
    return tuple(
        StepTerm(
            name=name, time_s=summed(part.terms.get(name, 0.0) * n for part, n in pairs) / amounts.all_steps
        )
        for name in names
    )


def _shares(values: Sequence[Number]) -> list[Number]:
    whole = summed(values)
    return [value / whole for value in values]
