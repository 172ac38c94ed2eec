"""Step time from the operations of one step and a cluster.

`step_facts` looks up the inputs of a prediction; `predict` computes from these alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from footprint import equations
from footprint.arithmetic import Number, maximum, minimum
from footprint.catalog.assumptions import Assumed, assumed
from footprint.errors import FootprintError
from footprint.performance.layouts.habits import (
    NO_HABITS,
    SIXTEEN_BIT_WARNING,
    habit_rows,
    sixteen_bit_row,
)
from footprint.performance.predict import RawStep, predict_raw, releases_factor, work_of
from footprint.performance.regimes import is_layout_given, regime
from footprint.performance.roofline.constants import memory_constants
from footprint.performance.roofline.holding import is_known
from footprint.performance.roofline.layout import Layout
from footprint.performance.roofline.limits import cut_rows, highest_mfu
from footprint.performance.roofline.machine import Machine
from footprint.performance.roofline.techniques import techniques_of
from footprint.performance.roofline.work import Work
from footprint.records import field, record, replace
from footprint.results import Assumption, Quantity
from footprint.schema import Cluster
from footprint.vocabulary import WIDE

if TYPE_CHECKING:
    from footprint.flops import StepFlops
    from footprint.performance.anchoring import Anchor

CAUSE = "time_model"
MEMORY_CAUSE = "memory_model"
LEAST_BUSY = 0.05
"""Lower limit of the busy share of a step [1]."""
STACK_UNKNOWN = Assumption(
    name="software stack", value="half-way between a tuned one and PyTorch's own", unit="", basis="assumed",
    source="no stack given", option="--stack",
)  # fmt: skip


@record
class StepFacts:
    """The inputs of the prediction of one step."""

    flop: Number
    """Model FLOPs of the step, full attention."""
    cluster: Cluster
    precision: str
    peak_flop_per_s: float
    work: Work | None
    """None on CPUs and where there is no operation list; a typical MFU then replaces the roofline."""
    machine: Machine | None = None
    given: Mapping[str, int | float | str] = field(default_factory=dict)
    """The sizes of the layout that are given."""
    flash: bool = False
    sequence_length: float = 0.0
    spread: Quantity
    """A factor with the error of the step-time model; without ``work``, the typical MFU itself."""
    highest_mfu: Any = 1.0
    """MFU at which the fast end of the interval is cut [1]."""
    busy: Assumed
    """Factor on the busy share, for waiting that the terms omit; without ``work``, the typical share."""
    source: str = ""
    """Source of ``spread``."""
    memory_spread: Quantity = Quantity(1.0)
    """A factor with the error of the predicted memory; 1 where none is predicted."""
    rows: tuple[Assumption, ...] = ()
    warnings: tuple[str, ...] = ()


@record
class StepPrediction:
    """Step time, MFU and busy share of one step, with the terms and the layout behind them.

    ``mfu`` counts model FLOPs with full attention against the dense peak of the run's precision.
    ``terms`` are the parts of the step time by name [s].
    """

    step_time_s: Quantity
    mfu: Quantity
    busy_share: Quantity
    assumptions: tuple[Assumption, ...]
    terms: Mapping[str, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    layout: Layout | None = None
    fits: Any = True
    """Whether the predicted memory of the layout fits the accelerators; an array for many steps at once."""
    least_byte: Any = 0.0
    """Where no layout fits, the memory that the smallest one needs on an accelerator [byte]."""
    source: str = ""
    """Source of the fitted factors."""


def predict_step(
    *,
    step_flop: StepFlops,
    cluster: Cluster,
    precision: str,
    year: int,
    recompute: str | None = None,
    layout: Mapping[str, int | float | str] | None = None,
    stack: str | None = None,
    overlap: float | None = None,
    anchors: Sequence[Anchor] = (),
    optimizer: str = "adam",
) -> StepPrediction:
    """Step time [s], MFU [1] and busy share [1] of one training step on a cluster.

    The arguments and errors are those of `step_facts`.
    """
    return predict(
        step_facts(
            step_flop=step_flop, cluster=cluster, precision=precision, year=year, recompute=recompute,
            layout=layout, stack=stack, overlap=overlap, anchors=anchors, optimizer=optimizer,
        )
    )  # fmt: skip


def step_facts(
    *,
    step_flop: StepFlops,
    cluster: Cluster,
    precision: str,
    year: int,
    recompute: str | None = None,
    layout: Mapping[str, int | float | str] | None = None,
    stack: str | None = None,
    overlap: float | None = None,
    anchors: Sequence[Anchor] = (),
    optimizer: str = "adam",
    work: Work | None = None,
    released: float | None = None,
) -> StepFacts:
    """The inputs of the prediction of one step, looked up.

    ``recompute`` of ``none`` allows recomputation where memory demands it, None also where recipes do it.
    ``layout`` holds the given sizes of the layout (``tp``, ``pp``, ``cp``, ``ep``, ``micro_batch``,
    ``zero``); the others are searched. ``stack`` is the name of a software stack or None (unknown),
    ``overlap`` the share of communication that is hidden, where known. ``anchors`` are measured steps of
    the same stack, which shift the prediction where they apply. ``optimizer`` sets the memory of the
    optimiser's states, which limits the layouts. ``work`` is the result of `work_of`, if already
    computed. ``released`` is when the stack came out, in ``year``, where this is known [years].

    Raises
    ------
    FootprintError
        If the chip has no peak in this precision, or the stack has no such name.
    """
    peak = peak_flop_per_s(cluster, precision)
    software = None
    if stack is not None or overlap is not None:
        from footprint.performance.stacks import software_of

        software = software_of(stack, overlap, released)
    flop = float(step_flop.training_flop)
    if step_flop.operations is None or cluster.accelerator.kind == "cpu":
        facts = _typical(flop, cluster, peak, precision, year)
        if not anchors:
            return facts
        from footprint.performance.anchoring import anchored_mfu, job_of

        known = anchored_mfu(facts.spread, anchors, job_of(step_flop, cluster, precision, {}), stack)
        return replace(facts, spread=known.spread, rows=(*facts.rows, *known.rows), warnings=known.warnings)
    native = None if software is None else software.native
    work = work or work_of(step_flop.operations, step_flop.training)
    given = dict(layout or {})
    length = float((step_flop.shape.sequence_length if step_flop.shape else None) or 0)
    constants = memory_constants(optimizer, step_flop.training.method)
    if recompute not in (None, "none"):
        given["recompute"] = recompute
    is_given = is_layout_given(given, cluster.count)
    kind = regime(work, precision, year, native, cluster.count, layout_given=is_given)
    residual = assumed(f"time_fitted.residual_{kind}")
    spread = Quantity.between(residual.low, residual.value, residual.high, CAUSE)
    rows: tuple[Assumption, ...] = ()
    if software is not None:
        constants, spread, rows = software.applied(constants, residual, CAUSE)
    if released is not None:
        spread = spread * releases_factor(cluster, precision, year, released, native, constants)
    if recompute == "none":
        constants = constants.but(**NO_HABITS)
    excess = assumed(f"memory.residual_{'said' if is_known(constants) else 'unsaid'}")
    warnings: tuple[str, ...] = ()
    machine = Machine(cluster, precision, year, constants, native)
    highest = highest_mfu(flop, work, machine)
    if anchors:
        from footprint.performance.anchoring import anchored, job_of

        known = anchored(spread, anchors, job_of(step_flop, cluster, precision, given), stack)
        spread, rows, warnings = known.spread, (*rows, *known.rows), known.warnings
        # A measured step is nearer to the truth than any limit.
        highest = 1.0 if known.rows else highest
    return StepFacts(
        flop=flop,
        cluster=cluster,
        precision=precision,
        peak_flop_per_s=peak,
        work=work,
        machine=machine,
        given=given,
        flash=step_flop.training.fuses_attention,
        sequence_length=length,
        spread=spread,
        highest_mfu=highest,
        busy=assumed("time.busy_share_idle"),
        source=residual.source,
        memory_spread=Quantity.between(excess.low, excess.value, excess.high, MEMORY_CAUSE),
        rows=rows,
        warnings=warnings,
    )


def predict(facts: StepFacts, *, advise: bool = True) -> StepPrediction:
    """The step on the given layout; unset sizes of the layout are searched.

    ``advise`` also searches what would fit where the step does not.
    """
    if facts.work is None or facts.machine is None:
        return _from_mfu(facts)
    machine = facts.machine
    raw = predict_raw(
        facts.work, facts.cluster, facts.precision, machine.year, given=facts.given, native=machine.native,
        constants=machine.constants, flash=facts.flash, sequence_length=facts.sequence_length,
    )  # fmt: skip
    step_time_s, mfu = timed(facts, raw.seconds)
    warnings, least_byte = facts.warnings, 0.0
    if advise and not raw.fits:
        from footprint.performance.layouts.advice import does_not_fit
        from footprint.performance.layouts.finder import least_memory_byte

        work, given, flash, length = facts.work, facts.given, facts.flash, facts.sequence_length
        warnings = (does_not_fit(work, machine, raw.layout, given, flash, length), *warnings)
        least_byte = least_memory_byte(work, machine, given, flash, length)
    if raw.layout.sixteen_bit_states:
        warnings = (SIXTEEN_BIT_WARNING, *warnings)
    return StepPrediction(
        step_time_s=step_time_s,
        mfu=mfu,
        busy_share=busy_quantity(raw.busy_share, facts.busy),
        assumptions=facts.rows + _rows(facts, raw) + cut_rows(mfu, facts.highest_mfu),
        terms=raw.terms,
        warnings=warnings,
        layout=raw.layout,
        fits=raw.fits,
        least_byte=least_byte,
        source=facts.source,
    )


def timed(facts: StepFacts, seconds: Number) -> tuple[Quantity, Quantity]:
    """Step time [s] and MFU [1] with their intervals; the fast end is no faster than a chip allows."""
    flop, count = Quantity(facts.flop), facts.cluster.count
    mfu = equations.mfu(flop, Quantity(seconds) * facts.spread, count, facts.peak_flop_per_s)
    mfu = mfu.capped(minimum(1.0, maximum(facts.highest_mfu, mfu.mid)))
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
    """A busy share with its interval, reduced for the waiting that the terms omit [1]."""
    share = minimum(maximum(share * idle.value, LEAST_BUSY), 1.0)
    low = maximum(LEAST_BUSY, share * idle.low / idle.value)
    high = maximum(share, minimum(1.0, share * idle.high / idle.value))
    return Quantity.between(low, share, high, "busy_share")


def _typical(flop: float, cluster: Cluster, peak: float, precision: str, year: int) -> StepFacts:
    """The inputs on CPUs and where there is no operation list: a typical MFU and busy share."""
    number = typical_mfu(precision, year, cluster)
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
        warnings=facts.warnings,
        source=facts.source,
    )


def typical_mfu(precision: str, year: int, cluster: Cluster) -> Assumed:
    """The typical MFU of a step for a precision and an era [1]."""
    if cluster.accelerator.kind == "cpu":
        known = cluster.accelerator.generation != "unknown"
        return assumed("time.mfu_cpu" if known else "processors.mfu_unnamed_processor")
    width = "wide" if precision in WIDE else "sixteen"
    return assumed(f"time.mfu_{width}_{techniques_of(year).era}")


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
    if raw.layout.sixteen_bit_states:
        rows += (sixteen_bit_row(),)
    if "tp" in facts.given:
        return rows
    rows += habit_rows(facts.work, facts.machine, raw.layout, facts.given, facts.source)
    layout = Assumption(
        name="parallel layout", value=raw.layout.text, unit="", basis="derived",
        source="fastest that fits, with the techniques of the year", option="--tp --pp --micro-batch",
    )  # fmt: skip
    return (*rows, layout)
