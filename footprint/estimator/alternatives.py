"""What other sizes would change: each size that nobody gave is a cause of the answer's interval."""

from __future__ import annotations

from collections.abc import Callable

from footprint.arithmetic import Number, is_array, log, where
from footprint.estimator.facts import Facts
from footprint.estimator.prediction import Prediction
from footprint.records import replace
from footprint.results import Quantity

NO_RESPONSE = 0.0
RESPONDING = ("step_time_s", "mfu", "busy_share", "fed_share")
"""Quantities of a prediction that other sizes change."""


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
