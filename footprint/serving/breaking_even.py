"""After how many requests serving exceeds training, a fine-tune pays, or a small aligned model does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from footprint.catalog.models import find_model
from footprint.equations import break_even_requests
from footprint.errors import FootprintError
from footprint.estimator.facts import Facts
from footprint.estimator.request import EstimateRequest
from footprint.estimator.rooms import answer as estimate_of
from footprint.records import replace
from footprint.results import Quantity
from footprint.results.decisions.inference import UNSAID, BreakEven, Inference
from footprint.serving.costs import cluster_name
from footprint.serving.request import InferenceRequest
from footprint.serving.settle import Settled
from footprint.serving.stages import find_stage
from footprint.serving.techniques import technique_rows

FINE_TUNED_REQUESTS = 10_000
"""Examples of a fine-tune that a request is like, each read three times: an assumption that is stated."""
PASSES = 3
_KEPT = ("region", "year", "pue", "grid_g_per_kwh", "provider", "purchase", "usd_per_hour", "capital_usd",
         "electricity_usd_per_kwh", "lifetime_years", "utilisation")  # fmt: skip


def break_even_rows(
    request: InferenceRequest, settled: Settled, answer: Inference, facts: Facts
) -> Iterator[BreakEven]:
    """Training against serving, and a fine-tune against examples in the prompt."""
    per_1000 = answer.per_1000_requests
    yield from _rows(
        "serving exceeds training",
        lambda: _training(request, settled, facts),
        per_1000.energy_kwh,
        per_1000.cost_usd,
        "",
    )
    plain, longer = technique_rows(replace(request, technique=("few-shot",), paths=None), settled, facts)
    tokens = FINE_TUNED_REQUESTS * PASSES * (settled.serving.prompt + settled.serving.output)
    yield from _rows(
        "LoRA costs less than few-shot prompting",
        lambda: _fine_tune(request, settled, facts, tokens),
        _difference(longer.energy_kwh, plain.energy_kwh),
        None
        if longer.cost_usd is None or plain.cost_usd is None
        else _difference(longer.cost_usd, plain.cost_usd),
        f"{FINE_TUNED_REQUESTS:,} examples read {PASSES} times",
    )


def small_against_large(
    request: InferenceRequest, answers: Sequence[Inference], facts: Facts
) -> Iterator[BreakEven]:
    """After how many requests a small model that is aligned first costs less than a large one.

    It is aligned by as many demonstrations as InstructGPT (`footprint.serving.stages`).
    """
    small, large = (choose(answers, key=lambda one: one.model.parameters or 0.0) for choose in (min, max))
    less, more = small.per_1000_requests, large.per_1000_requests
    if less.energy_kwh.mid >= more.energy_kwh.mid:
        return
    demonstrations = find_stage("sft").samples
    costs = None
    if less.cost_usd is not None and more.cost_usd is not None and less.cost_usd.mid < more.cost_usd.mid:
        costs = _difference(more.cost_usd, less.cost_usd)
    yield from _rows(
        f"{small.model.name}, aligned first, costs less than {large.model.name}",
        lambda: estimate_of(
            EstimateRequest(
                model=small.model.name, hw=cluster_name(facts), method="finetune", samples=demonstrations,
                batch_size=64, **_site(request),
            )
        )[2],
        _difference(more.energy_kwh, less.energy_kwh),
        costs,
        f"supervised fine-tuning on {demonstrations:,.0f} demonstrations",
    )  # fmt: skip


def _rows(against: str, made: Any, energy: Quantity, cost: Quantity | None, note: str) -> Iterator[BreakEven]:
    """By energy and by cost; a training that cannot be estimated is said with its reason."""
    try:
        outcome = made()
    except FootprintError as error:
        # What follows the first reason names options of an estimate, which a request has not.
        reason = str(error).partition("; ")[0]
        yield BreakEven(against=against, requests=None, quantity="energy", note=f"{UNSAID}: {reason}")
        return
    means = outcome.consequences
    yield BreakEven(
        against=against, requests=break_even_requests(means.energy_kwh, energy), quantity="energy", note=note
    )
    if means.cost_usd is not None and cost is not None:
        yield BreakEven(
            against=against, requests=break_even_requests(means.cost_usd, cost), quantity="cost", note=note
        )


def _difference(more: Quantity, less: Quantity) -> Quantity:
    """What the dearer of two calls costs more; their errors are those of the dearer one."""
    share: float = 1.0 - less.mid / more.mid
    return Quantity(more.mid * share, more.spread)


def _site(request: InferenceRequest) -> dict[str, Any]:
    given = request.scenario.given()
    return {name: given[name] for name in _KEPT if name in given}


def _training(request: InferenceRequest, settled: Settled, facts: Facts) -> Any:
    """The published training of the model, on as many of these chips as it was published with."""
    recipe = find_model(settled.model.id).recipe if settled.model.recipe is not None else None
    count = max(facts.cluster.count, (recipe.accelerators or 0) if recipe is not None else 0)
    hw = f"{facts.cluster.accelerator.id}:{count}"
    return estimate_of(EstimateRequest(model=request.model.split(",")[0], hw=hw, **_site(request)))[2]


def _fine_tune(request: InferenceRequest, settled: Settled, facts: Facts, tokens: float) -> Any:
    """A LoRA fine-tune on requests like these, on the same chips."""
    hw = f"{facts.cluster.accelerator.id}:{facts.cluster.count}"
    return estimate_of(
        EstimateRequest(
            model=request.model.split(",")[0], hw=hw, method="lora", tokens=tokens, batch_size=64,
            seq_len=int(settled.serving.prompt + settled.serving.output), **_site(request),
        )
    )[2]  # fmt: skip
