"""A request becomes facts: each look-up and each default happens here, and nowhere after."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from footprint.catalog.assumptions import Assumed, assumed
from footprint.catalog.prices import interruption_factor
from footprint.catalog.version import DATA_YEAR
from footprint.errors import FootprintError
from footprint.estimator.facts import Alternative, Facts, Site
from footprint.estimator.request import EstimateRequest
from footprint.estimator.resolve.hardware import (
    cluster_of,
    embodied_of,
    require_sane_memory,
    require_sane_power,
)
from footprint.estimator.resolve.method import (
    clear_byte,
    given_layout,
    held_bytes,
    held_once_byte,
    layout_of,
    require_batch,
    require_layout,
    said_recompute,
    settle_optimizer,
    settle_precision,
)
from footprint.estimator.resolve.shared import Shared
from footprint.estimator.resolve.site import at_desk, require_one_provider
from footprint.estimator.resolve.sources import sources_of
from footprint.estimator.resolve.trained import Trained, count_steps, model_of, trained_of
from footprint.estimator.resolve.workload import resolve_workload
from footprint.flops import StepFlops
from footprint.parsing import parse_month
from footprint.performance.goodput import goodput_facts
from footprint.performance.power import PowerFactors, power_factors
from footprint.performance.predict import LAST_YEAR
from footprint.performance.step_facts import StepFacts, step_facts
from footprint.records import replace
from footprint.results import Quantity
from footprint.schema import Cluster, Place

if TYPE_CHECKING:
    from footprint.performance.anchoring import Anchor

_POWER_OPTION = "--accelerator-power-w"


def resolve(
    request: EstimateRequest,
    anchors: Sequence[Anchor] = (),
    *,
    possible: bool = True,
    shared: Shared | None = None,
    alternatives: bool = True,
) -> Facts:
    """Everything that an estimate of this request rests on.

    ``anchors`` are measured steps of the user's own stack. Without ``possible``, whether the cluster's
    count and the batch allow the layout that was given is left open. ``shared`` keeps what other
    requests need as well. Without ``alternatives``, other values of unset sizes are left out, so that the
    medians are the same and the intervals lack these causes.

    Raises
    ------
    FootprintError
        For anything the request gets wrong or leaves out that nobody published; the message
        names the option that mends it.
    """
    shared = shared or Shared()
    cluster, notices, chip_rows = cluster_of(request, shared)
    year = request.year or DATA_YEAR
    released = None if request.stack_date is None else parse_month(request.stack_date)
    software_year = year if released is None else int(released)
    warnings = [*notices, *_said_of_years(request, cluster, year, software_year)]
    model, generic = model_of(request, shared)
    recipe_precision = model.recipe.precision if model is not None and model.recipe is not None else None
    precision, precision_rows = settle_precision(
        request, recipe_precision, cluster.accelerator, software_year
    )
    trained = (
        Trained() if model is None else trained_of(request, model, cluster, precision, software_year, shared)
    )
    first = trained.step_flops[0] if trained.step_flops else None
    if possible:
        require_layout(request, cluster.count, first)
    require_sane_power(request, cluster)
    require_sane_memory(request, cluster)
    optimizer = settle_optimizer(request, model)

    def steps_of(counted: tuple[StepFlops, ...]) -> tuple[StepFacts, ...]:
        found = tuple(
            step_facts(
                step_flop=one, cluster=cluster, precision=precision, year=software_year, released=released,
                recompute=said_recompute(request, model),
                layout=given_layout(request), stack=request.stack, overlap=request.overlap, anchors=anchors,
                optimizer=optimizer,
                work=shared.work(one),
            )
            for one in counted
        )  # fmt: skip
        return found if generic is None else tuple(generic.spread_over(step) for step in found)

    steps = steps_of(trained.step_flops)
    held = held_bytes(request, model, precision, trained.method)
    if possible and trained.workload is not None and first is not None:
        require_batch(request, trained.workload, steps, held_once_byte(held, first))
    place, site = _site(request, cluster, shared)
    goodput = goodput_facts(request.goodput)
    interruptions, spot = interruption_factor(request.purchase or "on_demand")
    power = _power(request, cluster, shared)
    # Where the work is unknown, typical shares stand for what a step would have shown.
    typical = _typical_shares() if power is not None and trained.workload is None else ()
    worn = (request.lifetime_years, request.utilisation)
    embodied = shared.once(("embodied", id(cluster), *worn), lambda: embodied_of(request, cluster))
    price, price_warnings = shared.price(request, cluster.accelerator.id, place)
    facts = Facts(
        request=request,
        cluster=cluster,
        year=year,
        precision=precision,
        model=model,
        workload=trained.workload,
        training=trained.method,
        step_flops=trained.step_flops,
        flop_spread=Quantity(1.0) if generic is None else generic.flop,
        steps=steps,
        held=held if trained.step_flops else None,
        clear_byte=clear_byte(cluster),
        parallelism=layout_of(request, cluster, trained.method.recompute),
        goodput=goodput,
        interruptions=interruptions,
        power=power,
        busy_share=typical[0].quantity if typical else None,
        fed_share=typical[1].quantity if typical else None,
        site=site,
        embodied=embodied,
        price=price,
        rows=(*chip_rows, *(generic.rows if generic is not None else ()), *precision_rows, *trained.rows),
        time_rows=() if spot is None else (spot,),
        share_rows=tuple(number.row(_POWER_OPTION) for number in typical),
        warnings=(*warnings, *trained.warnings),
        price_warnings=price_warnings,
        sources=sources_of(cluster, steps, goodput, spot, power, site, embodied, price),
    )
    return _with_alternatives(facts, steps_of, shared, possible=possible) if alternatives else facts


def _said_of_years(
    request: EstimateRequest, cluster: Cluster, year: int, software_year: int
) -> Iterator[str]:
    """Warnings of a year, or a date of the software, before a release or after what is known."""
    chip, dated = cluster.accelerator, f"`stack_date={request.stack_date}`"
    if year < chip.year:
        yield f"{chip.name} came out in {chip.year}, after {year}"
    elif software_year < chip.year:
        yield f"{chip.name} came out in {chip.year}, after {dated}"
    if request.stack_date is not None and software_year > LAST_YEAR:
        yield f"no steps of {software_year} are known, after {LAST_YEAR}: {dated} changes nothing more"
    if request.stack is not None and request.stack_date is not None:
        from footprint.catalog.stacks import find_stack

        stack = find_stack(request.stack)
        if software_year < stack.since_year:
            yield f"{stack.name} first came out in {stack.since_year}, after {dated}"


def _site(request: EstimateRequest, cluster: Cluster, shared: Shared) -> tuple[Place, Site]:
    """The place of a request, and what stands there."""
    place, rows, warnings = shared.place(request)
    require_one_provider(request, place)
    site = shared.site(request, place, desk=at_desk(cluster))
    return place, replace(site, rows=rows, warnings=warnings)


def _power(request: EstimateRequest, cluster: Cluster, shared: Shared) -> PowerFactors | None:
    """The factors of the power; None where the power of the whole cluster is given."""
    if request.it_power_w is not None:
        return None
    board_w = request.accelerator_power_w
    # Clusters are kept, so that each keeps its id.
    return shared.once(("power", id(cluster), board_w), lambda: power_factors(cluster, board_w))


def _with_alternatives(
    facts: Facts,
    steps_of: Callable[[tuple[StepFlops, ...]], tuple[StepFacts, ...]],
    shared: Shared,
    *,
    possible: bool,
) -> Facts:
    """The facts with the low and the high end of each size that nobody gave."""
    if facts.model is None or facts.workload is None or not facts.workload.choices:
        return facts

    def with_size(name: str, value: float) -> Facts | None:
        other = _other_work(facts, name, value, shared)
        other = replace(other, steps=steps_of(other.step_flops))
        return other if not possible or _can_be_fed(other) else None

    others = (
        Alternative(name=size.name, low=with_size(size.name, size.low), high=with_size(size.name, size.high))
        for size in facts.workload.choices
    )
    return replace(facts, alternatives=tuple(others))


def _other_work(facts: Facts, name: str, value: float, shared: Shared) -> Facts:
    """The facts with the work of another value of a size, without its steps."""
    request, model, workload = facts.request, facts.model, facts.workload
    if model is None or workload is None:
        raise AssertionError("sizes are those of a model's workload")
    kept = {size.name: size.value for size in workload.choices}
    other = resolve_workload(request, model, shared.parameters(model), {**kept, name: value})
    counted = count_steps(request, model, other, facts.training, [], shared)
    return replace(facts, workload=other, step_flops=counted)


def _can_be_fed(facts: Facts) -> bool:
    """Whether some layout takes the batch."""
    if facts.workload is None or facts.held is None:
        raise AssertionError("sizes are those of a model's workload")
    state_byte = held_once_byte(facts.held, facts.step_flops[0])
    try:
        require_batch(facts.request, facts.workload, facts.steps, state_byte)
    except FootprintError:
        return False
    return True


def _typical_shares() -> tuple[Assumed, Assumed]:
    """Busy share of a step, and share of the time that steps fill, of work that is not known."""
    return assumed("time.busy_share"), assumed("power.fed_share_unknown")
