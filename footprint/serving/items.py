"""Models that decode nothing: images, texts and recordings a second, and J of one, by the batch.

No measured row has such a model. The rates are those of decoding engines, and the answer says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from time import gmtime, strftime

from footprint.catalog.models import find_model
from footprint.catalog.version import DATA_VERSION, footprint_version
from footprint.errors import FootprintError
from footprint.estimator.facts import Facts
from footprint.estimator.present import price_summary
from footprint.estimator.run import cluster_summary
from footprint.flops import count_step
from footprint.flops.checks import positions_warning
from footprint.flops.operations import Matmul
from footprint.performance.roofline.constants import load_constants
from footprint.performance.roofline.memory import usable_of
from footprint.records import record
from footprint.results import Assumption, Quantity
from footprint.results.decisions.inference import BatchRow, Inference, Items, Load, Per1000, ServingMemory
from footprint.results.estimate import ModelSummary
from footprint.schema import ModelConfig, StepShape
from footprint.serving.costs import (
    BOUNDARY,
    THOUSAND,
    board_power,
    cluster_name,
    common_rows,
    costs_of,
    engine_summary,
    it_power,
    warnings_of,
)
from footprint.serving.engine import Constants, Engine, find_engine
from footprint.serving.load import Range, quantity
from footprint.serving.model import flop_of
from footprint.serving.power import board_share
from footprint.serving.request import InferenceRequest
from footprint.serving.settle import (
    NAMED_CAUSE,
    UNSET_CAUSE,
    engine_row,
    has_formula,
    power_constants,
    settle_sizes,
    settle_weights,
    unset_batch,
)
from footprint.serving.steps import Terms, Weights, host_s
from footprint.serving.unheeded import unread
from footprint.units import BYTE_PER_GIB

UNMEASURED = (
    "no measured row has a model that decodes nothing: its speed rests on the rates of engines that decode"
)
AS_TRACED = "an item is one forward pass as it was traced: what a language model writes is not counted so"
MISSING_LENGTH = "`prompt_tokens=` is missing: say how long a text is, such as `prompt_tokens=512`"


@record
class Forward:
    """The forward pass of one item on one chip; the chips work side by side."""

    flop: float
    weights_byte: float
    activation_byte: float
    """Widest activations of one item."""
    layers: int
    weights: Weights
    peak_flop_per_s: float
    memory_byte_per_s: float
    engine: Engine

    def terms(self, batch: float, reached: Constants | None = None) -> Terms:
        """A batch on one chip; of another engine where its constants are given [s]."""
        reached = reached or self.engine.constants
        read_s = (self.weights_byte + batch * self.activation_byte) / self.memory_byte_per_s
        multiply_s = batch * self.flop / self.peak_flop_per_s
        return Terms(
            memory_s=read_s / reached.memory_share,
            compute_s=multiply_s / reached.matmul_share,
            host_s=host_s(self.layers, batch, reached),
            exchange_s=0.0,
            read_s=read_s,
            multiply_s=multiply_s,
            overlap_exponent=reached.overlap_exponent,
        )


def items_answer(request: InferenceRequest, name: str, facts: Facts) -> Inference:
    """The record of a model that decodes nothing."""
    model = find_model(name)
    one_pass = not has_formula(model)
    if request.output_tokens is not None or request.technique or request.break_even:
        why = "has no formula, so its cache is not known" if one_pass else "writes no tokens"
        raise FootprintError(
            f"{model.id} {why}: leave out `output_tokens=`, `technique=` and `break_even=`"
            + (", and one forward pass is an item" if one_pass else "")
        )
    chip, chips = facts.cluster.accelerator, facts.cluster.count
    weights, precision_row = settle_weights(request, model, chip)
    engine = find_engine(request.engine)
    forward, parameters, family, shape = _forward(request, model, weights, facts, engine)
    usable = usable_of(chip, load_constants()) - forward.weights_byte
    largest = int(usable // max(forward.activation_byte, 1.0)) * chips
    if largest < 1:
        raise FootprintError(f"{model.id} does not fit one {chip.name}: give fewer bits with `precision=`")
    batch, least, most, rows, warnings = _batch(request, largest)
    cause = UNSET_CAUSE if request.engine is None else NAMED_CAUSE
    each = [max(1.0, size / chips) for size in (batch, least, most)]
    spread = engine.spread(experts=False)
    ends = cache(lambda size: spread.ends(lambda of: forward.terms(size, of).time_s, engine.constants))
    over = Range(each[0], each[1], each[2], ends, cause)
    answer = _Answer(forward, over, facts)
    per_1000, _, means, accelerator_h = costs_of(facts, answer.it_power_w, answer.items_per_s, THOUSAND)
    total = duration = None
    if request.requests is not None:
        total, duration, _, _ = costs_of(facts, answer.it_power_w, answer.items_per_s, request.requests)
    if facts.site.summary is None or facts.site.grid_g_per_kwh is None:
        raise AssertionError("the place of a scenario is known")
    said = (UNMEASURED, AS_TRACED) if one_pass else (UNMEASURED,)
    beyond = positions_warning(model.id, model.config, shape.sequence_length)
    return Inference(
        footprint_version=footprint_version(),
        data_version=DATA_VERSION,
        created_at=strftime("%Y-%m-%dT%H:%M:%S+00:00", gmtime()),
        name=request.scenario.name or f"{model.id} on {cluster_name(facts)}",
        boundary=BOUNDARY,
        model=ModelSummary(name=model.id, family=family, parameters=parameters, active_parameters=parameters),
        cluster=cluster_summary(facts),
        engine=engine_summary(engine),
        workload=Load(
            prompt_tokens=shape.sequence_length,
            output_tokens=None,
            batch_size=batch,
            batch_given=request.batch_size is not None or request.concurrency is not None,
            concurrency=request.concurrency,
            requests=request.requests,
            precision=weights.precision,
            tp=1,
            pp=1,
            ep=1,
            replicas_count=chips,
        ),
        memory=ServingMemory(
            weights_gib=forward.weights_byte / BYTE_PER_GIB,
            kv_bytes_per_token=0.0,
            kv_bytes_per_sequence=0.0,
            largest_batch=largest,
        ),
        prefill=None,
        decode=None,
        items=Items(
            items_per_s=answer.items_per_s,
            batch_s=answer.batch_s,
            energy_j_per_item=answer.energy_j,
            bound=forward.terms(over.batch).bound,
        ),
        requests_per_s=answer.items_per_s,
        accelerator_power_w=answer.boards_w,
        it_power_w=answer.it_power_w,
        energy_j_per_output_token=None,
        it_energy_j_per_output_token=None,
        pue=facts.site.pue,
        place=facts.site.summary,
        grid_g_per_kwh=facts.site.grid_g_per_kwh,
        price=None if facts.price is None else price_summary(facts.price, means, accelerator_h),
        per_1000_requests=per_1000,
        total=total,
        duration_h=duration,
        batches=tuple(_rows(forward, over, facts, batch, largest)),
        assumptions=tuple(
            row
            for row in (
                *facts.site.rows,
                precision_row,
                *rows,
                engine_row(request, engine),
                *common_rows(facts),
            )
            if row is not None
        ),
        warnings=(
            *said,
            *warnings,
            *([beyond] if beyond else []),
            *unread(request, model.config, shape),
            *warnings_of(facts),
        ),
    )


class _Answer:
    """Rates, power and energy at one range of the batch."""

    def __init__(self, forward: Forward, over: Range, facts: Facts) -> None:
        chips, constants = facts.cluster.count, power_constants()
        measured = facts.power is None or not facts.power.depends_on_work

        def of(value: Callable[[float, float], float]) -> Quantity:
            return quantity(value, over)

        def over_limit(batch: float, slower: float) -> float:
            terms = forward.terms(batch)
            time_s = terms.time_s * slower
            shares = (terms.read_s / time_s, terms.multiply_s / time_s, terms.expand_s / time_s)
            return 1.0 if measured else board_share(*shares, constants)

        self.items_per_s = of(lambda batch, slower: chips * batch / (forward.terms(batch).time_s * slower))
        self.batch_s = of(lambda batch, slower: forward.terms(batch).time_s * slower)
        power = it_power(facts, board_power(facts, of(over_limit), experts=False))
        self.boards_w, self.it_power_w = power.accelerators, power.it_power_w
        self.energy_j = self.boards_w / self.items_per_s


def _rows(forward: Forward, over: Range, facts: Facts, batch: int, largest: int) -> Iterator[BatchRow]:
    chips = facts.cluster.count
    kinds = {chips: "one", largest: "largest"} | {batch: "chosen"}
    for size, which in sorted(kinds.items()):
        each = max(1.0, size / chips)
        here = over if which == "chosen" else over._replace(batch=each, least=each, most=each)
        one = _Answer(forward, here, facts)
        cost: Per1000 = costs_of(facts, one.it_power_w, one.items_per_s, THOUSAND)[0]
        yield BatchRow(
            batch_size=size,
            which=which,
            tokens_per_s=one.items_per_s,
            itl_s=one.batch_s,
            energy_j_per_output_token=one.energy_j,
            cost_usd_per_1000_requests=cost.cost_usd,
        )


def _batch(
    request: InferenceRequest, largest: int
) -> tuple[int, int, int, tuple[Assumption, ...], tuple[str, ...]]:
    given = request.batch_size or request.concurrency
    if given is None:
        return (*unset_batch(largest, largest), ())
    if given > largest and request.batch_size is not None and not request.scenario.force:
        raise FootprintError(f"`batch_size={given}` does not fit: {largest} items do; give a smaller batch")
    taken = min(given, largest)
    beyond = f"a batch of {given:,} does not fit: {largest:,} items are taken"
    return taken, taken, taken, (), (beyond,) if given > largest else ()


def _forward(
    request: InferenceRequest, model: ModelConfig, weights: Weights, facts: Facts, engine: Engine
) -> tuple[Forward, float, str, StepShape]:
    """The forward pass of one item, the parameters, the family and the sizes of the item."""
    shape = settle_sizes(request, model.config)
    try:
        step = count_step(model.config, shape)
    except FootprintError as error:
        if shape.sequence_length is None and "seq_len" in error.fields:
            raise FootprintError(MISSING_LENGTH) from None
        raise
    if step.operations is None:
        raise FootprintError(
            f"{model.id} has no list of operations, only a sum: give `model=` a list of `footprint trace`"
        )
    unsaid = shape.sequence_length is None and step.tokens is not None
    if unsaid and step.family not in ("vision-transformer", "traced"):
        raise FootprintError(MISSING_LENGTH)
    parameters = float(step.parameters.total)
    widest = max(
        (
            float(operation.m * operation.count) * float(operation.k + operation.n)
            for stage in step.operations.stages
            for layer in stage
            for operation in layer.operations
            if isinstance(operation, Matmul) and operation.weights
        ),
        default=0.0,
    )
    layers = sum(
        len(layer.positions) for stage in step.operations.stages for layer in stage if layer.checkpointed
    )
    chip = facts.cluster.accelerator
    forward = Forward(
        flop=flop_of(step.operations),
        weights_byte=parameters * weights.block_byte,
        activation_byte=widest * weights.wide_byte,
        layers=max(layers, 1),
        weights=weights,
        peak_flop_per_s=weights.peak_flop_per_s(chip),
        memory_byte_per_s=chip.memory_byte_per_s,
        engine=engine,
    )
    return forward, parameters, step.family, shape
