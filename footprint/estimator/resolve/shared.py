"""What the scenarios of one grid share: a model is read, counted and summed once, a chip is priced once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from footprint.catalog.models import find_model
from footprint.errors import FootprintError
from footprint.estimator.facts import Price
from footprint.estimator.request import EstimateRequest
from footprint.estimator.resolve.price import PRICED_BY, price_of
from footprint.estimator.workload import shape_of
from footprint.flops import StepFlops, count_step
from footprint.performance.predict import work_of
from footprint.performance.roofline.work import Work
from footprint.records import replace
from footprint.schema import ModelConfig, Phase, Place, StepShape, TrainingMethod


class Shared:
    """Models by name, and the counts and sums of their steps, each made when it is first asked for."""

    def __init__(self) -> None:
        self._models: dict[str, ModelConfig] = {}
        self._counts: dict[Any, StepFlops] = {}
        self._works: dict[int, Work] = {}
        self._prices: dict[Any, tuple[Price | None, tuple[str, ...]]] = {}

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
        key = (chip, place.key, *[getattr(request, name) for name in PRICED_BY])
        if key not in self._prices:
            self._prices[key] = price_of(request, chip, place)
        return self._prices[key]

    def work(self, step_flop: StepFlops) -> Work | None:
        """The sums that the performance model needs of a step; None where there is no operation list."""
        if step_flop.operations is None:
            return None
        key = id(step_flop)  # which the counts above keep alive
        if key not in self._works:
            self._works[key] = work_of(step_flop.operations, step_flop.training)
        return self._works[key]
