"""The time of a step on many layouts, as numbers for each unit of batch and each micro-batch.

Most of what a step takes is linear in the data of one replica, in the number of its micro-batches and in the
share of recomputed blocks, and does not depend on the number of replicas. So the formulas of `terms` are
evaluated once for each shape (a layout of one replica), at the corners of these three numbers. The time of
any layout at any batch then follows in a few operations.
"""

from __future__ import annotations

from typing import Any

from footprint import equations
from footprint.arithmetic import is_array, summed
from footprint.performance.roofline.communication import exchange_s, exposed_s
from footprint.performance.roofline.constants import Constants
from footprint.performance.roofline.layout import LayoutNumbers
from footprint.performance.roofline.machine import Machine
from footprint.performance.roofline.sums import Sums
from footprint.performance.roofline.terms import (
    computed_terms,
    kernels_of,
    launched_s,
    optimiser_s,
    waiting_s,
)
from footprint.performance.roofline.work import Work
from footprint.records import names_of, state

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
        computed_s = (
            scale * (self.a_scale + recompute_share * self.a_scale_repeated)
            + micro_batches * (self.a_batch + recompute_share * self.a_batch_repeated)
            + self.fixed
        )
        bubble = equations.pipeline_bubble_share(self.stages, micro_batches, self.chunks)
        exchanged = self.exchanged + micro_batches * self.a_batch_exchanged
        kernels = (self.kernels + recompute_share * self.kernels_repeated) * micro_batches
        return (
            computed_s * (1.0 + bubble)
            + exposed_s(exchanged, computed_s, self.constants)
            + self.always
            + launched_s(kernels, computed_s, self.constants)
        )


def linear_of(
    sums: Sums,
    work: Work,
    shapes: LayoutNumbers,
    of_shapes: Machine,
    shape_of: Array,
    layouts: LayoutNumbers,
    of_layouts: Machine,
) -> Linear:
    """The numbers of layouts, from those of their shapes; ``sums`` are those of the shapes' tensor splits.

    ``shape_of`` says which shape a layout has; both have their machines.
    """
    import numpy as np

    scales, micro_batches, shares = (np.array(corner)[:, None] for corner in zip(*_CORNERS, strict=True))
    shapes.recompute_share = shares
    terms = computed_terms(sums, work, shapes, of_shapes, scales, micro_batches)
    fixed, a_scale, a_batch, more_scale, more_batch = np.broadcast_to(
        summed(terms.values()), (len(_CORNERS), len(shapes.tp))
    )
    kernels = kernels_of(work, shapes, of_shapes) + np.zeros_like(shapes.tp)
    exchanged = exchange_s(work, layouts, of_layouts, 0.0)
    in_batch: Array = 0.0
    if np.any(layouts.zero == 3):
        in_batch = exchange_s(work, layouts, of_layouts, 1.0) - exchanged
    return Linear(
        a_scale=(a_scale - fixed)[shape_of] / layouts.dp,
        a_scale_repeated=(more_scale - a_scale)[shape_of] / layouts.dp,
        a_batch=(a_batch - fixed)[shape_of],
        a_batch_repeated=(more_batch - a_batch)[shape_of],
        fixed=fixed[shape_of],
        kernels=kernels[0][shape_of],
        kernels_repeated=(kernels[-1] - kernels[0])[shape_of],
        exchanged=exchanged,
        a_batch_exchanged=in_batch,
        always=optimiser_s(work, layouts, of_layouts) + waiting_s(layouts, of_layouts),
        stages=layouts.pp,
        chunks=layouts.interleaving,
        constants=of_layouts.constants,
    )
