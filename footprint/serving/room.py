"""Memory of one copy of a model: weights, cache of each sequence, and how many sequences fit."""

from __future__ import annotations

from footprint.errors import FootprintError
from footprint.named_tuples import NamedTuple
from footprint.performance.roofline.constants import load_constants
from footprint.performance.roofline.memory import usable_of
from footprint.results.human import figures
from footprint.schema import Accelerator
from footprint.serving.model import Context, Served
from footprint.serving.steps import STATE_BYTE, Layout, Weights, cache_ranks
from footprint.units import BYTE_PER_GIB

MOST_SEQUENCES = 10**6
"""Most sequences that are counted as in work at once."""


class Room(NamedTuple):
    """What a model with its requests takes of the memory of its chips."""

    model: Served
    context: Context
    """Of the token in the middle of the output."""
    full: Context
    """Of the last token."""
    weights: Weights
    chip: Accelerator
    layout: Layout

    @property
    def weights_byte(self) -> float:
        """Weights on all chips of one copy [byte]."""
        whole = self.weights.total_byte(self.model)
        if not self.layout.whole_dense:
            return whole
        experts = self.model.expert_parameters * self.weights.expert_byte
        return experts + (whole - experts) * self.layout.chips

    @property
    def sequence_byte(self) -> float:
        """Cache of one sequence at its full length, without copies [byte]."""
        return self.full.held * self.weights.cached_byte + self.model.state_elements * STATE_BYTE

    @property
    def free_byte(self) -> float:
        """Memory of one copy of the model beside its weights [byte]."""
        return self.layout.chips * usable_of(self.chip, load_constants()) - self.weights_byte

    @property
    def cache_copies(self) -> float:
        """How many times the cache of a sequence is held: more ranks than heads of keys keep copies [1]."""
        return 1.0 if self.layout.whole_dense else self.layout.tp / cache_ranks(self.model, self.layout)

    def largest_batch(self) -> int:
        """Sequences of full length that one copy of the model can hold at once.

        Raises FootprintError if not even one fits beside the weights.
        """
        free, each = self.free_byte, self.sequence_byte * self.cache_copies
        fits = int(free // max(each, 1.0)) if free > 0 else 0
        if fits < 1:
            chips = self.layout.chips
            usable = free + self.weights_byte
            raise FootprintError(
                f"the weights take {figures(self.weights_byte / BYTE_PER_GIB)} GiB and one sequence "
                f"{figures(each / BYTE_PER_GIB)} GiB, but {chips} x {self.chip.name} can "
                f"fill {figures(usable / BYTE_PER_GIB)} GiB: give more accelerators with `hw=`, fewer bits "
                "with `precision=`, or shorter sequences"
            )
        return min(fits, MOST_SEQUENCES)

    def at_once(self) -> int:
        """Sequences in work at once on one copy of the model, if only written tokens take memory.

        Paged engines admit a request as soon as its prompt fits. So the memory holds sequences of the mean
        length.
        """
        written = self.context.held * self.weights.cached_byte + self.model.state_elements * STATE_BYTE
        fits = int(self.free_byte // max(written * self.cache_copies, 1.0))
        return max(self.largest_batch(), min(fits, MOST_SEQUENCES))
