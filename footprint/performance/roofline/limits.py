"""The shortest step that a chip allows: products and fused attention at their highest rates, nothing else."""

from __future__ import annotations

from footprint.flops.operations import CORE
from footprint.performance.roofline.constants import highest_rates
from footprint.performance.roofline.machine import Machine
from footprint.performance.roofline.techniques import techniques_of
from footprint.performance.roofline.work import Work
from footprint.results import Assumption, Quantity

LATEST = 2026
"""Year whose kernels of attention are the fastest."""
CUT = "highest MFU that the chip allows, where the interval is cut"
"""Name of the row that says so."""
NEAREST = 0.85
"""Most of the rate of such a step that a step is taken to reach [1].

Published steps reach 0.83 of it in fp32 and 0.76 in narrower formats (tests/performance/test_limits.py)."""


def products_s(work: Work, machine: Machine) -> float:
    """Time of one step on a single accelerator that does nothing but its products [s].

    No pass is repeated, no memory is read and no rank is waited for. The rates are the upper ends of
    their assumed intervals, which hold the benchmarks of each generation.
    """
    chip, rates = machine.cluster.accelerator, highest_rates()
    product = machine.peak * rates.matmul_rate(chip, machine.precision)
    fused = machine.wide_peak * rates.flash_rate(chip, False, techniques_of(LATEST, is_gpu=machine.is_gpu))
    seconds = 0.0
    for line in (*work.blocks, *work.others):
        passes = 1.0 + line.gradients
        if line.component == CORE:
            # Fused kernels skip what the mask hides and compute Q K^T again in the backward pass.
            again = 1.0 if line.scores and line.gradients else 0.0
            seconds += line.causal_flop * (passes + again) / fused
        else:
            seconds += line.dense_flop * passes / product
    return seconds


def shortest_s(work: Work, machine: Machine) -> float:
    """The shortest step on a single accelerator [s]; one step on many takes their share of it."""
    return products_s(work, machine) / NEAREST


def highest_mfu(flop: float, work: Work, machine: Machine) -> float:
    """Highest MFU of a step of so many model FLOPs [1]."""
    return min(1.0, flop / (shortest_s(work, machine) * machine.peak))


def cut_rows(mfu: Quantity, highest: float) -> tuple[Assumption, ...]:
    """The row that says that the fast end of an interval is cut, where it is."""
    if mfu.high < highest * (1.0 - 1e-9):
        return ()
    return (
        Assumption(
            name=CUT, value=highest, unit="1",
            basis="derived", source="roofline-rates", option="--step-time-s or --anchor",
        ),
    )  # fmt: skip
