"""The layouts of many jobs at once: one model on one kind of node, for many counts and batches.

The rules are those of `finder`; the formulas are those of `footprint.performance.roofline`. For each count
and batch this module chooses the same layout as `finder` (a test compares the two).

Most layouts are far from the fastest. So every layout first gets a time below which it does not get, which is
linear in the batch; only layouts whose bound is below the time of a good one are fitted and timed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields as fields_of
from typing import Any

from footprint.named_tuples import NamedTuple
from footprint.performance.layouts.candidates import Layouts, candidates
from footprint.performance.layouts.feeding import crowded_below
from footprint.performance.layouts.finder import KEPT_FULL, SMALL
from footprint.performance.layouts.micro_batches import whole_batches
from footprint.performance.layouts.shapes import Given, habits_of
from footprint.performance.roofline.layout import is_split
from footprint.performance.roofline.machine import Machine
from footprint.performance.roofline.memory import activation_byte, state_byte, usable_byte
from footprint.performance.roofline.sums import Sums, sum_lines
from footprint.performance.roofline.terms import least_of, terms_of
from footprint.performance.roofline.work import Work
from footprint.records import replace

Array = Any
ROUNDING = 1e-9
"""By how much a bound may exceed the time that it bounds, relative, because numbers are rounded."""
_FINITE = 1e300


class Choice(NamedTuple):
    """The layouts that are chosen for each count and batch, as arrays."""

    terms: Mapping[str, Array]
    """Seconds by term."""
    fits: Array
    least_byte: Array
    """Where none fits, the memory that the smallest one needs [byte]."""
    split: Array
    """Whether a layout splits the model."""


class LayoutColumns:
    """The candidate layouts of one job on several counts, evaluated for every batch."""

    def __init__(
        self,
        work: Work,
        machine: Machine,
        counts: Sequence[int],
        scales: Array,
        *,
        given: Given,
        flash: bool,
        sequence_length: float,
        unusual: bool = False,
    ) -> None:
        """``scales`` are the batches divided by the batch of ``work``, as one row.

        ``unusual`` adds the layouts that are tried for small batches alone.
        """
        import numpy as np

        self.work, self.machine, self.given = work, machine, given
        self.batches, self.scales = work.samples * scales, scales
        habits = habits_of(work, machine, flash=flash, sequence_length=sequence_length)
        self.counts = len(counts)
        below = [crowded_below(habits, count, given) for count in counts]
        self.crowded = self.batches < np.array(below)[:, None]
        self.found = candidates(habits, tuple(given.items()), tuple(counts), unusual)
        self.rows = self.found.rows
        sums = [sum_lines(work, machine, int(tp), flash=flash) for tp in self.found.splits]
        self.sums = {f.name: np.array([getattr(one, f.name) for one in sums]) for f in fields_of(Sums)}

    @property
    def few(self) -> tuple[Array, Array]:
        """The counts, and the batches, among which some pair asks for unusual layouts."""
        import numpy as np

        return np.flatnonzero(self.crowded.any(axis=1)), np.flatnonzero(self.crowded.any(axis=0))

    def chosen(self, wanted: Array | None) -> Choice:
        """The layouts that are chosen for each count and batch."""
        import numpy as np

        best = self._fastest()
        missing = best < 0 if wanted is None else (best < 0) & wanted
        least_byte = np.zeros(best.shape)
        if missing.any():
            nearest, needed = self._nearest(missing.any(axis=1))
            best, least_byte = np.where(missing, nearest, best), np.where(missing, needed, 0.0)
        layouts, fits = self._fitted(self.rows.at(best), self.batches)
        found = best >= 0
        terms = self._terms(layouts, best, self.scales)
        if not found.all():
            terms = {name: np.where(found, seconds, np.nan) for name, seconds in terms.items()}
        return Choice(terms, fits & found, least_byte, is_split(layouts))

    # ------------------------------------------------------------------------ the fastest that fits

    def _fastest(self) -> Array:
        """The row of the fastest layout that fits each count and batch; -1 where none does."""
        import numpy as np

        rows = self.rows.at(slice(len(self.found.count_of)))
        room = usable_byte(self.machine) - state_byte(self.work, rows, self.machine)
        one_sample_byte = activation_byte(self.work, rows, self.machine)
        # Only these fit the smallest micro-batch, a single sample.
        can_fit = np.flatnonzero((one_sample_byte <= room) & (rows.dp <= self.batches.max()))
        best = np.full((self.counts, self.batches.size), -1)
        if not len(can_fit):
            return best
        rows, room, one_sample_byte = rows.at(can_fit), room[can_fit], one_sample_byte[can_fit]
        rows.recompute_share = self._recompute_share(rows, room, one_sample_byte, 1.0)
        fewest = np.minimum(1.0, one_sample_byte / room)
        bound = self._bound(can_fit, rows, fewest)
        everywhere = np.ones(best.shape, bool)
        if self.work.parameters < SMALL and not {"tp", "pp"} <= self.given.keys():
            # Small models that fit one accelerator are not split over several.
            tp, pp = (int(self.given.get(name, 1)) for name in ("tp", "pp"))
            whole = (rows.tp == tp) & (rows.pp == pp)
            best = self._search(can_fit[whole], bound[whole], everywhere & ~self.crowded)
        others = self._search(can_fit, bound, best < 0)
        return np.where(best < 0, others, best)

    def _bound(self, index: Array, rows: Layouts, fewest: Array) -> Array:
        """The time that each row takes at least at each batch, infinite where it is not tried [s].

        A replica takes at least ``fewest`` micro-batches for each of its samples.
        """
        import numpy as np

        bounds = least_of(self._sums(index), self.work, rows, self.machine)
        rows = rows.at((slice(None), None))
        replica_batch = self.batches / rows.dp
        if "micro_batch" in self.given:
            micro_batches = np.maximum(1.0, replica_batch / float(self.given["micro_batch"]))
        else:
            full = np.where(rows.pp > 1, KEPT_FULL * rows.pp, 1.0)
            micro_batches = np.maximum(np.minimum(replica_batch, full), replica_batch * fewest[:, None])
        seconds = np.zeros(replica_batch.shape)
        for bound in bounds:
            a_scale, a_batch, always = (np.reshape(part, (-1, 1)) for part in bound)
            np.maximum(seconds, self.scales * a_scale + micro_batches * a_batch + always, out=seconds)
        seconds[~self._fed(rows, self.batches)] = np.inf
        return seconds

    def _search(self, candidate: Array, bound: Array, wanted: Array) -> Array:
        """The row of the fastest of some layouts at each wanted count and batch; -1 where none fits.

        ``bound`` is the time that each of them takes at least at each batch.
        """
        import numpy as np

        best = np.full(wanted.shape, -1)
        if not len(candidate) or not wanted.any():
            return best
        count_of = self.found.count_of[candidate]
        # The time of the layout with the least bound is one that the fastest does not exceed.
        present, starts = np.unique(count_of, return_index=True)
        ends = [*starts[1:], len(candidate)]
        good = [start + bound[start:end].argmin(axis=0) for start, end in zip(starts, ends, strict=True)]
        limit = np.full(wanted.shape, np.inf)
        limit[present] = self._seconds(candidate[np.array(good)], self.batches, self.scales)
        limit = np.where(wanted, np.minimum(limit * (1.0 + ROUNDING), _FINITE), -1.0)
        place, column = np.nonzero(bound <= limit[count_of])
        if not len(place):
            return best
        seconds = self._seconds(candidate[place], self.batches[0, column], self.scales[0, column])
        # The first of the fastest layouts, count by count and batch by batch.
        cell = count_of[place] * self.batches.size + column
        order = np.lexsort((place, seconds, cell))
        cells, first = np.unique(cell[order], return_index=True)
        fastest = order[first]
        fits = seconds[fastest] < np.inf
        best.ravel()[cells[fits]] = candidate[place[fastest[fits]]]
        return best

    def _seconds(self, index: Array, batches: Array, scales: Array) -> Array:
        """Time of a step on some rows at some batches; infinity where it does not fit [s]."""
        import numpy as np

        layouts, fits = self._fitted(self.rows.at(index), batches)
        return np.where(fits, sum(self._terms(layouts, index, scales).values()), np.inf)

    # ------------------------------------------------------------------------ the nearest to fitting

    def _nearest(self, of_counts: Array) -> tuple[Array, Array]:
        """The row with the least penalty for time and missing memory (-1: none); the least memory [byte]."""
        import numpy as np

        candidate = np.flatnonzero(of_counts[self.found.count_of])
        rows = self.rows.at(candidate).at((slice(None), None))
        rows.micro_batch = self._unfitted_micro_batch(rows, self.batches)
        needed = state_byte(self.work, rows, self.machine) + activation_byte(self.work, rows, self.machine)
        excess = np.maximum(1.0, needed / usable_byte(self.machine))
        penalty = sum(self._terms(rows, candidate[:, None], self.scales).values()) * excess**2
        fed, count_of = self._fed(rows, self.batches), self.found.count_of[candidate]
        least_byte = _by_count(np.minimum, np.where(fed, needed, np.inf), count_of, self.counts, np.inf)
        return _first_least(np.where(fed, penalty, np.inf), candidate, count_of, self.counts), least_byte

    # ------------------------------------------------------------------------ one layout

    def _fed(self, rows: Layouts, batches: Array) -> Array:
        """Whether a layout is tried for a batch: it has a sequence for each replica, and asks for it."""
        return (rows.dp <= batches) & (batches < rows.below)

    def _unfitted_micro_batch(self, rows: Layouts, batches: Array) -> Array:
        import numpy as np

        return float(self.given.get("micro_batch", 0)) or np.minimum(1.0, batches / rows.dp)

    def _fitted(self, rows: Layouts, batches: Array) -> tuple[Layouts, Array]:
        """The layouts with the largest micro-batch and least recomputation that fit, and whether they fit."""
        import numpy as np

        rows.micro_batch = 1.0
        room = usable_byte(self.machine) - state_byte(self.work, rows, self.machine)
        one_sample_byte = activation_byte(self.work, rows, self.machine)
        replica_batch = batches / rows.dp
        if "micro_batch" in self.given:
            micro_batch: Array = float(self.given["micro_batch"])
            whole = (micro_batch <= replica_batch) & (
                (replica_batch != np.floor(replica_batch)) | (replica_batch % micro_batch == 0)
            )
            fits = self._fed(rows, batches) & (one_sample_byte * micro_batch <= room) & whole
        else:
            fits = (room > 0) & (one_sample_byte * np.minimum(1.0, replica_batch) <= room)
            fits = fits & self._fed(rows, batches)
            largest = np.minimum(replica_batch, np.maximum(room, 0.0) / one_sample_byte)
            pipeline_full = np.maximum(1.0, np.minimum(largest, replica_batch / (KEPT_FULL * rows.pp)))
            micro_batch = whole_batches(batches, rows.dp, np.where(rows.pp > 1, pipeline_full, largest))
        recompute_share = self._recompute_share(rows, room, one_sample_byte, micro_batch)
        rows.micro_batch = np.where(fits, micro_batch, self._unfitted_micro_batch(rows, batches))
        rows.recompute_share = np.where(fits, recompute_share, rows.recompute_share)
        return rows, fits

    def _recompute_share(
        self, rows: Layouts, room: Array, one_sample_byte: Array, micro_batch: Array
    ) -> Array:
        """The smallest share of recomputed blocks that fits, where the year's stacks recompute in part."""
        import numpy as np

        if "recompute" in self.given or not self.machine.techniques.partial_recompute:
            return rows.recompute_share
        kept_rows = replace(rows, recompute_share=np.zeros_like(rows.recompute_share))
        recomputed_byte = one_sample_byte * micro_batch
        kept_byte = activation_byte(self.work, kept_rows, self.machine) * micro_batch
        saved = kept_byte - recomputed_byte
        useful = rows.is_full & (saved > 0) & (room >= recomputed_byte)
        share = np.clip((kept_byte - room) / np.where(useful, saved, 1.0), 0.0, 1.0)
        return np.where(useful, share, rows.recompute_share)

    def _terms(self, layouts: Layouts, index: Array, scales: Array) -> Mapping[str, Array]:
        return terms_of(self._sums(index), self.work, layouts, self.machine, scales)

    def _sums(self, index: Array) -> Sums:
        """The sums of the tensor splits of some rows."""
        split = self.found.split_of[index]
        picked: dict[str, Any] = {name: values[split] for name, values in self.sums.items()}
        return Sums(**picked)


def _by_count(join: Any, values: Array, count_of: Array, counts: int, empty: Any) -> Array:
    """The rows of each count, which are adjacent, joined to one value; ``empty`` for a count without rows."""
    import numpy as np

    present, starts = np.unique(count_of, return_index=True)
    found = np.full((counts, values.shape[1]), empty)
    found[present] = join.reduceat(values, starts, axis=0)
    return found


def _first_least(values: Array, rows: Array, count_of: Array, counts: int) -> Array:
    """For each count and column, the first row with the least value; -1 where all values are infinite."""
    import numpy as np

    least = _by_count(np.minimum, values, count_of, counts, np.inf)
    is_least = (values == least[count_of]) & (values < np.inf)
    last = len(rows)
    if not last:
        return np.full(least.shape, -1)
    first = _by_count(np.minimum, np.where(is_least, np.arange(last)[:, None], last), count_of, counts, last)
    return np.where(first < last, rows[np.minimum(first, last - 1)], -1)
