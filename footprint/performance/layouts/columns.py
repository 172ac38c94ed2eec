"""The layouts of many jobs at once: one model on one kind of node, for many counts and batches.

The rules are those of `finder`; the formulas are those of `footprint.performance.roofline`. In the arrays
each row is a layout and each column a batch. For each count and batch this module chooses the same
layout as `finder` (a test compares the two).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import fields as fields_of
from functools import lru_cache
from typing import Any

from footprint.named_tuples import NamedTuple
from footprint.performance.layouts.feeding import crowded_below
from footprint.performance.layouts.finder import KEPT_FULL, SMALL
from footprint.performance.layouts.micro_batches import whole_batches
from footprint.performance.layouts.shapes import Given, Habits, every_shape, habits_of, tried
from footprint.performance.roofline.layout import is_split
from footprint.performance.roofline.machine import Machine
from footprint.performance.roofline.memory import activation_byte, state_byte, usable_byte
from footprint.performance.roofline.sums import Sums, sum_lines
from footprint.performance.roofline.terms import terms_of
from footprint.performance.roofline.work import Work
from footprint.records import replace, state

Array = Any
_SHAPE = (
    "tp", "pp", "dp", "cp", "ep", "zero", "interleaving", "is_full", "is_selective", "recompute_share",
    "below",
)  # fmt: skip
_PLAIN = [[1.0] * 7 + [0.0] * 3 + [math.inf]]
"""Plain replicas, whose number is the count's."""


@state
class Layouts:
    """Layouts as arrays, with the field names of `Layout`, so that the same formulas read both."""

    tp: Array
    pp: Array
    dp: Array
    cp: Array
    ep: Array
    zero: Array
    interleaving: Array
    is_full: Array
    is_selective: Array
    recompute_share: Array
    below: Array
    """Batches below which a layout is tried: infinity for usual ones (see `feeding.crowded_below`)."""
    flash: bool
    micro_batch: Array = 1.0

    def at(self, index: Array) -> Layouts:
        """The layouts of some rows."""
        return Layouts(**{name: getattr(self, name)[index] for name in _SHAPE}, flash=self.flash)


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

        self.work, self.machine, self.given, self.flash = work, machine, given, flash
        self.batches, self.scales = work.samples * scales, scales
        habits = habits_of(work, machine, flash=flash, sequence_length=sequence_length)
        known = _tables(habits, tuple(given.items()))
        below = [crowded_below(habits, count, given) for count in counts]
        smallest = float(self.batches.min())
        tables = [
            known.of(count, most if unusual and smallest < most else 0.0)
            for count, most in zip(counts, below, strict=True)
        ]
        self.counts, self.crowded = len(counts), self.batches < np.array(below)[:, None]
        self.count_of = np.repeat(np.arange(len(counts)), [len(table) for table in tables])
        # The last row, plain data parallelism, is used for counts without a candidate layout.
        self.rows = _layouts(np.concatenate([*tables, _PLAIN]), flash)
        self.splits = np.unique(self.rows.tp)
        sums = [sum_lines(work, machine, int(tp), flash=flash) for tp in self.splits]
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
        layouts, fits = self._fitted(self.rows.at(best))
        found = best >= 0
        terms = self._terms(layouts)
        if not found.all():
            terms = {name: np.where(found, seconds, np.nan) for name, seconds in terms.items()}
        return Choice(terms, fits & found, least_byte, is_split(layouts))

    def _fastest(self) -> Array:
        """The row of the fastest layout that fits each count and batch; -1 where none does."""
        import numpy as np

        # Leave out the layouts that do not fit even the smallest micro-batch.
        all_rows = self.rows.at(slice(len(self.count_of)))
        least = np.minimum(1.0, self.batches.max() / all_rows.dp)
        room = usable_byte(self.machine) - state_byte(self.work, all_rows, self.machine)
        candidates = np.flatnonzero(
            (room > 0)
            & (activation_byte(self.work, all_rows, self.machine) * least <= room)
            & (all_rows.dp <= self.batches.max())
        )
        if not len(candidates):
            return np.full((self.counts, self.batches.size), -1)
        rows, count_of = all_rows.at(candidates).at((slice(None), None)), self.count_of[candidates]
        layouts, fits = self._fitted(rows)
        if self.work.parameters < SMALL and not {"tp", "pp"} <= self.given.keys():
            # Small models that fit one accelerator are not split over several.
            tp, pp = (int(self.given.get(name, 1)) for name in ("tp", "pp"))
            whole = fits & (rows.tp == tp) & (rows.pp == pp) & ~self.crowded[count_of]
            fits &= whole | ~_by_count(np.logical_or, whole, count_of, self.counts, False)[count_of]
        seconds = np.where(fits, sum(self._terms(layouts).values()), np.inf)
        return _first_least(seconds, candidates, count_of, self.counts)

    def _nearest(self, of_counts: Array) -> tuple[Array, Array]:
        """The row with the least penalty for time and missing memory (-1: none); the least memory [byte]."""
        import numpy as np

        candidates = np.flatnonzero(of_counts[self.count_of])
        rows = self.rows.at(candidates).at((slice(None), None))
        rows.micro_batch = self._unfitted_micro_batch(rows)
        needed = state_byte(self.work, rows, self.machine) + activation_byte(self.work, rows, self.machine)
        excess = np.maximum(1.0, needed / usable_byte(self.machine))
        penalty = sum(self._terms(rows).values()) * excess**2
        fed, count_of = self._fed(rows), self.count_of[candidates]
        least_byte = _by_count(np.minimum, np.where(fed, needed, np.inf), count_of, self.counts, np.inf)
        return _first_least(np.where(fed, penalty, np.inf), candidates, count_of, self.counts), least_byte

    def _fed(self, rows: Layouts) -> Array:
        """Whether a layout is tried for a batch: it has a sequence for each replica, and asks for it."""
        return (rows.dp <= self.batches) & (self.batches < rows.below)

    def _unfitted_micro_batch(self, rows: Layouts) -> Array:
        import numpy as np

        return float(self.given.get("micro_batch", 0)) or np.minimum(1.0, self.batches / rows.dp)

    def _fitted(self, rows: Layouts) -> tuple[Layouts, Array]:
        """The layouts with the largest micro-batch and least recomputation that fit, and whether they fit."""
        import numpy as np

        rows.micro_batch = 1.0
        room = usable_byte(self.machine) - state_byte(self.work, rows, self.machine)
        one_sample_byte = activation_byte(self.work, rows, self.machine)
        replica_batch = self.batches / rows.dp
        if "micro_batch" in self.given:
            micro_batch: Array = float(self.given["micro_batch"])
            whole = (micro_batch <= replica_batch) & (
                (replica_batch != np.floor(replica_batch)) | (replica_batch % micro_batch == 0)
            )
            fits = self._fed(rows) & (one_sample_byte * micro_batch <= room) & whole
        else:
            fits = self._fed(rows) & (room > 0) & (one_sample_byte * np.minimum(1.0, replica_batch) <= room)
            largest = np.minimum(replica_batch, np.maximum(room, 0.0) / one_sample_byte)
            pipeline_full = np.maximum(1.0, np.minimum(largest, replica_batch / (KEPT_FULL * rows.pp)))
            micro_batch = whole_batches(self.batches, rows.dp, np.where(rows.pp > 1, pipeline_full, largest))
        recompute_share = self._recompute_share(rows, room, one_sample_byte, micro_batch)
        rows.micro_batch = np.where(fits, micro_batch, self._unfitted_micro_batch(rows))
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

    def _terms(self, layouts: Layouts) -> Mapping[str, Array]:
        import numpy as np

        split_index = np.searchsorted(self.splits, layouts.tp)
        sums = Sums(**{name: values[split_index] for name, values in self.sums.items()})
        return terms_of(sums, self.work, layouts, self.machine, self.scales)


class _Tables:
    """The candidate layouts of one kind of job, one row each, in the order of `shapes`."""

    def __init__(self, habits: Habits, given: Given) -> None:
        self._habits, self._given = habits, given
        self._found: dict[tuple[int, float], Array] = {}

    def of(self, count: int, crowded_below: float) -> Array:
        """The layouts of so many accelerators: usual ones, and others for batches below a size."""
        import numpy as np

        key = count, crowded_below
        if key not in self._found:
            recomputed = float(self._given.get("recomputed", 1.0))
            usual = list(tried(self._habits, count, self._given))
            every = every_shape(self._habits, count, tuple(self._given.items())) if crowded_below else usual
            found = [
                (*sizes, recompute == "full", recompute == "selective", recomputed * (recompute == "full"),
                 math.inf if place < len(usual) else crowded_below)
                for place, (*sizes, recompute) in enumerate(every)
            ]  # fmt: skip
            self._found[key] = np.array(found, float).reshape(-1, len(_SHAPE))
        return self._found[key]


@lru_cache(maxsize=512)
def _tables(habits: Habits, given: tuple[tuple[str, Any], ...]) -> _Tables:
    return _Tables(habits, dict(given))


def _layouts(table: Array, flash: bool) -> Layouts:
    columns = dict(zip(_SHAPE, table.T, strict=True))
    columns["is_full"], columns["is_selective"] = columns["is_full"] > 0, columns["is_selective"] > 0
    return Layouts(**columns, flash=flash)


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
