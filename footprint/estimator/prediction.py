"""What the second room gives: the time of a step, how busy the boards are, the layout, and its memory.

Each size that nobody gave is a cause of its intervals: what other sizes would change.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

from footprint.arithmetic import Number, is_array, log, maximum, where
from footprint.estimator.facts import Facts
from footprint.performance.peaks import beyond_gib
from footprint.performance.roofline.layout import Layout
from footprint.performance.roofline.limits import CUT, cut_rows
from footprint.performance.roofline.memory import FACTOR, has_sixteen_bit_states, memory
from footprint.records import record, replace
from footprint.results import Assumption, Quantity
from footprint.results.estimate import DeviceMemory, StepTerm
from footprint.units import BYTE_PER_GIB

NO_RESPONSE = 0.0
RESPONDING = ("step_time_s", "mfu", "busy_share", "fed_share")
"""Quantities of a prediction that other sizes change."""


@record
class Prediction:
    """What is known of a run's steps; None where nothing is."""

    steps: Number | None = None
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
    layouts: tuple[Layout | None, ...] = ()
    """Layout of each phase; empty where no step was predicted."""
    fits: tuple[Any, ...] = ()
    """Whether the step of each phase fits into the memory of its accelerators."""
    rows: tuple[Assumption, ...] = ()
    warnings: tuple[str, ...] = ()


@record
class Fullest:
    """The memory of the phase that needs most, on its fullest accelerator."""

    needed_gib: Quantity
    weights_gib: float
    is_anchored: bool
    """Whether measured peaks have corrected it."""
    has_sixteen_bit_states: bool


def fullest(facts: Facts, layouts: Sequence[Layout | None]) -> Fullest | None:
    """The predicted memory of a step; None where no step was predicted."""
    found: list[Fullest] = []
    for step, layout in zip(facts.steps, layouts, strict=False):
        if layout is None or step.work is None or step.machine is None or is_array(layout.dp):
            continue
        parts = memory(step.work, layout, step.machine)
        found.append(
            Fullest(
                needed_gib=step.memory_spread * (float(parts.total_byte) / BYTE_PER_GIB),
                weights_gib=float(parts.weights_byte) / BYTE_PER_GIB,
                is_anchored=FACTOR in step.machine.constants.values,
                has_sixteen_bit_states=has_sixteen_bit_states(layout, step.machine),
            )
        )
    return max(found, key=lambda one: one.needed_gib.mid, default=None)


def device_memory(facts: Facts, layouts: Sequence[Layout | None]) -> DeviceMemory | None:
    """The memory that a step needs on its fullest accelerator, and the room that is left.

    It is what the user measured, or that of the phase that needs most; None where no step was predicted.
    """
    request, most = facts.request, fullest(facts, layouts)
    if request.memory_gib is not None:
        needed, basis = Quantity(request.memory_gib - beyond_gib(request.memory_scope)), "given"
    elif most is not None:
        needed, basis = most.needed_gib, "anchored" if most.is_anchored else "predicted"
    else:
        return None
    device_gib = facts.cluster.accelerator.memory_gib
    return DeviceMemory(
        needed_gib=needed, device_gib=device_gib, room_gib=device_gib - needed.mid, basis=basis,
        sixteen_bit_states=most is not None and most.has_sixteen_bit_states,
    )  # fmt: skip


def too_little(facts: Facts, layouts: Sequence[Layout | None]) -> str:
    """What is wrong with a measured peak below the weights that a layout holds; "" if nothing is."""
    measured, most = facts.request.memory_gib, fullest(facts, layouts)
    if measured is None or most is None or measured >= most.weights_gib:
        return ""
    layout = next(filter(None, layouts))
    return (
        f"the measured peak of {measured:.4g} GiB is below the {most.weights_gib:.4g} GiB of the weights "
        f"alone on an accelerator ({layout.text}): is it of another layout (`tp=`, `pp=`, `zero=`), an "
        "average, or in another unit? Offload to other memory is not modelled"
    )


def with_alternatives(
    facts: Facts, prediction: Prediction, predicted: Callable[[Facts], Prediction | None]
) -> Prediction:
    """The prediction with a cause for each size that nobody gave.

    ``predicted`` predicts the run at one end of a size's interval; None where that is impossible. The run
    is then taken not to respond to this end.
    """
    for other in facts.alternatives:
        ends = [None if end is None else predicted(end) for end in (other.low, other.high)]
        responses = {name: _responding(prediction, ends, other.name, name) for name in RESPONDING}
        prediction = replace(prediction, **responses)
    return _held_to_the_chip(facts, prediction) if prediction.layouts else prediction


def _held_to_the_chip(facts: Facts, prediction: Prediction) -> Prediction:
    """A predicted run whose MFU, with other sizes as causes, is no higher than the chip allows.

    Each step is held so on its own (`performance.step.timed`). What is cut from the MFU is cut from the fast
    end of the step time too; what other sizes change in the work itself is not. A row says so, if no phase
    has said it.
    """
    mfu, time = prediction.mfu, prediction.step_time_s
    if mfu is None or time is None:
        return prediction
    highest = reduce(maximum, (step.highest_mfu for step in facts.steps))
    held = mfu.capped(maximum(highest, mfu.mid))
    spread = dict(time.spread)
    for cause, (low, high) in held.spread.items():
        cut_low, cut_high = mfu.spread[cause][0] - low, mfu.spread[cause][1] - high
        spread[cause] = (spread[cause][0] + cut_low, spread[cause][1] + cut_high)
    rows = prediction.rows
    if not is_array(held.mid) and not any(CUT in row.name for row in rows):
        rows = (*rows, *cut_rows(held, highest))
    return replace(prediction, mfu=held, step_time_s=Quantity(time.mid, spread), rows=rows)


def _responding(
    prediction: Prediction, ends: list[Prediction | None], cause: str, name: str
) -> Quantity | None:
    """A quantity of the prediction with its log responses to the two ends."""
    here: Quantity | None = getattr(prediction, name)
    if here is None:
        return None
    spread = []
    for end in ends:
        there: Quantity | None = None if end is None else getattr(end, name)
        if end is None or there is None:
            spread.append(NO_RESPONSE)
            continue
        ratio = there.mid / here.mid
        if name == "step_time_s" and end.steps is not None and prediction.steps is not None:
            # Steps are a plain number, so the response of the whole time stands at the time of a step.
            ratio = ratio * end.steps / prediction.steps
        spread.append(_finite_log(ratio))
    return Quantity(here.mid, {**here.spread, cause: (spread[0], spread[1])})


def _finite_log(ratio: Number) -> Number:
    """The logarithm; no response where one of the two runs is impossible (NaN)."""
    if not is_array(ratio):
        return log(ratio) if ratio > 0 else NO_RESPONSE
    known = ratio > 0
    return where(known, log(where(known, ratio, 1.0)), NO_RESPONSE)
