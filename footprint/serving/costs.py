"""From the times of a load to watts, kWh, CO2e and USD: what all serving answers share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import log

from footprint import equations
from footprint.estimator.chain import Consequences, consequences
from footprint.estimator.facts import Facts
from footprint.estimator.unheeded import of_the_cluster, of_the_years, said_of
from footprint.performance.power import PowerPrediction, with_hosts
from footprint.records import replace
from footprint.results import Assumption, Quantity
from footprint.results.decisions.inference import EngineSummary, Per1000
from footprint.serving.engine import UNSET, Engine
from footprint.serving.load import Point, Range, Serving, quantity
from footprint.serving.settle import power_error
from footprint.units import SECONDS_PER_HOUR

BOUNDARY = "facility"
THOUSAND = 1000.0


class Costs:
    """Power, energy and cost of one load at one range of the batch."""

    def __init__(self, serving: Serving, over: Range, facts: Facts) -> None:
        self.serving, self.over, self.facts = serving, over, facts
        self.copies = serving.layout.replicas
        self._points: dict[float, Point] = {}
        point = self.point
        self.requests_per_s = self.of(lambda batch, slower: self.copies / (point(batch).request_s * slower))
        self.board_w = board_power(
            facts,
            self.of(lambda batch, slower: serving.board_over_limit(point(batch), slower)),
            experts=bool(serving.model.experts),
        )
        self.power = it_power(facts, self.board_w)

    def point(self, batch: float) -> Point:
        """The load at a batch of one copy of the model, computed once."""
        if batch not in self._points:
            self._points[batch] = self.serving.point(batch)
        return self._points[batch]

    def of(self, value: Callable[[float, float], float]) -> Quantity:
        """A quantity with its responses to the batch and to the engine's error."""
        return quantity(value, self.over)

    @property
    def boards_w(self) -> Quantity:
        """All boards together [W]."""
        return self.power.accelerators

    def for_requests(self, requests: float) -> tuple[Per1000, Quantity, Consequences, Quantity]:
        """What so many requests cost for each 1,000, their hours, all consequences, and accelerator-hours."""
        return costs_of(self.facts, self.power.it_power_w, self.requests_per_s, requests)


def board_power(facts: Facts, over_limit: Quantity, *, experts: bool) -> Quantity:
    """Mean power of one board, with the error of the model of serving boards where that is used [W]."""
    if facts.power is None:
        return Quantity((facts.request.it_power_w or 0.0) / facts.cluster.count)
    if not facts.power.depends_on_work:
        return Quantity(facts.power.board_w)
    board: Quantity = facts.power.board_w * over_limit * power_error(experts=experts)
    return _within(board, facts.power.board_w)


def _within(power: Quantity, limit: float) -> Quantity:
    """The power held at a limit, the end of all causes together included."""
    capped = power.capped(limit)
    if capped.high <= limit:
        return capped
    shrink = log(limit / capped.mid) / log(capped.high / capped.mid)
    return Quantity(
        capped.mid,
        {
            cause: (low * shrink if low > 0 else low, high * shrink if high > 0 else high)
            for cause, (low, high) in capped.spread.items()
        },
    )


def it_power(facts: Facts, board: Quantity) -> PowerPrediction:
    """Power of boards, hosts and switches [W]; of a given total, all counts as boards."""
    if facts.power is None:
        nothing, whole = Quantity(0.0), board * facts.cluster.count
        return PowerPrediction(
            accelerators=whole, cpu=nothing, ram=nothing, other_node=nothing, network=nothing,
            it_power_w=whole, held=False,
        )  # fmt: skip
    factors = facts.power
    if factors.depends_on_work:
        factors = replace(factors, board_model=Quantity(1.0))
    return with_hosts(board, factors, facts.cluster)


def costs_of(
    facts: Facts, it_power_w: Quantity, requests_per_s: Quantity, requests: float
) -> tuple[Per1000, Quantity, Consequences, Quantity]:
    """The same from the power of a cluster and its requests per second, by the chain of every estimate."""
    duration_h = requests / requests_per_s / SECONDS_PER_HOUR
    accelerator_h = equations.accelerator_h(duration_h, facts.cluster.count)
    means = consequences(
        equations.energy_kwh(it_power_w, duration_h), accelerator_h, facts.site, facts.embodied, facts.price
    )
    found = Per1000(energy_kwh=means.energy_kwh, co2e_kg=means.co2e_kg, cost_usd=means.cost_usd)
    return found, duration_h, means, accelerator_h


def engine_summary(engine: Engine) -> EngineSummary:
    """What the record says of the engine."""
    if engine.id == UNSET:
        return EngineSummary(id=None, name=engine.name, since_year=None)
    return EngineSummary(id=engine.id, name=engine.name, since_year=engine.since_year)


def cluster_name(facts: Facts) -> str:
    """The cluster as people write it."""
    return f"{facts.cluster.accelerator.id}:{facts.cluster.count}"


def common_rows(facts: Facts) -> Iterator[Assumption]:
    """What every serving answer assumes besides its own load."""
    yield Assumption(
        name="time in use", value="all chips work all the time", unit="", basis="assumed",
        source="hours without requests are not counted", option="",
    )  # fmt: skip
    if facts.power is not None:
        yield from facts.power.board_rows
        yield from facts.power.network_rows
    yield from facts.site.pue_rows
    if facts.price is not None:
        yield from facts.price.rows


def warnings_of(facts: Facts) -> Iterator[str]:
    """Warnings of place and price, and of options of the cluster that change nothing."""
    yield from said_of((*of_the_cluster(facts), *of_the_years(facts, embodied=False)))
    yield from facts.site.warnings
    yield from facts.warnings
    yield from facts.site.pue_warnings
    yield from facts.price_warnings
    if facts.price is not None:
        yield from facts.price.warnings
