"""A run whose metrics go to a logger: ``with track(write, model="baby-gpt") as run: run.step()``.

The shared base of MLflow, TensorBoard and Weights & Biases. ``write`` is any function of the metrics
(``footprint/energy_kwh``, ...) and the step. It is called after each flush once there is a forecast
(`total_steps` or `total_tokens`), and with the measurement at the end; nothing that it raises reaches the
training.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import footprint.tracking
from footprint.integrations.training import final_metrics, forecast_metrics, harmless
from footprint.tracking import Run

Write = Callable[[Mapping[str, float], int], object]


@contextlib.contextmanager
def track(write: Write, finish: Callable[[Run], object] | None = None, /, **options: Any) -> Iterator[Run]:
    """`footprint.track` with these options; ``finish`` is called with the ended run, on rank 0.

    Raises TypeError or FootprintError for wrong options, before anything starts.
    """
    also: Callable[[Any], object] | None = options.pop("callback", None)

    def tell(forecast: Any) -> None:
        if also is not None:
            also(forecast)
        metrics = forecast_metrics(forecast)
        if metrics:
            write(metrics, int(forecast.steps or 0))

    run = footprint.tracking.track(callback=tell, **options)
    try:
        with run:
            yield run
    finally:
        with harmless():
            _finish(run, write, finish)


def _finish(run: Run, write: Write, finish: Callable[[Run], object] | None) -> None:
    """The last metrics, from the measurement, which only rank 0 has."""
    if run.measurement is None:
        return
    write(final_metrics(run), int(run.measurement.workload.steps or 0))
    if finish is not None:
        finish(run)
