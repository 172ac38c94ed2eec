"""The facts of one job on several machines, sites and prices as one, with arrays where they differ."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

from footprint.arithmetic import is_array
from footprint.estimator.facts import Facts, Price, Site
from footprint.estimator.resolve.shared import Shared
from footprint.performance.columns import is_like
from footprint.performance.power import power_factors
from footprint.performance.step_facts import StepFacts
from footprint.records import names_of, record, replace
from footprint.results import Quantity
from footprint.schema import Cluster


@record
class OnMachine:
    """A job on one machine: its facts with one count and batch, all its counts, and the places it runs at.

    ``site``, ``price`` and ``interruptions`` hold one value for each place (see `stacked`), or plain numbers.
    """

    facts: Facts
    counts: Sequence[int]
    site: Site
    price: Price | None
    interruptions: Quantity


def can_be_joined(first: OnMachine, second: OnMachine) -> bool:
    """Whether one request on two machines differs only in what `columns_of` joins."""
    tariffs = [None if on.price is None else on.price.electricity_usd_per_kwh for on in (first, second)]
    if (tariffs[0] is None) != (tariffs[1] is None):
        return False
    one, other = first.facts, second.facts
    if one.alternatives or other.alternatives or len(one.steps) != len(other.steps):
        return False
    powers = one.power, other.power
    return (
        (one.precision, one.training, one.workload) == (other.precision, other.training, other.workload)
        and (one.flop_spread, one.goodput) == (other.flop_spread, other.goodput)
        and (one.busy_share, one.fed_share) == (other.busy_share, other.fed_share)
        and len({None if power is None else power.depends_on_work for power in powers}) == 1
        and all(is_like(mine, its) for mine, its in zip(one.steps, other.steps, strict=True))
        and all(mine is its for mine, its in zip(one.step_flops, other.step_flops, strict=True))
    )


def joined(machines: Sequence[OnMachine], shared: Shared) -> Facts:
    """The facts of several machines as one, with arrays over their clusters where they differ.

    What does not depend on the job is joined once for the same machines and places.
    """
    first = machines[0].facts
    board_w = first.request.accelerator_power_w
    parts = tuple(
        (one.facts.cluster, one.facts.embodied, one.site, one.price, one.interruptions) for one in machines
    )
    counts = tuple(tuple(one.counts) for one in machines)
    key = ("joined", board_w, first.power is None, counts, *(id(part) for own in parts for part in own))
    # The parts are kept, so that each keeps its id.
    _, places = shared.once(key, lambda: (parts, _places(machines)))
    return replace(first, **places, steps=joined_steps(machines, places["cluster"]))


def _places(machines: Sequence[OnMachine]) -> dict[str, Any]:
    """The facts of several machines and their places that do not depend on the job, as one."""
    sizes = [len(one.counts) for one in machines]
    power = None
    if machines[0].facts.power is not None:
        powers = []
        for one in machines:
            own = _joined_cluster([one], [len(one.counts)])
            powers.append(power_factors(own, one.facts.request.accelerator_power_w))
        power = along(powers, sizes)
    return {
        "cluster": _joined_cluster(machines, sizes),
        "power": power,
        "site": along([one.site for one in machines], sizes),
        "price": along([one.price for one in machines], sizes),
        "embodied": along([one.facts.embodied for one in machines], sizes),
        "interruptions": along([one.interruptions for one in machines], sizes),
    }


def _joined_cluster(machines: Sequence[OnMachine], sizes: Sequence[int]) -> Cluster:
    """The clusters of several machines as one."""
    import numpy as np

    count = np.concatenate([np.asarray(one.counts, float) for one in machines])[:, None, None]
    nodes = count / along([one.facts.cluster.node.accelerators for one in machines], sizes)
    return replace(machines[0].facts.cluster, count=count, nodes=nodes)


def joined_steps(machines: Sequence[OnMachine], cluster: Cluster) -> tuple[StepFacts, ...]:
    """The step of each phase on the joined cluster."""
    sizes = [len(one.counts) for one in machines]
    phases = zip(*(one.facts.steps for one in machines), strict=True)
    return tuple(
        replace(
            steps[0],
            cluster=cluster,
            peak_flop_per_s=along([one.peak_flop_per_s for one in steps], sizes),
            highest_mfu=along([one.highest_mfu for one in steps], sizes),
        )
        for steps in phases
    )


def along(parts: Sequence[Any], sizes: Sequence[int]) -> Any:
    """Numbers, quantities or records of machines as one: the first if all are equal, else with arrays.

    ``sizes`` says how many clusters each machine has. An array has one value for each of them, or for each
    place. What a machine lacks is NaN; a cause that it lacks does not move it. Texts are those of the first.
    """
    import numpy as np

    first = next((part for part in parts if part is not None), None)
    if first is None or all(part is first for part in parts):
        return first
    if isinstance(first, Quantity):
        spreads = [{} if part is None else part.spread for part in parts]
        spread = {}
        for cause in dict.fromkeys(cause for own in spreads for cause in own):
            lows, highs = zip(*(own.get(cause, (0.0, 0.0)) for own in spreads), strict=True)
            spread[cause] = (along(lows, sizes), along(highs, sizes))
        return Quantity(along([np.nan if part is None else part.mid for part in parts], sizes), spread)
    if isinstance(first, bool | str | tuple):
        return first
    if hasattr(first, "_record_names"):
        names = names_of(first)
        fields = {
            name: along([None if part is None else getattr(part, name) for part in parts], sizes)
            for name in names
        }
        return replace(first, **fields)
    if not any(map(is_array, parts)):
        if all(part == first for part in parts):
            return first
        each = np.array([np.nan if part is None else part for part in parts])
        return np.repeat(each, sizes)[:, None, None]
    values = [np.asarray(np.nan if part is None else part) for part in parts]
    if all(value.ndim == 1 and np.array_equal(value, values[0]) for value in values):
        return first
    whole = np.empty((sum(sizes), 1, max(value.shape[-1] if value.ndim else 1 for value in values)))
    for value, end, size in zip(values, accumulate(sizes), sizes, strict=True):
        whole[end - size : end] = value
    return whole


# ------------------------------------------------------------------- several sites and prices


def stacked_sites(sites: Sequence[Site]) -> Site:
    """Sites as one, with an array over them in each number; what a site lacks is NaN."""
    return Site(
        pue=stacked([site.pue for site in sites]),
        grid_g_per_kwh=stacked([site.grid_g_per_kwh for site in sites]),
        market_g_per_kwh=stacked([_known(site.market_g_per_kwh) for site in sites]).mid,
        wue_l_per_kwh=stacked([site.wue_l_per_kwh for site in sites]),
    )


def stacked_prices(prices: Sequence[Price | None]) -> Price:
    """Prices as one, with an array over them in each number; a price that nobody offers is NaN."""
    owned = any(price is not None and price.electricity_usd_per_kwh is not None for price in prices)
    # A rent holds the electricity, so its tariff beside those of owned hardware is nothing.
    tariffs = [None if price is None else price.electricity_usd_per_kwh or Quantity(0.0) for price in prices]
    return Price(
        usd_per_accelerator_h=stacked(
            [None if price is None else price.usd_per_accelerator_h for price in prices]
        ),
        electricity_usd_per_kwh=stacked(tariffs) if owned else None,
    )


def _known(value: Any) -> Quantity | None:
    return None if value is None else Quantity(value)


def stacked(quantities: Sequence[Quantity | None]) -> Quantity:
    """Quantities as one of arrays; a cause that one of them lacks does not move it, None is NaN."""
    import numpy as np

    causes = dict.fromkeys(cause for quantity in quantities if quantity for cause in quantity.spread)
    mids = np.array([np.nan if quantity is None else quantity.mid for quantity in quantities])
    spread = {}
    for cause in causes:
        ends = [quantity.spread.get(cause, (0.0, 0.0)) if quantity else (0.0, 0.0) for quantity in quantities]
        spread[cause] = (np.array([low for low, _ in ends]), np.array([high for _, high in ends]))
    return Quantity(mids, spread)
