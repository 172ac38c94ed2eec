"""The time of a step on many layouts, as numbers for each unit of batch and each micro-batch.

Most of what a step takes is linear in the data of one replica, in the number of its micro-batches and in the
share of recomputed blocks, and does not depend on the number of replicas. So the formulas of `terms` are
evaluated once for each shape (a layout of one replica), at the corners of these three numbers. The time of
any layout at any batch then follows in a few operations.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from footprint.arithmetic import is_array, summed
from footprint.performance.roofline.communication import exchange_s, exposed_s
from footprint.performance.roofline.constants import Constants
from footprint.performance.roofline.layout import LayoutNumbers
from footprint.performance.roofline.machine import Machine
from footprint.performance.roofline.sums import Sums
from footprint.performance.roofline.terms import (
    bubble_share,
    computed_terms,
    kernels_of,
    launched_s,
    optimiser_s,
    waiting_s,
)
from footprint.performance.roofline.work import Work
from footprint.records import names_of, replace, state

Array = Any
_CORNERS = ((0.0, 0.0, 0.0), (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (1.0, 0.0, 1.0), (0.0, 1.0, 1.0))
"""Batch, micro-batches and recomputed share at which the terms are evaluated."""


@state
class Linear:
    """What a step on each layout takes [s]; ``_repeated`` is what a full recomputation adds."""

    a_scale: Array
    """For each unit of the scale of the batch."""
    a_scale_repeated: Array
    a_batch: Array
    """For each micro-batch."""
    a_batch_repeated: Array
    fixed: Array
    kernels: Array
    """Kernels of each micro-batch [1]."""
    kernels_repeated: Array
    exchanged: Array
    """Exchange between replicas, before any of it is hidden."""
    a_batch_exchanged: Array
    always: Array
    """Optimiser and waiting."""
    stages: Array
    chunks: Array
    constants: Constants

    def at(self, index: Array) -> Linear:
        """The numbers of some layouts."""
        every = {name: getattr(self, name) for name in names_of(self)}
        return Linear(**{name: one[index] if is_array(one) else one for name, one in every.items()})

    def seconds(self, scale: Array, micro_batches: Array, recompute_share: Array) -> Array:
        """Time of a step before the factor of software [s]."""
        a_scale, a_batch, kernels = self.a_scale, self.a_batch, self.kernels
        if is_array(recompute_share) or recompute_share:
            a_scale = a_scale + recompute_share * self.a_scale_repeated
            a_batch = a_batch + recompute_share * self.a_batch_repeated
            kernels = kernels + recompute_share * self.kernels_repeated
        computed_s = scale * a_scale + micro_batches * a_batch + self.fixed
        exchanged = self.exchanged
        if is_array(self.a_batch_exchanged):
            exchanged = exchanged + micro_batches * self.a_batch_exchanged
        seconds = (
            computed_s
            + self.always
            + exposed_s(exchanged, computed_s, self.constants)
            + launched_s(kernels * micro_batches, computed_s, self.constants)
        )
        if is_array(self.stages) or self.stages > 1:
            seconds = seconds + computed_s * bubble_share(self.stages, micro_batches, self.chunks)
        return seconds


class Slopes:
    """The numbers of all layouts of a job; most of them are those of their shapes.

    ``sums`` are those of the shapes' tensor splits; ``shape_of`` says which shape a layout has. Shapes and
    layouts have their machines.
    """

    def __init__(
        self,
        sums: Sums,
        work: Work,
        shapes: LayoutNumbers,
        of_shapes: Machine,
        shape_of: Array,
        layouts: LayoutNumbers,
        of_layouts: Machine,
    ) -> None:
        import numpy as np

        self.shape_of, self.layouts, self.constants = shape_of, layouts, of_layouts.constants
        scales, micro_batches, shares = (np.array(corner)[:, None] for corner in zip(*_CORNERS, strict=True))

        def by_shape(is_selective: bool) -> dict[str, Array]:
            kind = replace(shapes, recompute_share=shares, is_selective=is_selective)
            terms = computed_terms(sums, work, kind, of_shapes, scales, micro_batches)
            fixed, a_scale, a_batch, more_scale, more_batch = np.broadcast_to(
                summed(terms.values()), (len(_CORNERS), len(shapes.tp))
            )
            kernels = kernels_of(work, kind, of_shapes) + np.zeros_like(shapes.tp)
            return {
                "a_scale": a_scale - fixed,
                "a_scale_repeated": more_scale - a_scale,
                "a_batch": a_batch - fixed,
                "a_batch_repeated": more_batch - a_batch,
                "fixed": fixed,
                "kernels": kernels[0],
                "kernels_repeated": kernels[-1] - kernels[0],
            }

        self._by_shape = lru_cache(maxsize=2)(by_shape)
        self._by_layout: dict[str, Array] = {
            "exchanged": exchange_s(work, layouts, of_layouts, 0.0),
            "a_batch_exchanged": 0.0,
            "always": optimiser_s(work, layouts, of_layouts) + waiting_s(layouts, of_layouts),
            "stages": layouts.pp,
            "chunks": layouts.interleaving,
        }
        if np.any(layouts.zero >= 2):
            more = exchange_s(work, layouts, of_layouts, 1.0) - self._by_layout["exchanged"]
            self._by_layout["a_batch_exchanged"] = more

    def at(self, row: Array, *, is_selective: bool, is_full: bool) -> Linear:
        """The numbers of some layouts with one kind of recomputation."""
        shape = self.shape_of[row]
        found = {
            name: values[shape] if is_full or not name.endswith("_repeated") else 0.0
            for name, values in self._by_shape(is_selective).items()
        }
        for name in ("a_scale", "a_scale_repeated"):
            found[name] = found[name] / self.layouts.dp[row]
        for name, values in self._by_layout.items():
            found[name] = values[row] if is_array(values) else values
        return Linear(**found, constants=self.constants)
