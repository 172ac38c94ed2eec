"""The layouts of many jobs at once: one model on machines of one kind, for many counts and batches.

The rules are those of `finder`; the formulas are those of `footprint.performance.roofline`. For each cluster
and batch this module chooses the same layout as `finder` (a test compares the two).

Every layout is fitted and timed at every batch, from the numbers of its shape (`roofline.linear`). Only a
recomputation that memory does not ask for is left out, as in `finder`.

Arrays have batches as their first axis and rows (sizes of a layout) or clusters as their last.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import inf
from typing import Any

from footprint.arithmetic import maximum, minimum, where
from footprint.performance.layouts.candidates import Candidates, Choice, Layouts, as_number, distinct, picked
from footprint.performance.layouts.finder import KEPT_FULL, SMALL
from footprint.performance.layouts.habits import recomputed_by_habit, recomputes_part, unwillingness
from footprint.performance.layouts.lanes import Kind, Lane, Leaders
from footprint.performance.layouts.least import first_least, segments
from footprint.performance.layouts.micro_batches import ROUNDING, MicroBatches, divides, whole_where_near
from footprint.performance.layouts.shapes import Given, habits_of
from footprint.performance.roofline.layout import is_split
from footprint.performance.roofline.linear import Slopes
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
        sixteen_bit_states: bool = False,
    ) -> None:
        """``machines`` are of one kind, each with its counts.

        ``scales`` are the batches divided by the batch of ``work``.
        """
        import numpy as np

        self.work, self.machine, self.given = work, joined(machines), given
        self.scales, self.batches = scales, whole_where_near(work.samples * scales)
        habits = [habits_of(work, one, flash=flash, sequence_length=sequence_length) for one in machines]
        least, most = float(self.batches.min()), float(self.batches.max())
        found = self.found = Candidates(
            habits, given, counts, least, most, sixteen_bit_states=sixteen_bit_states
        )
        self.crowded = self.batches[:, None] < found.below
        sums = [sum_lines(work, self.machine, int(tp), flash=flash) for tp in found.splits]
        self.sums = {}
        for name in names_of(Sums):
            table = np.empty((len(sums), len(machines)))
            for split, one in enumerate(sums):
                table[split] = getattr(one, name)
            self.sums[name] = as_number(table.ravel())
        sums_of = found.split_of_shape * len(machines) + found.machine_of_shape
        self.sums_of = sums_of[found.shape_of]
        of_shapes, of_rows = self.machine.at(found.machine_of_shape), self.machine.at(found.machine_of)
        self.state_byte, self.usable_byte = state_byte(work, found.rows, of_rows), usable_byte(of_rows)
        self.room = self.usable_byte - self.state_byte
        self.copied_byte = optimiser_copy_byte(work, found.rows, of_rows)
        self.is_roomy = self.room > self.copied_byte
        self.kinds = [self._kind(name, of_shapes) for name in found.kinds]
        if self.kinds[-1].kept_byte is not None and "micro_batch" not in given:
            self.kinds.append(replace(self.kinds[-1], is_least=True))
        self.slopes = Slopes(
            self._sums(sums_of), work, found.shapes, of_shapes, found.shape_of, found.rows, of_rows
        )
        replicas, self.replicas_of = distinct(found.rows.dp)
        shares, index = np.unique(self.batches[:, None] / replicas, return_inverse=True)
        self.share_of = index.reshape(len(scales), len(replicas))
        self.micro_batches = MicroBatches(shares)
        self.is_pipeline = found.rows.pp > 1
        self.model_ranks = found.rows.tp * found.rows.pp * found.rows.cp
        self.kept_full = where(self.is_pipeline, KEPT_FULL * found.rows.pp, 1.0)

    def _kind(self, name: str, of_shapes: Machine) -> Kind:
        """A kind of recomputation with the memory that it needs."""
        import numpy as np

        is_full, is_selective = name == "full", name == "selective"
        share = float(self.given.get("recomputed", 1.0)) if is_full else 0.0
        found = self.found

        def one_sample_byte(share: float) -> Array:
            shapes = replace(found.shapes, is_full=is_full, is_selective=is_selective, recompute_share=share)
            return activation_byte(self.work, shapes, of_shapes)

        needed = one_sample_byte(share)
        kind = Kind(is_full, is_selective, share, needed[found.shape_of])
        if is_full and "recompute" not in self.given and recomputes_part(self.machine):
            kept = one_sample_byte(0.0)
            saves = kept > needed
            kind.kept_byte = np.where(saves, kept, np.inf)[found.shape_of]
            kind.saved_byte = np.where(saves, kept - needed, 1.0)[found.shape_of]
        return kind

    def chosen(self, wanted: Array) -> Choice:
        """The layouts that are chosen for each cluster and batch.

        Where none fits, only the ``wanted`` jobs (batches, clusters) get the one that is nearest to fitting.
        """
        import numpy as np

        best, kinds = self._fastest()
        missing = (best < 0) & wanted
        least_byte = np.zeros(best.shape)
        if missing.any():
            nearest, its_kinds, needed = self._nearest(missing)
            best, kinds = np.where(missing, nearest, best), np.where(missing, its_kinds, kinds)
            least_byte = np.where(missing, needed, 0.0)
        best, kinds = np.ascontiguousarray(best.T), np.ascontiguousarray(kinds.T)
        column = np.broadcast_to(np.arange(len(self.scales)), best.shape)
        layouts, fits = self._layouts(best, kinds, column)
        found = best >= 0
        self._recompute_by_habit(layouts, fits)
        machine, scales = self.machine.at(self.found.machine_of[best]), self.scales[column]
        terms: Mapping[str, Array] = terms_of(
            self._sums(self.sums_of[best]), self.work, layouts, machine, scales
        )
        if not found.all():
            terms = {name: np.where(found, seconds, np.nan) for name, seconds in terms.items()}
        return Choice(terms, fits & found, np.ascontiguousarray(least_byte.T), is_split(layouts))

    def _recompute_by_habit(self, layouts: Layouts, fits: Array) -> None:
        """Let the layouts that fit recompute what recipes do without need."""
        import numpy as np

        if "recompute" in self.given:
            return
        needed_share = layouts.recompute_share
        share = recomputed_by_habit(self.work, self.machine, needed_share)
        more = fits & ~layouts.is_selective & (share > needed_share)
        layouts.recompute_share = np.where(more, share, needed_share)
        layouts.is_full = layouts.is_full | more

    # ------------------------------------------------------------------------ which rows are best

    def _fastest(self) -> tuple[Array, Array]:
        """The row of the fastest layout that fits each batch and cluster, and its kind; -1 if none fits."""
        import numpy as np

        rows, room = self.found.rows, self.room[:-1]
        leaders = Leaders(self.batches, len(room))
        since = rows.dp[:-1]
        for number, kind in enumerate(self.kinds):
            smallest_byte = kind.one_sample_byte[:-1] * float(self.given.get("micro_batch", 1.0))
            fits = (smallest_byte <= room) & self.is_roomy[:-1]
            for lane in self._lanes(kind, np.flatnonzero(fits), since):
                most = self._most(kind, lane.row)
                for columns, part, ends in lane.groups(self.batches):
                    seconds = self._seconds(lane, part, columns, most[part])
                    leaders.put(number, lane, columns, ends, seconds)
            if not number and not kind.is_full and not kind.is_selective:
                since = np.where(fits, self._limited_since(kind), since)
        best = self._least(np.arange(len(room)), leaders.values)
        if self.work.parameters < SMALL and not {"tp", "pp"} <= self.given.keys():
            # Small models that fit one accelerator are not split over several.
            tp, pp = (int(self.given.get(name, 1)) for name in ("tp", "pp"))
            whole = np.flatnonzero((rows.tp == tp) & (rows.pp == pp))
            whole = whole[whole < len(room)]
            whole_best = self._least(whole, leaders.values[:, whole])
            best = np.where((whole_best < 0) | self.crowded, best, whole_best)
        return best, leaders.kind_of(best)

    def _limited_since(self, kind: Kind) -> Array:
        """The batch from which memory limits the micro-batch of each row without recomputation.

        Below it recomputation would only take time; infinity where the micro-batch is given.
        """
        import numpy as np

        if "micro_batch" in self.given:
            return np.inf
        most = self._most(kind, every := slice(0, -1))
        most = where(picked(self.is_pipeline, every), most, np.floor(most))
        return self.found.rows.dp[every] * picked(self.kept_full, every) * most * (1.0 - ROUNDING)

    def _nearest(self, missing: Array) -> tuple[Array, Array, Array]:
        """The row with the least penalty for time and missing memory, its kind, and the least memory.

        -1 and infinity where a cluster has no candidate.
        """
        import numpy as np

        rows = self.found.rows
        leaders = Leaders(self.batches, len(self.room) - 1)
        row = np.flatnonzero(missing.any(axis=0)[self.found.cluster_of])
        micro_batch = float(self.given.get("micro_batch", 1.0))
        least = np.full(len(self.room), np.inf)
        for number, kind in enumerate(self.kinds):
            if kind.is_least:
                continue
            needed = self.state_byte + maximum(kind.one_sample_byte * micro_batch, self.copied_byte)
            least = np.minimum(least, needed)
            excess = np.maximum(1.0, needed / self.usable_byte) ** 2
            for lane in self._lanes(kind, row, rows.dp):
                for columns, part, ends in lane.groups(np.where(missing.any(axis=1), self.batches, 0.0)):
                    batches, scales = self.batches[columns, None], self.scales[columns, None]
                    micro_batches = maximum(1.0, batches / lane.replicas[part] / micro_batch)
                    seconds = lane.seconds(part, scales, micro_batches, kind.share)
                    leaders.put(number, lane, columns, ends, seconds * excess[lane.row[part]])
        penalties = leaders.values[:, row]
        least_byte = np.full(missing.shape, np.inf)
        if len(row):
            present, starts = segments(self.found.cluster_of[row])
            needed = np.where(penalties < np.inf, least[row], np.inf)
            least_byte[:, present] = np.minimum.reduceat(needed, starts, axis=1)
        best = self._least(row, penalties)
        return best, leaders.kind_of(best), least_byte

    def _lanes(self, kind: Kind, row: Array, since: Array) -> Iterator[Lane]:
        """Some rows with one kind of recomputation: the usual ones, and those for small batches."""
        is_usual = self.found.until[row] == inf
        for part in (row[is_usual], row[~is_usual]):
            if len(part):
                yield Lane(kind, part, since, self.found, self.room, self.slopes)

    def _least(self, row: Array, values: Array) -> Array:
        """Of some rows the first with the least value at each batch and cluster; -1 where none is finite."""
        import numpy as np

        best = np.full(self.crowded.shape, -1)
        if len(row):
            present, place = first_least(self.found.cluster_of[row], values)
            best[:, present] = np.where(place < 0, -1, row[place])
        return best

    # ------------------------------------------------------------------------ some rows at some batches

    def _seconds(self, lane: Lane, part: slice, columns: Array, most: Array) -> Array:
        """Time of a step on a part of the rows that fit, at some batches; infinity where it cannot be [s]."""
        import numpy as np

        replica_batch = self.batches[columns, None] / lane.replicas[part]
        row = lane.row[part]
        index = np.take(self.share_of[columns], self.replicas_of[row], axis=1)
        micro_batch = self._micro_batch(lane.kind, row, index, replica_batch, most)
        share = lane.share(part, micro_batch)
        micro_batches = maximum(1.0, replica_batch / micro_batch)
        seconds = lane.seconds(part, self.scales[columns, None], micro_batches, share)
        ranks = picked(self.model_ranks, row), picked(self.found.rows.pp, row)
        seconds = seconds * unwillingness(self.machine, *ranks, micro_batches)
        if "micro_batch" in self.given:
            seconds = np.where(divides(micro_batch, replica_batch), seconds, np.inf)
        return seconds

    def _most(self, kind: Kind, row: Array | slice) -> Array:
        """Samples of the largest micro-batch that fits some rows; below 1 if not even one sample does."""
        return maximum(self.room[row], 0.0) / kind.one_sample_byte[row]

    def _micro_batch(self, kind: Kind, row: Array, index: Array, replica_batch: Array, most: Array) -> Array:
        """The micro-batch that is given, or the one of a kind of recomputation that keeps the pipeline full.

        It is the largest up to ``most`` or, if smaller, the smallest above what fits without recomputation.
        ``index`` says which share of a batch each replica has.
        """
        import numpy as np

        if "micro_batch" in self.given:
            return float(self.given["micro_batch"])
        kept_full = replica_batch / picked(self.kept_full, row)
        kept_full = where(picked(self.is_pipeline, row), kept_full, np.ceil(kept_full))
        largest = self.micro_batches.at(index, maximum(1.0, minimum(most, kept_full)))
        if not kind.is_least:
            return largest
        kept: Array = 0.0
        kept_all = self.kinds[0]
        if not kept_all.is_full and not kept_all.is_selective:
            unlimited = self._most(kept_all, row)
            kept = self.micro_batches.at(index, maximum(1.0, minimum(unlimited, kept_full)))
            kept = np.where(unlimited >= 1.0, kept, 0.0)
        return minimum(largest, self.micro_batches.above(index, kept))

    def _fitted(self, kind: Kind, row: Array, column: Array) -> tuple[Array, Array, Array]:
        """The largest micro-batch and least recomputation with which some rows fit, and whether they fit."""
        import numpy as np

        batches, replicas, room = self.batches[column], self.found.rows.dp[row], self.room[row]
        replica_batch = batches / replicas
        index = self.share_of[column, self.replicas_of[row]]
        micro_batch = self._micro_batch(kind, row, index, replica_batch, self._most(kind, row))
        unfitted: Array = np.minimum(1.0, replica_batch)
        fits = self.is_roomy[row] & (replicas <= batches)
        if "micro_batch" in self.given:
            unfitted, fits = micro_batch, fits & divides(micro_batch, replica_batch)
        fits = fits & (kind.one_sample_byte[row] * unfitted <= room)
        share = np.where(fits, kind.share_at(row, room, micro_batch), kind.share)
        return np.where(fits, micro_batch, unfitted), share, fits

    def _layouts(self, row: Array, kinds: Array, column: Array) -> tuple[Layouts, Array]:
        """The layouts of some rows at some batches with their kinds of recomputation; whether they fit."""
        import numpy as np

        layouts = self.found.rows.at(row)
        micro_batch, share, fits = np.empty(row.shape), np.empty(row.shape), np.empty(row.shape, bool)
        for number, kind in enumerate(self.kinds):
            mine = kinds == number
            micro_batch[mine], share[mine], fits[mine] = self._fitted(kind, row[mine], column[mine])
        layouts.micro_batch, layouts.recompute_share = micro_batch, share
        layouts.is_full = np.array([kind.is_full for kind in self.kinds])[kinds]
        layouts.is_selective = np.array([kind.is_selective for kind in self.kinds])[kinds]
        return layouts, fits

    def _sums(self, place: Array) -> Sums:
        """The sums of some tensor splits on some machines."""
        return Sums(**{name: picked(values, place) for name, values in self.sums.items()})
