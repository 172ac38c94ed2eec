"""Finds the layout of a job: the fastest that fits, with the techniques of the year.

`shapes` lists the candidate layouts. Each candidate gets the largest micro-batch that fits (a whole
number that divides a replica's share of the batch) and recomputes only as many blocks as memory
requires. The smallest micro-batch that fits only with recomputation is tried, too. The fastest step wins.
"""

from __future__ import annotations

from math import ceil, inf
from typing import Any

from footprint.arithmetic import summed
from footprint.errors import FootprintError
from footprint.performance.layouts.feeding import cannot_feed, crowded_below
from footprint.performance.layouts.habits import (
    recomputed_by_habit,
    recomputes_part,
    sixteen_bit_states,
    unwillingness,
)
from footprint.performance.layouts.shapes import Given, divisors, fewest_replicas, habits_of, shapes
from footprint.performance.roofline.layout import Layout
from footprint.performance.roofline.machine import Machine
from footprint.performance.roofline.memory import (
    activation_byte,
    memory_byte,
    optimiser_copy_byte,
    state_byte,
    usable_byte,
)
from footprint.performance.roofline.sums import Sums, sum_lines
from footprint.performance.roofline.terms import terms_of
from footprint.performance.roofline.work import Work
from footprint.records import replace

SMALL = 1e9
"""Parameters below which a model that fits one accelerator is not split over several."""
KEPT_FULL = 2
"""Minimum number of micro-batches per stage that keeps a pipeline full."""


def find_layout(
    work: Work,
    machine: Machine,
    *,
    given: Given | None = None,
    flash: bool = True,
    sequence_length: float = 0.0,
) -> tuple[Layout, bool]:
    """The fastest layout with the given sizes that fits, and whether one fits.

    Where none fits, the layout is one that is fast and close to fitting.

    Raises
    ------
    FootprintError
        If no layout of this number of accelerators has the given sizes, or each has more replicas than
        the batch has samples.
    """
    given = given or {}
    search = _Search(work, machine, given, flash=flash, sequence_length=sequence_length)
    if work.parameters < SMALL and not search.crowded and not {"tp", "pp"} <= given.keys():
        whole = search.fastest({"tp": 1, "pp": 1, **given})
        if whole is not None:
            return whole, True
    found = search.fastest(given)
    if found is None and sixteen_bit_states(machine):
        search = _Search(
            work, machine, given, flash=flash, sequence_length=sequence_length, sixteen_bit_states=True
        )
        found = search.fastest(given)
    if found is not None:
        return found, True
    nearest = search.nearest(given)
    if nearest is not None:
        return nearest, False
    if int(given.get("pp", 1)) > work.layers:
        raise FootprintError(f"`pp={given['pp']}` is more stages than the {work.layers} layers of the model")
    count = machine.cluster.count
    least = fewest_replicas(search.habits, count, tuple(given.items()), search.crowded)
    raise cannot_feed(work.samples, count, least, given)


class _Search:
    """The layouts of one job; what several of them have in common is computed once."""

    def __init__(
        self,
        work: Work,
        machine: Machine,
        given: Given,
        *,
        flash: bool,
        sequence_length: float,
        sixteen_bit_states: bool = False,
    ) -> None:
        self.work, self.machine, self.flash = work, machine, flash
        self.sixteen_bit_states = sixteen_bit_states
        self.habits = habits_of(work, machine, flash=flash, sequence_length=sequence_length)
        self.crowded = work.samples < crowded_below(self.habits, machine.cluster.count, given)
        self.partly = "recompute" not in given and recomputes_part(machine)
        self.sums: dict[int, Sums] = {}
        self.rooms: dict[tuple[int, ...], float | None] = {}
        self.activations: dict[tuple[Any, ...], float] = {}

    def seconds(self, layout: Layout) -> float:
        """Time of one step before the factor of software [s]."""
        sums = self.sums.get(layout.tp)
        if sums is None:
            sums = self.sums[layout.tp] = sum_lines(self.work, self.machine, layout.tp, flash=self.flash)
        return float(summed(terms_of(sums, self.work, layout, self.machine).values()))

    def unwilling(self, layout: Layout) -> float:
        """The factor on the time of a layout by which recipes avoid it [1]."""
        micro_batches = self.work.samples / layout.dp / layout.micro_batch
        return float(unwillingness(self.machine, layout.model_ranks, layout.pp, micro_batches))

    def tried(self, given: Given) -> list[Layout]:
        """The candidate layouts that have at least one sample for each replica."""
        every = shapes(self.habits, self.machine.cluster.count, given, crowded=self.crowded)
        fed = [shape for shape in every if shape.dp <= self.work.samples]
        return [replace(shape, sixteen_bit_states=True) for shape in fed] if self.sixteen_bit_states else fed

    def fastest(self, given: Given) -> Layout | None:
        """The fastest layout that fits; None where none fits."""
        best, best_s = None, float("inf")
        sizes: tuple[float, ...] = ()
        kept = 0.0  # the micro-batch of these sizes that fits without recomputation
        for shape in self.tried(given):
            if sizes != sizes_of(shape):
                sizes, kept = sizes_of(shape), 0.0
            if shape.is_full and kept == inf:
                continue  # the step fits without recomputation
            fitted = self.largest(shape, given)
            if fitted is None:
                continue
            micro_batch, is_roomy = fitted
            tried = [micro_batch]
            if self.partly and shape.is_full and "micro_batch" not in given:
                # In between, the micro-batches gain less than the recomputation costs.
                tried.append(min(micro_batch, next_whole(self.work.samples / shape.dp, kept)))
            elif self.partly and shape.recompute == "none":
                kept = inf if is_roomy else micro_batch
            for one in tried:
                layout = self.recomputing(shape, one)
                seconds = self.seconds(layout) * self.unwilling(layout)
                if seconds < best_s:
                    best, best_s = layout, seconds
        if best is None or "recompute" in given or best.is_selective:
            return best
        share = recomputed_by_habit(self.work, self.machine, best.recompute_share)
        if share <= best.recompute_share:
            return best
        return replace(best, recompute="full", recomputed=float(share))

    def largest(self, shape: Layout, given: Given) -> tuple[float, bool] | None:
        """The largest micro-batch that fits and keeps the pipeline full.

        None if none fits; beside it whether more memory would not change it.
        """
        room = self.room(shape)
        if room is None:
            return None
        one_sample_byte = self.activation_byte(shape)
        replica_batch = self.work.samples / shape.dp
        if "micro_batch" in given:
            micro_batch = float(given["micro_batch"])
            fits = one_sample_byte * micro_batch <= room and _divides(micro_batch, replica_batch)
            return (micro_batch, True) if fits else None
        if one_sample_byte * min(1.0, replica_batch) > room:
            return None
        # Of a share that is no whole number, the fullest replica has one sample more.
        most = replica_batch / (KEPT_FULL * shape.pp) if shape.pp > 1 else float(ceil(replica_batch))
        most = max(1.0, most)
        return _whole(replica_batch, min(most, room / one_sample_byte)), one_sample_byte * most <= room

    def recomputing(self, shape: Layout, micro_batch: float) -> Layout:
        """The layout with a micro-batch that fits, and as little recomputation as it needs."""
        recomputed, room = shape.recomputed, self.room(shape)
        if shape.is_full and self.partly and room is not None:
            recomputed = self.recomputed_share(shape, room / micro_batch)
        return replace(shape, micro_batch=micro_batch, recomputed=recomputed)

    def recomputed_share(self, shape: Layout, room: float) -> float:
        """The smallest share of recomputed blocks that fits ``room``, the memory for a sample [byte]."""
        least_byte = self.activation_byte(shape)
        kept_byte = self.activation_byte(replace(shape, recomputed=0.0))
        if kept_byte <= least_byte or room < least_byte:
            return shape.recomputed
        share: float = (kept_byte - room) / (kept_byte - least_byte)
        return min(1.0, max(0.0, share))

    def room(self, shape: Layout) -> float | None:
        """Memory beside the states of a layout [byte]; None where the copies of the optimiser do not fit."""
        sizes = sizes_of(shape)
        if sizes not in self.rooms:
            left = usable_byte(self.machine) - state_byte(self.work, shape, self.machine)
            fits = left > optimiser_copy_byte(self.work, shape, self.machine)
            self.rooms[sizes] = left if fits else None
        return self.rooms[sizes]

    def activation_byte(self, shape: Layout) -> float:
        """Activations of one sample [byte]; neither replicas nor expert ranks change them."""
        sizes = shape.tp, shape.pp, shape.cp, shape.interleaving, shape.recompute, shape.recomputed
        if sizes not in self.activations:
            self.activations[sizes] = activation_byte(self.work, shape, self.machine)
        return self.activations[sizes]

    def nearest(self, given: Given) -> Layout | None:
        """The layout with the least penalty for time and missing memory; None where there is no candidate."""
        best, least_penalty = None, float("inf")
        for shape in self.tried(given):
            layout = self._smallest(shape, given)
            over = excess(self.work, self.machine, layout)
            penalty = self.seconds(layout) * (over * over)
            if penalty < least_penalty:
                best, least_penalty = layout, penalty
        return best

    def least_byte(self, given: Given) -> float:
        """Memory that the smallest candidate layout needs [byte]; infinity where there is no candidate."""
        needs = (
            memory_byte(self.work, self._smallest(shape, given), self.machine) for shape in self.tried(given)
        )
        return float(min(needs, default=float("inf")))

    def _smallest(self, shape: Layout, given: Given) -> Layout:
        """The shape with the given micro-batch, or one of a single sample."""
        micro_batch = float(given.get("micro_batch", min(1.0, self.work.samples / shape.dp)))
        return replace(shape, micro_batch=micro_batch)


def sizes_of(layout: Layout) -> tuple[int, ...]:
    """What the states of a layout depend on, and the time of a step beside micro-batch and recomputation."""
    return layout.tp, layout.pp, layout.dp, layout.cp, layout.ep, layout.zero


def least_memory_byte(
    work: Work, machine: Machine, given: Given, flash: bool, sequence_length: float
) -> float:
    """Memory that the smallest layout with the given sizes needs on an accelerator [byte]."""
    search = _Search(
        work, machine, given, flash=flash, sequence_length=sequence_length,
        sixteen_bit_states=sixteen_bit_states(machine),
    )  # fmt: skip
    return search.least_byte(given)


def excess(work: Work, machine: Machine, layout: Layout) -> float:
    """Memory that a step needs over the usable memory, at least 1 [1]."""
    return float(max(1.0, memory_byte(work, layout, machine) / usable_byte(machine)))


def _divides(micro_batch: float, replica_batch: float) -> bool:
    """Whether a replica's share of the batch is a multiple of the micro-batch, or no whole number itself."""
    return micro_batch <= replica_batch and (
        replica_batch != int(replica_batch) or replica_batch % micro_batch == 0
    )


def _whole(replica_batch: float, most: float) -> float:
    """The largest whole micro-batch up to ``most`` that divides a replica's share of the batch.

    If only much smaller ones divide the share, or the share is no whole number, the result splits it
    into equal parts, of which the last is a little smaller.
    """
    if replica_batch <= 1.0 or most < 2.0:
        return min(1.0, replica_batch)
    if replica_batch == int(replica_batch):
        largest = next(divisor for divisor in reversed(divisors(int(replica_batch))) if divisor <= most)
        if 4 * largest >= most:
            return float(largest)
    return float(min(int(most), ceil(replica_batch / ceil(replica_batch / int(most)))))


def next_whole(replica_batch: float, above: float) -> float:
    """The smallest micro-batch above another one, by the rules of `_whole`; the smallest of all above 0."""
    if replica_batch <= 1.0 or above < 1.0:
        return min(1.0, replica_batch)
    parts = max(1, ceil(replica_batch / above) - 1)
    if replica_batch == int(replica_batch):
        every = divisors(int(replica_batch))
        divisor = next((one for one in every if one > above), every[-1])
        if divisor <= 4 * above:
            return float(divisor)
    return float(ceil(replica_batch / parts))
