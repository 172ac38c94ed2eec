"""FLOPs of a whole run, whose phases differ in length and batch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from footprint.arithmetic import summed
from footprint.errors import FootprintError, MissingFactError
from footprint.flops.count import count_step
from footprint.flops.operations import Number
from footprint.flops.step import StepFlops
from footprint.named_tuples import NamedTuple
from footprint.parsing import parse_count
from footprint.schema import Phase, StepShape, TrainingMethod

FORM = (
    "STEPSxSEQUENCESxLENGTH[:TARGET][,...], such as 900kx256x128,100kx256x512 (STEPSxIMAGES without lengths)"
)
MAX_PHASES = 1000


class RunFlops(NamedTuple):
    """FLOP of all phases of a run."""

    steps: tuple[tuple[float, StepFlops], ...]
    """(steps, one step) of every phase."""

    @property
    def training_flop(self) -> Number:
        """Model FLOPs, full attention [FLOP]."""
        return summed(count * step.training_flop for count, step in self.steps)

    @property
    def training_flop_causal(self) -> Number:
        """Model FLOPs with only the attention pairs within masks [FLOP]."""
        return summed(count * step.training_flop_causal for count, step in self.steps)

    @property
    def hardware_flop(self) -> Number:
        """Executed FLOP, including recomputation [FLOP]."""
        return summed(count * step.hardware_flop for count, step in self.steps)

    @property
    def samples(self) -> Number:
        """Number of sequences or images."""
        return summed(count * step.samples for count, step in self.steps)

    @property
    def tokens(self) -> Number | None:
        """Number of tokens, with padding; None for images."""
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

    A step is one global batch. Accumulating it in micro-batches does not change the FLOPs.

    Raises MissingFactError for a phase without steps or batch, and the errors of `count_step`.
    """
    counted = []
    for phase in phases:
        if phase.steps is None or phase.sequences_per_step is None:
            raise MissingFactError("a phase lacks its steps or batch: give `steps=` and `batch_size=`")
        shape = StepShape(
            sequences=phase.sequences_per_step,
            sequence_length=phase.sequence_length,
            target_sequence_length=phase.target_sequence_length,
            predicted_positions=phase.predicted_positions,
            image_size=phase.image_size,
            document_length=phase.document_length,
        )
        counted.append((phase.steps, count_step(config, shape, training, objective)))
    return RunFlops(tuple(counted))


def main_phase(phases: Sequence[Phase]) -> Phase:
    """The phase of a recipe with the most tokens (or images); an empty phase if there is none."""
    return max(
        phases,
        key=lambda p: (
            (p.steps or 0)
            * (p.sequences_per_step or 1)
            * ((p.sequence_length or 0) + (p.target_sequence_length or 0) or 1)
        ),
        default=Phase(),
    )


def predicted_at(phases: Sequence[Phase], length: int | None) -> int | None:
    """Number of predicted positions (those with logits) at this length under a recipe; None means all.

    At the length of a phase it is that phase's number; at other lengths, the share of the main phase.
    """
    own = next(
        (phase for phase in phases if phase.sequence_length == length and phase.predicted_positions), None
    )
    if own is not None:
        return own.predicted_positions
    main = main_phase(phases)
    if not (main.predicted_positions and main.sequence_length and length):
        return None
    return max(1, round(main.predicted_positions / main.sequence_length * length))


def read_schedule(text: str) -> tuple[Phase, ...]:
    """The phases of a schedule as people write it: ``900kx256x128,100kx256x512``.

    Raises FootprintError for a text of another form.
    """
    parts = [part.strip() for part in text.split(",")]
    if len(parts) > MAX_PHASES:
        raise FootprintError(f"a schedule of more than {MAX_PHASES} phases")
    return tuple(_phase(part) for part in parts)


def _phase(text: str) -> Phase:
    factors = text.lower().split("x")
    lengths = factors[2].split(":") if len(factors) > 2 else []
    if len(factors) not in (2, 3) or len(lengths) > 2:
        raise FootprintError(f"cannot read the phase {text[:64]!r}; write {FORM}")
    steps, sequences, *sizes = (parse_count(part, text[:64]) for part in (*factors[:2], *lengths))
    if any(size != int(size) for size in sizes):
        raise FootprintError(f"the lengths of the phase {text[:64]!r} must be whole numbers")
    return Phase(
        steps=steps,
        sequences_per_step=sequences,
        sequence_length=int(sizes[0]) if sizes else None,
        target_sequence_length=int(sizes[1]) if len(sizes) > 1 else None,
    )
