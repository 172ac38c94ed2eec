"""A question about serving becomes an answer: times and power of the load, then the usual chain."""

from __future__ import annotations

from collections.abc import Iterator
from time import gmtime, strftime
from typing import Any

import footprint.catalog.places.names
import footprint.catalog.places.sites
import footprint.flops.families.llama  # noqa: F401 - with these, the first answer loads no more modules
from footprint.catalog.version import DATA_VERSION, footprint_version
from footprint.errors import FootprintError
from footprint.estimator.facts import Facts
from footprint.estimator.present import price_summary
from footprint.estimator.resolve import resolve
from footprint.estimator.run import cluster_summary
from footprint.records import replace
from footprint.results.decisions.inference import (
    BatchRow,
    Decode,
    Inference,
    Load,
    ModelRow,
    Prefill,
    ServingMemory,
)
from footprint.results.estimate import ModelSummary
from footprint.serving.breaking_even import break_even_rows, small_against_large
from footprint.serving.costs import (
    BOUNDARY,
    THOUSAND,
    Costs,
    cluster_name,
    common_rows,
    engine_summary,
    warnings_of,
)
from footprint.serving.items import items_answer
from footprint.serving.request import InferenceRequest
from footprint.serving.settle import Settled, settle_decoding
from footprint.serving.techniques import technique_rows
from footprint.units import BYTE_PER_GIB


def inference(request: InferenceRequest | None = None, /, **fields: Any) -> Inference:
    """What a request to a model costs: memory, speed, energy, CO2e and USD, with 90 % intervals.

    Takes the options of ``footprint inference`` as fields: ``inference(model="llama3.1-8b", hw="h100:1",
    prompt_tokens=512, output_tokens=256, batch_size=32, engine="vllm")``.

    Raises
    ------
    FootprintError
        For anything the request gets wrong or leaves out; the message names the option that mends it.
    """
    if request is None:
        request = InferenceRequest.from_mapping(fields, "inference()")
    names = model_names(request.model)
    facts = resolve(request.scenario)
    first = answer_for(request, names[0], facts)
    others = [first, *(answer_for(request, name, facts) for name in names[1:])]
    if len(others) > 1:
        first = replace(first, models=tuple(model_rows(others)))
        if request.break_even:
            more = small_against_large(request, others, facts)
            first = replace(first, break_even=(*first.break_even, *more))
    return first


def model_names(text: str) -> list[str]:
    """The models of a comma-separated list; a path with a comma is one model."""
    if "," not in text or _is_file(text):
        return [text]
    names = [part.strip() for part in text.split(",") if part.strip()]
    if not names:
        raise FootprintError("`model=` names no model: give one, or several as a,b")
    return names


def _is_file(text: str) -> bool:
    from pathlib import Path

    try:
        return Path(text).exists()
    except (OSError, ValueError):
        return False


def answer_for(request: InferenceRequest, name: str, facts: Facts) -> Inference:
    """The answer for one model."""
    settled = settle_decoding(request, name, facts)
    if settled is None:
        return items_answer(request, name, facts)
    load = Costs(settled.serving, settled.over, facts)
    answer = decoding_answer(request, settled, load, facts)
    if request.technique:
        answer = replace(answer, techniques=tuple(technique_rows(request, settled, facts)))
    if request.break_even:
        answer = replace(answer, break_even=tuple(break_even_rows(request, settled, answer, facts)))
    return answer


def decoding_answer(request: InferenceRequest, settled: Settled, load: Costs, facts: Facts) -> Inference:
    """The record of a model that writes tokens."""
    serving, over, copies = settled.serving, settled.over, load.copies
    point = load.point
    one = point(over.batch)
    output = serving.output
    per_1000, _, means, accelerator_h = load.for_requests(THOUSAND)
    total = duration = None
    if request.requests is not None:
        total, duration, _, _ = load.for_requests(request.requests)
    seconds = load.of(lambda batch, slower: point(batch).prompt.time_s * slower)
    if facts.site.summary is None or facts.site.grid_g_per_kwh is None:
        raise AssertionError("the place of a scenario is known")
    return Inference(
        footprint_version=footprint_version(),
        data_version=DATA_VERSION,
        created_at=strftime("%Y-%m-%dT%H:%M:%S+00:00", gmtime()),
        name=request.scenario.name or f"{settled.model.id} on {cluster_name(facts)}",
        boundary=BOUNDARY,
        model=ModelSummary(
            name=settled.model.id,
            family=serving.model.family,
            parameters=serving.model.parameters,
            active_parameters=serving.model.active_parameters,
        ),
        cluster=cluster_summary(facts),
        engine=engine_summary(serving.engine),
        workload=Load(
            prompt_tokens=serving.prompt,
            output_tokens=int(output),
            batch_size=settled.batch,
            batch_given=request.batch_size is not None or request.concurrency is not None,
            concurrency=request.concurrency,
            requests=request.requests,
            precision=serving.weights.precision,
            tp=serving.layout.tp,
            pp=serving.layout.pp,
            ep=serving.layout.ep,
            replicas_count=copies,
        ),
        memory=ServingMemory(
            weights_gib=serving.room.weights_byte / BYTE_PER_GIB,
            kv_bytes_per_token=serving.model.kv_elements * serving.weights.cached_byte,
            kv_bytes_per_sequence=serving.room.sequence_byte,
            largest_batch=settled.largest,
        ),
        prefill=Prefill(tokens_per_s=serving.prompt / seconds, ttft_s=seconds, bound=one.prompt.bound),
        decode=Decode(
            tokens_per_s=load.of(lambda batch, slower: copies * batch / (point(batch).itl_s * slower)),
            itl_s=load.of(lambda batch, slower: point(batch).itl_s * slower),
            step_s=load.of(lambda batch, slower: point(batch).decode.time_s * slower),
            bound=one.decode.bound,
        ),
        items=None,
        requests_per_s=load.requests_per_s,
        accelerator_power_w=load.boards_w,
        it_power_w=load.power.it_power_w,
        energy_j_per_output_token=load.boards_w / load.requests_per_s / output,
        it_energy_j_per_output_token=load.power.it_power_w / load.requests_per_s / output,
        pue=facts.site.pue,
        place=facts.site.summary,
        grid_g_per_kwh=facts.site.grid_g_per_kwh,
        price=None if facts.price is None else price_summary(facts.price, means, accelerator_h),
        per_1000_requests=per_1000,
        total=total,
        duration_h=duration,
        batches=tuple(batch_rows(settled, load, facts)),
        assumptions=tuple(dict.fromkeys([*facts.site.rows, *settled.rows, *common_rows(facts)])),
        warnings=tuple(dict.fromkeys([*settled.warnings, *warnings_of(facts)])),
    )


def batch_rows(settled: Settled, chosen: Costs, facts: Facts) -> Iterator[BatchRow]:
    """The load at batch 1, at the chosen batch and at the largest; one row where two are alike."""
    copies = chosen.copies
    kinds: dict[int, str] = {copies: "one", settled.largest: "largest"}
    kinds[settled.batch] = "chosen"
    for batch, which in sorted(kinds.items()):
        load = chosen
        if which != "chosen":
            each = max(1.0, batch / copies)
            over = settled.over._replace(batch=each, least=each, most=each)
            load = Costs(settled.serving, over, facts)
        yield batch_row(batch if which != "one" or copies == 1 else copies, which, load)


def batch_row(batch: int, which: str, load: Costs) -> BatchRow:
    """One row of the table of batches."""
    point = load.point
    return BatchRow(
        batch_size=batch,
        which=which,
        tokens_per_s=load.of(lambda size, slower: load.copies * size / (point(size).itl_s * slower)),
        itl_s=load.of(lambda size, slower: point(size).itl_s * slower),
        energy_j_per_output_token=load.boards_w / load.requests_per_s / load.serving.output,
        cost_usd_per_1000_requests=load.for_requests(THOUSAND)[0].cost_usd,
    )


def model_rows(answers: list[Inference]) -> Iterator[ModelRow]:
    """Several models under the same load, and by how many times the largest has more parameters."""
    largest = max(one.model.parameters or 0.0 for one in answers)
    for one in answers:
        parameters = one.model.parameters or 0.0
        yield ModelRow(
            model=one.model.name,
            parameters=parameters,
            parameters_ratio=largest / parameters,
            energy_kwh=one.per_1000_requests.energy_kwh,
            cost_usd=one.per_1000_requests.cost_usd,
        )
