"""Step time from the operations of one step and a cluster.

`step_facts.step_facts` looks up the inputs of a prediction; `predict` computes from these alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from footprint import equations
from footprint.arithmetic import Number, maximum, minimum
from footprint.catalog.assumptions import Assumed
from footprint.performance.layouts.habits import (
    SIXTEEN_BIT_WARNING,
    habit_rows,
    sixteen_bit_row,
)
from footprint.performance.predict import RawStep, predict_raw
from footprint.performance.roofline.layout import Layout
from footprint.performance.roofline.limits import cut_rows
from footprint.performance.step_facts import StepFacts, step_facts
from footprint.records import field, record
from footprint.results import Assumption, Quantity
from footprint.schema import Cluster

if TYPE_CHECKING:
    from footprint.flops import StepFlops
    from footprint.performance.anchoring import Anchor

LEAST_BUSY = 0.05
"""Lower limit of the busy share of a step [1]."""
STACK_UNKNOWN = Assumption(
    name="software stack", value="half-way between a tuned one and PyTorch's own", unit="", basis="assumed",
    source="no stack given", option="--stack",
)  # fmt: skip


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

    The arguments and errors are those of `step_facts.step_facts`.
    """
    return predict(
        step_facts(
            step_flop=step_flop, cluster=cluster, precision=precision, year=year, recompute=recompute,
            layout=layout, stack=stack, overlap=overlap, anchors=anchors, optimizer=optimizer,
        )
    )  # fmt: skip


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
    if raw.layout.sixteen_bit_states:
        warnings = (SIXTEEN_BIT_WARNING, *warnings)
    if advise and not raw.fits:
        from footprint.performance.layouts.advice import does_not_fit
        from footprint.performance.layouts.finder import least_memory_byte

        work, given, flash, length = facts.work, facts.given, facts.flash, facts.sequence_length
        warnings = (does_not_fit(work, machine, raw.layout, given, flash, length), *warnings)
        least_byte = facts.memory_spread.mid * least_memory_byte(work, machine, given, flash, length)
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


def busy_quantity(share: Number, idle: Assumed) -> Quantity:
    """A busy share with its interval, reduced for the waiting that the terms omit [1]."""
    share = minimum(maximum(share * idle.value, LEAST_BUSY), 1.0)
    low = maximum(LEAST_BUSY, share * idle.low / idle.value)
    high = maximum(share, minimum(1.0, share * idle.high / idle.value))
    return Quantity.between(low, share, high, "busy_share")


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
