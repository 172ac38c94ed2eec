"""The layouts of many jobs at once: one model on machines of one kind, for many counts and batches.

The rules are those of `finder`; the formulas are those of `footprint.performance.roofline`. For each cluster
and batch this module chooses the same layout as `finder` (a test compares the two).

Every layout is fitted and timed at every batch, from the numbers of its shape (`roofline.linear`).

Arrays have batches as their first axis and rows (layouts) or clusters as their last.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from footprint.arithmetic import maximum
from footprint.named_tuples import NamedTuple
from footprint.performance.layouts.candidates import Candidates, Layouts, as_number, distinct, picked
from footprint.performance.layouts.finder import KEPT_FULL, SMALL
from footprint.performance.layouts.habits import recomputed_by_habit
from footprint.performance.layouts.least import first_least, segments
from footprint.performance.layouts.micro_batches import whole_batches
from footprint.performance.layouts.shapes import Given, habits_of
from footprint.performance.roofline.layout import is_split
from footprint.performance.roofline.linear import linear_of
from footprint.performance.roofline.machine import Machine, joined
from footprint.performance.roofline.memory import (
    activation_byte,
    optimiser_copy_byte,
    state_byte,
    usable_byte,
)
from footprint.performance.roofline.sums import Sums, sum_lines
from footprint.performance.roofline.terms import terms_of
from footprint.performance.roofline.work import Work
from footprint.records import names_of, replace

Array = Any


class Choice(NamedTuple):
    """The layouts that are chosen for each cluster (first axis) and batch."""

    terms: Mapping[str, Array]
    """Seconds by term."""
    fits: Array
    least_byte: Array
    """Where none fits, the memory that the smallest one needs [byte]."""
    split: Array
    """Whether a layout splits the model."""


class LayoutColumns:
    """The candidate layouts of one job on several clusters, evaluated for every batch."""

    def __init__(
        self,
        work: Work,
        machines: Sequence[Machine],
        counts: Sequence[Sequence[int]],
        scales: Array,
        *,
        given: Given,
        flash: bool,
        sequence_length: float,
        unusual: bool = False,
    ) -> None:
        """``machines`` are of one kind, each with its counts.

        ``scales`` are the batches divided by the batch of ``work``. ``unusual`` asks for the layouts
        that are tried for small batches alone.
        """
        import numpy as np

        self.work, self.machine, self.given = work, joined(machines), given
        self.scales, self.batches = scales, work.samples * scales
        habits = [habits_of(work, one, flash=flash, sequence_length=sequence_length) for one in machines]
        self.found = Candidates(habits, given, counts, float(self.batches.max()), unusual)
        self.crowded = self.batches[:, None] < self.found.below
        sums = [sum_lines(work, self.machine, int(tp), flash=flash) for tp in self.found.splits]
        self.sums = {}
        for name in names_of(Sums):
            table = np.empty((len(sums), len(machines)))
            for split, one in enumerate(sums):
                table[split] = getattr(one, name)
            self.sums[name] = as_number(table.ravel())
        found = self.found
        sums_of = found.split_of_shape * len(machines) + found.machine_of_shape
        self.sums_of = sums_of[found.shape_of]
        of_shapes, of_rows = self.machine.at(found.machine_of_shape), self.machine.at(found.machine_of)
        one_sample_byte = activation_byte(work, found.shapes, of_shapes)
        self.one_sample_byte = one_sample_byte[found.shape_of]
        self.state_byte = state_byte(work, found.rows, of_rows)
        self.room = usable_byte(of_rows) - self.state_byte
        self.copied_byte = optimiser_copy_byte(work, found.rows, of_rows)
        self.partly = "recompute" not in given and self.machine.techniques.partial_recompute
        if self.partly:
            none = replace(found.shapes, recompute_share=0.0)
            self.kept_byte = activation_byte(work, none, of_shapes)[found.shape_of]
        self.linear = linear_of(
            self._sums(sums_of), work, found.shapes, of_shapes, found.shape_of, found.rows, of_rows
        )
        replicas, self.replicas_of = distinct(found.rows.dp)
        self.shares, index = np.unique(self.batches[:, None] / replicas, return_inverse=True)
        self.share_of = index.reshape(len(scales), len(replicas))

    @property
    def few(self) -> tuple[Array, Array]:
        """The batches, and the clusters, among which some pair asks for unusual layouts."""
        import numpy as np

        return np.flatnonzero(self.crowded.any(axis=1)), np.flatnonzero(self.crowded.any(axis=0))

    def chosen(self, wanted: Array) -> Choice:
        """The layouts that are chosen for each cluster and batch.

        Where none fits, only the ``wanted`` jobs (batches, clusters) get the one that is nearest to fitting.
        """
        import numpy as np

        best = self._fastest()
        missing = (best < 0) & wanted
        least_byte = np.zeros(best.shape)
        if missing.any():
            nearest, needed = self._nearest(missing)
            best, least_byte = np.where(missing, nearest, best), np.where(missing, needed, 0.0)
        best = np.ascontiguousarray(best.T)
        column = np.broadcast_to(np.arange(len(self.scales)), best.shape)
        layouts = self.found.rows.at(best)
        layouts.micro_batch, layouts.recompute_share, fits = self._fitted(best, column)
        found = best >= 0
        if self.partly:
            share = recomputed_by_habit(self.work, self.machine, layouts.recompute_share)
            layouts.recompute_share = np.where(fits & ~layouts.is_selective, share, layouts.recompute_share)
        terms = self._terms(layouts, best, column)
        if not found.all():
            terms = {name: np.where(found, seconds, np.nan) for name, seconds in terms.items()}
        return Choice(terms, fits & found, np.ascontiguousarray(least_byte.T), is_split(layouts))

    # ------------------------------------------------------------------------ which rows are best

    def _fastest(self) -> Array:
        """The row of the fastest layout that fits each batch and cluster; -1 where none does."""
        import numpy as np

        # Only these fit the smallest micro-batch, a single sample.
        row = np.flatnonzero(((self.one_sample_byte <= self.room) & (self.copied_byte < self.room))[:-1])
        seconds = self._of_fed(row, self._seconds)
        best = self._least(row, seconds)
        if self.work.parameters < SMALL and not {"tp", "pp"} <= self.given.keys():
            # Small models that fit one accelerator are not split over several.
            tp, pp = (int(self.given.get(name, 1)) for name in ("tp", "pp"))
            whole = (self.found.rows.tp[row] == tp) & (picked(self.found.rows.pp, row) == pp)
            whole_best = self._least(row[whole], seconds[:, whole])
            best = np.where((whole_best < 0) | self.crowded, best, whole_best)
        return best

    def _nearest(self, missing: Array) -> tuple[Array, Array]:
        """The row with the least penalty for time and missing memory, and the least memory that a row needs.

        -1 and infinity where a cluster has no candidate.
        """
        import numpy as np

        row = np.flatnonzero(missing.any(axis=0)[self.found.cluster_of])
        micro_batch = float(self.given.get("micro_batch", 1.0))
        passing = maximum(self.one_sample_byte[row] * micro_batch, picked(self.copied_byte, row))
        needed = self.state_byte[row] + passing
        usable = usable_byte(self.machine.at(self.found.machine_of[row]))

        def seconds(row: Array, column: int) -> Array:
            return self._time(row, column, micro_batch, picked(self.found.rows.recompute_share, row))

        penalty = self._of_fed(row, seconds) * np.maximum(1.0, needed / usable) ** 2
        least_byte = np.full(missing.shape, np.inf)
        if len(row):
            present, starts = segments(self.found.cluster_of[row])
            least_byte[:, present] = np.minimum.reduceat(
                np.where(penalty < np.inf, needed, np.inf), starts, axis=1
            )
        return self._least(row, penalty), least_byte

    def _of_fed(self, row: Array, value: Callable[[Array, int], Array]) -> Array:
        """The values of some rows at each batch; infinity where a row is not tried for a batch.

        Batch by batch, because arrays that fit into the processor's cache are faster.
        """
        import numpy as np

        replicas, below = self.found.rows.dp[row], picked(self.found.rows.below, row)
        values = np.full((len(self.batches), len(row)), np.inf)
        for column, batch in enumerate(self.batches):
            fed = np.flatnonzero(self._fed(replicas, below, batch))
            values[column, fed] = value(row[fed], column)
        return values

    def _least(self, row: Array, values: Array) -> Array:
        """Of some rows the first with the least value at each batch and cluster; -1 where none is finite."""
        import numpy as np

        best = np.full(self.crowded.shape, -1)
        if len(row):
            present, place, least = first_least(self.found.cluster_of[row], values)
            best[:, present] = np.where(least < np.inf, row[place], -1)
        return best

    def _seconds(self, row: Array, column: Array | int) -> Array:
        """Time of a step on some rows at some batches; infinity where it does not fit [s]."""
        import numpy as np

        micro_batch, recompute_share, fits = self._fitted(row, column)
        return np.where(fits, self._time(row, column, micro_batch, recompute_share), np.inf)

    def _time(self, row: Array, column: Array | int, micro_batch: Array, recompute_share: Array) -> Array:
        micro_batches = maximum(1.0, self.batches[column] / self.found.rows.dp[row] / micro_batch)
        return self.linear.at(row).seconds(self.scales[column], micro_batches, recompute_share)

    # ------------------------------------------------------------------------ some rows at some batches

    def _fed(self, replicas: Array, below: Array, batches: Array) -> Array:
        """Whether a layout is tried for a batch: it has a sequence for each replica, and asks for it."""
        return (replicas <= batches) & (batches < below)

    def _fitted(self, row: Array, column: Array | int) -> tuple[Array, Array, Array]:
        """The largest micro-batch and least recomputation with which some rows fit, and whether they fit."""
        import numpy as np

        every, room, one_sample_byte = self.found.rows, self.room[row], self.one_sample_byte[row]
        batches, replicas = self.batches[column], every.dp[row]
        stages, below = picked(every.pp, row), picked(every.below, row)
        replica_batch = batches / replicas
        if "micro_batch" in self.given:
            micro_batch: Array = float(self.given["micro_batch"])
            unfitted: Array = micro_batch
            whole = (micro_batch <= replica_batch) & (
                (replica_batch != np.floor(replica_batch)) | (replica_batch % micro_batch == 0)
            )
            fits = (one_sample_byte * micro_batch <= room) & whole
        else:
            unfitted = np.minimum(1.0, replica_batch)
            fits = (room > 0) & (one_sample_byte * unfitted <= room)
            largest = np.minimum(replica_batch, np.maximum(room, 0.0) / one_sample_byte)
            pipeline_full = np.maximum(1.0, np.minimum(largest, replica_batch / (KEPT_FULL * stages)))
            most = np.where(stages > 1, pipeline_full, largest)
            micro_batch = whole_batches(self.shares, self.share_of[column, self.replicas_of[row]], most)
        fits = fits & (room > picked(self.copied_byte, row)) & self._fed(replicas, below, batches)
        share = np.where(fits, self._recompute_share(row, micro_batch), picked(every.recompute_share, row))
        return np.where(fits, micro_batch, unfitted), share, fits

    def _recompute_share(self, row: Array, micro_batch: Array) -> Array:
        """The smallest share of recomputed blocks that fits, where the year's stacks recompute in part."""
        import numpy as np

        given = picked(self.found.rows.recompute_share, row)
        if not self.partly:
            return given
        room = self.room[row]
        recomputed_byte, kept_byte = (
            self.one_sample_byte[row] * micro_batch,
            self.kept_byte[row] * micro_batch,
        )
        saved = kept_byte - recomputed_byte
        useful = picked(self.found.rows.is_full, row) & (saved > 0) & (room >= recomputed_byte)
        share = np.clip((kept_byte - room) / np.where(useful, saved, 1.0), 0.0, 1.0)
        return np.where(useful, share, given)

    def _terms(self, layouts: Layouts, row: Array, column: Array) -> Mapping[str, Array]:
        machine = self.machine.at(self.found.machine_of[row])
        return terms_of(self._sums(self.sums_of[row]), self.work, layouts, machine, self.scales[column])

    def _sums(self, place: Array) -> Sums:
        """The sums of some tensor splits on some machines."""
        return Sums(**{name: picked(values, place) for name, values in self.sums.items()})
