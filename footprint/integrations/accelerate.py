"""Accelerate: ``Accelerator(log_with=[FootprintTracker(region="FRA"), "tensorboard"])``.

The run begins with ``init_trackers`` and ends with ``end_training``. Steps are those of the optimiser
given to ``watch``; the module that it trains, its batch and its operations are found in the first three.
Every ``accelerator.log`` adds the ``footprint/...`` metrics to the values, for the trackers that follow
this one in the list.
"""

from __future__ import annotations

import functools
from typing import Any

from footprint.integrations.training import Loop, compose, lazy, load

_LOSSES = ("loss", "train_loss", "train/loss", "training_loss")


@functools.cache
def _make_class() -> Any:
    """The class ``FootprintTracker``, made when it is first used, because it needs accelerate."""
    base = load("accelerate.tracking", "accelerate").GeneralTracker
    return compose("FootprintTracker", __name__, _Hooks, base)


class _Hooks:
    """A tracker of Accelerate, on every process; takes the options of `footprint.track`."""

    name = "footprint"
    requires_logging_directory = False
    main_process_only = False

    def __init__(self, **options: Any) -> None:
        super().__init__()
        self.loop = Loop(options)

    @property
    def tracker(self) -> Any:
        """The run; None before its start and after its end."""
        return self.loop.run or self.loop.ended

    def start(self) -> None:
        self.loop.start()

    def watch(self, optimizer: Any, *, tokens: float = 0, samples: float = 0) -> None:
        """Count each step of an optimiser, with this process's tokens and samples per step.

        Amounts that are not given are read from the calls of the trained module.

        With ``on_budget="stop"`` the step that ends the run raises ``footprint.tracking.BudgetReachedError``.
        """
        state = load("accelerate.state", "accelerate").PartialState()
        self.loop.watch_module(state.process_index, state.num_processes)

        def count(stepped: Any, *_: Any) -> None:
            if self.loop.step(tokens, samples, [stepped]) and self.loop.stopped is not None:
                raise self.loop.stopped

        getattr(optimizer, "optimizer", optimizer).register_step_post_hook(count)

    def store_init_configuration(self, values: dict[str, Any]) -> None:
        """Do nothing: the journal already holds the settings of the run."""

    def log(self, values: dict[str, Any], step: int | None = None, **kwargs: Any) -> None:
        self.loop.log(next((values[name] for name in _LOSSES if name in values), None))
        values.update(self.loop.live())

    def finish(self) -> None:
        self.loop.end()


__getattr__ = lazy("FootprintTracker", _make_class, __name__)
