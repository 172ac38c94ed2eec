"""Step time from the operations of one step and a cluster."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from footprint import equations
from footprint.catalog.assumptions import assumed
from footprint.errors import FootprintError
from footprint.results import Assumption, Quantity
from footprint.schema import Cluster

if TYPE_CHECKING:
    from footprint.flops import StepFlops

CAUSE = "time_model"


@dataclass(frozen=True, slots=True, kw_only=True)
class StepPrediction:
    """How long one step takes, and how busy the accelerators are meanwhile.

    ``mfu`` counts model FLOPs with full attention against the dense peak of the run's precision.
    ``terms`` are the printable parts of the step time [s].
    """

    step_time_s: Quantity
    mfu: Quantity
    busy_share: Quantity
    assumptions: tuple[Assumption, ...]
    terms: Mapping[str, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


def predict_step(
    *, step_flop: StepFlops, cluster: Cluster, precision: str, year: int, recompute: str = "none"
) -> StepPrediction:
    """Step time [s], MFU [1] and busy share [1] of one training step on a cluster.

    Raises
    ------
    FootprintError
        If the chip has no peak in this precision.
    """
    peak = peak_flop_per_s(cluster, precision)
    number = assumed(f"time.{_mfu_key(precision, year, cluster)}")
    share = Quantity.between(number.low, number.value, number.high, CAUSE)
    flop = step_flop.training_flop
    share = share * (flop / step_flop.hardware_flop if recompute == "full" else 1.0)
    step_s = equations.step_time_s(flop, cluster.count, peak, share)
    busy = assumed("time.busy_share")
    return StepPrediction(
        step_time_s=step_s,
        mfu=share,
        busy_share=Quantity.between(busy.low, busy.value, busy.high, "busy_share"),
        assumptions=(number.row("--mfu"), busy.row()),
    )


def peak_flop_per_s(cluster: Cluster, precision: str) -> float:
    """Dense peak of one accelerator in this precision [FLOP/s]; FootprintError if it has none."""
    peaks = cluster.accelerator.peak_flop_per_s
    if precision not in peaks:
        raise FootprintError(
            f"{cluster.accelerator.name} has no {precision} peak; use --precision {' or '.join(peaks)}"
        )
    return peaks[precision]


def _mfu_key(precision: str, year: int, cluster: Cluster) -> str:
    """Name of the fitted MFU for a precision and an era."""
    if cluster.accelerator.kind == "cpu":
        return "mfu_cpu"
    width = "wide" if precision in ("fp32", "tf32", "fp64") else "sixteen"
    era = "before_2020" if year < 2020 else "2020_to_2022" if year < 2023 else "from_2023"
    return f"mfu_{width}_{era}"
