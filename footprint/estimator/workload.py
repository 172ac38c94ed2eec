"""The steps that are trained: complete phases, and what one step of them holds."""

from __future__ import annotations

from footprint.arithmetic import summed
from footprint.records import record
from footprint.results import Assumption
from footprint.schema import Phase, StepShape
from footprint.vocabulary import Method


@record
class Choice:
    """A size that nobody gave: its name, what is taken, and the 90 % interval of what others choose."""

    name: str
    value: float
    low: float
    high: float


@record
class Workload:
    """The steps to train: complete phases, and what was assumed to complete them."""

    phases: tuple[Phase, ...]
    method: Method
    objective: str
    assumptions: tuple[Assumption, ...] = ()
    choices: tuple[Choice, ...] = ()
    """Sizes among them that have an interval."""
    warnings: tuple[str, ...] = ()

    @property
    def steps(self) -> float:
        """Optimiser steps over all phases."""
        return summed(known(phase.steps) for phase in self.phases)

    @property
    def samples(self) -> float:
        """Sequences or images over all phases."""
        return summed(samples_of(phase) for phase in self.phases)


def known(value: float | None) -> float:
    """A field that a complete phase has."""
    if value is None:
        raise AssertionError("a workload's phases are complete")
    return value


def shape_of(phase: Phase) -> StepShape:
    """The data of one step of a complete phase."""
    return StepShape(
        sequences=known(phase.sequences_per_step),
        sequence_length=phase.sequence_length,
        target_sequence_length=phase.target_sequence_length,
        predicted_positions=phase.predicted_positions,
        image_size=phase.image_size,
        document_length=phase.document_length,
    )


def tokens_per_sequence(phase: Phase) -> int:
    """Tokens of one sequence, source and target; 0 for images."""
    return (phase.sequence_length or 0) + (phase.target_sequence_length or 0)


def tokens_of(phase: Phase) -> float:
    """Tokens of a complete phase, padding included; 0 for images."""
    return samples_of(phase) * tokens_per_sequence(phase)


def samples_of(phase: Phase) -> float:
    """Sequences or images of a complete phase."""
    return known(phase.steps) * known(phase.sequences_per_step)
