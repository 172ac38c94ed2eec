"""A grid of scenarios, divided into blocks: one job on many counts, batches, sites and prices.

The rows of a grid follow the product of its axes; the last axis varies fastest. Each block resolves and
predicts its job once. Each site and each price is looked up once.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from math import prod
from typing import Any

from footprint.catalog.hardware import parse_cluster
from footprint.catalog.prices import interruption_factor
from footprint.errors import FootprintError
from footprint.estimator.columns import Columns, columns_of, stacked, stacked_prices, stacked_sites
from footprint.estimator.facts import Facts, Price, Site
from footprint.estimator.request import EstimateRequest
from footprint.estimator.resolve.defaults import BATCH
from footprint.estimator.resolve.shared import Shared
from footprint.estimator.resolve.site import at_desk, require_one_provider, settle_place, site_of
from footprint.estimator.rooms import facts_of
from footprint.estimator.workload import Choice
from footprint.records import record, replace
from footprint.results import Quantity
from footprint.schema import Cluster

SITE_FIELDS = ("region", "pue", "grid_g_per_kwh")
PRICE_FIELDS = ("provider", "purchase", "usd_per_hour", "electricity_usd_per_kwh", "capital_usd", "owned")
PLACE_FIELDS = (*SITE_FIELDS, *PRICE_FIELDS)
"""Fields that set the CO2e and cost of a job, but not its time or IT energy."""
_COLUMNS = ("hw", "batch_size")
_OF_CLUSTER = ("accelerators_per_node", "cooling", "network_byte_per_s")

Axes = Mapping[str, Sequence[Any]]


@record
class Block:
    """The scenarios of one job: their rows in the grid, and their numbers or the reason why there are none.

    ``rows`` has the shape of the numbers: counts, batches, places.
    """

    rows: Any
    columns: Columns | None
    problem: str = ""


@record
class Job:
    """One job on one kind of node: what differs from the fixed fields, its row, its clusters with theirs."""

    fields: Mapping[str, Any]
    row: int
    clusters: Sequence[tuple[str, int, int]]


@record
class Here:
    """The site, the price and the interruption factor of one place and one chip."""

    site: Site
    price: Price | None
    interruptions: Quantity


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
            for value in values:
                EstimateRequest.from_mapping({**self.scenario(0), name: value}, "grid")
        lengths = [len(values) for values in self.axes.values()]
        self._strides = {name: prod(lengths[place + 1 :]) for place, name in enumerate(self.axes)}
        self._shared = Shared()
        self._lookups: dict[Any, Here] = {}
        self._clusters: dict[Any, list[list[tuple[str, int, int]]]] = {}

    def __len__(self) -> int:
        return prod(len(values) for values in self.axes.values())

    def scenario(self, row: int) -> dict[str, Any]:
        """The fields of the scenario in one row."""
        found = dict(self.fixed)
        for name in reversed(self.axes):
            row, place = divmod(row, len(self.axes[name]))
            found[name] = self.axes[name][place]
        return found

    def values(self, rows: Any) -> dict[str, list[Any]]:
        """The values of each axis in some rows."""
        found = {}
        for name, values in self.axes.items():
            places = rows // self._strides[name] % len(values)
            found[name] = [values[place] for place in places]
        return found

    def blocks(self) -> Iterator[Block]:
        """The grid, block by block."""
        for job in self.jobs():
            yield from self.blocks_of(job)

    def jobs(self) -> Iterator[Job]:
        """Each job on each kind of node, in an order that the axes decide."""
        others = [name for name in self.axes if name not in (*PLACE_FIELDS, *_COLUMNS)]
        for job, job_row in self._combinations(others):
            fields = tuple(job.get(name, self.fixed.get(name)) for name in (*_OF_CLUSTER, "model"))
            for counts in self._by_node(fields):
                yield Job(fields=job, row=job_row, clusters=counts)

    def blocks_of(self, job: Job) -> Iterator[Block]:
        """The blocks of one job."""
        return self._blocks_of(job.fields, job.row, job.clusters, self._places)

    @functools.cached_property
    def _places(self) -> list[tuple[dict[str, Any], int]]:
        return list(self._combinations([name for name in self.axes if name in PLACE_FIELDS]))

    def _combinations(self, names: Sequence[str]) -> Iterator[tuple[dict[str, Any], int]]:
        """Every combination of the values of some axes, with its contribution to the row number."""
        for places in product(*(range(len(self.axes[name])) for name in names)):
            fields = {name: self.axes[name][place] for name, place in zip(names, places, strict=True)}
            row = sum(self._strides[name] * place for name, place in zip(names, places, strict=True))
            yield fields, row

    def _by_node(self, fields: tuple[Any, ...]) -> list[list[tuple[str, int, int]]]:
        """The clusters of the grid as (name, count, row), grouped by chip and node form."""
        *of_cluster, model = fields
        trained_on = self._shared.chip(model)
        key = (*of_cluster, trained_on)
        if key not in self._clusters:
            groups: dict[tuple[str, str], list[tuple[str, int, int]]] = {}
            for place, name in enumerate(self.axes.get("hw", [self.fixed.get("hw")])):
                given = dict(zip(_OF_CLUSTER, of_cluster, strict=True))
                cluster, _ = parse_cluster(name, **given, preferred=trained_on)
                row = place * self._strides.get("hw", 0)
                group = groups.setdefault((cluster.accelerator.id, cluster.node.id), [])
                group.append((name, cluster.count, row))
            self._clusters[key] = list(groups.values())
        return self._clusters[key]

    def _blocks_of(
        self,
        job: Mapping[str, Any],
        job_row: int,
        clusters: Sequence[tuple[str, int, int]],
        places: Sequence[tuple[dict[str, Any], int]],
    ) -> Iterator[Block]:
        import numpy as np

        batches = self.axes.get("batch_size")
        batch_rows = np.arange(len(batches or [0])) * self._strides.get("batch_size", 0)
        rows = job_row + (
            np.array([row for _, _, row in clusters])[:, None, None]
            + batch_rows[None, :, None]
            + np.array([row for _, row in places])[None, None, :]
        )
        fields = {**self.fixed, **job, "hw": clusters[-1][0]}
        if batches is not None:
            fields["batch_size"] = batches[-1]
        # The prices of each place are looked up below.
        job_fields = {name: value for name, value in fields.items() if name not in PRICE_FIELDS}
        try:
            facts = facts_of(EstimateRequest.from_mapping(job_fields, "grid"), self._shared, possible=False)
        except FootprintError as error:
            yield Block(rows=rows, columns=None, problem=str(error))
            return
        if len(clusters) > 1 and (facts.request.anchor or any(s.name == BATCH for s in _sizes(facts))):
            # A batch size that is not given depends on the count, and so does what an anchor says.
            for cluster in clusters:
                yield from self._blocks_of(job, job_row, [cluster], places)
            return
        lookups: list[Here] = []
        known_places: list[int] = []
        for number, (place, _) in enumerate(places):
            try:
                lookups.append(self._here(fields, place, facts.cluster, facts.year))
                known_places.append(number)
            except FootprintError as error:
                yield Block(rows=rows[..., [number]], columns=None, problem=str(error))
        if lookups:
            facts = replace(facts, interruptions=stacked([one.interruptions for one in lookups]))
            columns = columns_of(
                facts, [count for _, count, _ in clusters], batches,
                stacked_sites([one.site for one in lookups]), stacked_prices([one.price for one in lookups]),
            )  # fmt: skip
            yield Block(rows=rows[..., known_places], columns=columns)

    def _here(self, fields: Mapping[str, Any], place: Mapping[str, Any], cluster: Cluster, year: int) -> Here:
        """The site, price and interruption factor of a place for a cluster, looked up once."""
        chip, desk = cluster.accelerator.id, at_desk(cluster)
        known = {name: value for name, value in fields.items() if name in PLACE_FIELDS} | dict(place)
        key = (chip, desk, year, *known.items())
        if key not in self._lookups:
            request = EstimateRequest.from_mapping({**fields, **place}, "grid")
            settled_place, _, _ = settle_place(request)
            require_one_provider(request, settled_place)
            price, _ = self._shared.price(request, chip, settled_place)
            interruptions, _ = interruption_factor(request.purchase or "on_demand")
            self._lookups[key] = Here(
                site=site_of(request, settled_place, desk=desk), price=price, interruptions=interruptions
            )
        return self._lookups[key]


def _sizes(facts: Facts) -> tuple[Choice, ...]:
    """Sizes of the work that nobody gave."""
    return () if facts.workload is None else facts.workload.choices
