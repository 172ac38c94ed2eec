"""What the second room gives: the time of a step, how busy the boards are, and the layout."""

from __future__ import annotations

from typing import Any

from footprint.arithmetic import Number
from footprint.performance.roofline.layout import Layout
from footprint.records import record
from footprint.results import Assumption, Quantity
from footprint.results.estimate import StepTerm


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
