"""The inputs of the prediction of one step, looked up: operations, chip, constants, interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from footprint.arithmetic import Number
from footprint.catalog.assumptions import Assumed, assumed
from footprint.errors import FootprintError
from footprint.performance.layouts.habits import NO_HABITS
from footprint.performance.peaks import memory_error
from footprint.performance.predict import releases_factor, work_of
from footprint.performance.regimes import is_layout_given, regime
from footprint.performance.roofline.constants import memory_constants
from footprint.performance.roofline.holding import is_known
from footprint.performance.roofline.limits import highest_mfu
from footprint.performance.roofline.machine import Machine
from footprint.performance.roofline.memory import FACTOR
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
    """A factor with the error of the predicted memory, after measured peaks; 1 where none is predicted."""
    rows: tuple[Assumption, ...] = ()
    warnings: tuple[str, ...] = ()


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
        spread = spread * releases_factor(work, cluster, precision, year, released, native, constants)
    if recompute == "none":
        constants = constants.but(**NO_HABITS)
    memory_spread = memory_error(said=is_known(constants))
    warnings: tuple[str, ...] = ()
    is_timed = False
    if anchors:
        from footprint.performance.anchoring import anchored, job_of
        from footprint.performance.memory_anchoring import anchored_memory, memory_nearness

        job = job_of(step_flop, cluster, precision, given)
        known = anchored(spread, anchors, job, stack)
        numbers = memory_nearness(said=is_known(constants))
        peaks = anchored_memory(memory_spread, anchors, job, stack, numbers)
        spread, memory_spread, is_timed = known.spread, peaks.spread, bool(known.rows)
        rows = (*rows, *known.rows, *peaks.rows)
        warnings = (*known.warnings, *peaks.warnings)
        if peaks.rows:
            constants = constants.but(**{FACTOR: memory_spread.mid})
    machine = Machine(cluster, precision, year, constants, native)
    # A measured step is nearer to the truth than any limit.
    highest = 1.0 if is_timed else highest_mfu(flop, work, machine)
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
        memory_spread=memory_spread,
        rows=rows,
        warnings=warnings,
    )


def peak_flop_per_s(cluster: Cluster, precision: str) -> float:
    """Dense peak of one accelerator in this precision [FLOP/s]; FootprintError if it has none."""
    peaks = cluster.accelerator.peak_flop_per_s
    if precision not in peaks:
        raise FootprintError(
            f"{cluster.accelerator.name} has no {precision} peak; use `precision=` {' or '.join(peaks)}"
        )
    return peaks[precision]


def _typical(flop: float, cluster: Cluster, peak: float, precision: str, year: int) -> StepFacts:
    """The inputs on CPUs and where there is no operation list: a typical MFU and busy share."""
    number = typical_mfu(precision, year, cluster)
    busy = assumed("time.busy_share")
    return StepFacts(
        flop=flop, cluster=cluster, precision=precision, peak_flop_per_s=peak, work=None,
        spread=Quantity.between(number.low, number.value, number.high, CAUSE), busy=busy,
        source=number.source, rows=(number.row("--mfu"), busy.row()),
    )  # fmt: skip


def typical_mfu(precision: str, year: int, cluster: Cluster) -> Assumed:
    """The typical MFU of a step for a precision and an era [1]."""
    if cluster.accelerator.kind == "cpu":
        known = cluster.accelerator.generation != "unknown"
        return assumed("time.mfu_cpu" if known else "processors.mfu_unnamed_processor")
    width = "wide" if precision in WIDE else "sixteen"
    return assumed(f"time.mfu_{width}_{techniques_of(year).era}")
