"""Step time from the operations of one step and a cluster.

`step_facts` looks up what a prediction rests on; `predict` computes from that alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import TYPE_CHECKING, Any

from footprint import equations
from footprint.arithmetic import Number, maximum, minimum
from footprint.catalog.assumptions import Assumed, assumed
from footprint.errors import FootprintError
from footprint.performance.predict import RawStep, predict_raw, regime, work_of
from footprint.performance.roofline.constants import memory_constants
from footprint.performance.roofline.layout import Layout
from footprint.performance.roofline.machine import Machine
from footprint.performance.roofline.techniques import techniques_of
from footprint.performance.roofline.work import Work
from footprint.records import record
from footprint.results import Assumption, Quantity
from footprint.schema import Cluster

if TYPE_CHECKING:
    from footprint.flops import StepFlops
    from footprint.performance.anchoring import Anchor

CAUSE = "time_model"
LEAST_BUSY = 0.05
"""No step keeps its accelerators busy for less."""
STACKS = {"tuned": False, "native": True}
"""Software stacks: a vendor's tuned one (Megatron, NeMo, MaxText), or PyTorch's own parallelism."""

STACK_UNKNOWN = Assumption(
    name="software stack", value="half-way between a tuned one and PyTorch's own", unit="", basis="assumed",
    source="no stack given", option="--stack",
)  # fmt: skip


@record
class StepFacts:
    """What the prediction of one step rests on."""

    flop: Number
    """Model FLOPs of the step, full attention."""
    cluster: Cluster
    precision: str
    peak_flop_per_s: float
    work: Work | None
    """None where there is no operation list, and on CPUs: then a typical MFU stands for the terms."""
    machine: Machine | None = None
    given: Mapping[str, int | float | str] = field(default_factory=dict)
    """What is known of the layout."""
    flash: bool = False
    sequence_length: float = 0.0
    spread: Quantity
    """A factor of median 1 with what the model leaves out; without work, the typical MFU itself."""
    busy: Assumed
    """The busy share that the terms leave out; without work, the typical busy share."""
    source: str = ""
    """Where the spread comes from."""
    rows: tuple[Assumption, ...] = ()
    warnings: tuple[str, ...] = ()


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
    fits: Any = True
    """Whether the layout fits the accelerators' memory, by our count; an array for many steps at once."""
    source: str = ""
    """Source of the fitted factors."""


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

    The arguments are those of `step_facts`.

    Raises
    ------
    FootprintError
        If the chip has no peak in this precision, or the stack has no such name.
    """
    return predict(
        step_facts(
            step_flop=step_flop, cluster=cluster, precision=precision, year=year, recompute=recompute,
            layout=layout, stack=stack, anchor=anchor, optimizer=optimizer,
        )
    )  # fmt: skip


def step_facts(
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
    work: Work | None = None,
) -> StepFacts:
    """Everything that the prediction of one step needs, looked up.

    ``recompute`` of ``none`` means: unless memory demands it. ``layout`` holds what is known of
    the parallel layout (``tp``, ``pp``, ``cp``, ``ep``, ``micro_batch``, ``zero``); the rest is
    found. ``stack`` is ``tuned``, ``native`` or, unknown, None. ``anchor`` is a measured step of the
    same stack, which shifts the prediction where it applies. ``optimizer`` decides how much memory
    its states take, and so the layout. ``work`` is what `work_of` gives for the step, where it is known.

    Raises
    ------
    FootprintError
        If the chip has no peak in this precision, or the stack has no such name.
    """
    peak = peak_flop_per_s(cluster, precision)
    if stack is not None and stack not in STACKS:
        raise FootprintError(f"unknown software stack {stack!r}: it is {' or '.join(STACKS)}")
    flop = float(step_flop.training_flop)
    if step_flop.operations is None or cluster.accelerator.kind == "cpu":
        return _typical(flop, cluster, peak, precision, year)
    native = None if stack is None else STACKS[stack]
    work = work or work_of(step_flop.operations, step_flop.training)
    given = dict(layout or {})
    if recompute != "none":
        given["recompute"] = recompute
    length = float((step_flop.shape.sequence_length if step_flop.shape else None) or 0)
    constants = memory_constants(optimizer, step_flop.training.method)
    residual = assumed(f"time_fitted.residual_{regime(work, precision, year, native, 'tp' in given)}")
    spread = Quantity.between(residual.low, residual.value, residual.high, CAUSE)
    rows: tuple[Assumption, ...] = ()
    warnings: tuple[str, ...] = ()
    if anchor is not None:
        from footprint.performance.anchoring import anchored_factor, weight_of

        if anchor.applies(cluster.accelerator.id, precision):
            weight = weight_of(float(step_flop.parameters.total), length, anchor)
            spread = anchored_factor(weight, anchor, CAUSE)
            rows = (anchor.row(weight),)
        else:
            warnings = (f"anchor {anchor.name} says nothing of {cluster.accelerator.id} in {precision}",)
    return StepFacts(
        flop=flop,
        cluster=cluster,
        precision=precision,
        peak_flop_per_s=peak,
        work=work,
        machine=Machine(cluster, precision, year, constants, native),
        given=given,
        flash=step_flop.training.attention == "flash",
        sequence_length=length,
        spread=spread,
        busy=assumed("time.busy_share_idle"),
        source=residual.source,
        rows=rows,
        warnings=warnings,
    )


def predict(facts: StepFacts) -> StepPrediction:
    """The step on the layout given, or on the one that people would choose."""
    if facts.work is None or facts.machine is None:
        return _from_mfu(facts)
    machine = facts.machine
    raw = predict_raw(
        facts.work, facts.cluster, facts.precision, machine.year, given=facts.given, native=machine.native,
        constants=machine.constants, flash=facts.flash, sequence_length=facts.sequence_length,
    )  # fmt: skip
    step_time_s, mfu = timed(facts, raw.seconds)
    warnings = facts.warnings
    if not raw.fits:
        from footprint.performance.layouts.advice import does_not_fit

        advice = does_not_fit(
            facts.work, machine, raw.layout, facts.given, facts.flash, facts.sequence_length
        )
        warnings = (advice, *warnings)
    return StepPrediction(
        step_time_s=step_time_s,
        mfu=mfu,
        busy_share=busy_quantity(raw.busy_share, facts.busy),
        assumptions=facts.rows + _rows(facts, raw),
        terms=raw.terms,
        warnings=warnings,
        layout=raw.layout,
        fits=raw.fits,
        source=facts.source,
    )


def timed(facts: StepFacts, seconds: Number) -> tuple[Quantity, Quantity]:
    """Step time [s] and MFU [1] with their intervals; no step is faster than its own FLOPs at the peak."""
    flop, count = Quantity(facts.flop), facts.cluster.count
    mfu = equations.mfu(flop, Quantity(seconds) * facts.spread, count, facts.peak_flop_per_s).capped(1.0)
    step_time: Quantity = equations.step_time_s(flop, count, facts.peak_flop_per_s, mfu)
    return step_time, mfu


def peak_flop_per_s(cluster: Cluster, precision: str) -> float:
    """Dense peak of one accelerator in this precision [FLOP/s]; FootprintError if it has none."""
    peaks = cluster.accelerator.peak_flop_per_s
    if precision not in peaks:
        raise FootprintError(
            f"{cluster.accelerator.name} has no {precision} peak; use `precision=` {' or '.join(peaks)}"
        )
    return peaks[precision]


def busy_quantity(share: Number, idle: Assumed) -> Quantity:
    """A busy share with the interval of what the terms leave out [1]."""
    share = minimum(maximum(share * idle.value, LEAST_BUSY), 1.0)
    low = maximum(LEAST_BUSY, share * idle.low / idle.value)
    high = maximum(share, minimum(1.0, share * idle.high / idle.value))
    return Quantity.between(low, share, high, "busy_share")


def _typical(flop: float, cluster: Cluster, peak: float, precision: str, year: int) -> StepFacts:
    """The facts where there is no operation list, and on CPUs: a typical MFU and busy share."""
    number = assumed(f"time.{_mfu_key(precision, year, cluster)}")
    busy = assumed("time.busy_share")
    return StepFacts(
        flop=flop, cluster=cluster, precision=precision, peak_flop_per_s=peak, work=None,
        spread=Quantity.between(number.low, number.value, number.high, CAUSE), busy=busy,
        source=number.source, rows=(number.row("--mfu"), busy.row()),
    )  # fmt: skip


def _from_mfu(facts: StepFacts) -> StepPrediction:
    mfu, busy = facts.spread, facts.busy
    return StepPrediction(
        step_time_s=equations.step_time_s(facts.flop, facts.cluster.count, facts.peak_flop_per_s, mfu),
        mfu=mfu,
        busy_share=Quantity.between(busy.low, busy.value, busy.high, "busy_share"),
        assumptions=facts.rows,
        source=facts.source,
    )


def _mfu_key(precision: str, year: int, cluster: Cluster) -> str:
    """Name of the typical MFU for a precision and an era."""
    if cluster.accelerator.kind == "cpu":
        return "mfu_cpu"
    width = "wide" if precision in ("fp32", "tf32", "fp64") else "sixteen"
    return f"mfu_{width}_{techniques_of(year).era}"


def _rows(facts: StepFacts, raw: RawStep) -> tuple[Assumption, ...]:
    factor = Assumption(
        name="step time over the sum of its terms", value=raw.factor, unit="1", basis="fitted",
        source=facts.source, option="--mfu, --step-time-s or --anchor",
    )  # fmt: skip
    rows: tuple[Assumption, ...] = (factor,)
    if (
        facts.machine is not None
        and facts.machine.native is None
        and facts.machine.techniques.fused_attention
    ):
        rows = (factor, STACK_UNKNOWN)
    if "tp" in facts.given:
        return rows
    layout = Assumption(
        name="parallel layout", value=raw.layout.text, unit="", basis="derived",
        source="fastest that fits, with the techniques of the year", option="--tp --pp --micro-batch",
    )  # fmt: skip
    return (*rows, layout)
