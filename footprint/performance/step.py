"""Step time from the operations of one step and a cluster."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import TYPE_CHECKING

from footprint import equations
from footprint.catalog.assumptions import assumed
from footprint.errors import FootprintError
from footprint.performance.advice import does_not_fit
from footprint.performance.anchoring import Anchor, anchored_factor, weight_of
from footprint.performance.constants import Constants, load_constants
from footprint.performance.layout import Layout
from footprint.performance.machine import Machine
from footprint.performance.predict import RawStep, predict_raw, regime, work_of
from footprint.performance.work import Work
from footprint.records import record
from footprint.results import Assumption, Quantity
from footprint.schema import Cluster

if TYPE_CHECKING:
    from footprint.flops import StepFlops

CAUSE = "time_model"
STACKS = {"tuned": False, "native": True}
"""Software stacks: a vendor's tuned one (Megatron, NeMo, MaxText), or PyTorch's own parallelism."""

STACK_UNKNOWN = Assumption(
    name="software stack", value="half-way between a tuned one and PyTorch's own", unit="", basis="assumed",
    source="no stack given", option="--stack",
)  # fmt: skip


@record
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
    layout: Layout | None = None
    fits: bool = True
    """Whether the layout fits the accelerators' memory, by our count."""


def predict_step(
    *,
    step_flop: StepFlops,
    cluster: Cluster,
    precision: str,
    year: int,
    recompute: str = "none",
    layout: Mapping[str, int | float | str] | None = None,
    stack: str | None = None,
    anchor: Anchor | None = None,
    optimizer: str = "adam",
) -> StepPrediction:
    """Step time [s], MFU [1] and busy share [1] of one training step on a cluster.

    ``recompute`` of ``none`` means: unless memory demands it. ``layout`` holds what is known of
    the parallel layout (``tp``, ``pp``, ``cp``, ``ep``, ``micro_batch``, ``zero``); the rest is
    found. ``stack`` is ``tuned``, ``native`` or, unknown, None. ``anchor`` is a measured step of the
    same stack, which shifts the prediction where it applies. ``optimizer`` decides how much memory
    its states take, and so the layout.

    Raises
    ------
    FootprintError
        If the chip has no peak in this precision, or the stack has no such name.
    """
    peak = peak_flop_per_s(cluster, precision)
    if stack is not None and stack not in STACKS:
        raise FootprintError(f"unknown software stack {stack!r}: it is {' or '.join(STACKS)}")
    if step_flop.operations is None or cluster.accelerator.kind == "cpu":
        return _from_mfu(step_flop, cluster, peak, precision, year)
    native = None if stack is None else STACKS[stack]
    work = work_of(step_flop.operations, step_flop.training)
    given = dict(layout or {})
    if recompute != "none":
        given["recompute"] = recompute
    shape = step_flop.shape
    length = float((shape.sequence_length if shape else None) or 0)
    flash = step_flop.training.attention == "flash"
    constants = _constants(step_flop, optimizer)
    raw = predict_raw(
        work, cluster, precision, year, given=given, native=native, constants=constants, flash=flash,
        sequence_length=length,
    )  # fmt: skip
    spread = _spread(work, precision, year, native, "tp" in given)
    anchor_rows: tuple[Assumption, ...] = ()
    if anchor is not None and anchor.applies(cluster.accelerator.id, precision):
        weight = weight_of(float(step_flop.parameters.total), length, anchor)
        spread = anchored_factor(weight, anchor, CAUSE)
        anchor_rows = (anchor.row(weight),)
    flop = float(step_flop.training_flop)
    # No step is faster than its own FLOPs at the peak.
    mfu = equations.mfu(Quantity(flop), Quantity(raw.seconds) * spread, cluster.count, peak).capped(1.0)
    step_s: Quantity = equations.step_time_s(Quantity(flop), cluster.count, peak, mfu)
    warnings: tuple[str, ...] = ()
    if not raw.fits:
        machine = Machine(cluster, precision, year, constants, native)
        warnings = (does_not_fit(work, machine, raw.layout, given, flash, length),)
    if anchor is not None and not anchor_rows:
        warnings += (f"anchor {anchor.name} says nothing of {cluster.accelerator.id} in {precision}",)
    return StepPrediction(
        step_time_s=step_s,
        mfu=mfu,
        busy_share=busy_quantity(raw),
        assumptions=anchor_rows + _rows(raw, given, work, precision, year, native),
        terms=raw.terms,
        warnings=warnings,
        layout=raw.layout,
        fits=raw.fits,
    )


def _constants(step_flop: StepFlops, optimizer: str) -> Constants:
    """The model's constants with the memory of this optimiser and, for QLoRA, of 4-bit weights."""
    memory = {"optimiser_state_byte": assumed(f"optimisers.{optimizer}").value}
    if step_flop.training.method == "qlora":
        memory["frozen_weight_byte"] = assumed("optimisers.qlora_weight").value
    return load_constants().but(**memory)


def peak_flop_per_s(cluster: Cluster, precision: str) -> float:
    """Dense peak of one accelerator in this precision [FLOP/s]; FootprintError if it has none."""
    peaks = cluster.accelerator.peak_flop_per_s
    if precision not in peaks:
        raise FootprintError(
            f"{cluster.accelerator.name} has no {precision} peak; use --precision {' or '.join(peaks)}"
        )
    return peaks[precision]


def busy_quantity(raw: RawStep) -> Quantity:
    """The busy share with the interval of what the terms leave out [1]."""
    idle = assumed("time.busy_share_idle")
    share = min(max(raw.busy_share * idle.value, 0.05), 1.0)
    low = max(0.05, share * idle.low / idle.value)
    return Quantity.between(low, share, max(share, min(1.0, share * idle.high / idle.value)), "busy_share")


def _spread(work: Work, precision: str, year: int, native: bool | None, layout_given: bool) -> Quantity:
    """A factor of median 1 with the residuals of this regime, out of sample [1]."""
    number = assumed(f"time_fitted.residual_{regime(work, precision, year, native, layout_given)}")
    return Quantity.between(number.low, number.value, number.high, CAUSE)


def _from_mfu(
    step_flop: StepFlops, cluster: Cluster, peak: float, precision: str, year: int
) -> StepPrediction:
    """Step time from a typical MFU: where there is no operation list, and on CPUs."""
    number = assumed(f"time.{_mfu_key(precision, year, cluster)}")
    share = Quantity.between(number.low, number.value, number.high, CAUSE)
    busy = assumed("time.busy_share")
    return StepPrediction(
        step_time_s=equations.step_time_s(float(step_flop.training_flop), cluster.count, peak, share),
        mfu=share,
        busy_share=Quantity.between(busy.low, busy.value, busy.high, "busy_share"),
        assumptions=(number.row("--mfu"), busy.row()),
    )


def _mfu_key(precision: str, year: int, cluster: Cluster) -> str:
    """Name of the typical MFU for a precision and an era."""
    if cluster.accelerator.kind == "cpu":
        return "mfu_cpu"
    width = "wide" if precision in ("fp32", "tf32", "fp64") else "sixteen"
    era = "before_2020" if year < 2020 else "2020_to_2022" if year < 2023 else "from_2023"
    return f"mfu_{width}_{era}"


def _rows(
    raw: RawStep,
    given: Mapping[str, int | float | str],
    work: Work,
    precision: str,
    year: int,
    native: bool | None,
) -> tuple[Assumption, ...]:
    residual = assumed(f"time_fitted.residual_{regime(work, precision, year, native, 'tp' in given)}")
    factor = Assumption(
        name="step time over the sum of its terms", value=raw.factor, unit="1", basis="fitted",
        source=residual.source, option="--mfu, --step-time-s or --anchor",
    )  # fmt: skip
    rows = (factor,) if native is not None or year < 2023 else (factor, STACK_UNKNOWN)
    if "tp" in given:
        return rows
    layout = Assumption(
        name="parallel layout", value=raw.layout.text, unit="", basis="derived",
        source="fastest that fits, with the techniques of the year", option="--tp --pp --micro-batch",
    )  # fmt: skip
    return (*rows, layout)
