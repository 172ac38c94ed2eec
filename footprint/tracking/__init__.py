"""Live measurement: ``with footprint.track(...)`` around a training loop."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from footprint.errors import FootprintError
from footprint.meters import Meter
from footprint.tracking.chain.estimator_calls import with_module
from footprint.tracking.process.ending import BudgetReachedError
from footprint.tracking.run.run import Run
from footprint.tracking.settings.arguments import Settings, make_settings
from footprint.tracking.settings.wording import in_python

if TYPE_CHECKING:
    import torch

__all__ = ["BudgetReachedError", "Run", "make_run_settings", "track"]


def track(
    *,
    model: str | os.PathLike[str] | torch.nn.Module | None = None,
    inputs: Any = None,
    hw: str | None = None,
    region: str | None = None,
    total_steps: float | None = None,
    total_tokens: float | str | None = None,
    csv: str | Path | None = None,
    columns: str | None = None,
    budget: str | None = None,
    budget_over: str | Path | None = None,
    on_budget: str | Callable[[Any], None] = "warn",
    on_stop: Callable[[], None] | None = None,
    callback: Callable[[Any], None] | None = None,
    progress: bool | None = None,
    meter: str | Meter | None = "codecarbon",
    journal_dir: str | Path | None = None,
    flush_s: float | None = None,
    run_id: str | None = None,
    name: str | None = None,
    initial_step: int = 0,
    absent_hardware: str = "exclude",
    quiet: bool = False,
    **scenario: Any,
) -> Run:
    """A run to enter with ``with`` (or to decorate a function with): measured while it trains.

    Everything is optional. ``model``, ``hw`` and ``region`` are those of ``footprint estimate``
    (a name, a ``config.json``; ``v100:8``; ``FRA``), where ``model`` may be a PyTorch module with its
    batch in ``inputs`` (docs/any-module.md), and so is every further keyword
    (``batch_size``, ``precision``, ``provider``, ``pue``, ...). ``csv`` takes a row for the
    estimate and one for the measurement, with ``columns`` ``"full"`` or ``"short"``. ``meter`` is
    ``"codecarbon"``, ``"constant:250W"`` (IT power of the node), ``"none"`` or an object of
    `footprint.meters.Meter`. Journals go to ``journal_dir``, else ``FOOTPRINT_DIR``, else
    ``./footprint-runs``, with a line each ``flush_s`` (5 s). ``run_id`` continues an earlier run as a new
    segment, ``initial_step`` says at which of its steps. Accelerators of ``hw`` that are not on this
    machine are in no measured total, unless
    ``absent_hardware`` is ``"model"``.

    Nothing that fails in here stops or slows the training; only wrong arguments raise, before
    it starts.

    Raises:
        TypeError: a keyword that does not exist.
        FootprintError: a value that cannot be meant (a budget, a meter, a negative number).
    """
    given = {key: value for key, value in locals().items() if key not in ("scenario", "inputs")}
    try:
        if inputs is not None or not isinstance(model, str | os.PathLike | None):
            given["model"], scenario = with_module(model, inputs, scenario)
        return Run(make_settings(given, scenario))
    except FootprintError as error:
        error.args = (in_python(str(error)),)  # its class, with the nearest names, stays
        raise


def make_run_settings(**options: Any) -> Settings:
    """The settings of ``footprint run``: options of `track`, defaults where none was given."""
    from inspect import signature

    defaults = {
        name: parameter.default
        for name, parameter in signature(track).parameters.items()
        if parameter.kind is parameter.KEYWORD_ONLY and name != "inputs"
    }
    own = {name: options.pop(name) for name in list(options) if name in defaults}
    return make_settings({**defaults, **own}, options)
