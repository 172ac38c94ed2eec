"""A grid of scenarios, divided into blocks: one job on many clusters, batches, sites and prices.

The rows of a grid follow the product of its axes; the last axis varies fastest. A job is resolved once on
each machine, and all machines of one kind are a block. Each site and each price is looked up once.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from math import prod
from typing import Any

from footprint.catalog.hardware import GIVEN_BESIDE
from footprint.catalog.prices import interruption_factor
from footprint.decisions.axes import Axes, AxisColumn
from footprint.errors import FootprintError
from footprint.estimator.columns import (
    Columns,
    OnMachine,
    can_be_joined,
    columns_of,
    stacked,
    stacked_prices,
    stacked_sites,
)
from footprint.estimator.facts import Facts, Price, Site
from footprint.estimator.fields import missing_hw
from footprint.estimator.request import EstimateRequest
from footprint.estimator.resolve.defaults import BATCH
from footprint.estimator.resolve.price import PRICED_BY
from footprint.estimator.resolve.shared import Shared
from footprint.estimator.resolve.site import at_desk, require_one_provider
from footprint.estimator.rooms import facts_of
from footprint.records import record
from footprint.results import Quantity

SITE_FIELDS = ("region", "pue", "grid_g_per_kwh")
PRICE_FIELDS = ("provider", "purchase", "usd_per_hour", "electricity_usd_per_kwh", "capital_usd", "owned")
PLACE_FIELDS = (*SITE_FIELDS, *PRICE_FIELDS)
"""Fields that set the CO2e and cost of a job, but not its time or IT energy."""
_COLUMNS = ("hw", "batch_size")
MOST_TOGETHER = 65_536
"""Scenarios of a job, unless one machine alone has more; they bound the memory that a block takes."""


@record
class Block:
    """The scenarios of one job: their rows in the grid, and their numbers or the reason why there are none.

    ``rows`` has the shape of the numbers: clusters, batches, places.
    """

    rows: Any
    columns: Columns | None
    problem: str = ""


Named = tuple[str, int, int]
"""A cluster of the grid: its name, its count and its row."""


@record
class Job:
    """One job on some machines: what differs from the fixed fields, its row, and the clusters by machine."""

    fields: Mapping[str, Any]
    row: int
    machines: Sequence[Sequence[Named]]


@record
class Here:
    """The site, the price and the interruption factor of one place, or of many, and one chip."""

    site: Site
    price: Price | None
    interruptions: Quantity


@record
class Everywhere:
    """The places of a grid for one chip: the numbers of those that are known, and what they are together."""

    places: tuple[int, ...]
    here: Here | None
    problems: Mapping[int, str]
    """Why the others are not known."""


class Grid:
    """The scenarios of a grid: every combination of the values of its axes, on top of fixed fields.

    Raises FootprintError for an unknown field, an impossible value or an empty axis.
    """

    def __init__(self, axes: Axes, fixed: Mapping[str, Any]) -> None:
        self.axes = {name: list(values) for name, values in axes.items()}
        self.fixed = dict(fixed)
        for name, values in self.axes.items():
            if not values:
                raise FootprintError(f"the axis {name} has no values")
        EstimateRequest.from_mapping(self.scenario(0), "grid")
        for name, values in self.axes.items():
            for value in values:
                EstimateRequest.from_mapping({**self.scenario(0), name: value}, "grid")
        if "hw" not in self.axes and fixed.get("hw") is None:
            raise missing_hw()
        lengths = [len(values) for values in self.axes.values()]
        self._strides = {name: prod(lengths[place + 1 :]) for place, name in enumerate(self.axes)}
        self._shared = Shared()
        self._lookups: dict[Any, Everywhere] = {}
        self._clusters: dict[Any, list[list[Named]]] = {}

    def __len__(self) -> int:
        return prod(len(values) for values in self.axes.values())

    def scenario(self, row: int) -> dict[str, Any]:
        """The fields of the scenario in one row."""
        found = dict(self.fixed)
        for name in reversed(self.axes):
            row, place = divmod(row, len(self.axes[name]))
            found[name] = self.axes[name][place]
        return found

    def values(self, rows: Any) -> dict[str, AxisColumn]:
        """The values of each axis in some rows."""
        return {
            name: AxisColumn(values=values, places=rows // self._strides[name] % len(values))
            for name, values in self.axes.items()
        }

    def blocks(self) -> Iterator[Block]:
        """The grid, block by block."""
        for job in self.jobs():
            yield from self.blocks_of(job)

    def jobs(self) -> Iterator[Job]:
        """Each job on machines with at most `MOST_TOGETHER` scenarios, in an order that the axes decide."""
        each = len(self.axes.get("batch_size", [0])) * len(self._places)
        others = [name for name in self.axes if name not in (*PLACE_FIELDS, *_COLUMNS)]
        for job, job_row in self._combinations(others):
            fields = tuple(job.get(name, self.fixed.get(name)) for name in (*GIVEN_BESIDE, "model"))
            together: list[list[Named]] = []
            for machine in self._by_node(fields):
                if together and (sum(map(len, together)) + len(machine)) * each > MOST_TOGETHER:
                    yield Job(fields=job, row=job_row, machines=together)
                    together = []
                together.append(machine)
            yield Job(fields=job, row=job_row, machines=together)

    def blocks_of(self, job: Job) -> Iterator[Block]:
        """The blocks of one job."""
        import numpy as np

        groups: list[list[tuple[OnMachine, tuple[int, ...], Any]]] = []
        for clusters, facts in self._resolved(job):
            rows = self._rows(job, clusters)
            if isinstance(facts, str):
                yield Block(rows=rows, columns=None, problem=facts)
                continue
            found = self._everywhere(self._fields(job, clusters[-1]), facts)
            for number, problem in found.problems.items():
                yield Block(rows=rows[..., [number]], columns=None, problem=problem)
            if found.here is None:
                continue
            here, places = found.here, found.places
            one = OnMachine(
                facts=facts, counts=[count for _, count, _ in clusters], site=here.site, price=here.price,
                interruptions=here.interruptions,
            )  # fmt: skip
            group = next((g for g in groups if g[0][1] == places and can_be_joined(g[0][0], one)), None)
            if group is None:
                groups.append(group := [])
            group.append((one, places, rows))
        for group in groups:
            yield Block(
                rows=np.concatenate([rows[..., list(places)] for _, places, rows in group]),
                columns=columns_of([one for one, _, _ in group], self.axes.get("batch_size"), self._shared),
            )

    def _resolved(self, job: Job) -> Iterator[tuple[Sequence[Named], Facts | str]]:
        """The facts of a job on each machine, or why there are none; on each cluster where these differ."""
        for clusters in job.machines:
            facts = self._facts(job, clusters[-1])
            if len(clusters) > 1 and not isinstance(facts, str) and _depends_on_count(facts):
                yield from (([one], self._facts(job, one)) for one in clusters)
            else:
                yield clusters, facts

    def _fields(self, job: Job, cluster: Named) -> dict[str, Any]:
        fields = {**self.fixed, **job.fields, "hw": cluster[0]}
        if "batch_size" in self.axes:
            fields["batch_size"] = self.axes["batch_size"][-1]
        return fields

    def _facts(self, job: Job, cluster: Named) -> Facts | str:
        # The prices of each place are looked up apart.
        given = self._fields(job, cluster).items()
        fields = {name: value for name, value in given if name not in PRICE_FIELDS}
        try:
            return facts_of(EstimateRequest.from_mapping(fields, "grid"), self._shared, possible=False)
        except FootprintError as error:
            return str(error)

    def _rows(self, job: Job, clusters: Sequence[Named]) -> Any:
        """The row of each scenario of a job on some clusters, at each batch and place."""
        import numpy as np

        batches = np.arange(len(self.axes.get("batch_size", [0]))) * self._strides.get("batch_size", 0)
        places = np.array([row for _, row in self._places])
        return job.row + np.array([row for _, _, row in clusters])[:, None, None] + batches[:, None] + places

    @functools.cached_property
    def _places(self) -> list[tuple[dict[str, Any], int]]:
        return list(self._combinations([name for name in self.axes if name in PLACE_FIELDS]))

    def _combinations(self, names: Sequence[str]) -> Iterator[tuple[dict[str, Any], int]]:
        """Every combination of the values of some axes, with its contribution to the row number."""
        for places in product(*(range(len(self.axes[name])) for name in names)):
            fields = {name: self.axes[name][place] for name, place in zip(names, places, strict=True)}
            row = sum(self._strides[name] * place for name, place in zip(names, places, strict=True))
            yield fields, row

    def _by_node(self, fields: tuple[Any, ...]) -> list[list[Named]]:
        """The clusters of the grid as (name, count, row), grouped by chip and node form."""
        *of_cluster, model = fields
        trained_on = self._shared.chip(model)
        key = (*of_cluster, trained_on)
        if key not in self._clusters:
            groups: dict[tuple[str, str, bool], list[Named]] = {}
            for place, name in enumerate(self.axes.get("hw", [self.fixed.get("hw")])):
                cluster, _ = self._shared.cluster(name, trained_on, *of_cluster)
                row = place * self._strides.get("hw", 0)
                # A single accelerator has an interval of its own.
                kind = (cluster.accelerator.id, cluster.node.id, cluster.count == 1)
                group = groups.setdefault(kind, [])
                group.append((name, cluster.count, row))
            self._clusters[key] = list(groups.values())
        return self._clusters[key]

    def _everywhere(self, fields: Mapping[str, Any], facts: Facts) -> Everywhere:
        """The places of the grid for the chip of some facts, looked up once."""
        chip, desk = facts.cluster.accelerator.id, at_desk(facts.cluster)
        key = (chip, desk, facts.year, *(fields.get(name) for name in (*PLACE_FIELDS, *PRICED_BY)))
        if key not in self._lookups:
            lookups: list[Here] = []
            places: list[int] = []
            problems: dict[int, str] = {}
            for number, (place, _) in enumerate(self._places):
                try:
                    lookups.append(self._here({**fields, **place}, chip, desk))
                    places.append(number)
                except FootprintError as error:
                    problems[number] = str(error)
            here = None
            if lookups:
                here = Here(
                    site=stacked_sites([one.site for one in lookups]),
                    price=stacked_prices([one.price for one in lookups]),
                    interruptions=stacked([one.interruptions for one in lookups]),
                )
            self._lookups[key] = Everywhere(places=tuple(places), here=here, problems=problems)
        return self._lookups[key]

    def _here(self, fields: Mapping[str, Any], chip: str, desk: bool) -> Here:
        """The site, price and interruption factor of a place."""
        request = EstimateRequest.from_mapping(fields, "grid")
        place, _, _ = self._shared.place(request)
        require_one_provider(request, place)
        price, _ = self._shared.price(request, chip, place)
        interruptions, _ = interruption_factor(request.purchase or "on_demand")
        return Here(
            site=self._shared.site(request, place, desk=desk), price=price, interruptions=interruptions
        )


def _depends_on_count(facts: Facts) -> bool:
    """Whether a batch that was not given, or an anchor's factor, depends on the number of accelerators."""
    sizes = () if facts.workload is None else facts.workload.choices
    return facts.request.anchor is not None or any(size.name == BATCH for size in sizes)
