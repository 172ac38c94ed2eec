"""What the scenarios of one grid share: each model, cluster, place and price is looked up once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from footprint.catalog.hardware import parse_cluster, variants_of
from footprint.catalog.models import find_model
from footprint.errors import FootprintError
from footprint.estimator.facts import Price, Site
from footprint.estimator.request import EstimateRequest
from footprint.estimator.resolve.price import PRICED_BY, price_of
from footprint.estimator.resolve.site import settle_place, site_of
from footprint.estimator.workload import shape_of
from footprint.flops import StepFlops, count_step
from footprint.performance.predict import work_of
from footprint.performance.roofline.work import Work
from footprint.records import replace
from footprint.results import Assumption
from footprint.schema import Cluster, ModelConfig, Phase, Place, StepShape, TrainingMethod

T = TypeVar("T")


class Shared:
    """Models and clusters by name, counts and sums of steps, and more; each is made at its first use."""

    def __init__(self) -> None:
        self._models: dict[str, ModelConfig] = {}
        self._counts: dict[Any, StepFlops] = {}
        self._works: dict[int, Work] = {}
        self._clusters: dict[Any, tuple[Cluster, list[str]]] = {}
        self._variants: dict[str, list[str]] = {}
        self._made: dict[Any, Any] = {}

    def once(self, key: tuple[Any, ...], make: Callable[[], T]) -> T:
        """What ``make`` gives, made once for each key; the first part of a key names what is made."""
        if key not in self._made:
            self._made[key] = make()
        found: T = self._made[key]
        return found

    def cluster(
        self,
        text: str,
        preferred: str | None,
        accelerators_per_node: int | None = None,
        cooling: str | None = None,
        network_byte_per_s: float | None = None,
    ) -> tuple[Cluster, list[str]]:
        """The cluster of a text and the notices to print with it (see `parse_cluster`)."""
        if preferred is not None:
            if text not in self._variants:
                self._variants[text] = variants_of(text)
            if preferred not in self._variants[text]:
                preferred = None
        key = (text, preferred, accelerators_per_node, cooling, network_byte_per_s)
        if key not in self._clusters:
            self._clusters[key] = parse_cluster(
                text, preferred=preferred, accelerators_per_node=accelerators_per_node, cooling=cooling,
                network_byte_per_s=network_byte_per_s,
            )  # fmt: skip
        return self._clusters[key]

    def model(self, name: str) -> ModelConfig:
        """The model of that name or file."""
        if name not in self._models:
            self._models[name] = find_model(name)
        return self._models[name]

    def chip(self, name: str | None) -> str | None:
        """Id of the accelerator on which the model of that name was trained; None where that is not known."""
        try:
            recipe = None if name is None else self.model(name).recipe
        except FootprintError:  # said where the model is read
            return None
        return None if recipe is None else recipe.accelerator

    def count(
        self, model: ModelConfig, shape: StepShape, training: TrainingMethod, objective: str
    ) -> StepFlops:
        """FLOPs of one step."""
        key = (model.id, shape, training, objective)
        if key not in self._counts:
            self._counts[key] = count_step(model.config, shape, training, objective)
        return self._counts[key]

    def parameters(self, model: ModelConfig) -> Callable[[Phase], tuple[float, float]]:
        """A function that gives the parameters of the model, all and active ones, for a phase's shape."""

        def counted(phase: Phase) -> tuple[float, float]:
            shape = shape_of(replace(phase, sequences_per_step=1.0))
            found = self.count(model, shape, TrainingMethod(), "").parameters
            return model.parameters or float(found.total), float(found.active)

        return counted

    def price(
        self, request: EstimateRequest, chip: str, place: Place
    ) -> tuple[Price | None, tuple[str, ...]]:
        """The price of one accelerator-hour at a place (see `price_of`)."""
        key = ("price", chip, place.key, *[getattr(request, name) for name in PRICED_BY])
        return self.once(key, lambda: price_of(request, chip, place))

    def place(self, request: EstimateRequest) -> tuple[Place, tuple[Assumption, ...], tuple[str, ...]]:
        """The place of a request (see `settle_place`)."""
        key = ("place", request.region, request.year, request.grid_g_per_kwh)
        return self.once(key, lambda: settle_place(request))

    def site(self, request: EstimateRequest, place: Place, *, desk: bool) -> Site:
        """The site at the place of a request (see `site_of`)."""
        of_place = (request.region, request.year, request.grid_g_per_kwh)
        key = ("site", *of_place, request.provider, request.pue, desk)
        return self.once(key, lambda: site_of(request, place, desk=desk))

    def work(self, step_flop: StepFlops) -> Work | None:
        """The sums that the performance model needs of a step; None where there is no operation list."""
        if step_flop.operations is None:
            return None
        key = id(step_flop)  # which the counts above keep alive
        if key not in self._works:
            self._works[key] = work_of(step_flop.operations, step_flop.training)
        return self._works[key]
