"""Each name looked up and each default settled: model, chips, layout, precision and engine of a load."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from footprint.catalog.assumptions import Assumed, assumed, assumed_values
from footprint.catalog.models import find_model
from footprint.errors import FootprintError
from footprint.estimator.facts import Facts
from footprint.flops.checks import positions_warning
from footprint.flops.own_sizes import with_own_sizes
from footprint.flops.registry import LISTED, family
from footprint.records import record, replace
from footprint.results import Assumption, Quantity
from footprint.results.misfit import CLEAR_MISFIT, Misfit
from footprint.schema import Accelerator, ModelConfig, StepShape
from footprint.serving.engine import UNSET, Engine, find_engine
from footprint.serving.load import Range, Serving
from footprint.serving.model import Lists
from footprint.serving.power import PowerConstants
from footprint.serving.request import InferenceRequest
from footprint.serving.steps import Layout, Weights

PUBLISHED_IN = {"gpt_oss": "mxfp4"}
"""Families whose weights are published in few bits."""
UNSET_CAUSE, NAMED_CAUSE = "engine", "serving_time"


@record
class Settled:
    """A load with everything looked up."""

    model: ModelConfig
    serving: Serving
    largest: int
    """Largest batch of all chips together."""
    batch: int
    """Of all chips together."""
    over: Range
    """The batch of one copy of the model, and what it and the time may be."""
    rows: tuple[Assumption, ...]
    warnings: tuple[str, ...]


PowerErrors = Mapping[bool, tuple[float, float]]
"""Low and high of measured over predicted power, by whether the model has experts."""


def power_constants() -> PowerConstants:
    """Board power over its limit while serving."""
    values = assumed_values("serving_fitted")
    return PowerConstants(*(values[f"{name}_over_tdp"] for name in PowerConstants._fields))


def power_error_of(*, experts: bool) -> Assumed:
    """Measured over predicted power of boards that serve a model with or without experts."""
    return assumed(f"serving_fitted.power_error_{'experts' if experts else 'dense'}")


def power_errors() -> PowerErrors:
    """The shipped ends of measured over predicted power."""
    found = {kind: power_error_of(experts=kind) for kind in (False, True)}
    return {kind: (one.low, one.high) for kind, one in found.items()}


def power_error(*, experts: bool) -> Quantity:
    """A factor of median 1 with the error of the power of serving boards."""
    number = power_error_of(experts=experts)
    return Quantity.between(number.low, number.value, number.high, "serving_power")


def settle_weights(
    request: InferenceRequest, model: ModelConfig, chip: Accelerator
) -> tuple[Weights, Assumption | None]:
    """How the weights are stored: as given, as published, else in the chip's 16 bits."""
    if request.precision is not None:
        return Weights(precision=request.precision), None
    recipe = model.recipe.precision if model.recipe is not None else None
    published = PUBLISHED_IN.get(str(model.config.get("model_type"))) or (recipe if recipe == "fp8" else None)
    if published is not None and (published != "fp8" or published in chip.peak_flop_per_s):
        chosen, why = published, "the weights are published so"
    else:
        chosen = next((p for p in ("bf16", "fp16") if p in chip.peak_flop_per_s), "fp32")
        why = f"no precision given; {chosen} on {chip.name}"
    return Weights(precision=chosen), Assumption(
        name="precision of the weights", value=chosen, unit="", basis="assumed", source=why,
        option="--precision",
    )  # fmt: skip


def settle_layout(
    request: InferenceRequest, facts: Facts, *, one_stage_at_a_time: bool = False
) -> tuple[Layout, tuple[Assumption, ...]]:
    """How the model is divided: one copy on all chips of a node, stages over nodes, unless given."""
    count, in_node = facts.cluster.count, facts.cluster.node.accelerators
    if request.ep is not None and request.ep > 1:
        copies = _copies(count, request.ep, "ep")
        return Layout(chips=request.ep, tp=1, ep=request.ep, replicas=copies), ()
    if request.tp is not None:
        copies = _copies(count, request.tp, "tp")
        return Layout(chips=request.tp, tp=request.tp, replicas=copies), ()
    if one_stage_at_a_time:
        return Layout(chips=count, tp=1, pp=count), ()
    tp = min(count, in_node)
    while count % tp:
        tp -= 1
    row = Assumption(
        name="tensor-parallel chips", value=tp, unit="1", basis="assumed",
        source="one copy of the model on all chips; stages over nodes", option="--tp",
    )  # fmt: skip
    return Layout(chips=count, tp=tp, pp=count // tp), () if count == 1 else (row,)


def _copies(count: int, chips: int, name: str) -> int:
    if count % chips:
        raise FootprintError(
            f"`{name}={chips}` does not divide the {count} accelerators of `hw=`: give a divisor"
        )
    return count // chips


def settle_decoding(request: InferenceRequest, name: str, facts: Facts) -> Settled | None:
    """The load of a model that writes tokens; None for one that decodes nothing or has no formula."""
    model = find_model(name)
    if not has_formula(model):
        return None
    lists = _lists(model, request.prompt_tokens or 1)
    if lists is None:
        return None
    served = lists.served()
    if not served.decodes:
        return None
    if request.prompt_tokens is None or request.output_tokens is None:
        missing = "prompt_tokens" if request.prompt_tokens is None else "output_tokens"
        raise FootprintError(
            f"`{missing}=` is missing: say how long a request is, such as `prompt_tokens=512` and "
            "`output_tokens=256`"
        )
    if request.image_size is not None:
        raise FootprintError(f"`image_size=` is of models that read images alone; {model.id} writes tokens")
    prompt, output = request.prompt_tokens, request.output_tokens
    weights, precision_row = settle_weights(request, model, facts.cluster.accelerator)
    engine = find_engine(request.engine)
    weights = replace(weights, narrow_cache=engine.caches_narrow(weights.precision))
    layout, layout_rows = settle_layout(request, facts, one_stage_at_a_time=engine.one_stage_at_a_time)
    before = 0 if lists.target else prompt
    serving = Serving(
        model=served,
        context=lists.context(max(1, round(before + output / 2)), served.token_flop),
        full=lists.context(before + output, served.token_flop),
        prompt_flop=lists.prompt_flop(),
        prompt=prompt,
        output=output,
        weights=weights,
        chip=facts.cluster.accelerator,
        layout=layout,
        engine=engine,
        power=power_constants(),
        measured_power=facts.power is None or not facts.power.depends_on_work,
    )
    largest = serving.room.largest_batch() * layout.replicas
    batch, over, batch_rows, warnings = settle_batch(request, serving, largest)
    target = output if lists.target else None
    whole = prompt if lists.target else prompt + output
    beyond = positions_warning(model.id, model.config, whole, target)
    rows = [*layout_rows, *batch_rows, engine_row(request, engine)]
    if precision_row is not None:
        rows.insert(0, precision_row)
    return Settled(
        model=model,
        serving=serving,
        largest=largest,
        batch=batch,
        over=over,
        rows=tuple(rows),
        warnings=(
            *warnings,
            *([beyond] if beyond else []),
            *engine.beyond(batch / layout.replicas, experts=bool(served.experts)),
        ),
    )


def has_formula(model: ModelConfig) -> bool:
    """Whether a family counts the model at any length; a traced list is one forward pass, without a cache."""
    model_type = str(model.config.get("model_type"))
    return model_type != LISTED and family(model_type) is not None


def _lists(model: ModelConfig, prompt: int) -> Lists | None:
    """The operation lists of a model of text; None where it reads images."""
    try:
        return Lists(model.config, prompt)
    except FootprintError as error:
        if "image" in str(error):
            return None
        raise


def settle_sizes(request: InferenceRequest, config: Mapping[str, Any]) -> StepShape:
    """The sizes of one item: as asked for, else those that the model itself fixes, or was traced at."""
    shape = StepShape(sequences=1, sequence_length=request.prompt_tokens, image_size=request.image_size)
    if config.get("model_type") != LISTED:
        return with_own_sizes(config, shape)
    traced = with_own_sizes(config, StepShape(sequences=1))
    if shape.sequence_length not in (None, traced.sequence_length):
        said = f"was traced at {traced.sequence_length}" if traced.sequence_length else "has none"
        raise FootprintError(
            f"`prompt_tokens={shape.sequence_length}`: this operation list {said}; leave it out, or trace "
            "inputs of that size"
        )
    return traced if shape.image_size in (None, traced.image_size) else shape


def engine_row(request: InferenceRequest, engine: Engine) -> Assumption:
    """The assumption row of the engine."""
    given = request.engine is not None
    return Assumption(
        name="engine", value=engine.id if given else engine.name, unit="",
        basis="fitted" if given else "assumed", source=engine.source, option="--engine",
    )  # fmt: skip


def settle_batch(
    request: InferenceRequest, serving: Serving, largest: int
) -> tuple[int, Range, tuple[Assumption, ...], tuple[str, ...]]:
    """The batch of all chips, its range, and what is said of it; FootprintError if it does not fit."""
    copies = serving.layout.replicas
    warnings: tuple[str, ...] = ()
    rows: tuple[Assumption, ...] = ()
    batch = least = most = 0
    narrow = replace(serving, weights=replace(serving.weights, narrow_cache=True))
    held = narrow.room.at_once() * copies
    if request.batch_size is not None:
        batch = request.batch_size
        if batch > largest and not request.scenario.force:
            raise FootprintError(
                f"`batch_size={batch}` does not fit: beside the weights there is memory for {largest} "
                "sequences of this length; give a smaller batch, more accelerators or fewer bits"
            )
        if batch > largest:
            warnings = (
                Misfit(f"{CLEAR_MISFIT}a batch of {batch:,} does not fit: {largest:,} is the largest"),
            )
    elif request.concurrency is not None:
        paged = serving.room.at_once() * copies
        batch = min(request.concurrency, paged)
        if request.concurrency > paged:
            least, most = largest, min(request.concurrency, held)
            warnings = (
                f"{request.concurrency:,} open requests are more than memory holds: {largest:,} of full "
                f"length, about {paged:,} while they grow, up to {held:,} with a cache of 8 bits; the others "
                "wait, and the time to the first token leaves that out",
            )
    else:
        batch, least, most, rows = unset_batch(largest, held)
    if batch < copies:
        warnings += (f"a batch of {batch} leaves some of the {copies} copies of the model without work",)
    spread, reached = serving.engine.spread(experts=bool(serving.model.experts)), serving.engine.constants
    over = Range(
        batch=max(1.0, batch / copies),
        least=max(1.0, (least or batch) / copies),
        most=max(1.0, (most or batch) / copies),
        ends=cache(lambda each: spread.ends(lambda of: serving.point(each, of).request_s, reached)),
        cause=UNSET_CAUSE if serving.engine.id == UNSET else NAMED_CAUSE,
        quicker=1.0
        if least >= most
        else narrow.point(most / copies).request_s / serving.point(most / copies).request_s,
        unset=request.batch_size is None and request.concurrency is None,
    )
    return batch, over, rows, warnings


def unset_batch(largest: int, held: int) -> tuple[int, int, int, tuple[Assumption, ...]]:
    """A batch that nobody gave, its ends, and the row that says so; some engine holds up to ``held``."""
    number = assumed("serving.batch_size")
    batch = min(int(number.value), largest)
    least, most = min(int(number.low), batch), max(min(int(number.high), held), batch)
    ends = f"{most}" if most <= largest else f"{largest}, or in a cache of 8 bits, while they grow, {most}"
    row = Assumption(
        name="batch_size", value=f"{batch}, from {least} to {ends}", unit="sequences", basis="assumed",
        source=number.source, option="--batch-size",
    )  # fmt: skip
    return batch, least, most, (row,)
