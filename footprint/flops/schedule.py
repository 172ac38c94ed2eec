"""FLOPs of a whole run, whose phases differ in length and batch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from footprint.errors import MissingFactError
from footprint.flops.count import StepFlops, count_step
from footprint.flops.operations import Number
from footprint.schema import Phase, StepShape, TrainingMethod


class RunFlops(NamedTuple):
    """FLOP of all phases of a run."""

    steps: tuple[tuple[float, StepFlops], ...]
    """(steps, one step) of every phase."""

    @property
    def training_flop(self) -> Number:
        """Model FLOPs, full attention [FLOP]."""
        return sum(count * step.training_flop for count, step in self.steps)

    @property
    def training_flop_causal(self) -> Number:
        """Model FLOPs of the pairs that masks leave [FLOP]."""
        return sum(count * step.training_flop_causal for count, step in self.steps)

    @property
    def hardware_flop(self) -> Number:
        """FLOP executed, recomputation included [FLOP]."""
        return sum(count * step.hardware_flop for count, step in self.steps)

    @property
    def samples(self) -> Number:
        """Sequences or images seen."""
        return sum(count * step.samples for count, step in self.steps)

    @property
    def tokens(self) -> Number | None:
        """Tokens seen, with padding; None for images."""
        tokens: Number = 0
        for count, step in self.steps:
            if step.tokens is None:
                return None
            tokens += count * step.tokens
        return tokens


def count_run(
    config: Mapping[str, Any],
    phases: Iterable[Phase],
    training: TrainingMethod = TrainingMethod(),  # noqa: B008 - frozen
    objective: str = "",
) -> RunFlops:
    """FLOP of a sequence-length schedule, phase by phase [FLOP].

    A step of a phase is its global batch, in however many micro-batches it is accumulated: the
    products are the same, only split.

    Raises MissingFactError for a phase without steps or batch, and what `count_step` raises.
    """
    counted = []
    for phase in phases:
        if phase.steps is None or phase.sequences_per_step is None:
            raise MissingFactError("a phase lacks its steps or batch: give --steps and --batch-size")
        shape = StepShape(
            sequences=phase.sequences_per_step,
            sequence_length=phase.sequence_length,
            target_sequence_length=phase.target_sequence_length,
            predicted_positions=phase.predicted_positions,
            image_size=phase.image_size,
        )
        counted.append((phase.steps, count_step(config, shape, training, objective)))
    return RunFlops(tuple(counted))
