"""What the second room gives: the time of a step, how busy the boards are, the layout, and its memory.

Each size that nobody gave is a cause of its intervals: what other sizes would change.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from footprint.arithmetic import Number, is_array, log, where
from footprint.estimator.facts import Facts
from footprint.performance.roofline.layout import Layout
from footprint.performance.roofline.memory import has_sixteen_bit_states, memory_byte
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


def device_memory(facts: Facts, layouts: Sequence[Layout | None]) -> DeviceMemory | None:
    """The memory that a step needs on its fullest accelerator, and the room that is left.

    That of the phase that needs most; None where no step was predicted.
    """
    needed: list[tuple[Quantity, bool]] = []
    for step, layout in zip(facts.steps, layouts, strict=False):
        if layout is None or step.work is None or step.machine is None or is_array(layout.dp):
            continue
        step_byte = float(memory_byte(step.work, layout, step.machine))
        sixteen = has_sixteen_bit_states(layout, step.machine)
        needed.append((step.memory_spread * (step_byte / BYTE_PER_GIB), sixteen))
    if not needed:
        return None
    most, sixteen = max(needed, key=lambda one: one[0].mid)
    device_gib = facts.cluster.accelerator.memory_gib
    return DeviceMemory(
        needed_gib=most, device_gib=device_gib, room_gib=device_gib - most.mid, sixteen_bit_states=sixteen
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
    return prediction


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
