"""`plan`: what a budget buys, or what a loss or a model costs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from footprint.catalog.laws import ScalingLaw, find_law, law_ids, scale_data
from footprint.catalog.models import find_model
from footprint.catalog.version import versions
from footprint.decisions.plans.hardware import Cluster, SizesOf, with_embeddings
from footprint.decisions.plans.kaplan import kaplan_rows
from footprint.decisions.plans.laws import (
    PLAIN,
    SERVING_FLOP_PER_PARAMETER,
    Sizes,
    of_flop,
    of_loss,
    of_parameters,
    stretched,
)
from footprint.decisions.plans.question import MOST_FLOP, REPEATING_LAW, SERVING_LAW, Question, question_of
from footprint.decisions.plans.shapes import nearest_models, shapes_of, size_of
from footprint.errors import FootprintError
from footprint.parsing import Limit
from footprint.records import record, replace
from footprint.results import Assumption
from footprint.results.decisions.plan import Baseline, LawAnswer, Plan, PlanBudget, ServedPlan, Threshold
from footprint.results.estimate import Estimate
from footprint.results.human import figures

LEAST_PARAMETERS = 1e6
"""Below it no law says anything."""
MOST_SERVING_SHARE = 0.9
"""Share of a budget that serving may take: above it there is hardly a training to plan."""


@record
class Found:
    """What was found: the sizes, the budgets that were asked for, and the estimate of the training."""

    sizes: Sizes
    budgets: tuple[PlanBudget, ...] = ()
    run: Estimate | None = None
    rows: tuple[Assumption, ...] = ()
    warnings: tuple[str, ...] = ()


def plan(
    budget: str | Sequence[str] | None = None,
    *,
    law: str | None = None,
    loss: float | str | None = None,
    model: str | None = None,
    unique_tokens: float | str | None = None,
    inference_tokens: float | str | None = None,
    **fields: Any,
) -> Plan:
    """What a budget buys by a scaling law: parameters, tokens, loss, and what their training costs.

    ``plan("1e22FLOP")`` answers from the law alone; ``plan(["500kgCO2e", "7d"], hw="h100:64",
    region="FRA")`` takes hardware, place and price as `footprint.estimate` does, and says which budget
    binds. ``loss`` and ``model`` ask the other way round. ``unique_tokens`` are the tokens that there are,
    ``inference_tokens`` those that the model will serve.

    Raises
    ------
    FootprintError
        For a budget that buys no model, a loss below the law's floor, or anything that
        `footprint.estimate` refuses.
    """
    asked = question_of(budget, law, loss, model, unique_tokens, inference_tokens, fields)
    chosen: tuple[str, ...] = ()
    if asked.fields.get("hw") == "auto":
        asked, note = _on_rented(asked)
        chosen = (note,)
    found = _found(asked)
    sizes = found.sizes
    unique = asked.demand.unique_tokens
    unique = sizes.tokens if unique is None else min(unique, sizes.tokens)
    run = found.run
    load = None if run is None else run.workload
    whole = with_embeddings(asked.law, sizes.parameters)
    return Plan(
        **versions(),
        law=asked.law.id,
        budgets=found.budgets,
        binding_budget=next((one.text for one in found.budgets if one.binding), None),
        flop=sizes.training_flop,
        parameters=sizes.parameters,
        tokens=sizes.tokens,
        tokens_per_parameter=sizes.tokens / sizes.parameters,
        epochs=sizes.tokens / unique,
        unique_tokens=unique,
        effective_tokens=sizes.effective_tokens,
        loss=sizes.loss,
        duration_h=None if run is None else run.duration_h,
        energy_kwh=None if run is None else run.energy_kwh,
        co2e_kg=None if run is None else run.co2e_kg,
        cost_usd=None if run is None else run.cost_usd,
        mfu=None if run is None else run.mfu,
        spread=tuple(_spread(asked, sizes)),
        inference=_served(asked, sizes),
        nearest_models=tuple(nearest_models(whole)),
        shapes=tuple(shapes_of(whole, sizes.tokens, None if load is None else load.sequence_length)),
        thresholds=tuple(_passed(sizes.training_flop)),
        assumptions=(*_rows(asked, sizes), *found.rows, *_rows_of_run(run)),
        warnings=(*chosen, *_warnings(asked.law, sizes), *found.warnings, *(run.warnings if run else ())),
        run=run,
    )


def _on_rented(asked: Question) -> tuple[Question, str]:
    """The question on the rented cluster that answers it best, and a note about it."""
    from footprint.decisions.plans.rented import best_rented

    def sizes_of(flop: float, more: float) -> Sizes:
        return stretched(asked.law, of_flop(asked.law, flop, asked.demand), more, asked.demand)

    hw, note = best_rented(asked.fields, asked.law, asked.budgets, sizes_of)
    return replace(asked, fields={**asked.fields, "hw": hw}), note


def _found(asked: Question) -> Found:
    """The sizes that were asked for, and the estimate of their training where there is hardware."""
    if asked.model is not None:
        return _of_model(asked, asked.model)
    law, demand = asked.law, asked.demand
    cluster = Cluster(asked.fields, asked.law) if "hw" in asked.fields else None

    def sizes_of(flop: float, more: float) -> Sizes:
        return stretched(law, of_flop(law, flop, demand), more, demand)

    if asked.loss is not None:
        found = Found(sizes=of_loss(law, asked.loss, demand))
    else:
        bought = [_bought(one, cluster, sizes_of) for one in asked.budgets]
        flop = [each for each, _ in bought]
        found = Found(sizes=bought[flop.index(min(flop))][1], budgets=_marked(asked, flop))
    require_size(found.sizes, asked)
    return found if cluster is None else replace(found, run=cluster.estimate(found.sizes), rows=cluster.rows)


def _bought(budget: Limit, cluster: Cluster | None, sizes_of: SizesOf) -> tuple[float, Sizes]:
    """The FLOP that one budget buys, and their sizes."""
    if budget.quantity == "flop":
        return budget.value, sizes_of(budget.value, 1.0)
    if cluster is None:
        raise FootprintError(f"`budget={budget.text}`: what it buys depends on hardware: give `hw='h100:64'`")
    return cluster.sizes_for(budget, sizes_of)


def _of_model(asked: Question, name: str) -> Found:
    """The training by which the law would come to a model of this size."""
    model = find_model(name)
    parameters, warnings = size_of(model, asked.law)
    sizes = of_parameters(asked.law, parameters, asked.demand)
    require_size(sizes, asked)
    if "hw" not in asked.fields:
        return Found(sizes=sizes, warnings=warnings)
    cluster = Cluster(asked.fields, asked.law)
    # A model that is served is replaced by a smaller one of its quality.
    run = cluster.estimate(sizes, None if asked.demand.served_tokens else name)
    return Found(sizes=sizes, run=run, warnings=warnings)


def require_size(sizes: Sizes, asked: Question) -> None:
    """FootprintError for a model so small that no law holds, or so large that nobody trains it."""
    if sizes.training_flop > MOST_FLOP:
        raise FootprintError(f"that takes {sizes.training_flop:.2g} FLOP: give a higher `loss=`")
    serving = SERVING_FLOP_PER_PARAMETER * asked.demand.served_tokens * sizes.parameters
    share = serving / (serving + sizes.training_flop)
    if asked.budgets and share > MOST_SERVING_SHARE:
        raise FootprintError(
            f"serving takes {share:.1%} of the budget, whatever is trained: give a larger `budget=` or fewer "
            "`inference_tokens=`"
        )
    if sizes.parameters >= LEAST_PARAMETERS:
        return
    mend = "a larger `budget=`" if asked.budgets else "a lower `loss=`" if asked.loss else "a larger `model=`"
    raise FootprintError(
        f"that trains a model of {figures(sizes.parameters)} parameters: no law holds below "
        f"{LEAST_PARAMETERS:,.0f}; give {mend}"
    )


def _marked(asked: Question, flop: Sequence[float]) -> tuple[PlanBudget, ...]:
    """The budgets with the FLOP that each buys; the first of the least binds."""
    binding = min(range(len(flop)), key=lambda i: flop[i])
    return tuple(
        PlanBudget(text=one.text, quantity=one.quantity, flop=each, binding=i == binding)
        for i, (one, each) in enumerate(zip(asked.budgets, flop, strict=True))
    )


def _spread(asked: Question, sizes: Sizes) -> Iterator[LawAnswer]:
    """What every law says of the same training FLOP, by the law's name; the chosen one as it was asked."""
    for law_id in law_ids():
        law = find_law(law_id)
        if law_id == asked.law.id:
            own = sizes
        elif law_id == SERVING_LAW:  # without serving it is approach 3
            continue
        else:
            own = of_flop(law, sizes.training_flop, PLAIN)
        yield LawAnswer(law=law_id, parameters=own.parameters, tokens=own.tokens, loss=own.loss)


def _served(asked: Question, sizes: Sizes) -> ServedPlan | None:
    """Training and serving together, beside the law's own optimum of the same loss."""
    tokens = asked.demand.served_tokens
    if not tokens or sizes.loss is None:
        return None
    serving = SERVING_FLOP_PER_PARAMETER * tokens
    total = sizes.training_flop + serving * sizes.parameters
    own = of_loss(asked.law, sizes.loss)
    baseline = Baseline(
        parameters=own.parameters,
        tokens=own.tokens,
        training_flop=own.training_flop,
        total_flop=own.training_flop + serving * own.parameters,
    )
    return ServedPlan(
        inference_tokens=tokens,
        inference_flop=serving * sizes.parameters,
        total_flop=total,
        baseline=baseline,
        saved_share=1.0 - total / baseline.total_flop,
    )


def _passed(flop: float) -> Iterator[Threshold]:
    """Abilities that a family of models showed at no more FLOP than these, the latest first."""
    rows = [row for row in scale_data("emergence")["thresholds"] if row["training_flop"] <= flop]
    for row in sorted(rows, key=lambda row: -row["training_flop"]):
        yield Threshold(
            ability=row["ability"], kind=row["kind"], training_flop=row["training_flop"],
            parameters=row["parameters"], model=row["model"],
        )  # fmt: skip


def _rows(asked: Question, sizes: Sizes) -> Iterator[Assumption]:
    """What the plan rests on beside the estimate of its training."""
    law = asked.law
    yield Assumption(
        name="scaling law", value=f"{law.name}; loss of {law.corpus}", unit="", basis="datasheet",
        source=law.source, option="" if asked.law_given else "--law",
    )  # fmt: skip
    yield _row("what the law leaves out", law.caveat, law)
    if law.parameters_are != "all":
        whole = with_embeddings(law, sizes.parameters)
        yield _row("parameters of the law", f"{law.parameters_are}; {whole:.4g} with them are trained", law)
    if law.form == "kaplan":
        yield from kaplan_rows(law, sizes)
    if asked.demand.served_tokens:
        yield Assumption(
            name="budget of a served model",
            value="FLOP hold training and serving; hours, kWh, CO2e and USD are those of training alone",
            unit="", basis="assumed", source=law.source,
        )  # fmt: skip
    if any(True for _ in _passed(sizes.training_flop)):
        caveat = scale_data("emergence")["caveat"]
        yield Assumption(
            name="emergence thresholds", value=caveat["text"], unit="", basis=caveat["basis"],
            source=caveat["source"],
        )  # fmt: skip


def _rows_of_run(run: Estimate | None) -> Iterator[Assumption]:
    """What the estimate of the training assumes; its model is the plan's, and no option replaces it."""
    for row in () if run is None else run.assumptions:
        yield replace(row, option="") if row.option == "--model" else row


def _row(name: str, value: str, law: ScalingLaw) -> Assumption:
    return Assumption(name=name, value=value, unit="", basis="datasheet", source=law.source)


def _warnings(law: ScalingLaw, sizes: Sizes) -> Iterator[str]:
    largest = law["largest_parameters"]
    if sizes.parameters > largest:
        yield (
            f"{sizes.parameters:.3g} parameters are more than any model had that {law.id} was fitted on "
            f"({largest:.3g}): the law is extrapolated"
        )
    if law.id != REPEATING_LAW and sizes.parameters < LEAST_PARAMETERS * 10:
        yield f"few models as small as {sizes.parameters:.2g} parameters were among those of {law.id}"
